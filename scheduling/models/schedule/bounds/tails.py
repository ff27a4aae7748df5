"""What must still pass after a task, until the end of everything or of its job."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import END_START, NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.bounds.pools import Pool
from scheduling.models.schedule.windows import Edges, longest_paths


@dataclass(frozen=True, eq=False)
class Tails:
    """Least values of ``objective - start_i`` and of ``objective - end_i``, per task.

    The two differ by more than the shortest duration when modes differ: a longer mode delays the
    end, but not what follows the start.
    """

    start: Ints
    fixed: list[int]
    end: list[int]

    @classmethod
    def of(
        cls, arrays: ScheduleArrays, edges: Edges, source: Ints, *, inside_jobs: bool = False
    ) -> Tails:
        """Propagate ``objective >= start_i + source_i`` backwards.

        Parameters
        ----------
        arrays
            The problem.
        edges
            Its difference edges, which must not contradict each other.
        source
            Known before; at least the shortest duration lies between ``start_i`` and the end that
            it counts.
        inside_jobs
            Whether only relations between tasks of one job count.
        """
        keep = np.ones(len(edges.before), np.bool_)
        if inside_jobs:
            keep = arrays.job[edges.before] == arrays.job[edges.after]
        reverse = Edges(edges.after[keep], edges.before[keep], edges.weight[keep])
        start = longest_paths(arrays.n_tasks, reverse, source)
        if start is None:
            raise ValueError("the precedences contradict each other")
        low = arrays.min_duration()
        end = np.maximum(start - arrays.max_duration(), source - low)
        before, after = arrays.link_before, arrays.link_after
        direct = arrays.firm & (arrays.link_kind == END_START) & (arrays.link_min > -NEVER)
        if inside_jobs:
            direct &= arrays.job[before] == arrays.job[after]
        np.maximum.at(end, before[direct], arrays.link_min[direct] + start[after[direct]])
        return cls(start, (start - low).tolist(), end.tolist())

    def after(self, pool: Pool) -> list[int]:
        """Tail of each task of a pool after its work is done."""
        values = self.end if pool.elastic else self.fixed
        return [values[task] for task in pool.tasks]
