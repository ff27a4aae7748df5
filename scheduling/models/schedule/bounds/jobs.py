"""Bounds of sums over jobs: each pool as a single preemptive machine with released jobs.

On one pool the tasks of a job are taken together: their work is released with the first of them,
and the job completes at least the shortest job tail after the work is done. Jobs that do not use
the pool complete at their heads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.bounds.pools import Pool
from scheduling.models.schedule.bounds.relaxations import (
    fewest_late,
    mean_busy_times,
    shortest_remaining_first,
)
from scheduling.models.schedule.bounds.supply import Supply, WorkSupply
from scheduling.models.schedule.bounds.tails import Tails
from scheduling.models.schedule.windows import Edges

_MAX_LAYERS = 8
_MANY_TASKS = 20_000


@dataclass(frozen=True)
class _Load:
    """What jobs need of one pool; lists run over ``jobs``."""

    supply: Supply
    jobs: list[int]
    release: list[int]
    work: list[int]
    tail: list[int]
    span: list[float]

    def part(self, keep: Sequence[int]) -> _Load:
        """Return the load of some of the jobs, by position."""

        def pick(values: list[int]) -> list[int]:
            return [values[index] for index in keep]

        return _Load(
            self.supply,
            pick(self.jobs),
            pick(self.release),
            pick(self.work),
            pick(self.tail),
            [self.span[index] for index in keep],
        )


@dataclass(frozen=True, eq=False)
class JobLoads:
    """Sums over jobs, bounded pool by pool.

    Parameters
    ----------
    arrays
        The problem.
    edges
        Its difference edges.
    heads
        Earliest start of each task.
    pools
        Its pools; none may be overfull.
    """

    arrays: ScheduleArrays
    edges: Edges
    heads: Ints
    pools: list[Pool]

    @cached_property
    def _completion(self) -> list[int]:
        """Earliest completion of each job by heads, and by its work alone on every pool."""
        ends = self.heads + self.arrays.min_duration()
        found: list[int] = np.maximum.reduceat(ends, self.arrays.job_ptr[:-1]).tolist()
        for load in self._loads:
            begin = load.supply.work(load.release)
            rows = zip(load.jobs, begin, load.work, load.tail, strict=True)
            for job, done, work, tail in rows:
                found[job] = max(found[job], load.supply.moment(done + work) + tail)
        return found

    @cached_property
    def _weight(self) -> list[int]:
        found: list[int] = self.arrays.job_weight.tolist()
        return found

    @cached_property
    def _due(self) -> list[int]:
        found: list[int] = self.arrays.job_due.tolist()
        return found

    @cached_property
    def _loads(self) -> list[_Load]:
        low = self.arrays.min_duration()
        tails = Tails.of(self.arrays, self.edges, low, inside_jobs=True)
        heads, spans, jobs = self.heads.tolist(), low.tolist(), self.arrays.job.tolist()
        found = [_load(pool, tails.after(pool), heads, spans, jobs) for pool in self.pools]
        if self.arrays.single_mode and not (self.arrays.work >= 0).any():
            _widen(found, self.pools)
        return found

    def completion(self) -> int:
        """Bound of ``sum w_j C_j``."""
        base = [w * c for w, c in zip(self._weight, self._completion, strict=True)]
        best = sum(base)
        for load in self._loads:
            rest = _outside(base, load)
            weight = [self._weight[job] for job in load.jobs]
            after = sum(w * q for w, q in zip(weight, load.tail, strict=True))
            half = sum(w * span / 2 for w, span in zip(weight, load.span, strict=True))
            busy = mean_busy_times(load.supply, load.release, load.work, weight)
            best = max(best, rest + after + ceil((busy + half) * (1 - 1e-9)))
            if len(set(weight)) == 1:
                ends = shortest_remaining_first(load.supply, load.release, load.work)
                best = max(best, rest + after + weight[0] * sum(ends))
        return best

    def tardiness(self) -> int:
        """Bound of ``sum w_j max(0, C_j - d_j)``.

        With the k-th completion of SRPT matched to the k-th due date (Chu, 1992), per layer of
        weights.
        """
        base = [
            w * max(0, c - d)
            for w, c, d in zip(self._weight, self._completion, self._due, strict=True)
        ]
        best = sum(base)
        for load in self._due_loads():
            value = _outside(base, load)
            for height, layer in self._layers(load):
                ends = shortest_remaining_first(layer.supply, layer.release, layer.work)
                dues = sorted(
                    self._due[job] - tail for job, tail in zip(layer.jobs, layer.tail, strict=True)
                )
                late = (max(0, end - due) for end, due in zip(ends, dues, strict=True))
                value += height * sum(late)
            best = max(best, value)
        return best

    def late(self) -> int:
        """Bound of ``sum w_j [C_j > d_j]``: Moore and Hodgson per layer of weights."""
        base = [
            w * (c > d) for w, c, d in zip(self._weight, self._completion, self._due, strict=True)
        ]
        best = sum(base)
        for load in self._due_loads():
            value = _outside(base, load)
            for height, layer in self._layers(load):
                value += height * self._fewest_late(layer)
            best = max(best, value)
        return best

    def _fewest_late(self, load: _Load) -> int:
        """Jobs that are late already by their heads are late; the rest start together."""
        open_ = [
            index for index, job in enumerate(load.jobs) if self._completion[job] <= self._due[job]
        ]
        rest = load.part(open_)
        if not rest.jobs:
            return len(load.jobs)
        first = load.supply.work([min(rest.release)])[0]
        dues = [self._due[job] - tail for job, tail in zip(rest.jobs, rest.tail, strict=True)]
        budget = [amount - first for amount in load.supply.work(dues)]
        return len(load.jobs) - len(rest.jobs) + fewest_late(budget, rest.work)

    def _due_loads(self) -> Iterator[_Load]:
        for load in self._loads:
            due = [index for index, job in enumerate(load.jobs) if self._due[job] < NEVER]
            if due:
                yield load.part(due)

    def _layers(self, load: _Load) -> Iterator[tuple[int, _Load]]:
        """Split ``sum w_j f_j`` into layers: heights that add up to w_j at most."""
        weights = [self._weight[job] for job in load.jobs]
        levels = sorted(set(weights) - {0})
        most = 2 if self.arrays.n_tasks > _MANY_TASKS else _MAX_LAYERS
        if len(levels) > most:
            picks = np.linspace(0, len(levels) - 1, most).round().astype(int)
            levels = [levels[index] for index in sorted(set(picks.tolist()))]
        below = 0
        for level in levels:
            keep = [index for index, weight in enumerate(weights) if weight >= level]
            yield level - below, load.part(keep)
            below = level


def _outside(base: list[int], load: _Load) -> int:
    """Sum of ``base`` over the jobs outside a load."""
    return sum(base) - sum(base[job] for job in load.jobs)


def _load(
    pool: Pool, after: list[int], heads: list[int], low: list[int], job_of: list[int]
) -> _Load:
    """Gather the tasks of a pool by job."""
    index: dict[int, int] = {}
    load = _Load(pool.supply, [], [], [], [], [])
    peak = pool.supply.peak
    # By the hours work may be done unevenly, but nowhere faster than at the peak.
    uneven = isinstance(pool.supply, WorkSupply)
    for task, work, tail in zip(pool.tasks, pool.work, after, strict=True):
        job = job_of[task]
        place = index.setdefault(job, len(index))
        if place == len(load.jobs):
            load.jobs.append(job)
            load.release.append(heads[task])
            load.work.append(work)
            load.tail.append(tail)
            load.span.append(work / peak if uneven else low[task])
        else:
            load.release[place] = min(load.release[place], heads[task])
            load.work[place] += work
            load.tail[place] = min(load.tail[place], tail)
            load.span[place] = load.work[place] / peak
    return load


def _widen(loads: list[_Load], pools: list[Pool]) -> None:
    """Lengthen the spans of jobs that a pool of their own keeps from using more of others at once.

    While its tasks run, a job takes from another pool at most as much per unit of its own pool as
    the greediest of them, and of its own pool no more than there is.
    """
    works = [dict(zip(pool.tasks, pool.work, strict=True)) for pool in pools]
    own = {load.jobs[0]: index for index, load in enumerate(loads) if len(load.jobs) == 1}
    for load, work in zip(loads, works, strict=True):
        tasks: dict[int, list[int]] = {}
        for place, job in enumerate(load.jobs):
            if job in own:
                tasks[place] = list(works[own[job]])
        for place, narrow in tasks.items():
            index = own[load.jobs[place]]
            mine = [task for task in narrow if task in work]
            if sum(work[task] for task in mine) < load.work[place]:
                # Some of its work needs nothing of the narrow pool.
                continue
            most = max(work[task] / works[index][task] for task in mine)
            rate = most * loads[index].supply.peak
            load.span[place] = max(load.span[place], load.work[place] / rate)
