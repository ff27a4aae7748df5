"""Job-shop data, disjunctive graph and schedule evaluation as compiled kernels.

A solution is carried as a *linear order*: a permutation of all operations in which every job and
every machine sequence is respected. Reading the operations of one machine in that order gives
its sequence, so a linear order can never encode a cyclic (infeasible) choice of machine arcs.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit

IntArray = NDArray[np.int64]
WordArray = NDArray[np.uint64]

#: Stands for "no path": far below every time, far from overflow when times are added to it.
MINUS_INFINITY = -(1 << 60)


#: Rows of ``Shop.ops``. LAG is duration plus delay: least time from start to start of the job
#: successor. HEAD and TAIL are those that the operation's own job forces. LOCAL numbers the
#: operations of one machine from 0, WIDTH is how many there are.
MACHINE, DURATION, LAG, HEAD, TAIL, PRED, SUCC, LOCAL, WIDTH = range(9)

#: Rows of a graph table (``int64[GRAPH_ROWS, n + 1]``): linear order and its inverse, flat machine
#: sequences and their inverse, machine neighbours (``n`` if none), longest paths into the start
#: and out of the end of every operation, and scratch.
ORDER, RANK, SEQUENCE, PLACE, BEFORE, AFTER, START, REST, MARK = range(9)
PATH, JOB_HEAD, JOB_TAIL, TRIAL, BUFFER = range(9, 14)
GRAPH_ROWS = 14


class Shop(NamedTuple):
    """A job shop as dense arrays; made by :func:`make_shop`.

    Attributes
    ----------
    job_ptr
        Operations of job ``j`` are ``job_ptr[j] .. job_ptr[j + 1] - 1`` in processing order.
    machine_ptr
        Machine ``m`` owns the places ``machine_ptr[m] .. machine_ptr[m + 1] - 1`` of a sequence.
    ops
        Table of operations, a row per attribute; column ``n`` is a dummy that stands for "none".
    sinks
        Operations whose own tail is not implied by a later operation of their job; the
        objective is decided by these alone.
    """

    job_ptr: IntArray
    machine_ptr: IntArray
    ops: IntArray
    sinks: IntArray


def make_shop(
    job_ptr: IntArray,
    machine: IntArray,
    duration: IntArray,
    delay: IntArray | None = None,
    head: IntArray | None = None,
    tail: IntArray | None = None,
) -> Shop:
    """Build a :class:`Shop` from operation arrays.

    Parameters
    ----------
    job_ptr
        ``J + 1`` offsets; jobs may be empty.
    machine
        Machine of every operation, counted from 0; a machine may recur within a job.
    duration
        Processing times, at least 0.
    delay
        Least time between the end of an operation and the start of its job successor, at
        least 0; 0 if absent.
    head
        Release time of every operation; 0 if absent.
    tail
        Delivery time after the end of every operation, may be negative (``-due`` gives maximum
        lateness); 0 if absent.

    Returns
    -------
    Shop
        The same shop with heads and tails propagated along the jobs.
    """
    n = len(machine)
    offsets = np.asarray(job_ptr, dtype=np.int64)
    ops = np.zeros((9, n + 1), dtype=np.int64)
    ops[MACHINE, :n] = machine
    ops[DURATION, :n] = duration
    ops[LAG, :n] = duration if delay is None else np.add(duration, delay)
    ops[HEAD, :n] = 0 if head is None else head
    ops[TAIL, :n] = 0 if tail is None else tail
    ops[HEAD : TAIL + 1, n] = MINUS_INFINITY
    ops[PRED] = np.arange(-1, n)
    ops[SUCC] = np.arange(1, n + 2)
    used = np.diff(offsets) > 0
    ops[PRED, offsets[:-1][used]] = n
    ops[SUCC, offsets[1:][used] - 1] = n
    ops[PRED, n] = ops[SUCC, n] = n
    counts = np.bincount(ops[MACHINE, :n])
    ops[MACHINE, n] = len(counts)
    machine_ptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    by_machine = np.argsort(ops[MACHINE, :n], kind="stable")
    ops[LOCAL, by_machine] = np.arange(n) - machine_ptr[ops[MACHINE, by_machine]]
    ops[WIDTH, :n] = counts[ops[MACHINE, :n]]
    sinks = _propagate_chains(offsets, ops)
    return Shop(offsets, machine_ptr, ops, sinks)


def _propagate_chains(job_ptr: IntArray, ops: IntArray) -> IntArray:
    """Propagate heads forward and tails backward along every job; return the sinks."""
    head, tail, lag = ops[HEAD].tolist(), ops[TAIL].tolist(), ops[LAG].tolist()
    duration = ops[DURATION].tolist()
    offsets = job_ptr.tolist()
    sinks = []
    for first, end in pairwise(offsets):
        for v in range(first + 1, end):
            head[v] = max(head[v], head[v - 1] + lag[v - 1])
        chain = MINUS_INFINITY
        for v in range(end - 1, first - 1, -1):
            if tail[v] > chain:
                sinks.append(v)
            tail[v] = max(tail[v], chain)
            if v > first:
                chain = tail[v] + duration[v] + lag[v - 1] - duration[v - 1]
    ops[HEAD] = head
    ops[TAIL] = tail
    return np.array(sorted(sinks), dtype=np.int64)


@njit.lean
def next_random(rng: WordArray) -> np.uint64:
    """Next word of a xorshift64* generator whose state is ``rng[0]`` (never 0)."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return x * np.uint64(2685821657736338717)


