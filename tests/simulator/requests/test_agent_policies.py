"""Policies for agents: times to hold against enumeration, pauses, homes and fair shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.programs import Call, Program, ProgramTable, program_table
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.engine import Engine
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policies.continuum import (
    Continuum,
    best_ttl,
    memoryfulness,
    prior_ttl,
)
from scheduling.simulator.requests.policies.hexgen import Stages, Urgency
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policies.saga import AgentFairShare, WorkflowAware
from scheduling.simulator.requests.policies.thunderagent import ThunderAgent, smallest_first
from scheduling.simulator.requests.policy import Sending
from scheduling.simulator.requests.programs import Programs
from scheduling.simulator.requests.run import NEVER
from tests.agent_runs import program_tables
from tests.properties import examples
from tests.serving_runs import table

COST = Affine(base=1e-3, per_token=1e-4)


def by_enumeration(durations: Sequence[float], gain: float) -> float:
    """Return the time that is worth most, by trying all."""
    best, value = 0.0, sum(time <= 0 for time in durations) / len(durations) * gain
    for time in sorted(durations):
        worth = sum(other <= time for other in durations) / len(durations) * gain - time
        if worth > value + 1e-12:
            best, value = time, worth
    return best


def test_times_to_hold_are_those_of_enumeration() -> None:
    rng = np.random.default_rng(3)
    for _ in range(1000):
        count = int(rng.integers(1, 40))
        durations = np.sort(np.round(rng.lognormal(0, 1.5, count), int(rng.integers(0, 4))))
        gain = float(rng.uniform(0, 10))
        found = best_ttl(durations.tolist(), gain)
        assert found == by_enumeration(durations.tolist(), gain)


def test_the_prior_is_the_best_time_of_an_exponential() -> None:
    times = np.linspace(0, 10, 100_001)
    for gain in (0.3, 1.0, 2.5, 20.0):
        worth = (1 - np.exp(-times)) * gain - times
        assert prior_ttl(gain) == pytest.approx(times[int(np.argmax(worth))], abs=1e-4)


def test_turns_foretell_the_rest_when_all_have_as_many() -> None:
    assert memoryfulness([7, 7, 7]) == pytest.approx(1.0)
    assert memoryfulness([]) == 1.0
    assert memoryfulness([1, 2, 30]) < 0.9


def chain(arrival: float, stream: int, gaps: Sequence[float], tokens: int = 100) -> Program:
    """Return a program whose context grows by 40 tokens a turn."""
    calls = []
    for turn, gap in enumerate((0.0, *gaps)):
        prompt = tokens + 40 * turn
        after = (turn - 1,) if turn else ()
        tool = "bash" if turn else None
        calls.append(Call(prompt, 10, ((stream, prompt),), after, gap, tool))
    return Program(arrival, tuple(calls))


def test_a_held_prefix_outlives_newcomers_that_would_drop_it() -> None:
    slow = Affine(base=1e-2, per_token=1e-4)
    # While the first one's tool runs, another decodes, and a third does not fit beside both.
    running = Program(0.05, (Call(50, 100, ((2, 50),)),))
    newcomer = Program(0.2, (Call(250, 5, ((3, 250),)),))
    programs = program_table([chain(0.0, 1, [0.5]), running, newcomer])

    def hits(retention: Any) -> list[int]:
        group = Group("all", slow, 400, block_size=1, retention=retention)
        return list(simulate_fleet(Deployment((group,)), programs).hit_tokens.tolist())

    assert hits(LeastRecent())[1] < 109
    assert hits(Continuum(slow, 2.0)) == [0, 109, 0, 0]
    # Held for less than the tool takes, it is dropped as if it were not.
    assert hits(Continuum(slow, 0.01)) == hits(LeastRecent())


@pytest.mark.parametrize("policy", [Continuum(COST), WorkflowAware()])
def test_requests_without_programs_are_refused(policy: Any) -> None:
    with pytest.raises(InputError, match="programs of agents"):
        policy.begin(None)


@pytest.mark.parametrize(
    ("tokens", "excess", "chosen"),
    [([5, 6], 6, [0, 1]), ([9, 3, 4], 3, [1]), ([9, 3, 4], 0, []), ([2, 2], 9, [0, 1])],
)
def test_the_smallest_are_paused_first(tokens: list[int], excess: int, chosen: list[int]) -> None:
    assert smallest_first(tokens, excess) == chosen


class Watched(ThunderAgent):
    """Looks at the programs after every tick."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0

    def tick(self, now: int) -> Sequence[Sending]:
        """Check that what is active and not marked fits, unless it is one program."""
        sent = super().tick(now)
        for instance in self._fleet:
            here = [p for p, at in self._home.items() if at is instance and p not in self._marked]
            used = sum(self._tokens(program) for program in here)
            capacity = instance.memory.capacity * instance.memory.block_size
            assert used <= capacity or len(self._home) - len(self._marked) <= 1
        assert not set(self._paused) & set(self._home)
        self.ticks += 1
        return sent


