"""Jobs without waiting as blocks, in the CP-SAT formulation.

Two such jobs exclude a set of differences between their starts. Where that is one interval for
every pair of jobs, as in flow shops, a tour through the jobs with least differences as lengths says
it all, and the length of the tour bounds the makespan (Wismer, "Solution of the flowshop-scheduling
problem with no intermediate queues", 1972). It is added to what the machines say already.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.schedule.arrays import END_START, Ints
from scheduling.solvers.schedule.cpsat.core import Core, Hint, Reading

_LARGEST = 300
"""Most jobs of a tour: it has a literal for every pair."""


def add_tour(core: Core) -> Any | None:
    """Add the tour through all jobs where it is valid.

    Returns
    -------
    expression or None
        Length of the tour, which no makespan falls below; ``None`` without a tour.
    """
    least = least_differences(core)
    if least is None:
        return None
    arrays, model = core.arrays, core.model
    first = arrays.job_ptr[:-1].tolist()
    length = np.add.reduceat(arrays.duration, first).tolist()
    arcs: list[tuple[int, int, Any]] = []
    costs: list[int] = []
    jobs = range(len(first))
    for job in jobs:
        opening, closing = core.flag(_follows(core, -1, job)), core.flag(_follows(core, job, -1))
        arcs += [(0, job + 1, opening), (job + 1, 0, closing)]
        costs += [int(arrays.release[first[job]]), length[job]]
        for other in jobs:
            if other != job:
                arc = core.flag(_follows(core, job, other))
                gap = int(least[job, other])
                arcs.append((job + 1, other + 1, arc))
                costs.append(gap)
                difference = core.starts[first[other]] - core.starts[first[job]]
                model.add(difference >= gap).only_enforce_if(arc)
    model.add_circuit(arcs)
    return cp_model.LinearExpr.weighted_sum([literal for _, _, literal in arcs], costs)


def least_differences(core: Core) -> Ints | None:
    """Least difference of the starts of two jobs, the first before the second.

    Returns
    -------
    Ints or None
        ``None`` unless every job is one block with one mode for each task, and every two exclude
        one interval around 0 of differences.
    """
    arrays = core.arrays
    count = arrays.n_jobs
    inner = arrays.job[:-1] == arrays.job[1:]
    rigid = arrays.chained & (arrays.link_max == 0) & (arrays.link_kind == END_START)
    bound = np.zeros(arrays.n_tasks, bool)
    bound[arrays.link_before[rigid & (arrays.link_min == 0)]] = True
    certain = arrays.single_mode and not np.any(arrays.absent)
    if not 1 < count <= _LARGEST or not certain or not np.all(bound[:-1][inner]):
        return None
    if np.any(arrays.elastic):
        return None
    offset = np.cumsum(arrays.duration) - arrays.duration
    offset -= np.repeat(offset[arrays.job_ptr[:-1]], np.diff(arrays.job_ptr))
    visits: list[dict[int, tuple[int, int]]] = [{} for _ in range(count)]
    rows = zip(
        arrays.job.tolist(),
        arrays.machine.tolist(),
        offset.tolist(),
        (offset + arrays.duration).tolist(),
        strict=True,
    )
    for job, machine, start, end in rows:
        if machine >= 0 and end > start:
            if machine in visits[job]:
                return None
            visits[job][machine] = start, end
    least = np.zeros((count, count), np.int64)
    for one in range(count):
        for other in range(one):
            span = _excluded(visits[one], visits[other])
            if span is None:
                return None
            least[other, one], least[one, other] = -span[0], span[1]
    return least


def _excluded(
    one: dict[int, tuple[int, int]], other: dict[int, tuple[int, int]]
) -> tuple[int, int] | None:
    """Open interval of differences (other minus one) that overlap; ``None`` if it is not one."""
    spans = sorted(
        (start - other[machine][1], end - other[machine][0])
        for machine, (start, end) in one.items()
        if machine in other
    )
    if not spans:
        return None
    reach = spans[0][1]
    for _, (low, high) in pairwise(spans):
        if low >= reach:
            return None
        reach = max(reach, high)
    low = spans[0][0]
    return (low, reach) if low < 0 < reach else None


def _follows(core: Core, before: int, after: int) -> Hint:
    """Tell whether a job starts directly after another; -1 stands before the first and behind."""
    first = core.arrays.job_ptr[:-1].tolist()

    def follows(reading: Reading) -> int:
        if reading.tour is None:
            order = sorted(range(len(first)), key=lambda job: (reading.start[first[job]], job))
            reading.tour = set(pairwise([-1, *order, -1]))
        return (before, after) in reading.tour

    return follows
