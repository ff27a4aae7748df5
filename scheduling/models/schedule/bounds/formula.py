"""Lower bounds of all measures: heads and tails, and relaxations of every pool."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.bounds.batches import batch_loads
from scheduling.models.schedule.bounds.jobs import JobLoads
from scheduling.models.schedule.bounds.pools import Pool, pools
from scheduling.models.schedule.bounds.pruning import open_starts, usable_modes
from scheduling.models.schedule.bounds.relaxations import largest_tail_first
from scheduling.models.schedule.bounds.tails import Tails
from scheduling.models.schedule.bounds.usage import least_usage
from scheduling.models.schedule.objective import JOB_MEASURES, MEASURES
from scheduling.models.schedule.windows import Edges, difference_edges

_NO_TAIL = -(2**61)


def formula_bounds(arrays: ScheduleArrays) -> list[int | None] | None:
    """Lower bound of each tier of the objective, from formulas alone.

    Maxima (makespan, lateness) are bounded by the longest path and by Jackson's preemptive schedule
    of every machine (with the least setup behind each task but the last), by the fewest batches of
    every machine that runs them, and by the schedules of every set of alternative machines and of
    the energy of every renewable resource; sums over jobs by heads and,
    per pool, by the preemptive rules of :mod:`~scheduling.models.schedule.bounds.jobs`. A weighted
    sum of measures is bounded by the weighted sum of their bounds. Costs, energy and setups are
    bounded mode by mode, see :mod:`~scheduling.models.schedule.bounds.usage`.

    Returns
    -------
    list of int, or None
        ``None`` when windows, precedences and capacities contradict each other.
    """
    usable = usable_modes(arrays)
    if usable is None:
        return None
    edges = difference_edges(usable)
    heads = open_starts(usable, edges)
    if heads is None:
        return None
    relaxation = _Relaxation(usable, edges, heads)
    if relaxation.contradiction():
        return None
    needed = usable.weights.sum(axis=0).tolist()
    values = [
        (relaxation.measure(name) if name in JOB_MEASURES else least_usage(usable, name))
        if used
        else 0
        for name, used in zip(MEASURES, needed, strict=True)
    ]
    return [
        sum(weight * value for weight, value in zip(row, values, strict=True))
        for row in usable.weights.tolist()
    ]


@dataclass(frozen=True, eq=False)
class _Relaxation:
    arrays: ScheduleArrays
    edges: Edges
    heads: Ints

    @cached_property
    def low(self) -> Ints:
        return self.arrays.min_duration()

    @cached_property
    def pools(self) -> list[Pool]:
        return pools(self.arrays)

    @cached_property
    def jobs(self) -> JobLoads:
        return JobLoads(self.arrays, self.edges, self.heads, self.pools)

    @cached_property
    def lateness(self) -> int:
        """Bound of the largest lateness of a job with a due date."""
        arrays = self.arrays
        source = self.low - arrays.job_due[arrays.job]
        found = self._largest(np.where(arrays.optional, _NO_TAIL, source))
        # Where every job with a due date may be left out, 0 is possible, and no end lies before 0.
        return max(found, -int(arrays.job_due[arrays.job_due < NEVER].max()))

    def contradiction(self) -> bool:
        """Whether a supply is too small or a deadline too early."""
        heads = self.heads.tolist()
        if any(pool.exhausted([heads[task] for task in pool.tasks]) for pool in self.pools):
            return True
        if int(self.arrays.deadline.min()) == NEVER:
            return False
        source = self.low - self.arrays.deadline
        return self._largest(np.where(self.arrays.optional, _NO_TAIL, source)) > 0

    def measure(self, name: str) -> int:
        """Bound of one measure of job completions."""
        match name:
            case "makespan":
                return self._largest(self.low)
            case "total_completion":
                return self.jobs.completion()
            case "total_flow":
                weights, releases = self.arrays.job_weight, self.arrays.job_release
                pairs = zip(weights.tolist(), releases.tolist(), strict=True)
                released: int = sum(weight * start for weight, start in pairs)
                return self.jobs.completion() - released
            case "total_tardiness":
                return self.jobs.tardiness()
            case "max_tardiness":
                return max(0, self.lateness)
            case "max_lateness":
                return self.lateness
            case "late_jobs":
                return self.jobs.late()
        raise ValueError(f"unknown measure {name!r}")

    def _largest(self, source: Ints) -> int:
        """Bound of ``max(start_i + source_i)``; hugely negative sources do not count."""
        counted = np.where(source > _NO_TAIL // 4, source, _NO_TAIL)
        tails = Tails.of(self.arrays, self.edges, counted)
        best = int((self.heads + tails.start).max())
        heads = self.heads.tolist()
        for pool in self.pools:
            after = tails.after(pool)
            release = [heads[task] for task in pool.tasks]
            best = max(best, largest_tail_first(pool.supply, release, pool.work, after))
            if any(pool.setup):
                work = [time + extra for time, extra in zip(pool.work, pool.setup, strict=True)]
                after = [time - extra for time, extra in zip(after, pool.setup, strict=True)]
                best = max(best, largest_tail_first(pool.supply, release, work, after))
        for load in batch_loads(self.arrays):
            first = min(heads[task] for task in load.tasks)
            best = max(best, first + load.work + min(tails.fixed[task] for task in load.tasks))
        return best