@njit.lean
def random_below(rng: WordArray, bound: int) -> int:
    """Uniform integer in ``0 .. bound - 1``."""
    return int(next_random(rng) >> np.uint64(33)) * bound >> 31


@njit.inner
def link_order(machine_ptr: IntArray, ops: IntArray, graph: IntArray) -> None:
    """Read machine sequences and neighbour links off the linear order ``graph[ORDER]``."""
    n = ops.shape[1] - 1
    machines = machine_ptr.shape[0] - 1
    last = np.full(machines, n, np.int64)
    filled = machine_ptr.copy()
    for k in range(n):
        v = graph[ORDER, k]
        m = ops[MACHINE, v]
        w = last[m]
        graph[RANK, v] = k
        graph[BEFORE, v] = w
        graph[AFTER, w] = v
        graph[AFTER, v] = n
        graph[SEQUENCE, filled[m]] = v
        graph[PLACE, v] = filled[m]
        filled[m] += 1
        last[m] = v
    graph[BEFORE, n] = n
    graph[AFTER, n] = n
    graph[START, n] = MINUS_INFINITY
    graph[REST, n] = MINUS_INFINITY


@njit.lean
def compute_starts(ops: IntArray, graph: IntArray, first: int) -> None:
    """Recompute the starts of ``order[first:]``; those of earlier places must hold."""
    for k in range(first, ops.shape[1] - 1):
        v = graph[ORDER, k]
        a = ops[PRED, v]
        b = graph[BEFORE, v]
        start = max(graph[START, a] + ops[LAG, a], graph[START, b] + ops[DURATION, b])
        graph[START, v] = max(start, ops[HEAD, v])


@njit.lean
def compute_rests(ops: IntArray, graph: IntArray, last: int) -> None:
    """Recompute the longest paths out of ``order[: last + 1]``; later ones must hold."""
    for k in range(last, -1, -1):
        v = graph[ORDER, k]
        a = ops[SUCC, v]
        b = graph[AFTER, v]
        by_job = ops[LAG, v] - ops[DURATION, v] + ops[DURATION, a] + graph[REST, a]
        rest = max(by_job, ops[DURATION, b] + graph[REST, b])
        graph[REST, v] = max(rest, ops[TAIL, v])


@njit.lean
def objective_of(ops: IntArray, sinks: IntArray, graph: IntArray) -> int:
    """Largest completion plus tail over the sinks; ``MINUS_INFINITY`` for an empty shop."""
    value = MINUS_INFINITY
    for k in range(sinks.shape[0]):
        v = sinks[k]
        value = max(value, graph[START, v] + ops[DURATION, v] + ops[TAIL, v])
    return value


@njit.lean
def _shift(graph: IntArray, forward: bool, u: int, v: int) -> None:
    """Move ``u`` right after ``v`` (forward) or ``v`` right before ``u`` on their machine."""
    n = graph.shape[1] - 1
    low, high = graph[PLACE, u], graph[PLACE, v]
    previous, following = graph[BEFORE, u], graph[AFTER, v]
    if forward:
        for k in range(low, high):
            graph[SEQUENCE, k] = graph[SEQUENCE, k + 1]
        graph[SEQUENCE, high] = u
    else:
        for k in range(high, low, -1):
            graph[SEQUENCE, k] = graph[SEQUENCE, k - 1]
        graph[SEQUENCE, low] = v
    for k in range(low, high + 1):
        w = graph[SEQUENCE, k]
        graph[PLACE, w] = k
        graph[BEFORE, w] = previous
        graph[AFTER, previous] = w
        previous = w
    graph[AFTER, previous] = following
    graph[BEFORE, following] = previous
    graph[BEFORE, n] = n
    graph[AFTER, n] = n