@given(st.integers(0, 10**6), st.integers(400, 1500), st.integers(1, 2))
@examples(60)
def test_active_programs_fit_after_every_tick(seed: int, tokens: int, replicas: int) -> None:
    rng = np.random.default_rng(seed)
    programs = program_table(
        [
            chain(
                float(rng.uniform(0, 20)), number, rng.exponential(4, rng.integers(0, 6)).tolist()
            )
            for number in range(12)
        ]
    )
    gate = Watched()
    group = Group("all", COST, tokens, replicas=replicas, block_size=1, retention=LeastRecent())
    run = simulate_fleet(Deployment((group,)), programs, router=gate)
    assert gate.ticks > 0
    assert (run.ended_ns != NEVER).all()


@given(program_tables())
@examples(50)
def test_pausing_loses_no_request(programs: ProgramTable) -> None:
    group = Group("all", COST, 150, replicas=2, block_size=1, retention=LeastRecent())
    paused = simulate_fleet(Deployment((group,)), programs, router=ThunderAgent())
    plain = simulate_fleet(Deployment((group,)), programs)
    assert np.array_equal(paused.served, plain.served)


def test_urgent_tasks_come_first() -> None:
    programs = program_table([chain(0.0, 1, [1.0]), chain(5.0, 2, [1.0])])
    known = Programs(programs)
    order = AgentFairShare(known, 10.0, work=[20, 2])
    requests = [Live(0, 0, 0, 100, 0), Live(2, 5 * 10**9, 0, 100, 0)]
    for request in requests:
        known.came(request, request.arrival_ns)
    keys = [order.key(request, 6 * 10**9) for request in requests]
    # Ten turns are left of each, with 4 s and 9 s to go.
    assert [key[0] for key in keys] == [-10 / 4, -10 / 9]


def test_withdrawn_requests_leave_the_queue() -> None:
    fleet = Deployment((Group("all", COST, 400),))
    engine = Engine(fleet, table([0, 0], 10, 5), _First())
    instance = engine.instances[0]
    requests = [Live(row, 0, 0, 10, 0) for row in range(2)]
    for request in requests:
        instance.enqueue(request, 0)
    instance.withdraw(requests[0])
    assert list(instance.waiting) == [requests[1]]
    assert instance.load_tokens == 10


class _First:
    name = "first"
    provenance: Any = "inferred"

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the first."""
        del request, now
        return candidates[0]


def test_budgets_of_stages_follow_their_times() -> None:
    calls = (
        Call(5, 1, ((1, 5),), agent="link"),
        Call(5, 3, ((2, 5),), (0,), agent="write"),
        Call(5, 6, ((3, 5),), (1,), agent="test"),
    )
    known = Programs(program_table([Program(0.0, calls), Program(100.0, calls)]))
    order = Urgency(Stages([Affine(base=1.0, per_token=0.0)]), 40.0)
    order.programs = known
    for row in range(3):
        ended = Live(row, row * 10**9, 0, 5, 0)
        known.came(ended, ended.arrival_ns)
        known.ended(ended, ended.arrival_ns + 1)
    request = Live(3, 100 * 10**9, 0, 5, 0)
    known.came(request, request.arrival_ns)
    # The stage takes 2 s; behind it stood two with 9 tokens in all, which take 11 s.
    (urgency, _) = order.key(request, request.arrival_ns)
    assert -urgency == pytest.approx(2.0 - 40.0 * 2 / (2 + 11))
