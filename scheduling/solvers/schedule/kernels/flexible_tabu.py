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
    BASE,
    BEST,
    DELIVERY,
    DURATION,
    FAR,
    IMPROVED,
    INDEX,
    ITERATION,
    JOB_START,
    JOB_TAIL,
    LENGTH,
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

_OPERATION, _TARGET, _PLACE, _SCORE, _TIES = range(5)
_CHOSEN, _ANY, _NOW, _BEST = 0, 5, 10, 11
MOVE_CELLS = 12


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
        if op[v, INDEX] > 0:
            u = s.sequence[s.span[op[v, MACHINE], BASE] + op[v, INDEX] - 1]
            if op[u, START] + op[u, DURATION] == start:
                ties = 1
                chosen = u
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
    """Keep the candidate of best score (ties drawn evenly), tabu ones if they promise a best.

    While there is none, one of the tabu candidates is kept, drawn evenly.
    """
    slot = _CHOSEN
    if until > move[_NOW] and score >= move[_BEST]:
        if move[_CHOSEN + _TIES] > 0:
            return
        slot = _ANY
        score = 0
    if score > move[slot + _SCORE]:
        return
    if score < move[slot + _SCORE]:
        move[slot + _TIES] = 1
    else:
        move[slot + _TIES] += 1
        if draw(rng, move[slot + _TIES]) != 0:
            return
    move[slot + _OPERATION] = v
    move[slot + _TARGET] = target
    move[slot + _PLACE] = place
    move[slot + _SCORE] = score


@kernel
def _least_rank_after(op: IntArray, succ: IntArray, v: int) -> int:
    """Return the least rank among the operations that v precedes."""
    rank = op.shape[0]
    for e in range(op[v, SUCC], op[v, SUCC_END]):
        rank = min(rank, op[succ[e, 0], POSITION])
    return rank


@kernel
def _reassign(
    op: IntArray,
    alt: IntArray,
    succ: IntArray,
    sequence: IntArray,
    span: IntArray,
    move: IntArray,
    rng: RngArray,
    v: int,
) -> None:
    """Offer v on each other machine at the best place.

    Operations ending by v's earliest start stay before it, those whose tail fits behind v stay
    after it; both choices leave no cycle, and a place between the two sets is best for the
    longest path through v (Mastrolilli and Gambardella 2000, theorem 4).
    """
    ready = op[v, JOB_START]
    after = op[v, JOB_TAIL]
    for target in range(op[v, ALT], op[v, ALT_END]):
        k = alt[target, 0]
        if k == op[v, MACHINE]:
            continue
        base = span[k, BASE]
        done = 0
        high = span[k, LENGTH]
        while done < high:
            middle = (done + high) >> 1
            w = sequence[base + middle]
            if op[w, START] + op[w, DURATION] <= ready:
                done = middle + 1
            else:
                high = middle
        low = 0
        high = span[k, LENGTH]
        while low < high:
            middle = (low + high) >> 1
            w = sequence[base + middle]
            if op[w, TAIL] + op[w, DURATION] <= after:
                high = middle
            else:
                low = middle + 1
        place = done
        best = ready + after
        if low <= done:
            rank = _least_rank_after(op, succ, v)
            while place > low and op[sequence[base + place - 1], POSITION] >= rank:
                place -= 1
        else:
            best = FAR
            for at in range(done, low + 1):
                begin = ready
                if at > 0:
                    w = sequence[base + at - 1]
                    begin = max(begin, op[w, START] + op[w, DURATION])
                end = after
                if at < span[k, LENGTH]:
                    w = sequence[base + at]
                    end = max(end, op[w, TAIL] + op[w, DURATION])
                if begin + end < best:
                    best = begin + end
                    place = at
        _consider(move, rng, v, target, place, best + alt[target, 1], alt[target, 2])


@kernel
def _move_right(
    op: IntArray,
    succ: IntArray,
    sequence: IntArray,
    span: IntArray,
    pair: IntArray,
    scratch: IntArray,
    move: IntArray,
    rng: RngArray,
    v: int,
    to: int,
) -> None:
    """Offer v right behind number ``to`` of its machine's sequence, if that makes no cycle."""
    k = op[v, MACHINE]
    base = span[k, BASE]
    after = op[v, JOB_TAIL]
    w = sequence[base + to]
    if op[w, TAIL] + op[w, DURATION] <= after:
        if op[w, POSITION] >= _least_rank_after(op, succ, v):
            return
    at = op[v, INDEX]
    end = -FAR
    if at > 0:
        w = sequence[base + at - 1]
        end = op[w, START] + op[w, DURATION]
    until = 0
    cells = pair.size - 1
    for i in range(at + 1, to + 1):
        w = sequence[base + i]
        begin = max(op[w, JOB_START], end)
        scratch[i] = begin
        end = begin + op[w, DURATION]
        until = max(until, pair[(w * 40503 + v) & cells])
    if to + 1 < span[k, LENGTH]:
        w = sequence[base + to + 1]
        after = max(after, op[w, TAIL] + op[w, DURATION])
    after += op[v, DURATION]
    score = max(op[v, JOB_START], end) + after
    for i in range(to, at, -1):
        w = sequence[base + i]
        after = max(op[w, JOB_TAIL], after) + op[w, DURATION]
        score = max(score, scratch[i] + after)
    _consider(move, rng, v, op[v, ALTERNATIVE], to, score, until)


