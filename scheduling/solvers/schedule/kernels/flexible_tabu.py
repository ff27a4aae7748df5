"""Tabu search for the flexible job shop, with a pool of elite schedules.

Neighbourhood: every operation of one random critical path is tried on its other machines at
the best feasible place (Mastrolilli and Gambardella 2000, Nopt1), and within its machine at
the ends of its critical block (Balas and Vazacopoulos 1998; Zhang et al. 2007, N6). Moves are
ranked by estimates from the current heads and tails; the one made is evaluated exactly. Rounds
of tabu search start from combinations of two pool members (in the spirit of the path relinking
of Gonzalez, Vela and Varela 2015).
"""

from __future__ import annotations

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
    IMPROVED,
    ITERATION,
    JOB_START,
    JOB_TAIL,
    MACHINE,
    PATIENCE,
    POOLED,
    POSITION,
    PRED,
    PRED_END,
    ROUND,
    START,
    SUCC,
    SUCC_END,
    TAIL,
    VALUE,
    FlexibleShop,
    IntArray,
    RngArray,
    Search,
    apply_move,
    draw,
    kernel,
    load_schedule,
)
from scheduling.solvers.schedule.kernels.flexible_greedy import list_schedule

_OPERATION, _TARGET, _PLACE, _SCORE, _TIES, _LIMIT, _NOW, _BEST = range(8)
MOVE_CELLS = 8


@kernel
def _critical_path(s: Search) -> int:
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


@kernel
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
    move[_OPERATION] = v
    move[_TARGET] = target
    move[_PLACE] = place
    move[_SCORE] = score
    if move[_NOW] < FAR:
        move[_LIMIT] = score


@kernel
def _least_rank_after(op: IntArray, succ: IntArray, v: int) -> int:
    """Return the least rank among the operations that v precedes."""
    rank = op.shape[0]
    for e in range(op[v, SUCC], op[v, SUCC_END]):
        rank = min(rank, op[succ[e, 0], POSITION])
    return rank


@kernel
def _greatest_rank_before(op: IntArray, pred: IntArray, v: int) -> int:
    """Return the greatest rank among the operations that precede v."""
    rank = -1
    for e in range(op[v, PRED], op[v, PRED_END]):
        rank = max(rank, op[pred[e, 0], POSITION])
    return rank


@kernel
def _first_later(end: IntArray, low: int, high: int, ready: int) -> int:
    """Return the first cell from ``low`` to ``high`` whose completion is after ``ready``."""
    size = high - low
    while size > 0:
        half = size - (size >> 1)
        low += half if end[low + half - 1] <= ready else 0
        size >>= 1
    return low


@kernel
def _first_fitting(front: IntArray, low: int, high: int, after: int) -> int:
    """Return the first cell from ``low`` to ``high`` whose duration and tail are <= ``after``."""
    size = high - low
    while size > 0:
        half = size - (size >> 1)
        low += half if front[low + half - 1] > after else 0
        size >>= 1
    return low


@kernel
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


