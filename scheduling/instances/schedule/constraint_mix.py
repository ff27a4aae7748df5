"""Projects whose constraints grow in number and in kind, feasible or infeasible by construction.

After R-ConstraintBench (arXiv 2508.15204): tasks stand in layers, level k has k precedences of
which none followed from those before it, and three further kinds of constraints each come with a
probability: times at which a resource is down, time windows of tasks, and pairs of tasks that may
not overlap. A reference schedule is drawn first and kept free of conflicts, so that it proves the
project feasible. How long downtimes and windows are is not published; here they follow from the
mean duration.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from scheduling.errors import InputError
from scheduling.models.schedule.problem import ScheduleProblem

_LONGEST = 10
_CAPACITY = 4
_CLASH = 4


@dataclass
class _Draft:
    """A project in the making, with its reference schedule."""

    rng: np.random.Generator
    duration: list[int]
    demand: list[list[int]]
    arcs: list[tuple[int, int]]
    breaks: list[list[tuple[int, int]]]
    start: list[int] = field(default_factory=list)
    windows: dict[int, tuple[int, int]] = field(default_factory=dict)
    pairs: list[tuple[int, ...]] = field(default_factory=list)


def constraint_mix(
    *,
    tasks: int = 20,
    layers: int = 5,
    level: int = 10,
    resources: int = 2,
    downtime: float = 0.75,
    windows: float = 0.75,
    disjunctions: float = 0.75,
    infeasible: int = 0,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a project with a growing mix of constraints (R-ConstraintBench).

    Parameters
    ----------
    tasks, layers, resources
        Size; a task needs 1 to 4 of the 4 units of one resource. Layers have equal sizes.
    level
        Number of precedences.
    downtime
        Probability of each resource to be down for a while.
    windows
        Probability of each task to have a release and a deadline around its reference start.
    disjunctions
        Pairs that may not overlap, per task.
    infeasible
        1: four tasks that may not overlap get a window one unit too short for them, so that no
        schedule exists; 0: a schedule exists.
    seed
        Seed of the random numbers.

    Raises
    ------
    InputError
        When so many precedences do not fit between the layers, or there are too few tasks.
    """
    rng = np.random.default_rng(seed)
    draft = _Draft(
        rng=rng,
        duration=rng.integers(1, _LONGEST, tasks, endpoint=True).tolist(),
        demand=[_needs(rng, resources) for _ in range(tasks)],
        arcs=_arcs(rng, tasks, layers, level),
        breaks=[_downtimes(rng, tasks, downtime) for _ in range(resources)],
    )
    _schedule(draft)
    slack = round(np.mean(draft.duration)) * 2
    for task in np.flatnonzero(rng.random(tasks) < windows).tolist():
        early, late = rng.integers(0, slack, 2, endpoint=True).tolist()
        end = draft.start[task] + draft.duration[task]
        draft.windows[task] = max(0, draft.start[task] - early), end + late
    apart = [pair for pair in combinations(range(tasks), 2) if not _overlap(draft, *pair)]
    chosen = rng.permutation(len(apart))[: round(disjunctions * tasks)]
    draft.pairs = [apart[index] for index in np.sort(chosen).tolist()]
    if infeasible:
        _break(draft, tasks)
    kind = "infeasible" if infeasible else "feasible"
    return _problem(draft, f"constraint mix {tasks} level {level} {kind} seed {seed}")


def _needs(rng: np.random.Generator, resources: int) -> list[int]:
    row = [0] * resources
    if resources:
        row[int(rng.integers(resources))] = int(rng.integers(1, _CAPACITY, endpoint=True))
    return row


