"""Two-stage multi-entity task allocation: who does which task together, and when.

The system pre-assigns entities to tasks by the similarity of their attributes, then allocates by
reinforcement learning, and compares itself with a genetic algorithm and others. It is known here by
its abstract, so this is the problem that the abstract states: entities have attribute vectors,
tasks ask for attributes, a team's attributes together must cover what its task asks for, and each
entity serves one task at a time. Tasks come in time; a team works the faster the more it has above
what is asked for. Every task is a task of the schedule family whose modes are its smallest teams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from math import ceil

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.scenarios.policies import Figure, policy_rows, run_policies
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.simulator.schedule.policies.mapping import Mapping, by_duration
from scheduling.simulator.schedule.policies.resolving import Resolving
from scheduling.simulator.schedule.policy import Option, Policy
from scheduling.simulator.schedule.simulate import Simulation
from scheduling.simulator.schedule.view import View

_ENTITIES = 6
_TASKS = 18
_ATTRIBUTES = 3
_TEAM = 3
_GAP = 6.0
_SEEDS = 3
_PLAN_WORK = 0.05
_BOUND_WORK = 2.0
_GENETIC_WORK = 2.0

Floats = NDArray[np.float64]


class Similarity:
    """First stage: the team whose attributes point most nearly where the task's do.

    Parameters
    ----------
    scores
        By task and mode, the cosine of the angle between both vectors.
    """

    def __init__(self, scores: Sequence[Sequence[float]]) -> None:
        self._scores = scores

    def __call__(self, view: View, options: Sequence[Option], ends: Sequence[int]) -> int:  # noqa: ARG002
        """Choose the most similar team, the fastest of equal ones."""
        keys = [(-self._scores[o.task][o.mode], o.duration, k) for k, o in enumerate(options)]
        return min(keys)[2]


def run(limits: Run) -> list[Row]:
    """Run the two stages, dispatching and plans, then the genetic algorithm on all that comes."""
    found: list[Simulation] = []
    for number, (problem, scores) in enumerate(_streams()):
        if found and limits.left <= 0:
            break
        part = limits.share(_SEEDS - number)
        found += run_policies([problem], partial(_policies, scores), part, _BOUND_WORK)
    case = f"{_TASKS} tasks for {_ENTITIES} entities with {_ATTRIBUTES} attributes"
    figure = Figure(case, "mean time to completion of a task", None, _SEEDS, _TASKS)
    rows = policy_rows(figure, found)
    return [*rows, _genetic_row(rows[0], found)]


def _policies(scores: Sequence[Sequence[float]], seconds: float) -> list[str | Policy]:
    summary = "teams by similarity, then tasks by least duration"
    two_stage = Mapping("similarity, greedy", summary, by_duration, Similarity(scores))
    return [two_stage, "FIFO", "SPT", Resolving(work_limit=_PLAN_WORK, time_limit=seconds)]


def _genetic_row(first: Row, found: Sequence[Simulation]) -> Row:
    """Return the genetic algorithm's row; it knows everything from the start."""
    total = bound = offline = 0.0
    for entry in found:
        answer = solve(entry.problem.truth, "genetic", work_limit=_GENETIC_WORK, workers=1)
        total += answer.objective
        bound += float(entry.offline.bound or 0)
        offline += float(entry.offline.objective or 0)
    return Row(
        case=first.case,
        measure=first.measure,
        baseline=first.baseline,
        baseline_value=first.baseline_value,
        method="genetic, offline",
        value=total / len(found) / _TASKS,
        gap=1.0 - bound / total,
        published=None,
        verdict=f"{total / offline:.2f} of the offline schedule",
    )


def _streams() -> Iterator[tuple[ScheduleProblem, list[list[float]]]]:
    for seed in range(_SEEDS):
        yield _stream(np.random.default_rng(seed), f"teams seed {seed}")


def _stream(rng: np.random.Generator, name: str) -> tuple[ScheduleProblem, list[list[float]]]:
    """Draw entities and tasks; each task asks for what some team of at most two has."""
    entities = rng.integers(1, 10, (_ENTITIES, _ATTRIBUTES)).astype(float)
    gaps = rng.exponential(_GAP, _TASKS - 1)
    releases = np.rint(np.cumsum([0.0, *gaps])).astype(int).tolist()
    jobs, scores = [], []
    for number, release in enumerate(releases):
        owners = rng.permutation(_ENTITIES)[: int(rng.integers(1, 3))]
        asked = np.ceil(entities[owners].sum(axis=0) * rng.uniform(0.4, 0.9, _ATTRIBUTES))
        work = int(rng.integers(10, 40))
        teams = _smallest_teams(entities, asked)
        modes = [
            {
                "duration": ceil(work * float((asked / entities[list(team)].sum(axis=0)).mean())),
                "demands": {f"entity {member}": 1 for member in team},
            }
            for team in teams
        ]
        scores.append([_cosine(entities[list(team)].sum(axis=0), asked) for team in teams])
        task = {"id": f"task {number}", "modes": modes}
        jobs.append({"id": f"order {number}", "release": release, "tasks": [task]})
    members = [{"type": "renewable", "id": f"entity {k}", "capacity": 1} for k in range(_ENTITIES)]
    fields = {"name": name, "resources": members, "jobs": jobs, "objective": "total_flow"}
    return ScheduleProblem.model_validate(fields), scores


def _smallest_teams(entities: Floats, asked: Floats) -> list[tuple[int, ...]]:
    """Return teams that cover what is asked for and from which nobody can be spared."""
    found: list[tuple[int, ...]] = []
    for size in range(1, _TEAM + 1):
        for team in combinations(range(len(entities)), size):
            covers = bool(np.all(entities[list(team)].sum(axis=0) >= asked))
            if covers and not any(set(other) <= set(team) for other in found):
                found.append(team)
    return found


def _cosine(one: Floats, other: Floats) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


SCENARIO = Scenario(
    name="entities",
    system="two-stage multi-entity task allocation (abstract)",
    problem="entities to tasks in two stages",
    wants="nothing: random entities and tasks",
    run=run,
    targets=(Target(("time to completion", "^resolve"), at_most=1),),
)
