"""Runs of fleets: jumps change nothing, nothing is lost, and nobody acts before its cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine, Batch, Line, Provenance
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst, Sarathi
from scheduling.simulator.requests.policy import Composition
from scheduling.simulator.requests.run import NEVER
from tests.properties import examples
from tests.serving_runs import AFFINE, COMPOSITIONS, deployments, same, table, tables

PLAIN = ("least-requests", "least-tokens", "round-robin", "random", "freeness", "queue-report")


@given(deployments(), tables(), st.sampled_from([*PLAIN, "llumnix"]))
@examples(200)
def test_jumps_change_nothing(fleet: Deployment, requests: RequestTable, router: str) -> None:
    jumping = simulate_fleet(fleet, requests, router=router, seed=3)
    stepping = simulate_fleet(fleet, requests, router=router, seed=3, jumps=False)
    assert same(jumping, stepping)
    for one, other in zip(jumping.instances, stepping.instances, strict=True):
        for name in ("iterations", "busy_ns", "restarts", "new_tokens", "decoded_tokens"):
            assert getattr(one.tally, name) == getattr(other.tally, name)
        assert one.tally.peak_blocks == other.tally.peak_blocks
        assert one.tally.passes == other.tally.passes


def test_equal_chunks_are_one_event() -> None:
    cost = Affine(base=0.01, per_token=1e-5, per_kv=1e-7)
    group = Group("one", cost, kv_tokens=4096, composition=Sarathi(64))
    # The second request comes amid the chunks of the first, the third amid those of the second.
    requests = table([0, 10**8, 3 * 10**8], [1000, 900, 200], [40, 3, 9])
    jumping = simulate_fleet(Deployment((group,)), requests)
    assert same(jumping, simulate_fleet(Deployment((group,)), requests, jumps=False))
    tally = jumping.instances[0].tally
    assert tally.iterations > 50
    assert tally.jumps <= 12


@dataclass(frozen=True)
class Asked:
    """An affine cost model that is asked for every batch with prompts."""

    affine: Affine

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration."""
        return self.affine.seconds(batch)

    def provenance(self, batch: Batch) -> Provenance:
        """Tell that it is a formula."""
        return self.affine.provenance(batch)

    def line(self, batch: Batch) -> Line | None:
        """Return the time as a line over the decode context."""
        return self.affine.line(batch)


@given(AFFINE, COMPOSITIONS, st.lists(st.tuples(st.integers(1, 400), st.integers(1, 40))))
@examples(60)
def test_a_form_takes_the_seconds_of_its_cost_model(
    cost: Affine, composition: Composition, sizes: list[tuple[int, int]]
) -> None:
    # All come at once, so that no fraction of a nanosecond changes who runs with whom.
    prompts, outputs = [one for one, _ in sizes], [one for _, one in sizes]
    requests = table([0] * len(sizes), prompts, outputs)
    known, asked = (
        simulate_fleet(
            Deployment((Group("one", model, kv_tokens=1500, composition=composition),)), requests
        )
        for model in (cost, Asked(cost))
    )
    assert known.iterations == asked.iterations
    for name in ("first_token_ns", "ended_ns"):
        assert np.abs(getattr(known, name) - getattr(asked, name)).max(initial=0) <= 2


@given(deployments(), tables())
@examples(100)
def test_every_request_is_served_or_rejected(fleet: Deployment, requests: RequestTable) -> None:
    run = simulate_fleet(fleet, requests)
    served = run.served
    assert served.sum() + run.rejected == len(requests)
    for times in (run.started_ns, run.first_token_ns):
        assert np.array_equal(times != NEVER, served)
    assert np.all(run.started_ns[served] >= requests.arrival_ns[served])
    assert np.all(run.first_token_ns[served] >= run.started_ns[served])
    assert np.all(run.ended_ns[served] >= run.first_token_ns[served])
    alone = served & (requests.output_tokens == 1)
    assert np.array_equal(run.ended_ns[alone], run.first_token_ns[alone])
    biggest = max(group.kv_tokens for group in fleet.groups)
    assert np.all(requests.prompt_tokens[served] <= biggest)