def _arcs(rng: np.random.Generator, tasks: int, layers: int, level: int) -> list[tuple[int, int]]:
    """Draw arcs from earlier to later layers; none follows from those drawn before it."""
    layer = [task * layers // tasks for task in range(tasks)]
    free = [(i, j) for i, j in combinations(range(tasks), 2) if layer[i] < layer[j]]
    reach = np.eye(tasks, dtype=bool)
    arcs: list[tuple[int, int]] = []
    for index in rng.permutation(len(free)).tolist():
        if len(arcs) == level:
            break
        i, j = free[index]
        if not reach[i, j]:
            arcs.append((i, j))
            reach |= np.outer(reach[:, i], reach[j])
    if len(arcs) < level:
        found = f"{level} precedences among {tasks} tasks in {layers} layers"
        raise InputError.single("level", found, f"at most {len(arcs)} with this seed")
    return sorted(arcs)


def _downtimes(rng: np.random.Generator, tasks: int, chance: float) -> list[tuple[int, int]]:
    """Draw when a resource is down: up to two stretches within what all tasks would take."""
    if rng.random() >= chance:
        return []
    horizon = tasks * _LONGEST // 2
    cuts = np.sort(rng.choice(horizon, 4, replace=False)).tolist()
    stretches = [(low, min(high, low + _LONGEST)) for low, high in (cuts[:2], cuts[2:])]
    return stretches[: int(rng.integers(1, 2, endpoint=True))]


def _schedule(draft: _Draft) -> None:
    """Start every task, in order of layers, at the first moment after a random delay that fits."""
    before: dict[int, list[int]] = {}
    for i, j in draft.arcs:
        before.setdefault(j, []).append(i)
    for task, length in enumerate(draft.duration):
        ends = [draft.start[i] + draft.duration[i] for i in before.get(task, [])]
        moment = max(ends, default=0) + int(draft.rng.integers(0, _LONGEST, endpoint=True))
        while not _fits(draft, task, moment, moment + length):
            moment += 1
        draft.start.append(moment)


def _fits(draft: _Draft, task: int, start: int, end: int) -> bool:
    for resource, amount in enumerate(draft.demand[task]):
        if not amount:
            continue
        if any(low < end and start < high for low, high in draft.breaks[resource]):
            return False
        for moment in range(start, end):
            running = [
                other
                for other, begun in enumerate(draft.start)
                if begun <= moment < begun + draft.duration[other]
            ]
            if amount + sum(draft.demand[other][resource] for other in running) > _CAPACITY:
                return False
    return True


def _overlap(draft: _Draft, i: int, j: int) -> bool:
    start, duration = draft.start, draft.duration
    return start[i] < start[j] + duration[j] and start[j] < start[i] + duration[i]


def _break(draft: _Draft, tasks: int) -> None:
    """Let some tasks exclude each other within a window that is one unit too short."""
    if tasks < _CLASH:
        raise InputError.single("tasks", str(tasks), f"at least {_CLASH} when infeasible is 1")
    clash = np.sort(draft.rng.permutation(tasks)[:_CLASH]).tolist()
    low = min(draft.start[task] for task in clash)
    high = low + sum(draft.duration[task] for task in clash) - 1
    draft.pairs.append(tuple(clash))
    for task in clash:
        draft.windows[task] = low, high


def _problem(draft: _Draft, name: str) -> ScheduleProblem:
    calendars = [
        {"id": f"down{number}", "breaks": [{"start": low, "end": high} for low, high in breaks]}
        for number, breaks in enumerate(draft.breaks, start=1)
    ]
    resources: list[dict[str, Any]] = [
        {"type": "renewable", "id": f"R{k}", "capacity": _CAPACITY, "calendar": f"down{k}"}
        for k in range(1, len(draft.breaks) + 1)
    ]
    demands = [
        {f"R{k}": amount for k, amount in enumerate(row, start=1) if amount} for row in draft.demand
    ]
    for number, group in enumerate(draft.pairs, start=1):
        resources.append({"type": "renewable", "id": f"apart{number}", "capacity": 1})
        for task in group:
            demands[task][f"apart{number}"] = 1
    tasks = []
    for task, length in enumerate(draft.duration):
        entry: dict[str, Any] = {
            "id": str(task + 1),
            "modes": [{"duration": length, "demands": demands[task]}],
        }
        if task in draft.windows:
            entry["release"], entry["deadline"] = draft.windows[task]
        tasks.append(entry)
    return ScheduleProblem.model_validate(
        {
            "name": name,
            "calendars": calendars,
            "resources": resources,
            "jobs": [{"id": "project", "tasks": tasks}],
            "precedences": [{"before": str(i + 1), "after": str(j + 1)} for i, j in draft.arcs],
        }
    )
