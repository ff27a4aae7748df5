"""Programs and kept prefixes: causes before effects, no block lost, jumps equal to steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.programs import ProgramTable
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.engine import Engine
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.keeping import KeepingInstance
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policies.admission import Watermark
from scheduling.simulator.requests.policies.composition import Orca, Sarathi
from scheduling.simulator.requests.policies.continuum import Continuum
from scheduling.simulator.requests.policies.hexgen import Scores, Stages
from scheduling.simulator.requests.policies.kvflow import StepsToExecution
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policies.routing import RoundRobin
from scheduling.simulator.requests.policies.saga import Homes, WorkflowAware
from scheduling.simulator.requests.policies.thunderagent import ThunderAgent
from scheduling.simulator.requests.policy import Retention, Router
from scheduling.simulator.requests.run import NEVER, FleetRun
from tests.agent_runs import program_tables
from tests.properties import examples
from tests.serving_runs import groups, table

COST = Affine(base=1e-3, per_token=1e-2)
RETENTIONS: list[Retention] = [
    LeastRecent(),
    Continuum(COST),
    Continuum(COST, 0.02),
    WorkflowAware(),
    StepsToExecution(),
    WorkflowAware(1.0),
]


@dataclass
class Auditing(RoundRobin):
    """A router that counts the blocks of all instances whenever a request comes."""

    seen: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def choose(self, candidates: Any, request: Live, now: int) -> Instance:
        """Count blocks: free, kept and held ones are all there are."""
        for instance in candidates:
            audit(instance)
            self.seen += 1
        return super().choose(candidates, request, now)


def audit(instance: Instance) -> None:
    """Check that the blocks of an instance sum to its capacity and no block is used twice."""
    assert isinstance(instance, KeepingInstance)
    cache = instance.cache
    held = 0
    for request in instance.decoding.values():
        blocks = request.blocks
        if instance.admission.grows:
            # The tokens of a jump are only counted at its end.
            counted = instance.busy and instance.running.decodes
            stored = request.base + instance.steps - (0 if counted else 1)
            blocks = max(blocks, instance.memory.blocks(stored))
        held += blocks - cache.shared(request)
    held += sum(request.blocks - cache.shared(request) for request in instance.prefilling)
    assert instance.memory.free >= 0
    assert cache.blocks == sum(entry.blocks for entry in cache.entries.values())
    assert cache.pinned == sum(entry.pinned for entry in cache.entries.values())
    assert 0 <= cache.pinned <= cache.blocks
    assert held + cache.blocks + instance.memory.free == instance.memory.capacity
    for entry in cache.entries.values():
        assert entry.blocks > 0
        assert entry.above is None or entry.above.end >= entry.start


@st.composite
def keepers(draw: st.DrawFn) -> Deployment:
    """Draw fleets of whole requests that keep prefixes."""
    group = draw(groups())
    return Deployment((replace(group, retention=draw(st.sampled_from(RETENTIONS))),))


@st.composite
def manifold(draw: st.DrawFn) -> Deployment:
    """Draw fleets of several groups, some of which not all requests may go to."""
    whole = [
        replace(draw(groups(name)), retention=draw(st.sampled_from(RETENTIONS))) for name in "abc"
    ]
    ways = draw(st.lists(st.sets(st.sampled_from("abc"), min_size=1), min_size=1, max_size=3))
    flows = tuple(
        Flow("all", tuple(sorted(way)), weight=place + 1.0) for place, way in enumerate(ways)
    )
    return Deployment(tuple(whole), flows)


def same(one: FleetRun, other: FleetRun) -> bool:
    """Tell whether two runs agree to the nanosecond."""
    fields = ("started_ns", "first_token_ns", "ended_ns", "restarts", "came_ns", "hit_tokens")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in fields)


ROUTERS: list[Callable[[], Router]] = [
    RoundRobin,
    ThunderAgent,
    lambda: Scores(Stages([COST]), 0.3, None),
    lambda: Homes(np.random.default_rng(1)),
]


@given(st.one_of(keepers(), manifold()), program_tables(), st.sampled_from(ROUTERS))
@examples(400)
def test_jumps_change_nothing(
    fleet: Deployment, programs: ProgramTable, router: Callable[[], Router]
) -> None:
    jumping = simulate_fleet(fleet, programs, router=router())
    stepping = simulate_fleet(fleet, programs, router=router(), jumps=False)
    assert same(jumping, stepping)
    for one, other in zip(jumping.instances, stepping.instances, strict=True):
        for name in ("iterations", "busy_ns", "restarts", "new_tokens", "peak_blocks"):
            assert getattr(one.tally, name) == getattr(other.tally, name)


@given(keepers(), program_tables(), st.booleans())
@examples(300)
def test_no_block_is_lost(fleet: Deployment, programs: ProgramTable, jumps: bool) -> None:
    engine = Engine(fleet, programs.requests, Auditing(), jumps=jumps, programs=programs)
    engine.run()
    for instance in engine.instances:
        audit(instance)
        assert isinstance(instance, KeepingInstance)
        assert instance.cache.pinned == 0


@given(keepers(), program_tables())
@examples(200)
def test_calls_come_when_those_before_them_and_their_tools_have_ended(
    fleet: Deployment, programs: ProgramTable
) -> None:
    run = simulate_fleet(fleet, programs)
    table = programs.requests
    for row in range(len(programs)):
        part = slice(int(programs.after_starts[row]), int(programs.after_starts[row + 1]))
        before = programs.after[part]
        if run.ended_ns[row] == NEVER:
            continue
        expected = table.arrival_ns[row]
        if len(before):
            assert (run.ended_ns[before] != NEVER).all()
            expected = run.ended_ns[before].max() + programs.gap_ns[row]
        assert run.came_ns[row] == expected
        assert run.hit_tokens[row] < table.prompt_tokens[row]


@given(keepers(), program_tables())
@examples(100)
def test_hits_save_what_is_not_computed(fleet: Deployment, programs: ProgramTable) -> None:
    run = simulate_fleet(fleet, programs)
    if int(run.restarts.sum()):
        return
    computed = sum(instance.tally.new_tokens for instance in run.instances)
    served = run.served
    assert computed == int((programs.requests.prompt_tokens - run.hit_tokens)[served].sum())


@pytest.mark.parametrize(("tokens", "hits"), [(64, [0, 8, 12]), (15, [0, 8, 12])])
def test_turns_find_all_full_blocks_of_the_last_one(tokens: int, hits: list[int]) -> None:
    from scheduling.models.requests.programs import Call, Program, program_table

    calls = [
        Call(6, 4, ((7, 6),)),
        Call(11, 3, ((7, 11),), (0,), 0.5, "grep"),
        Call(14, 1, ((7, 14),), (1,), 0.25, "grep"),
    ]
    group = Group(
        "all",
        Affine(base=1e-3, per_token=0.0),
        kv_tokens=tokens,
        block_size=4 if tokens == 64 else 1,
        retention=LeastRecent(),
    )
    run = simulate_fleet(Deployment((group,)), program_table([Program(0.0, tuple(calls))]))
    assert run.hit_tokens.tolist() == (hits if tokens == 64 else [0, 9, 13])
    assert run.came_ns.tolist() == [0, 504_000_000, 757_000_000]


@st.composite
def split_keepers(draw: st.DrawFn) -> Deployment:
    """Draw fleets whose prompts and answers are made apart, and that keep prefixes."""
    retention = draw(st.sampled_from(RETENTIONS))
    prompts = replace(draw(groups("p", "prefill")), retention=retention)
    answers = replace(
        draw(groups("d", "decode")), retention=draw(st.sampled_from([None, retention]))
    )
    link = Link(draw(st.floats(1, 1e4)), 1e6, draw(st.floats(0, 0.01)))
    return Deployment((prompts, answers), (Flow("all", "p", "d", 1.0, link),))


@given(split_keepers(), program_tables())
@examples(100)
def test_split_fleets_lose_no_block_either(fleet: Deployment, programs: ProgramTable) -> None:
    jumping = simulate_fleet(fleet, programs, router=RoundRobin())
    assert same(jumping, simulate_fleet(fleet, programs, router=RoundRobin(), jumps=False))
    engine = Engine(fleet, programs.requests, RoundRobin(), programs=programs)
    engine.run()
    for instance in engine.instances:
        cache = instance.cache
        kept = 0 if cache is None else cache.blocks
        assert cache is None or cache.pinned == 0
        assert kept + instance.memory.free == instance.memory.capacity


def test_blocks_behind_what_a_request_uses_can_be_had() -> None:
    """The second finds its prompt, and the memory that it grows into holds the first's answer."""
    requests = table([0, 10**9], [8, 8], [30, 40])
    paths = Paths.of([[(0, 8)], [(0, 8)]])
    group = Group("all", COST, kv_tokens=52, block_size=4, retention=LeastRecent())
    run = simulate_fleet(Deployment((group,)), requests, paths=paths)
    assert run.hit_tokens.tolist() == [0, 4]
    assert run.restarts.sum() == 0


