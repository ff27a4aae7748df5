"""Lower bounds for job shops from Jackson's preemptive schedule on single machines.

References: Jackson, Management Science Research Report 43 (1955); Carlier, European Journal of
Operational Research 11 (1982).
"""

from __future__ import annotations

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.jobshop_dispatch import heap_pop, heap_push
from scheduling.solvers.schedule.kernels.jobshop_graph import (
    DURATION,
    HEAD,
    MINUS_INFINITY,
    TAIL,
    IntArray,
    Shop,
)


@njit.entry
def jackson_preemptive_bound(heads: IntArray, durations: IntArray, tails: IntArray) -> int:
    """Makespan of Jackson's preemptive schedule on one machine, in ``O(n log n)``.

    At every moment the released, unfinished operation with the largest tail runs. The value
    is the optimum of the preemptive relaxation, equal to the largest, over all subsets, of
    least head plus total duration plus least tail.

    Parameters
    ----------
    heads, durations, tails
        Release time, processing time (at least 0) and delivery time of every operation.

    Returns
    -------
    int
        The bound; ``MINUS_INFINITY`` for no operations.
    """
    n = heads.shape[0]
    left = durations.copy()
    urgency = -tails
    no_tie = np.zeros(n, np.uint64)
    arriving = np.empty(n, np.int64)
    waiting = np.empty(n, np.int64)
    for v in range(n):
        heap_push(arriving, 0, v, v, heads, no_tie)
    coming = n
    ready = 0
    now = MINUS_INFINITY
    bound = MINUS_INFINITY
    while coming + ready > 0:
        if ready == 0:
            now = max(now, heads[arriving[0]])
        while coming > 0 and heads[arriving[0]] <= now:
            v = heap_pop(arriving, 0, coming, heads, no_tie)
            coming -= 1
            heap_push(waiting, 0, ready, v, urgency, no_tie)
            ready += 1
        v = waiting[0]
        if coming > 0 and now + left[v] > heads[arriving[0]]:
            left[v] -= heads[arriving[0]] - now
            now = heads[arriving[0]]
            continue
        now += left[v]
        bound = max(bound, now + tails[v])
        heap_pop(waiting, 0, ready, urgency, no_tie)
        ready -= 1
    return bound


@njit.entry
def one_machine_bounds(shop: Shop) -> IntArray:
    """Jackson bound of every machine with the heads and tails that the jobs force.

    The largest entry (or the longest job, which no machine bound can fall below where the
    job's operations are on the machine) bounds the objective of the shop from below.

    Returns
    -------
    IntArray
        One bound per machine.
    """
    machines = shop.machine_ptr.shape[0] - 1
    bounds = np.full(machines, np.int64(MINUS_INFINITY), np.int64)
    by_machine = np.empty(shop.ops.shape[1] - 1, np.int64)
    filled = shop.machine_ptr.copy()
    for v in range(by_machine.shape[0]):
        m = shop.ops[0, v]
        by_machine[filled[m]] = v
        filled[m] += 1
    for m in range(machines):
        members = by_machine[shop.machine_ptr[m] : shop.machine_ptr[m + 1]]
        bounds[m] = jackson_preemptive_bound(
            shop.ops[HEAD][members], shop.ops[DURATION][members], shop.ops[TAIL][members]
        )
    return bounds
