"""The flexible job shop as arrays, and its disjunctive graph under a move.

A schedule is held as one alternative per operation and one sequence per machine. The graph of
precedence arcs and machine arcs keeps an explicit topological order, so that heads and tails
are recomputed over a part of the order only after a move.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
RngArray = NDArray[np.uint64]
_Function = TypeVar("_Function", bound=Callable[..., object])

FAR = 1 << 60


def kernel(function: _Function) -> _Function:
    """Compile a function with numba: cached on disk, without the interpreter lock."""
    return cast(_Function, njit(cache=True, nogil=True)(function))


class FlexibleShop(NamedTuple):
    """A flexible shop with precedence arcs, as int64 arrays.

    Operation v may run on the alternatives ``alt_ptr[v]:alt_ptr[v + 1]``; the objective is the
    maximum over operations of completion plus ``tail``.

    Attributes
    ----------
    pred_ptr, pred, pred_lag
        Precedence arcs into each operation (CSR): the arc from ``pred[e]`` asks for
        ``pred_lag[e]`` units between its completion and the start of the operation.
    succ_ptr, succ, succ_lag
        The same arcs, by the operation they leave.
    alt_ptr, alt_machine, alt_duration
        Alternatives of each operation (CSR).
    head, tail
        Release date, and delivery time after completion (may be negative).
    seq_ptr
        Machine k keeps its sequence in the cells ``seq_ptr[k]:seq_ptr[k + 1]``.
    topological
        The operations in an order that respects the arcs.
    """

    pred_ptr: IntArray
    pred: IntArray
    pred_lag: IntArray
    succ_ptr: IntArray
    succ: IntArray
    succ_lag: IntArray
    alt_ptr: IntArray
    alt_machine: IntArray
    alt_duration: IntArray
    head: IntArray
    tail: IntArray
    seq_ptr: IntArray
    topological: IntArray


class Search(NamedTuple):
    """Everything that a tabu search remembers; the kernels change it in place.

    Attributes
    ----------
    op
        One row per operation, with the columns ``START`` to ``SUCC_END``: the current schedule
        (``ALTERNATIVE``, ``MACHINE``, ``DURATION``, ``INDEX`` in the machine's sequence), its
        longest paths (``START``, ``TAIL``; ``JOB_START`` and ``JOB_TAIL`` without machine
        arcs), the rank ``POSITION`` in ``order``, and the shop's data.
    pred, succ
        Arcs as rows (operation, lag); alternatives ``alt`` as rows (machine, duration, the
        iteration until which a return to it is tabu).
    sequence, span
        Sequences of all machines, and a row (first cell, length) per machine.
    order, reach
        A topological order; the running maximum along it of completion plus delivery.
    pair
        Iteration until which an arc between two operations is tabu, by hash.
    round, best, pool
        Schedules as rows (alternatives, ranks): best of the round, of all, and the elite.
    """

    op: IntArray
    alt: IntArray
    pred: IntArray
    succ: IntArray
    sequence: IntArray
    span: IntArray
    order: IntArray
    reach: IntArray
    scratch: IntArray
    path: IntArray
    move: IntArray
    pair: IntArray
    round: IntArray
    best: IntArray
    pool: IntArray
    pool_value: IntArray
    counter: IntArray
    rng: RngArray


START, DURATION, TAIL, JOB_START, JOB_TAIL, MACHINE, INDEX, POSITION = range(8)
ALTERNATIVE, HEAD, DELIVERY, ALT, ALT_END, PRED, PRED_END, SUCC, SUCC_END, MARK = range(8, 18)
COLUMNS = 18
BASE, LENGTH = range(2)
STAMP, ITERATION, VALUE, ROUND, BEST, IMPROVED, POOLED, PATIENCE = range(8)
COUNTERS = 8


@kernel
def draw(rng: RngArray, bound: int) -> int:
    """Draw an integer from 0 to bound - 1 with xorshift64* (Vigna 2016), changing ``rng``."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    return np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33)) % bound


@kernel
def pass_heads(
    op: IntArray,
    pred: IntArray,
    sequence: IntArray,
    span: IntArray,
    order: IntArray,
    reach: IntArray,
    first: int,
) -> None:
    """Recompute starts along the topological order from rank ``first`` on."""
    far = reach[first - 1] if first > 0 else -FAR
    for i in range(first, order.size):
        v = order[i]
        ready = op[v, HEAD]
        for e in range(op[v, PRED], op[v, PRED_END]):
            u = pred[e, 0]
            ready = max(ready, op[u, START] + op[u, DURATION] + pred[e, 1])
        op[v, JOB_START] = ready
        at = op[v, INDEX]
        if at > 0:
            u = sequence[span[op[v, MACHINE], BASE] + at - 1]
            ready = max(ready, op[u, START] + op[u, DURATION])
        op[v, START] = ready
        far = max(far, ready + op[v, DURATION] + op[v, DELIVERY])
        reach[i] = far


@kernel
def pass_tails(
    op: IntArray,
    succ: IntArray,
    sequence: IntArray,
    span: IntArray,
    order: IntArray,
    last: int,
) -> None:
    """Recompute tails against the topological order from rank ``last`` down."""
    for i in range(last, -1, -1):
        v = order[i]
        after = op[v, DELIVERY]
        for e in range(op[v, SUCC], op[v, SUCC_END]):
            w = succ[e, 0]
            after = max(after, op[w, TAIL] + op[w, DURATION] + succ[e, 1])
        op[v, JOB_TAIL] = after
        k = op[v, MACHINE]
        at = op[v, INDEX] + 1
        if at < span[k, LENGTH]:
            w = sequence[span[k, BASE] + at]
            after = max(after, op[w, TAIL] + op[w, DURATION])
        op[v, TAIL] = after


@kernel
def load_schedule(s: Search, alternative: IntArray, position: IntArray) -> int:
    """Make (alternatives, ranks in a topological order) the current schedule.

    Returns its objective.
    """
    op = s.op
    for v in range(position.size):
        s.order[position[v]] = v
    s.span[:, LENGTH] = 0
    for i in range(s.order.size):
        v = s.order[i]
        a = alternative[v]
        k = s.alt[a, 0]
        op[v, POSITION] = i
        op[v, ALTERNATIVE] = a
        op[v, MACHINE] = k
        op[v, DURATION] = s.alt[a, 1]
        s.sequence[s.span[k, BASE] + s.span[k, LENGTH]] = v
        op[v, INDEX] = s.span[k, LENGTH]
        s.span[k, LENGTH] += 1
    pass_heads(op, s.pred, s.sequence, s.span, s.order, s.reach, 0)
    pass_tails(op, s.succ, s.sequence, s.span, s.order, s.order.size - 1)
    return s.reach[s.order.size - 1]


@kernel
def _place_after(s: Search, v: int, stop: int) -> None:
    """Move v and its descendants up to rank ``stop`` behind that rank of the order."""
    op, order, scratch, sequence, span, pred = s.op, s.order, s.scratch, s.sequence, s.span, s.pred
    s.counter[STAMP] += 1
    stamp = s.counter[STAMP]
    op[v, MARK] = stamp
    held = 0
    put = op[v, POSITION]
    for i in range(put, stop + 1):
        w = order[i]
        at = op[w, INDEX]
        after = op[w, MARK] == stamp
        if at > 0:
            u = sequence[span[op[w, MACHINE], BASE] + at - 1]
            after = after or op[u, MARK] == stamp
        for e in range(op[w, PRED], op[w, PRED_END]):
            after = after or op[pred[e, 0], MARK] == stamp
        if after:
            op[w, MARK] = stamp
            scratch[held] = w
            held += 1
        else:
            order[put] = w
            op[w, POSITION] = put
            put += 1
    for j in range(held):
        w = scratch[j]
        order[put] = w
        op[w, POSITION] = put
        put += 1


@kernel
def _place_before(s: Search, v: int, stop: int) -> None:
    """Move v and its ancestors down to rank ``stop`` in front of that rank of the order."""
    op, order, scratch, sequence, span, succ = s.op, s.order, s.scratch, s.sequence, s.span, s.succ
    s.counter[STAMP] += 1
    stamp = s.counter[STAMP]
    op[v, MARK] = stamp
    held = 0
    put = op[v, POSITION]
    for i in range(put, stop - 1, -1):
        u = order[i]
        k = op[u, MACHINE]
        at = op[u, INDEX] + 1
        before = op[u, MARK] == stamp
        if at < span[k, LENGTH]:
            w = sequence[span[k, BASE] + at]
            before = before or op[w, MARK] == stamp
        for e in range(op[u, SUCC], op[u, SUCC_END]):
            before = before or op[succ[e, 0], MARK] == stamp
        if before:
            op[u, MARK] = stamp
            scratch[held] = u
            held += 1
        else:
            order[put] = u
            op[u, POSITION] = put
            put -= 1
    for j in range(held):
        u = scratch[j]
        order[put] = u
        op[u, POSITION] = put
        put -= 1


@kernel
def _resequence(s: Search, v: int, target: int, at: int) -> None:
    """Take v out of its sequence and insert it as number ``at`` under alternative ``target``."""
    op, sequence, span = s.op, s.sequence, s.span
    k = op[v, MACHINE]
    base = span[k, BASE]
    span[k, LENGTH] -= 1
    for i in range(op[v, INDEX], span[k, LENGTH]):
        w = sequence[base + i + 1]
        sequence[base + i] = w
        op[w, INDEX] = i
    k = s.alt[target, 0]
    base = span[k, BASE]
    for i in range(span[k, LENGTH], at, -1):
        w = sequence[base + i - 1]
        sequence[base + i] = w
        op[w, INDEX] = i
    span[k, LENGTH] += 1
    sequence[base + at] = v
    op[v, INDEX] = at
    op[v, ALTERNATIVE] = target
    op[v, MACHINE] = k
    op[v, DURATION] = s.alt[target, 1]


@kernel
def apply_move(s: Search, v: int, target: int, at: int) -> int:
    """Move v to alternative ``target``, number ``at`` of that machine's sequence without v.

    The move must leave the graph without a cycle. Returns the exact objective after it.
    """
    op, sequence, span = s.op, s.sequence, s.span
    k = op[v, MACHINE]
    cell = span[k, BASE] + op[v, INDEX]
    low = high = op[v, POSITION]
    before = sequence[cell - 1] if op[v, INDEX] > 0 else -1
    after = sequence[cell + 1] if op[v, INDEX] + 1 < span[k, LENGTH] else -1
    _resequence(s, v, target, at)
    k = op[v, MACHINE]
    cell = span[k, BASE] + at
    if at > 0:
        rank = op[sequence[cell - 1], POSITION]
        if rank > op[v, POSITION]:
            high = rank
            _place_after(s, v, rank)
    if at + 1 < span[k, LENGTH]:
        rank = op[sequence[cell + 1], POSITION]
        if rank < op[v, POSITION]:
            low = rank
            _place_before(s, v, rank)
    if before >= 0:
        high = max(high, op[before, POSITION])
    if after >= 0:
        low = min(low, op[after, POSITION])
    pass_heads(op, s.pred, sequence, span, s.order, s.reach, low)
    pass_tails(op, s.succ, sequence, span, s.order, high)
    return s.reach[s.order.size - 1]