@njit.lean
def _reorder_forward(ops: IntArray, graph: IntArray, first: int, last: int) -> None:
    """Repair the linear order after ``order[first]`` went behind ``order[last]``.

    The operation and everything in the window that now follows from it moves behind the rest.
    """
    u = graph[ORDER, first]
    graph[MARK, u] = 1
    graph[BUFFER, 0] = u
    moved = 1
    for k in range(first + 1, last + 1):
        v = graph[ORDER, k]
        if graph[MARK, ops[PRED, v]] | graph[MARK, graph[BEFORE, v]]:
            graph[MARK, v] = 1
            graph[BUFFER, moved] = v
            moved += 1
        else:
            graph[ORDER, k - moved] = v
            graph[RANK, v] = k - moved
    for k in range(moved):
        v = graph[BUFFER, k]
        graph[MARK, v] = 0
        graph[ORDER, last + 1 - moved + k] = v
        graph[RANK, v] = last + 1 - moved + k


@njit.lean
def _reorder_backward(ops: IntArray, graph: IntArray, first: int, last: int) -> None:
    """Repair the linear order after ``order[last]`` went in front of ``order[first]``."""
    v = graph[ORDER, last]
    graph[MARK, v] = 1
    graph[BUFFER, 0] = v
    moved = 1
    for k in range(last - 1, first - 1, -1):
        u = graph[ORDER, k]
        if graph[MARK, ops[SUCC, u]] | graph[MARK, graph[AFTER, u]]:
            graph[MARK, u] = 1
            graph[BUFFER, moved] = u
            moved += 1
        else:
            graph[ORDER, k + moved] = u
            graph[RANK, u] = k + moved
    for k in range(moved):
        u = graph[BUFFER, k]
        graph[MARK, u] = 0
        graph[ORDER, first + moved - 1 - k] = u
        graph[RANK, u] = first + moved - 1 - k


@njit.lean
def apply_move(
    ops: IntArray, sinks: IntArray, graph: IntArray, forward: bool, u: int, v: int
) -> int:
    """Carry out a feasible move of ``u`` and ``v`` exactly and return the new objective."""
    first, last = graph[RANK, u], graph[RANK, v]
    _shift(graph, forward, u, v)
    if forward:
        _reorder_forward(ops, graph, first, last)
    else:
        _reorder_backward(ops, graph, first, last)
    compute_starts(ops, graph, first)
    compute_rests(ops, graph, last)
    return objective_of(ops, sinks, graph)


@njit.entry
def decode_sequence(shop: Shop, sequence: IntArray, starts: IntArray, order: IntArray) -> bool:
    """Fill earliest ``starts`` and a linear ``order`` from flat machine sequences.

    Returns
    -------
    bool
        False if the sequences contradict each other or the jobs (a cycle).
    """
    ops = shop.ops
    n = ops.shape[1] - 1
    before = np.full(n + 1, n, np.int64)
    after = np.full(n + 1, n, np.int64)
    missing = np.zeros(n, np.int64)
    for m in range(shop.machine_ptr.shape[0] - 1):
        for k in range(shop.machine_ptr[m] + 1, shop.machine_ptr[m + 1]):
            before[sequence[k]] = sequence[k - 1]
            after[sequence[k - 1]] = sequence[k]
    count = 0
    for v in range(n):
        missing[v] = (ops[PRED, v] < n) + (before[v] < n)
        if missing[v] == 0:
            order[count] = v
            count += 1
    done = 0
    while done < count:
        v = order[done]
        done += 1
        start = ops[HEAD, v]
        a = ops[PRED, v]
        if a < n:
            start = max(start, starts[a] + ops[LAG, a])
        a = before[v]
        if a < n:
            start = max(start, starts[a] + ops[DURATION, a])
        starts[v] = start
        for w in (ops[SUCC, v], after[v]):
            if w < n:
                missing[w] -= 1
                if missing[w] == 0:
                    order[count] = w
                    count += 1
    return count == n
