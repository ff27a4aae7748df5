"""The neighbourhood of a schedule of a flexible job shop, ranked by estimates.

Every operation of one random critical path is tried on its other machines at the best feasible
place (Mastrolilli and Gambardella 2000, Nopt1), and within its machine at the ends of its
critical block (Balas and Vazacopoulos 1998; Zhang et al. 2007, N6). A move's score estimates the
longest path through the operations it touches, from the current heads and tails.
"""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.flexible_graph import (
    ALT,
    ALT_END,
    ALTERNATIVE,
    BEHIND,
    BEST,
    CELL,
    DELIVERY,
    DURATION,
    FAR,
    FIRST,
    ITERATION,
    JOB_START,
    JOB_TAIL,
    MACHINE,
    POSITION,
    PRED,
    PRED_END,
    START,
    SUCC,
    SUCC_END,
    TAIL,
    VALUE,
    IntArray,
    RngArray,
    Search,
    draw,
)

OPERATION, TARGET, PLACE, _SCORE, _TIES, _LIMIT, _NOW, _BEST = range(8)
MOVE_CELLS = 8
# Farthest that a move shifts an operation within its machine; longer blocks cost too much.
_REACH = 60


@njit.lean
def critical_path(s: Search) -> int:
    """Write one random critical path to ``s.path`` in order of time; return its length."""
    op, path, pred, rng = s.op, s.path, s.pred, s.rng
    value = s.counter[VALUE]
    ties = 0
    v = 0
    for u in range(op.shape[0]):
        if op[u, START] + op[u, DURATION] + op[u, DELIVERY] == value:
            ties += 1
            if ties == 1 or draw(rng, ties) == 0:
                v = u
    count = 0
    while v >= 0:
        path[count] = v
        count += 1
        ties = 0
        chosen = -1
        start = op[v, START]
        cell = op[v, CELL]
        if s.end[cell - 1] == start and cell > s.span[op[v, MACHINE], FIRST]:
            ties = 1
            chosen = s.sequence[cell - 1]
        for e in range(op[v, PRED], op[v, PRED_END]):
            u = pred[e, 0]
            if u != chosen and op[u, START] + op[u, DURATION] + pred[e, 1] == start:
                ties += 1
                if ties == 1 or draw(rng, ties) == 0:
                    chosen = u
        v = chosen
    for i in range(count // 2):
        path[i], path[count - 1 - i] = path[count - 1 - i], path[i]
    return count


@njit.lean
def _consider(
    move: IntArray, rng: RngArray, v: int, target: int, place: int, score: int, until: int
) -> None:
    """Keep the candidate of best score, ties drawn evenly; tabu ones if they promise a best.

    When tabu is ignored, all candidates tie.
    """
    if until > move[_NOW] and score >= move[_BEST]:
        return
    if move[_NOW] == FAR:
        score = 0
    if score > move[_SCORE]:
        return
    if score < move[_SCORE]:
        move[_TIES] = 1
    else:
        move[_TIES] += 1
        if draw(rng, move[_TIES]) != 0:
            return
    move[OPERATION] = v
    move[TARGET] = target
    move[PLACE] = place
    move[_SCORE] = score
    if move[_NOW] < FAR:
        move[_LIMIT] = score


@njit.lean
def _least_rank_after(op: IntArray, succ: IntArray, v: int) -> int:
    """Return the least rank among the operations that v precedes."""
    rank = op.shape[0]
    for e in range(op[v, SUCC], op[v, SUCC_END]):
        rank = min(rank, op[succ[e, 0], POSITION])
    return rank


@njit.lean
def _greatest_rank_before(op: IntArray, pred: IntArray, v: int) -> int:
    """Return the greatest rank among the operations that precede v."""
    rank = -1
    for e in range(op[v, PRED], op[v, PRED_END]):
        rank = max(rank, op[pred[e, 0], POSITION])
    return rank


@njit.lean
def _first_later(end: IntArray, low: int, high: int, ready: int) -> int:
    """Return the first cell from ``low`` to ``high`` whose completion is after ``ready``."""
    size = high - low
    while size > 0:
        half = size - (size >> 1)
        low += half if end[low + half - 1] <= ready else 0
        size >>= 1
    return low


@njit.lean
def _first_fitting(front: IntArray, low: int, high: int, after: int) -> int:
    """Return the first cell from ``low`` to ``high`` whose duration and tail are <= ``after``."""
    size = high - low
    while size > 0:
        half = size - (size >> 1)
        low += half if front[low + half - 1] > after else 0
        size >>= 1
    return low


@njit.lean
def _reassign(s: Search, count: int) -> None:
    """Offer each of the first ``count`` operations of the path on other machines.

    Operations ending by v's earliest start stay before it, those whose tail fits behind v stay
    after it; both choices leave no cycle, and a place between the two sets is best for the
    longest path through v (Mastrolilli and Gambardella 2000, theorem 4).
    """
    op, alt, span, end, front = s.op, s.alt, s.span, s.end, s.front
    path, move = s.path, s.move
    for i in range(count):
        v = path[i]
        ready = op[v, JOB_START]
        after = op[v, JOB_TAIL]
        for target in range(op[v, ALT], op[v, ALT_END]):
            k = alt[target, 0]
            least = ready + alt[target, 1] + after
            if k == op[v, MACHINE] or least > move[_LIMIT]:
                continue
            if alt[target, 2] > move[_NOW] and least >= move[_BEST]:
                continue
            place = _first_later(end, span[k, FIRST], span[k, BEHIND], ready)
            fits = _first_fitting(front, span[k, FIRST], span[k, BEHIND], after)
            extra = 0
            if fits <= place:
                rank = _least_rank_after(op, s.succ, v)
                while place > fits and op[s.sequence[place - 1], POSITION] >= rank:
                    place -= 1
            else:
                extra = FAR
                for cell in range(place, fits + 1):
                    more = max(0, end[cell - 1] - ready) + max(0, front[cell] - after)
                    if more < extra:
                        extra = more
                        place = cell
            place -= span[k, FIRST]
            _consider(move, s.rng, v, target, place, least + extra, alt[target, 2])


@njit.lean
def _list_block_moves(s: Search, count: int) -> int:
    """List the N6 moves of the path's blocks in ``s.right`` and ``s.left``; return how many.

    Every operation of a block is moved behind its last and before its first, the first behind
    every other and the last before every other, by no more than ``_REACH`` places.
    """
    op, path, right, left, sequence = s.op, s.path, s.right, s.left, s.sequence
    rows = 0
    first = 0
    for i in range(count):
        v = path[i]
        if i + 1 < count:
            w = path[i + 1]
            if op[w, MACHINE] == op[v, MACHINE] and op[w, CELL] == op[v, CELL] + 1:
                continue
        low = op[path[first], CELL]
        high = op[v, CELL]
        for by in range(1, min(_REACH, high - low) + 1):
            right[rows, 0] = sequence[high - by]
            right[rows, 1] = high
            left[rows, 0] = sequence[low + by]
            left[rows, 1] = low
            rows += 1
        for by in range(1, min(_REACH, high - low - 1) + 1):
            right[rows, 0] = sequence[low]
            right[rows, 1] = low + by
            left[rows, 0] = v
            left[rows, 1] = high - by
            rows += 1
        first = i + 1
    return rows


@njit.lean
def _move_right(s: Search, rows: int) -> None:
    """Offer the moves in ``s.right`` to right behind a cell that make no cycle.

    Nothing is computed for a move whose path through v is longer than the best score, as the
    operations that it lets start earlier gain no more than the first of them.
    """
    op, sequence, end, front, pair = s.op, s.sequence, s.end, s.front, s.pair
    scratch, move = s.scratch, s.move
    cells = pair.size - 1
    for row in range(rows):
        v = s.right[row, 0]
        to = s.right[row, 1]
        after = op[v, JOB_TAIL]
        if front[to] <= after and op[sequence[to], POSITION] >= _least_rank_after(op, s.succ, v):
            continue
        at = op[v, CELL]
        finish = end[at - 1]
        after = max(after, front[to + 1]) + op[v, DURATION]
        w = sequence[at + 1]
        gain = op[w, START] - max(op[w, JOB_START], finish)
        least = max(op[v, JOB_START], end[to] - gain) + after
        if least > move[_LIMIT]:
            continue
        until = 0
        for cell in range(at + 1, to + 1):
            until = max(until, pair[(sequence[cell] * 40503 + v) & cells])
        if until > move[_NOW] and least >= move[_BEST]:
            continue
        for cell in range(at + 1, to + 1):
            w = sequence[cell]
            begin = max(op[w, JOB_START], finish)
            scratch[cell - at] = begin
            finish = begin + op[w, DURATION]
        score = max(op[v, JOB_START], finish) + after
        for cell in range(to, at, -1):
            w = sequence[cell]
            after = max(op[w, JOB_TAIL], after) + op[w, DURATION]
            score = max(score, scratch[cell - at] + after)
        place = to - s.span[op[v, MACHINE], FIRST]
        _consider(move, s.rng, v, op[v, ALTERNATIVE], place, score, until)


@njit.lean
def _move_left(s: Search, rows: int) -> None:
    """Offer the moves in ``s.left`` to right before a cell: the mirror image of `_move_right`."""
    op, sequence, end, front, pair = s.op, s.sequence, s.end, s.front, s.pair
    scratch, move = s.scratch, s.move
    cells = pair.size - 1
    for row in range(rows):
        v = s.left[row, 0]
        to = s.left[row, 1]
        finish = op[v, JOB_START]
        if end[to] <= finish and op[sequence[to], POSITION] <= _greatest_rank_before(op, s.pred, v):
            continue
        at = op[v, CELL]
        after = front[at + 1]
        finish = max(finish, end[to - 1]) + op[v, DURATION]
        w = sequence[at - 1]
        gain = op[w, TAIL] - max(op[w, JOB_TAIL], after)
        least = finish + max(op[v, JOB_TAIL], front[to] - gain)
        if least > move[_LIMIT]:
            continue
        until = 0
        for cell in range(to, at):
            until = max(until, pair[(v * 40503 + sequence[cell]) & cells])
        if until > move[_NOW] and least >= move[_BEST]:
            continue
        for cell in range(at - 1, to - 1, -1):
            w = sequence[cell]
            behind = max(op[w, JOB_TAIL], after)
            scratch[at - cell] = behind
            after = behind + op[w, DURATION]
        score = finish + max(op[v, JOB_TAIL], after)
        for cell in range(to, at):
            w = sequence[cell]
            finish = max(op[w, JOB_START], finish) + op[w, DURATION]
            score = max(score, finish + scratch[at - cell])
        place = to - s.span[op[v, MACHINE], FIRST]
        _consider(move, s.rng, v, op[v, ALTERNATIVE], place, score, until)


@njit.lean
def explore(s: Search, count: int, now: int) -> bool:
    """Rank the neighbourhood of the path in ``s.path``; return whether there is a move.

    With ``now`` = ``FAR`` nothing is tabu and the move is drawn evenly.
    """
    s.move[_SCORE] = FAR
    s.move[_LIMIT] = FAR
    s.move[_TIES] = 0
    s.move[_NOW] = now
    s.move[_BEST] = s.counter[BEST]
    _reassign(s, count)
    rows = _list_block_moves(s, count)
    _move_right(s, rows)
    _move_left(s, rows)
    return s.move[_TIES] > 0


@njit.lean
def forbid(s: Search, v: int, target: int, at: int) -> None:
    """Make the reversal of a move tabu for a random number of iterations."""
    op, pair = s.op, s.pair
    now = s.counter[ITERATION]
    current = op[v, ALTERNATIVE]
    if target != current:
        s.alt[current, 2] = now + 6 + op[v, ALT_END] - op[v, ALT] + draw(s.rng, 8)
        return
    to = s.span[op[v, MACHINE], FIRST] + at
    tenure = 5 + s.order.size // s.span.shape[0] // 2
    until = now + tenure + draw(s.rng, 1 + tenure // 2)
    cells = pair.size - 1
    for cell in range(op[v, CELL] + 1, to + 1):
        pair[(v * 40503 + s.sequence[cell]) & cells] = until
    for cell in range(to, op[v, CELL]):
        pair[(s.sequence[cell] * 40503 + v) & cells] = until
