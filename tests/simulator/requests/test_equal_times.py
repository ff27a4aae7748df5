"""What happens at one nanosecond, or in the midst of a jump, does so as in single steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.growth import Growth
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.adapters import AdapterMemory
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.movable import MovableInstance
from scheduling.simulator.requests.policies.admission import Watermark
from scheduling.simulator.requests.policies.composition import Orca, Sarathi
from scheduling.simulator.requests.policies.dllm import DllmServe
from scheduling.simulator.requests.policies.dualmap import DualMap, LeastTtft
from scheduling.simulator.requests.policies.llumnix import Freeness, Llumnix
from scheduling.simulator.requests.policies.ordering import ShortestPrompt, SlackDeadline
from scheduling.simulator.requests.policies.punctual import Punctual
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policies.routing import RoundRobin
from scheduling.simulator.requests.policy import Composition, Provenance, Sending
from scheduling.simulator.requests.run import FleetRun
from tests.properties import examples
from tests.serving_runs import deployments, same, table, tables

MS = 1_000_000
EVEN = Affine(base=1e-3, per_token=0.0)
"""Every iteration takes a millisecond."""


def both(group: Group, requests: RequestTable, **options: Any) -> FleetRun:
    """Return the run in jumps, which equals that in steps; a router is made for each."""
    make = options.pop("router", RoundRobin)
    jumping, stepping = (
        simulate_fleet(Deployment((group,)), requests, router=make(), jumps=jumps, **options)
        for jumps in (True, False)
    )
    assert same(jumping, stepping)
    return jumping


@given(deployments(), tables(), st.sampled_from([None, 1e-3, 2e-3, 5e-3]))
@examples(100)
def test_jumps_change_nothing_where_all_happens_at_whole_milliseconds(
    fleet: Deployment, requests: RequestTable, looks: float | None
) -> None:
    link = Link(1.0, 1e3)
    even = replace(
        fleet,
        groups=tuple(replace(group, cost=EVEN, link=link) for group in fleet.groups),
        flows=tuple(replace(flow, link=flow.link and link) for flow in fleet.flows),
    )
    whole = replace(requests, arrival_ns=requests.arrival_ns // MS * MS)
    jumping, stepping = (
        simulate_fleet(
            even,
            whole,
            router="least-tokens" if looks is None else Llumnix(looks, 3.0, 3.0),
            jumps=jumps,
        )
        for jumps in (True, False)
    )
    assert same(jumping, stepping)


@dataclass
class Looking(RoundRobin):
    """Moves nobody, and notes when it looks."""

    interval_ns: int = MS
    name = "looking"
    provenance: Provenance = "inferred"
    seen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def moves(
        self, instances: Sequence[MovableInstance], now: int
    ) -> list[tuple[Live, MovableInstance, MovableInstance]]:
        """Note the time."""
        del instances
        self.seen.append(now)
        return []


@pytest.mark.parametrize("jumps", [True, False])
def test_clocks_go_on_where_iterations_end_as_they_strike(jumps: bool) -> None:
    router = Looking()
    group = Group("all", EVEN, kv_tokens=400, link=Link(1.0, 1e6))
    run = simulate_fleet(Deployment((group,)), table([0], [10], [30]), router=router, jumps=jumps)
    assert run.ended_ns.tolist() == [30 * MS]
    assert router.seen[:30] == [(step + 1) * MS for step in range(30)]


@pytest.mark.parametrize("composition", [Punctual((None,)), Sarathi()])
def test_who_may_pass_the_queue_is_seen_when_it_comes(composition: Composition) -> None:
    # The first leaves no room for the second; the third, which fits, comes behind it.
    requests = table([0, 5 * MS, 10 * MS + 1], [10, 90, 5], [60, 2, 5])
    group = Group("all", EVEN, 100, block_size=1, composition=composition, admission=Watermark(0.0))
    passes = isinstance(composition, Punctual)
    assert both(group, requests).started_ns[2] == (11 * MS if passes else 60 * MS)


@dataclass
class Taking(RoundRobin):
    """Sends all to the first instance; once, the head of its queue goes on to the second."""

    period_ns: int = 10 * MS + 1
    name = "taking"
    provenance: Provenance = "inferred"
    fleet: Sequence[Any] = ()

    def __post_init__(self) -> None:
        super().__init__()

    def begin(self, programs: Any, fleet: Sequence[Any]) -> None:
        """Look at the instances."""
        del programs
        self.fleet = fleet

    def admits(self, request: Live, now: int) -> bool:
        """Hold nothing back."""
        del request, now
        return True

    def choose(self, candidates: Sequence[Any], request: Live, now: int) -> Any:
        """Return the first."""
        del request, now
        return candidates[0]

    def tick(self, now: int) -> list[Sending]:
        """Take the head of the queue."""
        del now
        first, second = self.fleet
        head = first.front
        if head is None or head.begun or len(first.waiting) < 2:
            return []
        first.withdraw(head)
        return [Sending(head, second)]


def test_who_stood_behind_one_that_is_taken_out_of_the_queue_begins() -> None:
    requests = table([0, 5 * MS, 6 * MS], [10, 90, 5], [60, 2, 5])
    group = Group("all", EVEN, 100, block_size=1, replicas=2, admission=Watermark(0.0))
    run = both(group, requests, router=Taking)
    assert run.instance.tolist() == [0, 1, 0]
    assert run.started_ns.tolist() == [0, 10 * MS + 1, 11 * MS]


@pytest.mark.parametrize(("comes", "fetched"), [(15, 44), (46, 50)])
def test_kv_is_fetched_while_a_prompt_is_computed_again_in_chunks(comes: int, fetched: int) -> None:
    # The second gives way to the first, and is computed again token by token when that has ended;
    # the third stands behind it in the queue, or comes then.
    requests = table([0, 0, comes * MS], [10, 10, 2], [30, 30, 2])
    fleet = Deployment(
        (
            Group("p", EVEN, 100, role="prefill", composition=Orca()),
            Group("d", EVEN, 41, "decode", 1, 2, 1, Sarathi(1), Watermark(0.0)),
        ),
        (Flow("all", "p", "d", link=Link(1.0, 1e3)),),
    )
    jumping, stepping = (simulate_fleet(fleet, requests, jumps=jumps) for jumps in (True, False))
    assert same(jumping, stepping)
    assert jumping.restarts.tolist() == [0, 1, 0]
    assert jumping.ended_ns[2] == fetched * MS < jumping.ended_ns[1]


def test_routers_see_the_head_of_a_queue_whose_order_changes_in_a_jump() -> None:
    # Third and fourth wait at the first, both late by 24 ms: the later one, which needs more,
    # has become the head.
    requests = table([0, 2 * MS, 2 * MS, 12 * MS, 24 * MS], [20, 40, 10, 20, 40], [40, 40, 1, 5, 1])
    order = SlackDeadline((0.005,), EVEN)
    group = Group("all", EVEN, 100, replicas=2, max_sequences=1, block_size=1, order=order)
    assert both(group, requests, router=Freeness).instance.tolist() == [0, 1, 0, 0, 1]


def test_prompts_move_that_stand_behind_others_by_the_order_of_the_queue() -> None:
    prompts = [10, 40, 20, 10]
    requests = table([MS, 99 * MS, 101 * MS, 101 * MS], prompts, [120, 30, 6, 12])
    paths = Paths.of([[(row % 2, tokens)] for row, tokens in enumerate(prompts)])
    group = Group(
        "all",
        Affine(base=1e-3, per_token=1e-3),
        kv_tokens=400,
        replicas=2,
        max_sequences=1,
        block_size=1,
        order=ShortestPrompt(),
    )
    run = both(group, requests, router=partial(DualMap, paths, 0.02))
    assert run.instance.tolist() == [1, 0, 1, 1]


def test_a_prompt_that_has_grown_stands_where_its_length_says() -> None:
    # The third is the shorter one for a millisecond, while nobody may begin.
    requests = table([0, 2 * MS, 12 * MS], [10, 5, 5], [20, 20, 1])
    columns = (np.array([value]) for value in (2, 13 * MS, 5, 0))
    growth = Growth(np.array([10, 5, 2]), *columns)
    group = Group("all", EVEN, 100, max_sequences=1, order=ShortestPrompt())
    assert both(group, requests, growth=growth).started_ns.tolist() == [0, 20 * MS, 40 * MS]


def test_nothing_is_computed_before_copies_let_iterations_begin() -> None:
    # The first prompt's iterations begin at 4 ms; at 1 ms its instance has as much to do as the
    # other one with the second prompt.
    requests = table([0, MS, MS], [40, 40, 40], [5, 5, 5])
    group = Group(
        "all",
        EVEN,
        100,
        replicas=2,
        composition=Sarathi(2),
        adapters=AdapterMemory((0,), slots=1, load_seconds=0.004),
    )
    paths = Paths.of([[(row, 40)] for row in range(3)])
    run = both(group, requests, router=partial(LeastTtft, paths))
    assert run.instance.tolist() == [0, 1, 0]


def test_kept_prefixes_that_nobody_uses_are_free() -> None:
    requests = table([0, 10**9, 10**9 + 20 * MS], [60, 60, 10], [5, 30, 5])
    paths = Paths.of([[(0, 60)], [(1, 60)], [(2, 10)]])
    group = Group("all", EVEN, 100, block_size=4, replicas=2, retention=LeastRecent())
    run = both(group, requests, router=Llumnix, paths=paths)
    assert run.instance.tolist() == [0, 0, 1]


def test_answers_that_come_whole_take_their_steps_behind_kept_prefixes_too() -> None:
    requests = table([0, 10**9], [20, 20], [12, 12])
    group = Group("all", EVEN, 200, composition=DllmServe(), retention=LeastRecent())
    run = both(group, requests, paths=Paths.of([[(0, 20)]] * 2))
    assert run.hit_tokens.tolist() == [0, 16]
    assert np.diff([run.started_ns, run.ended_ns], axis=0).tolist() == [[12 * MS, 12 * MS]]
