"""Q-learning for resource scheduling: jobs dispatched to the servers of a cluster as they come.

Surveys of learned cloud scheduling compare dispatchers that learn which server gets the next job
with round robin and priorities. Their systems are known here by their abstracts; this is the
problem that those state: jobs of different weight come with exponential gaps, servers differ in
speed and serve their queues in order, and the weighted mean time from coming to completion counts.
A table of values by backlog is learned on other streams of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np

from scheduling.instances.schedule.online import with_noise
from scheduling.models.schedule.online import OnlineSchedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.scenarios.policies import Figure, policy_rows, run_policies
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.schedule.execute import execute
from scheduling.simulator.schedule.policies.mapping import Mapping, by_ready
from scheduling.simulator.schedule.policies.resolving import Resolving
from scheduling.simulator.schedule.policy import Option, Policy
from scheduling.simulator.schedule.view import View

_SPEEDS = (1.0, 1.5, 3.0)
_JOBS = 24
_GAP = 9.0
_SIZES = (5, 60)
_NOISE = 0.2
_SEEDS = 3
_EPISODES = 120
_PLAN_WORK = 0.05
_BOUND_WORK = 1.0

_LEVEL = 15
_LEVELS = 4
_RATE, _DISCOUNT, _CURIOSITY = 0.1, 0.9, 0.2

State = tuple[int, ...]


class Learner:
    """Tabular Q-learning of the server that gets the next job (Watkins, 1989).

    A state is the backlog of each server in ``_LEVELS`` steps of ``_LEVEL`` units of time and
    whether the job is long; the reward is the job's expected time to completion, negated. Values
    change by ``_RATE`` towards reward plus ``_DISCOUNT`` times the best value of the next state.

    Parameters
    ----------
    seed
        Seed of the exploration.
    """

    def __init__(self, seed: int = 0) -> None:
        self.table: dict[State, list[float]] = {}
        self.curiosity = _CURIOSITY
        self._rng = np.random.default_rng(seed)
        self._last: tuple[State, int, float] | None = None

    def __call__(self, view: View, options: Sequence[Option], ends: Sequence[int]) -> int:
        """Choose a server, and learn from the last choice."""
        state = _state(view, options, ends)
        values = self.table.setdefault(state, [0.0] * len(options))
        if self._last is not None and self.curiosity:
            before, chosen, reward = self._last
            row = self.table[before]
            row[chosen] += _RATE * (reward + _DISCOUNT * max(values) - row[chosen])
        explores = self.curiosity and self._rng.random() < self.curiosity
        best = int(self._rng.integers(len(options))) if explores else values.index(max(values))
        self._last = state, best, float(view.now - ends[best])
        return best

    def restart(self) -> None:
        """Begin a new stream."""
        self._last = None

    def policy(self) -> Mapping:
        """Return the dispatcher that uses the table."""
        summary = "jobs as they come, each to the server that a learned table names"
        return Mapping("q-learning", summary, by_ready, self)


def learn(episodes: int, seed: int) -> Learner:
    """Learn on streams of their own; the table is then used as it is."""
    learner = Learner(seed)
    for episode in range(episodes):
        learner.restart()
        execute(_stream(10**6 + seed * episodes + episode), learner.policy())
    learner.curiosity = 0.0
    learner.restart()
    return learner


def run(limits: Run) -> list[Row]:
    """Learn, then compare on streams that were not learned on."""
    learner = learn(_EPISODES, seed=0)

    def policies(seconds: float) -> list[str | Policy]:
        plans = Resolving(work_limit=_PLAN_WORK, time_limit=seconds)
        return ["round-robin", "priority", "WSPT", "eft", learner.policy(), plans]

    found = run_policies(list(streams()), policies, limits, _BOUND_WORK)
    case = f"{_JOBS} jobs on {len(_SPEEDS)} servers of speeds {_SPEEDS}, noise {_NOISE:g}"
    figure = Figure(case, "weighted time to completion per job", None, _SEEDS, _JOBS)
    return policy_rows(figure, found)


def _state(view: View, options: Sequence[Option], ends: Sequence[int]) -> State:
    backlogs = [end - option.duration - view.now for option, end in zip(options, ends, strict=True)]
    levels = [min(_LEVELS - 1, ceil(backlog / _LEVEL)) for backlog in backlogs]
    long = max(option.duration for option in options) > sum(_SIZES) / 2
    return (*levels, int(long))


def streams() -> Iterator[OnlineSchedule]:
    """Yield the streams that policies are compared on."""
    for seed in range(_SEEDS):
        yield _stream(seed)


def _stream(seed: int) -> OnlineSchedule:
    """Draw jobs: exponential gaps, uniform sizes, weights 1 to 3."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(_GAP, _JOBS - 1)
    releases = np.rint(np.cumsum([0.0, *gaps])).astype(int).tolist()
    sizes = rng.integers(*_SIZES, _JOBS, endpoint=True).tolist()
    weights = rng.integers(1, 3, _JOBS, endpoint=True).tolist()
    servers = [f"server {number}" for number in range(1, len(_SPEEDS) + 1)]
    jobs = [
        {
            "id": f"job {number}",
            "release": release,
            "weight": weight,
            "tasks": [
                {
                    "id": f"work {number}",
                    "modes": [
                        {"duration": ceil(size / speed), "machine": server}
                        for server, speed in zip(servers, _SPEEDS, strict=True)
                    ],
                }
            ],
        }
        for number, (release, size, weight) in enumerate(
            zip(releases, sizes, weights, strict=True), start=1
        )
    ]
    problem = ScheduleProblem.model_validate(
        {
            "name": f"cluster stream seed {seed}",
            "resources": [{"type": "machine", "id": server} for server in servers],
            "jobs": jobs,
            "objective": "total_flow",
        }
    )
    return with_noise(problem, noise=_NOISE, seed=seed)


SCENARIO = Scenario(
    name="qlearn-jobs",
    system="Q-learning for resource scheduling, job dispatching on a cluster (surveys)",
    problem="jobs dispatched online to a cluster",
    wants="nothing: streams of random jobs",
    run=run,
    targets=(
        Target(("time to completion", "^resolve"), at_most=1),
        Target(("time to completion", "^q-learning$"), at_most=0.9),
    ),
)
