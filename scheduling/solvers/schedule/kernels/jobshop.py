"""Job-shop kernels: dispatching, tabu-based memetic search, decoding and bounds.

The shop has ``n`` operations on unary machines; machines may recur within a job, durations may be
0, an operation may have a release time (head), a delivery time (tail, of any sign) and a least
lag to its job successor (delay). The objective is the largest completion plus tail: the makespan
with zero tails, the maximum lateness with tails ``-due``.

Everything takes a :class:`Shop` from :func:`make_shop` and flat machine sequences: machine ``m``
owns ``sequence[machine_ptr[m] : machine_ptr[m + 1]]``. Kernels release the GIL and are compiled
on first use, then cached on disk.
"""

from __future__ import annotations

import numpy as np

from scheduling.solvers.schedule.kernels.jobshop_bounds import (
    jackson_preemptive_bound,
    one_machine_bounds,
)
from scheduling.solvers.schedule.kernels.jobshop_dispatch import RULES, dispatch_order
from scheduling.solvers.schedule.kernels.jobshop_graph import (
    DURATION,
    HEAD,
    MACHINE,
    MINUS_INFINITY,
    TAIL,
    IntArray,
    Shop,
    WordArray,
    decode_sequence,
    make_shop,
)
from scheduling.solvers.schedule.kernels.jobshop_search import (
    BEST,
    ITERATION,
    Search,
    advance,
    make_search,
    start_from,
)

__all__ = [
    "MINUS_INFINITY",
    "RULES",
    "Search",
    "Shop",
    "advance",
    "best_schedule",
    "dispatch",
    "inject",
    "jackson_preemptive_bound",
    "lower_bound",
    "make_rng",
    "make_search",
    "make_shop",
    "objective",
    "one_machine_bounds",
    "schedule_from_sequences",
    "sequences_from_order",
    "sequences_from_starts",
]


def make_rng(seed: int) -> WordArray:
    """State of the kernels' xorshift64* generator from any integer."""
    word = (seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & ((1 << 64) - 1)
    return np.array([word or 1], dtype=np.uint64)


def dispatch(
    shop: Shop, rule: int, rng: WordArray, active: bool = False, noise: float = 0.0
) -> IntArray:
    """Machine sequences of a dispatched schedule.

    Parameters
    ----------
    rule
        Index into :data:`RULES`.
    rng
        Generator state from :func:`make_rng`, advanced in place; breaks ties.
    active
        Active schedules by Giffler and Thompson instead of non-delay ones.
    noise
        Priority keys are multiplied by ``1 + noise * U[0, 1)``.

    Returns
    -------
    IntArray
        Flat machine sequences.
    """
    order = np.zeros(shop.ops.shape[1] - 1, dtype=np.int64)
    dispatch_order(shop, rule, active, noise, order, rng)
    return sequences_from_order(shop, order)


def sequences_from_order(shop: Shop, order: IntArray) -> IntArray:
    """Flat machine sequences in which operations follow a linear order."""
    return order[np.argsort(shop.ops[MACHINE, order], kind="stable")]


def sequences_from_starts(shop: Shop, starts: IntArray) -> IntArray:
    """Machine sequences of a feasible schedule given by its start times.

    Operations of zero length at the same moment are ordered as the jobs list them, which never
    makes a cycle.
    """
    n = shop.ops.shape[1] - 1
    ends = starts + shop.ops[DURATION, :n]
    return sequences_from_order(shop, np.lexsort((ends, starts)))


def schedule_from_sequences(shop: Shop, sequence: IntArray) -> IntArray | None:
    """Earliest start times under machine sequences, None if these are cyclic."""
    n = shop.ops.shape[1] - 1
    starts = np.zeros(n, dtype=np.int64)
    order = np.zeros(n, dtype=np.int64)
    return starts if decode_sequence(shop, sequence, starts, order) else None


def objective(shop: Shop, starts: IntArray) -> int:
    """Largest completion plus tail of a schedule; ``MINUS_INFINITY`` for an empty shop."""
    v = shop.sinks
    ends = starts[v] + shop.ops[DURATION, v] + shop.ops[TAIL, v]
    return int(ends.max(initial=MINUS_INFINITY))


def lower_bound(shop: Shop) -> int:
    """Largest of the one-machine bounds and of the job lengths with heads and tails.

    ``MINUS_INFINITY`` for an empty shop.
    """
    v = shop.sinks
    paths = shop.ops[HEAD, v] + shop.ops[DURATION, v] + shop.ops[TAIL, v]
    machines = one_machine_bounds(shop)
    return int(max(paths.max(initial=MINUS_INFINITY), machines.max(initial=MINUS_INFINITY)))


def inject(shop: Shop, search: Search, sequence: IntArray) -> int | None:
    """Let the search go on from an outside solution.

    The walk in progress is closed as if its patience had run out.

    Returns
    -------
    int or None
        Objective of the solution; None (and nothing changed) if its sequences are cyclic.
    """
    n = shop.ops.shape[1] - 1
    starts = np.zeros(n, dtype=np.int64)
    order = np.zeros(n, dtype=np.int64)
    if not decode_sequence(shop, sequence, starts, order):
        return None
    return int(start_from(shop, search, order))


def best_schedule(shop: Shop, search: Search) -> tuple[int, IntArray, IntArray] | None:
    """Best objective so far with its start times and machine sequences, None before any."""
    if search.counters[ITERATION] == 0 and search.counters[BEST] == -MINUS_INFINITY:
        return None
    n = shop.ops.shape[1] - 1
    sequence = sequences_from_order(shop, search.best_order)
    starts = np.zeros(n, dtype=np.int64)
    decode_sequence(shop, sequence, starts, np.zeros(n, dtype=np.int64))
    return int(search.counters[BEST]), starts, sequence
