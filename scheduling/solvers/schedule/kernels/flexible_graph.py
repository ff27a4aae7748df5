"""The flexible job shop as arrays, and its disjunctive graph under a move.

A schedule is held as one alternative per operation and one sequence per machine. The graph of
precedence arcs and machine arcs keeps an explicit topological order, so that heads and tails
are recomputed over a part of the order only after a move.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
RngArray = NDArray[np.uint64]
FAR = 1 << 60


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
        One row per operation, with the columns ``START`` to ``MARK``: the current schedule
        (``ALTERNATIVE``, ``MACHINE``, ``DURATION``, its ``CELL`` in ``sequence``), its longest
        paths (``START``, ``TAIL``; ``JOB_START`` and ``JOB_TAIL`` without machine arcs), the
        rank ``POSITION`` in ``order``, and the shop's data.
    pred, succ
        Arcs as rows (operation, lag); alternatives ``alt`` as rows (machine, duration, the
        iteration until which a return to it is tabu).
    sequence, end, front, span
        Sequences of all machines; in the same cells the completion of the operation, and its
        duration plus tail; a row (first cell, cell behind the last) per machine. The cells
        before and behind a sequence hold -FAR in ``end`` and ``front``.
    order, reach
        A topological order; the running maximum along it of completion plus delivery.
    right, left
        Moves of one operation within its machine to be evaluated, as rows (operation, cell).
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
    end: IntArray
    front: IntArray
    span: IntArray
    order: IntArray
    reach: IntArray
    scratch: IntArray
    path: IntArray
    right: IntArray
    left: IntArray
    move: IntArray
    pair: IntArray
    round: IntArray
    best: IntArray
    pool: IntArray
    pool_value: IntArray
    counter: IntArray
    rng: RngArray


START, DURATION, TAIL, JOB_START, JOB_TAIL, MACHINE, CELL, POSITION = range(8)
ALTERNATIVE, HEAD, DELIVERY, ALT, ALT_END, PRED, PRED_END, SUCC, SUCC_END, MARK = range(8, 18)
COLUMNS = 18
FIRST, BEHIND = range(2)
STAMP, ITERATION, VALUE, ROUND, BEST, IMPROVED, POOLED, PATIENCE = range(8)
COUNTERS = 8


@njit.lean
def draw(rng: RngArray, bound: int) -> int:
    """Draw an integer from 0 to bound - 1 (< 2**31) with xorshift64 (Marsaglia 2003)."""
    x = rng[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    rng[0] = x
    return int(x >> np.uint64(33)) * bound >> 31


@njit.lean
def pass_heads(
    op: IntArray,
    pred: IntArray,
    end: IntArray,
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
        cell = op[v, CELL]
        ready = max(ready, end[cell - 1])
        op[v, START] = ready
        ready += op[v, DURATION]
        end[cell] = ready
        far = max(far, ready + op[v, DELIVERY])
        reach[i] = far


@njit.lean
def pass_tails(
    op: IntArray,
    succ: IntArray,
    front: IntArray,
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
        cell = op[v, CELL]
        after = max(after, front[cell + 1])
        op[v, TAIL] = after
        front[cell] = after + op[v, DURATION]


@njit.entry
def load_schedule(s: Search, alternative: IntArray, position: IntArray) -> int:
    """Make (alternatives, ranks in a topological order) the current schedule.

    Returns its objective, 0 without operations.
    """
    op = s.op
    for v in range(position.size):
        s.order[position[v]] = v
    for k in range(s.span.shape[0]):
        s.span[k, BEHIND] = s.span[k, FIRST]
    for i in range(s.order.size):
        v = s.order[i]
        a = alternative[v]
        k = s.alt[a, 0]
        cell = s.span[k, BEHIND]
        op[v, POSITION] = i
        op[v, ALTERNATIVE] = a
        op[v, MACHINE] = k
        op[v, DURATION] = s.alt[a, 1]
        op[v, CELL] = cell
        s.sequence[cell] = v
        s.span[k, BEHIND] = cell + 1
    for k in range(s.span.shape[0]):
        s.front[s.span[k, BEHIND]] = -FAR
    pass_heads(op, s.pred, s.end, s.order, s.reach, 0)
    pass_tails(op, s.succ, s.front, s.order, s.order.size - 1)
    return s.reach[s.order.size - 1] if s.order.size > 0 else 0


@njit.lean
def _place_after(s: Search, v: int, stop: int) -> None:
    """Move v and its descendants up to rank ``stop`` behind that rank of the order."""
    op, order, scratch, sequence, pred = s.op, s.order, s.scratch, s.sequence, s.pred
    s.counter[STAMP] += 1
    stamp = s.counter[STAMP]
    op[v, MARK] = stamp
    held = 0
    put = op[v, POSITION]
    for i in range(put, stop + 1):
        w = order[i]
        cell = op[w, CELL]
        after = op[w, MARK] == stamp
        if cell > s.span[op[w, MACHINE], FIRST]:
            after = after or op[sequence[cell - 1], MARK] == stamp
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


@njit.lean
def _place_before(s: Search, v: int, stop: int) -> None:
    """Move v and its ancestors down to rank ``stop`` in front of that rank of the order."""
    op, order, scratch, sequence, succ = s.op, s.order, s.scratch, s.sequence, s.succ
    s.counter[STAMP] += 1
    stamp = s.counter[STAMP]
    op[v, MARK] = stamp
    held = 0
    put = op[v, POSITION]
    for i in range(put, stop - 1, -1):
        u = order[i]
        cell = op[u, CELL] + 1
        before = op[u, MARK] == stamp
        if cell < s.span[op[u, MACHINE], BEHIND]:
            before = before or op[sequence[cell], MARK] == stamp
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


@njit.lean
def _resequence(s: Search, v: int, target: int, at: int) -> None:
    """Take v out of its sequence and insert it as number ``at`` under alternative ``target``.

    Neighbours that shift take along what the cells hold, as not all of it is recomputed.
    """
    op, span, sequence, end, front = s.op, s.span, s.sequence, s.end, s.front
    k = op[v, MACHINE]
    behind = span[k, BEHIND] - 1
    span[k, BEHIND] = behind
    for cell in range(op[v, CELL], behind):
        w = sequence[cell + 1]
        sequence[cell] = w
        end[cell] = end[cell + 1]
        front[cell] = front[cell + 1]
        op[w, CELL] = cell
    front[behind] = -FAR
    k = s.alt[target, 0]
    place = span[k, FIRST] + at
    behind = span[k, BEHIND]
    for cell in range(behind, place, -1):
        w = sequence[cell - 1]
        sequence[cell] = w
        end[cell] = end[cell - 1]
        front[cell] = front[cell - 1]
        op[w, CELL] = cell
    span[k, BEHIND] = behind + 1
    front[behind + 1] = -FAR
    sequence[place] = v
    op[v, CELL] = place
    op[v, ALTERNATIVE] = target
    op[v, MACHINE] = k
    op[v, DURATION] = s.alt[target, 1]


@njit.lean
def apply_move(s: Search, v: int, target: int, at: int) -> int:
    """Move v to alternative ``target``, number ``at`` of that machine's sequence without v.

    The move must leave the graph without a cycle. Returns the exact objective after it.
    """
    op, sequence, span = s.op, s.sequence, s.span
    k = op[v, MACHINE]
    cell = op[v, CELL]
    low = high = op[v, POSITION]
    before = sequence[cell - 1] if cell > span[k, FIRST] else -1
    after = sequence[cell + 1] if cell + 1 < span[k, BEHIND] else -1
    _resequence(s, v, target, at)
    k = op[v, MACHINE]
    cell = op[v, CELL]
    if cell > span[k, FIRST]:
        rank = op[sequence[cell - 1], POSITION]
        if rank > op[v, POSITION]:
            high = rank
            _place_after(s, v, rank)
    if cell + 1 < span[k, BEHIND]:
        rank = op[sequence[cell + 1], POSITION]
        if rank < op[v, POSITION]:
            low = rank
            _place_before(s, v, rank)
    if before >= 0:
        high = max(high, op[before, POSITION])
    if after >= 0:
        low = min(low, op[after, POSITION])
    pass_heads(op, s.pred, s.end, s.order, s.reach, low)
    pass_tails(op, s.succ, s.front, s.order, high)
    return s.reach[s.order.size - 1]