def test_who_waits_begins_when_decodes_have_taken_what_was_held() -> None:
    """Blocks before a held one are held with it, and may be had once a decode has taken it."""
    prompts = [17, 19, 21, 23, 30, 34, 36, 38, 40, 17, 21, 17]
    program = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3]
    after = [[row - 1] if own in program[row - 1 : row] else [] for row, own in enumerate(program)]
    nothing = np.zeros(len(prompts), np.int64)
    tool = nothing - 1
    tool[5] = 0
    programs = ProgramTable(
        requests=replace(
            table([0] * len(prompts), prompts, [1, 1, 1, 1, 3, 1, 1, 1, 1, 3, 1, 2]),
            demands=("all",),
        ),
        program=np.array(program),
        after=np.array([row for rows in after for row in rows]),
        after_starts=np.cumsum([0, *map(len, after)]),
        gap_ns=nothing,
        tool=tool,
        tools=("grep",),
        agent=nothing,
        agents=("plan",),
        paths=Paths.of([[(0, 16), (1 + own, n)] for own, n in zip(program, prompts, strict=True)]),
    )
    cost = Affine(base=0.0078125, per_token=0.0)
    keeping = Continuum(COST, 0.02)
    rule = Watermark(0.0)
    makes_prompts = Group(
        "p",
        cost,
        60,
        role="prefill",
        max_sequences=1,
        block_size=1,
        composition=Sarathi(1),
        admission=rule,
        retention=keeping,
    )
    makes_answers = Group(
        "d",
        cost,
        64,
        role="decode",
        max_sequences=2,
        block_size=16,
        composition=Orca(),
        admission=rule,
        retention=keeping,
    )
    flow = Flow("all", "p", "d", 1.0, Link(1.0, 1e6))
    fleet = Deployment((makes_prompts, makes_answers), (flow,))
    jumping, single = (
        simulate_fleet(fleet, programs, router=RoundRobin(), jumps=jumps) for jumps in (True, False)
    )
    assert same(jumping, single)
