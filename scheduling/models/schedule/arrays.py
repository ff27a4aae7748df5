"""The dense form of a scheduling problem: integer indices in numpy arrays, for solvers.

Names are for people; solvers work on these arrays. Tasks are numbered job by job in the order of
the document, modes task by task, resources as listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.problem import Consumable, Machine, ScheduleProblem

Ints = NDArray[np.int64]

NEVER = 2**60
"""Stands for «no limit» in arrays of deadlines, due dates and maximal lags."""

END_START, START_START, END_END, START_END = range(4)
_KINDS = {"end-start": END_START, "start-start": START_START, "end-end": END_END}
_KINDS["start-end"] = START_END

MACHINE, RENEWABLE, CONSUMABLE = range(3)


@dataclass(frozen=True, eq=False)
class ScheduleArrays:
    """Arrays of one problem; ``n`` tasks, ``J`` jobs, ``M`` modes, ``R`` resources, ``L`` links.

    Attributes
    ----------
    job : (n,) job of each task; tasks of job j are ``job_ptr[j]:job_ptr[j + 1]``.
    release, deadline : (n,) windows of tasks, those of their jobs included (``NEVER``: none).
    mode_ptr : (n + 1,) modes of task i are ``mode_ptr[i]:mode_ptr[i + 1]``.
    duration, machine : (M,) of each mode; machine is a resource index or -1.
    demand_ptr, demand_resource, demand_amount : CSR over modes, positive amounts, machines apart.
    resource_type : (R,) ``MACHINE``, ``RENEWABLE`` or ``CONSUMABLE``.
    capacity : (R,) capacity before the first step (1 for machines).
    step_ptr, step_start, step_capacity : CSR over resources: from ``step_start`` on the capacity
        is ``step_capacity``. Calendars are folded in: breaks have capacity 0. The first step of
        each resource starts at 0 and consecutive capacities differ.
    link_before, link_after, link_kind, link_min, link_max : (L,) precedences, chains included;
        ``-NEVER`` / ``NEVER`` stand for absent lags.
    job_release, job_due, job_weight : (J,) with ``NEVER`` for no due date.
    weights : (tiers, measures) coefficients in the order of ``MEASURES``.
    """

    task_ids: tuple[str, ...]
    job: Ints
    job_ptr: Ints
    release: Ints
    deadline: Ints
    mode_ptr: Ints
    duration: Ints
    machine: Ints
    demand_ptr: Ints
    demand_resource: Ints
    demand_amount: Ints
    resource_type: Ints
    capacity: Ints
    step_ptr: Ints
    step_start: Ints
    step_capacity: Ints
    link_before: Ints
    link_after: Ints
    link_kind: Ints
    link_min: Ints
    link_max: Ints
    job_release: Ints
    job_due: Ints
    job_weight: Ints
    weights: Ints

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.job)

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.job_ptr) - 1

    @property
    def n_resources(self) -> int:
        """Number of resources."""
        return len(self.capacity)

    @property
    def single_mode(self) -> bool:
        """Whether every task has exactly one mode."""
        return len(self.duration) == self.n_tasks

    def min_duration(self) -> Ints:
        """Shortest duration of each task over its modes."""
        return np.minimum.reduceat(self.duration, self.mode_ptr[:-1])

    def max_duration(self) -> Ints:
        """Longest duration of each task over its modes."""
        return np.maximum.reduceat(self.duration, self.mode_ptr[:-1])

    def steps(self, resource: int) -> list[tuple[int, int]]:
        """``(start, capacity)`` of one resource over time, from 0 on."""
        rows = slice(self.step_ptr[resource], self.step_ptr[resource + 1])
        starts, levels = self.step_start[rows].tolist(), self.step_capacity[rows].tolist()
        return list(zip(starts, levels, strict=True))

    def constant(self, resource: int) -> bool:
        """Whether the capacity of a resource never changes."""
        return bool(self.step_ptr[resource + 1] - self.step_ptr[resource] == 1)

    def demands(self, mode: int) -> list[tuple[int, int]]:
        """``(resource, amount)`` of a mode, its machine apart."""
        rows = slice(self.demand_ptr[mode], self.demand_ptr[mode + 1])
        resources, amounts = self.demand_resource[rows].tolist(), self.demand_amount[rows].tolist()
        return list(zip(resources, amounts, strict=True))

    def values(self, start: Ints, mode: Ints) -> tuple[int, ...]:
        """Value of each tier when task i starts at ``start[i]`` in global mode ``mode[i]``."""
        end = start + self.duration[mode]
        completion = np.maximum.reduceat(end, self.job_ptr[:-1])
        return tuple(int(value) for value in self.weights @ self.measures(completion))

    def measures(self, completion: Ints) -> Ints:
        """Values of all measures, in the order of ``MEASURES``, from job completion times."""
        due = self.job_due < NEVER
        late = (completion - self.job_due)[due]
        weight = self.job_weight[due]
        tardy = np.maximum(late, 0)
        return np.array(
            [
                completion.max(),
                self.job_weight @ completion,
                self.job_weight @ (completion - self.job_release),
                weight @ tardy,
                tardy.max(initial=0),
                late.max() if late.size else 0,
                weight @ (late > 0),
            ],
            dtype=np.int64,
        )


def compile_arrays(problem: ScheduleProblem) -> ScheduleArrays:
    """Translate a problem into arrays."""
    return ScheduleArrays(
        task_ids=tuple(task.id for task in problem.tasks),
        **_task_arrays(problem),
        **_mode_arrays(problem),
        **_resource_arrays(problem),
        **_link_arrays(problem),
        **_job_arrays(problem),
        weights=_weights(problem),
    )


def _ints(values: object) -> Ints:
    return np.fromiter(values, dtype=np.int64)  # type: ignore[call-overload, no-any-return]


def _pointer(counts: list[int]) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _limit(value: int | None) -> int:
    return NEVER if value is None else value


def _task_arrays(problem: ScheduleProblem) -> dict[str, Ints]:
    sizes = [len(job.tasks) for job in problem.jobs]
    pairs = [(job, task) for job in problem.jobs for task in job.tasks]
    return {
        "job": np.repeat(np.arange(len(sizes), dtype=np.int64), sizes),
        "job_ptr": _pointer(sizes),
        "release": _ints(max(job.release, task.release) for job, task in pairs),
        "deadline": _ints(min(_limit(job.deadline), _limit(task.deadline)) for job, task in pairs),
    }


def _mode_arrays(problem: ScheduleProblem) -> dict[str, Ints]:
    index = {resource.id: number for number, resource in enumerate(problem.resources)}
    modes = [mode for task in problem.tasks for mode in task.modes]
    demands = [
        [(index[name], amount) for name, amount in mode.demands.items() if amount > 0]
        for mode in modes
    ]
    return {
        "mode_ptr": _pointer([len(task.modes) for task in problem.tasks]),
        "duration": _ints(mode.duration for mode in modes),
        "machine": _ints(-1 if mode.machine is None else index[mode.machine] for mode in modes),
        "demand_ptr": _pointer([len(entry) for entry in demands]),
        "demand_resource": _ints(resource for entry in demands for resource, _ in entry),
        "demand_amount": _ints(amount for entry in demands for _, amount in entry),
    }


def _resource_arrays(problem: ScheduleProblem) -> dict[str, Ints]:
    breaks = {c.id: [(rest.start, rest.end) for rest in c.breaks] for c in problem.calendars}
    types, capacities, profiles = [], [], []
    for resource in problem.resources:
        steps: list[tuple[int, int]] = []
        closed: list[tuple[int, int]] = []
        if isinstance(resource, Consumable):
            types.append(CONSUMABLE)
            base = resource.capacity
        else:
            closed = breaks.get(resource.calendar or "", [])
            if isinstance(resource, Machine):
                types.append(MACHINE)
                base = 1
            else:
                types.append(RENEWABLE)
                base = resource.capacity
                steps = [(step.start, step.capacity) for step in resource.steps]
        capacities.append(base)
        profiles.append(_profile(base, steps, closed))
    return {
        "resource_type": _ints(types),
        "capacity": _ints(capacities),
        "step_ptr": _pointer([len(profile) for profile in profiles]),
        "step_start": _ints(start for profile in profiles for start, _ in profile),
        "step_capacity": _ints(level for profile in profiles for _, level in profile),
    }


def _profile(
    base: int, steps: list[tuple[int, int]], breaks: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Merge capacity steps and breaks into one step function that starts at 0."""
    moments = sorted({0, *(start for start, _ in steps), *chain.from_iterable(breaks)})
    profile: list[tuple[int, int]] = []
    level, step, rest = base, 0, 0
    for moment in moments:
        while step < len(steps) and steps[step][0] <= moment:
            level, step = steps[step][1], step + 1
        while rest < len(breaks) and breaks[rest][1] <= moment:
            rest += 1
        closed = rest < len(breaks) and breaks[rest][0] <= moment
        value = 0 if closed else level
        if not profile or profile[-1][1] != value:
            profile.append((moment, value))
    return profile