@kernel
def _list_block_moves(s: Search, count: int) -> int:
    """List the N6 moves of the path's blocks in ``s.right`` and ``s.left``; return how many.

    Every operation of a block is moved behind its last and before its first, the first behind
    every other and the last before every other.
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
        for cell in range(low, high):
            right[rows, 0] = sequence[cell]
            right[rows, 1] = high
            left[rows, 0] = sequence[cell + 1]
            left[rows, 1] = low
            rows += 1
        for cell in range(low + 1, high):
            right[rows, 0] = sequence[low]
            right[rows, 1] = cell
            left[rows, 0] = v
            left[rows, 1] = cell
            rows += 1
        first = i + 1
    return rows


@kernel
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
        if front[to] <= after:
            if op[sequence[to], POSITION] >= _least_rank_after(op, s.succ, v):
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


@kernel
def _move_left(s: Search, rows: int) -> None:
    """Offer the moves in ``s.left`` to right before a cell: the mirror image of `_move_right`."""
    op, sequence, end, front, pair = s.op, s.sequence, s.end, s.front, s.pair
    scratch, move = s.scratch, s.move
    cells = pair.size - 1
    for row in range(rows):
        v = s.left[row, 0]
        to = s.left[row, 1]
        finish = op[v, JOB_START]
        if end[to] <= finish:
            if op[sequence[to], POSITION] <= _greatest_rank_before(op, s.pred, v):
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


@kernel
def _explore(s: Search, count: int, now: int) -> bool:
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


@kernel
def _forbid(s: Search, v: int, target: int, at: int) -> None:
    """Make the reversal of a move tabu for a random number of iterations."""
    op, pair = s.op, s.pair
    now = s.counter[ITERATION]
    current = op[v, ALTERNATIVE]
    if target != current:
        s.alt[current, 2] = now + 8 + draw(s.rng, 8)
        return
    to = s.span[op[v, MACHINE], FIRST] + at
    tenure = 5 + s.order.size // s.span.shape[0] // 2
    until = now + tenure + draw(s.rng, 1 + tenure // 2)
    cells = pair.size - 1
    for cell in range(op[v, CELL] + 1, to + 1):
        pair[(v * 40503 + s.sequence[cell]) & cells] = until
    for cell in range(to, op[v, CELL]):
        pair[(s.sequence[cell] * 40503 + v) & cells] = until


@kernel
def _keep_round(s: Search) -> None:
    """Store the current schedule as the best of the round, and of all if it is."""
    s.counter[ROUND] = s.counter[VALUE]
    s.counter[IMPROVED] = s.counter[ITERATION]
    s.round[0, :] = s.op[:, ALTERNATIVE]
    s.round[1, :] = s.op[:, POSITION]
    if s.counter[VALUE] < s.counter[BEST]:
        s.counter[BEST] = s.counter[VALUE]
        s.best[:] = s.round


@kernel
def start_round(s: Search, alternative: IntArray, position: IntArray) -> None:
    """Load a schedule and begin a round of tabu search from it."""
    s.counter[VALUE] = load_schedule(s, alternative, position)
    s.alt[:, 2] = 0
    s.pair[:] = 0
    _keep_round(s)


@kernel
def _step(s: Search) -> bool:
    """Make one move; return False if the critical path offers none."""
    count = _critical_path(s)
    if not (_explore(s, count, s.counter[ITERATION]) or _explore(s, count, FAR)):
        return False
    v = s.move[_OPERATION]
    target = s.move[_TARGET]
    at = s.move[_PLACE]
    _forbid(s, v, target, at)
    s.counter[VALUE] = apply_move(s, v, target, at)
    if s.counter[VALUE] < s.counter[ROUND]:
        _keep_round(s)
    return True


@kernel
def _combine(s: Search, one: int, two: int) -> None:
    """Begin a round between two pool members.

    An operation's rank is a weighted mean of its ranks in the two topological orders, hence
    compatible with every precedence and machine arc on which both agree; where they assign it
    differently, it takes one of the two alternatives.
    """
    n = s.order.size
    weight = 5 + draw(s.rng, 7)
    s.scratch[:] = 0
    for v in range(n):
        rank = (16 - weight) * s.pool[one, 1, v] + weight * s.pool[two, 1, v]
        s.path[v] = rank >> 4
        s.scratch[s.path[v] + 1] += 1
        s.order[s.pool[one, 1, v]] = v
        pick = two if draw(s.rng, 16) < weight else one
        s.round[0, v] = s.pool[pick, 0, v]
    for i in range(n):
        s.scratch[i + 1] += s.scratch[i]
    for i in range(n):
        v = s.order[i]
        s.round[1, v] = s.scratch[s.path[v]]
        s.scratch[s.path[v]] += 1
    start_round(s, s.round[0], s.round[1])


@kernel
def _twins(s: Search, member: int) -> bool:
    """Tell whether pool member and round agree in nearly all assignments."""
    differ = 0
    for v in range(s.order.size):
        if s.pool[member, 0, v] != s.round[0, v]:
            differ += 1
    return differ * 50 < s.order.size


@kernel
def _store_round(s: Search) -> None:
    """Put the round's best schedule into the pool: a free place, or the worst's."""
    value = s.counter[ROUND]
    slot = s.counter[POOLED]
    if slot < s.pool_value.size:
        s.counter[POOLED] += 1
    else:
        slot = 0
        for i in range(s.pool_value.size):
            if s.pool_value[i] == value and _twins(s, i):
                return
            if s.pool_value[i] > s.pool_value[slot]:
                slot = i
        if s.pool_value[slot] < value:
            return
    s.pool_value[slot] = value
    s.pool[slot] = s.round


@kernel
def _next_round(shop: FlexibleShop, s: Search) -> None:
    """End a round and begin another: a random construction, or two members combined."""
    _store_round(s)
    size = s.pool_value.size
    if s.counter[POOLED] < size:
        weight = draw(s.rng, 101) / 100.0
        list_schedule(shop, weight, 1.0 - weight, 0.2, s.rng, s.round[0], s.round[1])
        start_round(s, s.round[0], s.round[1])
        return
    one = draw(s.rng, size)
    two = (one + 1 + draw(s.rng, size - 1)) % size
    _combine(s, one, two)


@kernel
def tabu_search(shop: FlexibleShop, s: Search, iterations: int, target: int) -> int:
    """Make up to ``iterations`` moves, stopping once the best objective is at most ``target``.

    Returns the number of moves made; the same moves follow however a run is cut into calls.
    """
    made = 0
    while made < iterations and s.counter[BEST] > target:
        if s.counter[ITERATION] - s.counter[IMPROVED] >= s.counter[PATIENCE]:
            _next_round(shop, s)
            continue
        made += 1
        s.counter[ITERATION] += 1
        if not _step(s):
            s.counter[IMPROVED] = s.counter[ITERATION] - s.counter[PATIENCE]
    return made