@kernel
def _move_left(
    op: IntArray,
    pred: IntArray,
    sequence: IntArray,
    span: IntArray,
    pair: IntArray,
    scratch: IntArray,
    move: IntArray,
    rng: RngArray,
    v: int,
    to: int,
) -> None:
    """Offer v right before number ``to`` of its machine's sequence, if that makes no cycle."""
    k = op[v, MACHINE]
    base = span[k, BASE]
    end = op[v, JOB_START]
    w = sequence[base + to]
    if op[w, START] + op[w, DURATION] <= end:
        for e in range(op[v, PRED], op[v, PRED_END]):
            if op[pred[e, 0], POSITION] >= op[w, POSITION]:
                return
    at = op[v, INDEX]
    after = -FAR
    if at + 1 < span[k, LENGTH]:
        w = sequence[base + at + 1]
        after = op[w, TAIL] + op[w, DURATION]
    until = 0
    cells = pair.size - 1
    for i in range(at - 1, to - 1, -1):
        w = sequence[base + i]
        behind = max(op[w, JOB_TAIL], after)
        scratch[i] = behind
        after = behind + op[w, DURATION]
        until = max(until, pair[(v * 40503 + w) & cells])
    if to > 0:
        w = sequence[base + to - 1]
        end = max(end, op[w, START] + op[w, DURATION])
    end += op[v, DURATION]
    score = end + max(op[v, JOB_TAIL], after)
    for i in range(to, at):
        w = sequence[base + i]
        end = max(op[w, JOB_START], end) + op[w, DURATION]
        score = max(score, end + scratch[i])
    _consider(move, rng, v, op[v, ALTERNATIVE], to, score, until)


@kernel
def _resequence_block(s: Search, first: int, last: int) -> None:
    """Offer the N6 moves of the critical block ``first..last`` of the path."""
    op, pred, succ, sequence, span = s.op, s.pred, s.succ, s.sequence, s.span
    pair, scratch, move, rng = s.pair, s.scratch, s.move, s.rng
    head = s.path[first]
    end = s.path[last]
    low = op[head, INDEX]
    high = op[end, INDEX]
    for i in range(first, last):
        _move_right(op, succ, sequence, span, pair, scratch, move, rng, s.path[i], high)
    for i in range(first + 1, last + 1):
        _move_left(op, pred, sequence, span, pair, scratch, move, rng, s.path[i], low)
    for at in range(low + 1, high):
        _move_right(op, succ, sequence, span, pair, scratch, move, rng, head, at)
        _move_left(op, pred, sequence, span, pair, scratch, move, rng, end, at)


@kernel
def _explore(s: Search) -> int:
    """Rank the neighbourhood of one critical path into ``s.move``; return the path's length."""
    op, alt, succ, sequence, span = s.op, s.alt, s.succ, s.sequence, s.span
    path, move, rng = s.path, s.move, s.rng
    move[_CHOSEN + _SCORE] = FAR
    move[_CHOSEN + _TIES] = 0
    move[_ANY + _SCORE] = FAR
    move[_ANY + _TIES] = 0
    move[_NOW] = s.counter[ITERATION]
    move[_BEST] = s.counter[BEST]
    count = _critical_path(s)
    first = 0
    for i in range(count):
        v = path[i]
        if op[v, ALT_END] - op[v, ALT] > 1:
            _reassign(op, alt, succ, sequence, span, move, rng, v)
        closes = True
        if i + 1 < count:
            w = path[i + 1]
            closes = op[w, MACHINE] != op[v, MACHINE] or op[w, INDEX] != op[v, INDEX] + 1
        if closes:
            if i > first:
                _resequence_block(s, first, i)
            first = i + 1
    return count


@kernel
def _forbid(s: Search, v: int, target: int, at: int, count: int) -> None:
    """Make the reversal of a move tabu for a random number of iterations."""
    op, pair = s.op, s.pair
    now = s.counter[ITERATION]
    current = op[v, ALTERNATIVE]
    if target != current:
        tenure = count + op[v, ALT_END] - op[v, ALT]
        s.alt[current, 2] = now + tenure + draw(s.rng, 1 + count // 2)
        return
    base = s.span[op[v, MACHINE], BASE]
    tenure = 10 + s.order.size // s.span.shape[0]
    until = now + tenure + draw(s.rng, 1 + tenure // 2)
    cells = pair.size - 1
    for i in range(op[v, INDEX] + 1, at + 1):
        pair[(v * 40503 + s.sequence[base + i]) & cells] = until
    for i in range(at, op[v, INDEX]):
        pair[(s.sequence[base + i] * 40503 + v) & cells] = until


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
    count = _explore(s)
    slot = _CHOSEN
    if s.move[_CHOSEN + _TIES] == 0:
        slot = _ANY
        if s.move[_ANY + _TIES] == 0:
            return False
    v = s.move[slot + _OPERATION]
    target = s.move[slot + _TARGET]
    at = s.move[slot + _PLACE]
    _forbid(s, v, target, at, count)
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
