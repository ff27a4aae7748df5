"""What instances count along the way is what is there, and newcomers cut no jump for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.movable import MovableInstance
from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.policies.routing import RoundRobin
from tests.properties import examples
from tests.serving_runs import deployments, groups, table, tables


def recount(instance: Instance) -> int:
    """Count the requests that are queued, running or on their way to an instance."""
    running = len(instance.decoding) + len(instance.prefilling)
    return len(instance.waiting) + running + instance.moving


class Recounting(RoundRobin):
    """Counts what the instances hold whenever it chooses."""

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        for one in candidates:
            assert one.outstanding == recount(one)
            assert one.slots == one.group.max_sequences - recount(one) + len(one.waiting)
        return super().choose(candidates, request, now)


class Moving(Recounting):
    """Moves every request that decodes to the next instance, at every look."""

    interval_ns = 20_000_000

    def moves(
        self, instances: Sequence[MovableInstance], now: int
    ) -> list[tuple[Live, MovableInstance, MovableInstance]]:
        del now
        assert [one.outstanding for one in instances] == [recount(one) for one in instances]
        following = [*instances[1:], instances[0]]
        return [
            (request, one, other)
            for one, other in zip(instances, following, strict=True)
            if one is not other
            for request in one.decoding.values()
        ]


@given(fleet=deployments(), requests=tables())
@examples(60)
def test_instances_know_how_many_requests_they_hold(
    fleet: Deployment, requests: RequestTable
) -> None:
    simulate_fleet(fleet, requests, router=Recounting())


@given(group=groups(), requests=tables(), seconds=st.floats(0, 0.02))
@examples(60)
def test_they_know_it_too_where_running_requests_move(
    group: Group, requests: RequestTable, seconds: float
) -> None:
    fleet = Deployment((replace(group, link=Link(1.0, 1e6, seconds)),))
    run = simulate_fleet(fleet, requests, router=Moving())
    assert (run.ended_ns[run.served] > 0).all()


def test_a_jump_over_chunks_goes_on_whoever_comes() -> None:
    # Ten chunks of the first prompt, of which nine are one event; then its last, then the other's.
    group = Group("one", Affine(0.01, 0.0), 5000, composition=Sarathi(100))
    requests = table([0, 45_000_000], [1000, 100], [1, 1])
    (found,) = simulate_fleet(Deployment((group,)), requests).instances
    assert (found.tally.iterations, found.tally.jumps) == (11, 3)
