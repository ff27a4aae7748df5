"""One machine: the problems that these methods take, and orders of jobs as schedules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.features import feature_refusal

_TARDINESS = MEASURES.index("total_tardiness")


def machine_refusal(arrays: ScheduleArrays) -> str | None:
    """Tell why a problem is not weighted tardiness on one machine; ``None`` when it is."""
    reason = feature_refusal(arrays)
    if reason is not None:
        return reason
    if len(arrays.weights) > 1 or np.any(np.delete(arrays.weights[0], _TARDINESS)):
        return "minimises total_tardiness alone; use auto"
    if len(arrays.demand_resource) or len(np.unique(arrays.machine)) > 1 or arrays.machine[0] < 0:
        return "takes problems whose tasks all run on one machine; use dispatch, lns or cp-sat"
    if arrays.n_tasks != arrays.n_jobs or not arrays.single_mode:
        return "takes jobs of one task with one mode only; use dispatch, lns or cp-sat"
    if len(arrays.link_before) or not arrays.constant(int(arrays.machine[0])):
        return "takes neither precedences nor breaks; use lns or cp-sat"
    if np.any(arrays.release) or np.any(arrays.deadline < NEVER):
        return "takes neither releases nor deadlines; use lns or cp-sat"
    return None


@dataclass(frozen=True, eq=False)
class OneMachine:
    """Jobs whose order matters, and where the others go.

    Attributes
    ----------
    duration, due, weight
        By job that can cost something; weights count the objective's factor.
    task
        Their tasks.
    idle
        Tasks that cost nothing behind all others: those without due date or weight.
    start, mode
        Of all tasks in a schedule in the making; tasks of no length start at 0, on time.
    """

    duration: Ints
    due: Ints
    weight: Ints
    task: Ints
    idle: Ints
    n_tasks: int
    mode: Ints
    length: Ints

    @classmethod
    def of(cls, arrays: ScheduleArrays) -> OneMachine:
        """Take the jobs of a problem that :func:`machine_refusal` accepts."""
        weight = arrays.job_weight * arrays.weights[0, _TARDINESS]
        long = arrays.duration > 0
        costly = long & (weight > 0) & (arrays.job_due < NEVER)
        task = np.flatnonzero(costly)
        return cls(
            duration=arrays.duration[task],
            due=arrays.job_due[task],
            weight=weight[task],
            task=task,
            idle=np.flatnonzero(long & ~costly),
            n_tasks=arrays.n_tasks,
            mode=arrays.mode_ptr[:-1],
            length=arrays.duration,
        )

    @property
    def size(self) -> int:
        """Number of jobs that can cost something."""
        return len(self.task)

    @property
    def common_weight(self) -> int | None:
        """Weight that all jobs share; ``None`` when they differ."""
        weights = np.unique(self.weight)
        return int(weights[0]) if len(weights) == 1 else None

    def value(self, order: Ints) -> int:
        """Weighted tardiness of the jobs in this order without idle time."""
        late = np.maximum(0, np.cumsum(self.duration[order]) - self.due[order])
        return int(self.weight[order] @ late)

    def candidate(self, order: Ints) -> Candidate:
        """Schedule of all tasks with the jobs in this order."""
        sequence = np.concatenate([self.task[order], self.idle])
        start = np.zeros(self.n_tasks, np.int64)
        start[sequence] = np.cumsum(self.length[sequence]) - self.length[sequence]
        return Candidate(start, self.mode)

    def order(self, candidate: Candidate) -> Ints:
        """Order of the jobs in a schedule."""
        return np.argsort(candidate.start[self.task], kind="stable")
