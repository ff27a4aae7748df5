"""Objectives of the CP-SAT formulation: measures as linear expressions over completions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.schedule.arrays import END_START, NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.schedule.cpsat.usage import Terms
from scheduling.solvers.schedule.cpsat.windows import Windows


class ObjectivePart:
    """Measures, caps and the objective of one model.

    Every variable made here is at least the quantity that it stands for, and equal to it in a
    complete hint: minimising and capping need no more.
    """

    def __init__(
        self,
        model: cp_model.CpModel,
        arrays: ScheduleArrays,
        windows: Windows,
        ends: list[Any],
        usage: dict[str, Terms],
        presence: dict[int, Any],
    ) -> None:
        """Take what is used, as expressions, and the literals of jobs that may not run."""
        self._model = model
        self._arrays = arrays
        self._windows = windows
        self._ends = ends
        self._usage = usage
        self._presence = presence
        self._hints: list[Callable[[Ints], int]] = []
        self._known: dict[tuple[str, int], Any] = {}
        first_end = windows.earliest + arrays.min_duration()
        self._earliest = np.maximum.reduceat(first_end, arrays.job_ptr[:-1])
        self._last_of_job, self._last = _last_tasks(arrays)

    def limit(self, caps: tuple[int, ...]) -> None:
        """Keep the tiers before this one at their values."""
        for tier, cap in enumerate(caps):
            if cap >= NEVER:
                continue
            expressions, weights, offset = self._tier(tier)
            total = cp_model.LinearExpr.weighted_sum(expressions, weights)
            self._model.add(total <= cap - offset)

    def minimize(self, tier: int, floor: int | None, ceiling: int | None) -> None:
        """Set the objective, between what is proven and what is reached already."""
        expressions, weights, offset = self._tier(tier)
        total = cp_model.LinearExpr.weighted_sum(expressions, weights) + offset
        self._model.minimize(total)
        objective = self._model.proto.objective
        shift = int(objective.offset)
        low = -NEVER if floor is None else floor - shift
        high = NEVER if ceiling is None else ceiling - shift
        if floor is not None or ceiling is not None:
            objective.domain.extend([low, high])

    def bound_makespan(self, least: Any) -> None:
        """Keep the makespan, where it counts, at or above an expression."""
        makespan = self._known.get(("makespan", 0))
        if makespan is not None:
            self._model.add(makespan >= least)

    def values(self, completion: Ints) -> list[int]:
        """Values of the variables made here, in their order, from job completions."""
        return [int(hint(completion)) for hint in self._hints]

    def _tier(self, tier: int) -> Terms:
        expressions: list[Any] = []
        weights: list[int] = []
        offset = 0
        for measure, weight in zip(MEASURES, self._arrays.weights[tier].tolist(), strict=True):
            if weight:
                parts, factors, shift = self._measure(measure)
                expressions += parts
                weights += [weight * factor for factor in factors]
                offset += weight * shift
        return expressions, weights, offset

    def _measure(self, measure: str) -> Terms:
        if measure in self._usage:
            return self._usage[measure]
        arrays = self._arrays
        jobs = np.flatnonzero(arrays.job_weight > 0).tolist()
        due = np.flatnonzero(arrays.job_due < NEVER).tolist()
        weight = arrays.job_weight.tolist()
        match measure:
            case "makespan":
                return [self._makespan()], [1], 0
            case "total_completion" | "total_flow":
                expressions = [self._completion(job) for job in jobs]
                factors = [weight[job] for job in jobs]
                if measure == "total_completion":
                    return expressions, factors, 0
                return self._less_release(expressions, factors)
            case "max_tardiness" | "max_lateness" if not due:
                return [], [], 0
            case "max_tardiness":
                return [self._worst(due, 0)], [1], 0
            case "max_lateness":
                return [self._worst(due, None)], [1], 0
        due = [job for job in due if weight[job]]
        factors = [weight[job] for job in due]
        one = self._tardiness if measure == "total_tardiness" else self._late
        return [one(job) for job in due], factors, 0

    def _less_release(self, expressions: list[Any], factors: list[int]) -> Terms:
        """Take the weighted release dates off, of the jobs that run."""
        shift = self._arrays.job_weight * self._arrays.job_release
        for job, present in self._presence.items():
            if present is not False:
                expressions.append(present)
                factors.append(-int(shift[job]))
            shift[job] = 0
        return expressions, factors, -int(shift.sum())

    def _new(self, low: int, high: int, hint: Callable[[Ints], int]) -> Any:
        self._hints.append(hint)
        return self._model.new_int_var(low, max(low, high), "")

    def _makespan(self) -> Any:
        key = ("makespan", 0)
        if key not in self._known:
            low = int(self._earliest.max())
            value = self._new(
                low, self._windows.horizon, lambda completion: max(0, completion.max())
            )
            for task in self._last:
                self._model.add(value >= self._ends[task])
            self._known[key] = value
        return self._known[key]

    def _completion(self, job: int) -> Any:
        """End of the job, as an expression where one task ends it."""
        tasks = self._last_of_job[job]
        if len(tasks) == 1:
            return self._ends[tasks[0]]
        key = ("completion", job)
        if key not in self._known:
            low = int(self._earliest[job])
            value = self._new(
                low, self._windows.horizon, lambda completion: max(0, completion[job])
            )
            for task in tasks:
                self._model.add(value >= self._ends[task])
            self._known[key] = value
        return self._known[key]

    def _worst(self, jobs: list[int], least: int | None) -> Any:
        """Largest lateness of the jobs, at least ``least``."""
        due = self._arrays.job_due
        key = ("lateness", -1 if least is None else least)
        if key not in self._known:
            sure = [job for job in jobs if job not in self._presence]
            floor = max(
                (int(self._earliest[job] - due[job]) for job in sure), default=-int(due[jobs].max())
            )
            low = floor if least is None else max(floor, least)
            high = max(0, self._windows.horizon - int(due[jobs].min()))
            value = self._new(low, high, lambda completion: _worst_of(completion, due, jobs, low))
            for job in jobs:
                present = self._presence.get(job, True)
                for task in self._last_of_job[job] if present is not False else ():
                    bound = self._model.add(value >= self._ends[task] - int(due[job]))
                    bound.only_enforce_if([] if present is True else [present])
            if not sure:
                absent = [~self._presence[job] for job in jobs if self._presence[job] is not False]
                self._model.add(value >= 0).only_enforce_if(absent)
            self._known[key] = value
        return self._known[key]

    def _tardiness(self, job: int) -> Any:
        due = int(self._arrays.job_due[job])
        key = ("tardiness", job)
        if key not in self._known:
            low = max(0, int(self._earliest[job]) - due)
            value = self._new(
                low, self._windows.horizon - due, lambda completion: max(low, completion[job] - due)
            )
            for task in self._last_of_job[job]:
                self._model.add(value >= self._ends[task] - due)
            self._known[key] = value
        return self._known[key]

    def _late(self, job: int) -> Any:
        due = int(self._arrays.job_due[job])
        key = ("late", job)
        if key not in self._known:
            self._hints.append(lambda completion: completion[job] > due)
            late = self._model.new_bool_var("")
            for task in self._last_of_job[job]:
                self._model.add(self._ends[task] <= due).only_enforce_if(~late)
            self._known[key] = late
        return self._known[key]


def _worst_of(completion: Ints, due: Ints, jobs: list[int], low: int) -> int:
    late = [int(completion[job] - due[job]) for job in jobs if completion[job] >= 0]
    return max(low, max(late, default=0))


def _last_tasks(arrays: ScheduleArrays) -> tuple[list[list[int]], list[int]]:
    """Tasks that may end their job, job by job, and those that may end the whole schedule.

    A task before another one (end to start, lag at least 0) never ends later, if that one runs.
    """
    plain = (arrays.link_kind == END_START) & (arrays.link_min >= 0)
    plain &= ~arrays.optional[arrays.link_after]
    before, after = arrays.link_before[plain], arrays.link_after[plain]
    inside = arrays.job[before] == arrays.job[after]
    last = np.ones(arrays.n_tasks, bool)
    last[before] = False
    last_of_job = np.ones(arrays.n_tasks, bool)
    last_of_job[before[inside]] = False
    jobs: list[list[int]] = [[] for _ in range(arrays.n_jobs)]
    for task in np.flatnonzero(last_of_job).tolist():
        jobs[int(arrays.job[task])].append(task)
    return jobs, np.flatnonzero(last).tolist()