@given(deployments(), tables())
@examples(100)
def test_tokens_are_made_once_and_prompts_computed_once_a_start(
    fleet: Deployment, requests: RequestTable
) -> None:
    run = simulate_fleet(fleet, requests)
    served = run.served
    decoded = sum(instance.tally.decoded_tokens for instance in run.instances)
    restarts = sum(instance.tally.restarts for instance in run.instances)
    assert run.restarts.sum() == restarts
    # The end of a prefill makes one token; each restart makes another one that way.
    answers = int(requests.output_tokens[served].sum())
    assert answers - served.sum() - restarts <= decoded <= answers - served.sum()
    if not restarts:
        computed = sum(instance.tally.new_tokens for instance in run.instances)
        fresh = (requests.prompt_tokens - requests.cached_tokens)[served]
        assert computed == fresh.sum()


def test_a_prompt_ends_with_the_first_token_and_the_last_token_is_not_stored() -> None:
    cost = Affine(base=1e-3, per_token=0.0)
    requests = table([0, 0], [10, 11], [7, 7])
    fleet = Deployment((Group("all", cost, kv_tokens=16, block_size=1, composition=Orca()),))
    run = simulate_fleet(fleet, requests)
    # 10 + 7 - 1 tokens fit into 16 blocks, 11 + 7 - 1 do not.
    assert run.rejected == 1
    assert run.first_token_ns.tolist() == [10**6, NEVER]
    assert run.ended_ns.tolist() == [7 * 10**6, NEVER]


def test_kv_moves_when_there_is_room_and_decoding_begins_behind_it() -> None:
    cost = Affine(base=1e-3, per_token=0.0)
    link = Link(bytes_per_token=1000.0, bytes_per_second=1e6, latency_seconds=0.002)
    fleet = Deployment(
        (
            Group("p", cost, kv_tokens=100, role="prefill", composition=PrefillFirst()),
            Group("d", cost, kv_tokens=32, role="decode", block_size=1, max_sequences=1),
        ),
        (Flow("all", "p", "d", link=link),),
    )
    run = simulate_fleet(fleet, table([0, 0], [10, 10], [3, 2]))
    assert run.first_token_ns.tolist() == [10**6, 10**6]
    # 2 ms and 10 tokens of 1 ms, then two tokens; the second is fetched when the first is done.
    assert run.ended_ns.tolist() == [15 * 10**6, 28 * 10**6]
    assert run.decode_instance.tolist() == [1, 1]


def test_flows_share_by_weight() -> None:
    cost = Affine(base=1e-3, per_token=0.0)
    groups = tuple(Group(name, cost, kv_tokens=100) for name in ("one", "two"))
    fleet = Deployment(groups, (Flow("all", "one", weight=3.0), Flow("all", "two", weight=1.0)))
    run = simulate_fleet(fleet, table([0] * 40, [1] * 40, [1] * 40))
    assert np.bincount(run.instance).tolist() == [30, 10]


@pytest.mark.parametrize("router", [*PLAIN, "llumnix", "autoscaled:2"])
def test_the_same_seed_gives_the_same_run(router: str) -> None:
    cost = Affine(base=1e-3, per_token=1e-5, per_kv=1e-8)
    fleet = Deployment((Group("all", cost, kv_tokens=500, replicas=3),))
    generator = np.random.default_rng(5)
    arrivals = np.cumsum(generator.integers(0, 10**7, 60)).tolist()
    requests = table(arrivals, generator.integers(1, 90, 60), generator.integers(1, 90, 60))
    runs = [simulate_fleet(fleet, requests, router=router, seed=seed) for seed in (1, 1)]
    assert same(*runs)


def test_progress_is_told_as_requests_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduling.simulator.requests.engine._REPORT_EVERY", 2)
    told: list[tuple[int, int, int]] = []
    fleet = Deployment((Group("all", Affine(base=1e-3, per_token=0.0), kv_tokens=100),))
    requests = table([0, 5 * 10**6, 5 * 10**6, 9 * 10**6, 10**7], [1, 1, 500, 1, 1], 1)
    simulate_fleet(
        fleet, requests, on_progress=lambda now, come, left: told.append((now, come, left))
    )
    # The first has ended by then, and the third is too large for the memory.
    assert told == [(5 * 10**6, 2, 1), (9 * 10**6, 4, 3)]


def test_policies_see_no_length_of_an_answer() -> None:
    assert not [name for name in Live.__slots__ if "output" in name or "total" in name]