def _link_arrays(problem: ScheduleProblem) -> dict[str, Ints]:
    index = {task.id: number for number, task in enumerate(problem.tasks)}
    before, after = _chains(problem)
    links = problem.precedences
    fixed = np.zeros(len(before), np.int64)
    none = np.full(len(before), NEVER)
    return {
        "link_before": np.concatenate([before, _ints(index[link.before] for link in links)]),
        "link_after": np.concatenate([after, _ints(index[link.after] for link in links)]),
        "link_kind": np.concatenate([fixed, _ints(_KINDS[link.kind] for link in links)]),
        "link_min": np.concatenate(
            [fixed, _ints(-NEVER if link.min_lag is None else link.min_lag for link in links)]
        ),
        "link_max": np.concatenate([none, _ints(_limit(link.max_lag) for link in links)]),
    }


def _chains(problem: ScheduleProblem) -> tuple[Ints, Ints]:
    pointer = _pointer([len(job.tasks) for job in problem.jobs])
    heads = [
        np.arange(pointer[number], pointer[number + 1] - 1)
        for number, job in enumerate(problem.jobs)
        if job.chain
    ]
    before = np.concatenate(heads) if heads else np.zeros(0, np.int64)
    return before, before + 1


def _job_arrays(problem: ScheduleProblem) -> dict[str, Ints]:
    return {
        "job_release": _ints(job.release for job in problem.jobs),
        "job_due": _ints(_limit(job.due) for job in problem.jobs),
        "job_weight": _ints(job.weight for job in problem.jobs),
    }


def _weights(problem: ScheduleProblem) -> Ints:
    tiers = problem.objective.tiers
    table = np.zeros((len(tiers), len(MEASURES)), np.int64)
    for row, tier in enumerate(tiers):
        for term in tier.terms:
            table[row, MEASURES.index(term.measure)] = term.weight
    return table
