"""Tabu search over the N6 neighbourhood of the disjunctive graph, one compiled step at a time.

An operation of a critical block moves right behind the block's last or right in front of its
first operation: Balas and Vazacopoulos, Management Science 44 (1998), with their estimate of the
new longest path. The inner moves that N7 adds were measured to cost more than they bring. The
memory forbids machine arcs: Taillard, ORSA Journal on Computing 6 (1994).
"""

from __future__ import annotations

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy
from scheduling.solvers.schedule.kernels.jobshop_graph import (
    AFTER,
    BEFORE,
    DURATION,
    HEAD,
    JOB_HEAD,
    JOB_TAIL,
    LAG,
    LOCAL,
    MINUS_INFINITY,
    ORDER,
    PATH,
    PRED,
    RANK,
    REST,
    START,
    SUCC,
    TAIL,
    TRIAL,
    WIDTH,
    IntArray,
    WordArray,
    apply_move,
    compute_rests,
    compute_starts,
    link_order,
    next_random,
    objective_of,
    random_below,
)

#: Entries of a move record: estimate, direction, both ends of the segment as indices into the
#: path, how many moves share the estimate, how many were tabu.
VALUE, FORWARD, LOW, HIGH, TIES, TABU = range(6)


@njit.inner
def load_order(
    machine_ptr: IntArray, ops: IntArray, sinks: IntArray, graph: IntArray, order: IntArray
) -> int:
    """Make ``order`` the current solution of ``graph`` and return its objective."""
    n = ops.shape[1] - 1
    copy(graph[ORDER], order)
    link_order(machine_ptr, ops, graph)
    compute_starts(ops, graph, 0)
    compute_rests(ops, graph, n - 1)
    return objective_of(ops, sinks, graph)


@njit.lean
def _trace_path(ops: IntArray, sinks: IntArray, graph: IntArray, value: int, rng: WordArray) -> int:
    """Write one random critical path to the end of ``graph[PATH]``; return its first index.

    The path is cut where the start (rest) of an operation is forced by its job alone: no move
    further out can shorten it.
    """
    n = ops.shape[1] - 1
    v = n
    seen = 0
    for k in range(sinks.shape[0]):
        w = sinks[k]
        if graph[START, w] + ops[DURATION, w] + ops[TAIL, w] == value:
            seen += 1
            if seen == 1 or random_below(rng, seen) == 0:
                v = w
    first = n
    while True:
        if graph[REST, v] == ops[TAIL, v]:
            first = n
        first -= 1
        graph[PATH, first] = v
        start = graph[START, v]
        if start == ops[HEAD, v]:
            return first
        a = ops[PRED, v]
        b = graph[BEFORE, v]
        by_job = graph[START, a] + ops[LAG, a] == start
        by_machine = graph[START, b] + ops[DURATION, b] == start
        if by_machine and (not by_job or next_random(rng) >> np.uint64(63) == np.uint64(0)):
            v = b
        else:
            v = a


@njit.lean
def _scan_block(ops: IntArray, graph: IntArray, first: int, end: int) -> None:
    """Prepare job-side heads and tails and place hashes for the block ``path[first:end]``."""
    for k in range(first, end):
        v = graph[PATH, k]
        a = ops[PRED, v]
        b = ops[SUCC, v]
        graph[JOB_HEAD, k] = max(ops[HEAD, v], graph[START, a] + ops[LAG, a])
        graph[JOB_TAIL, k] = max(
            ops[TAIL, v], ops[LAG, v] - ops[DURATION, v] + ops[DURATION, b] + graph[REST, b]
        )


@njit.lean
def _forward_value(ops: IntArray, graph: IntArray, i: int, j: int, cutoff: int) -> int:
    """Estimate of moving ``path[i]`` right after ``path[j]``; may stop once above ``cutoff``."""
    u = graph[PATH, i]
    b = graph[BEFORE, u]
    ready = graph[START, b] + ops[DURATION, b]
    for k in range(i + 1, j + 1):
        start = max(graph[JOB_HEAD, k], ready)
        graph[TRIAL, k] = start
        ready = start + ops[DURATION, graph[PATH, k]]
    start = max(graph[JOB_HEAD, i], ready)
    b = graph[AFTER, graph[PATH, j]]
    rest = ops[DURATION, u] + max(graph[JOB_TAIL, i], ops[DURATION, b] + graph[REST, b])
    value = start + rest
    for k in range(j, i, -1):
        if value > cutoff:
            break
        rest = ops[DURATION, graph[PATH, k]] + max(graph[JOB_TAIL, k], rest)
        value = max(value, graph[TRIAL, k] + rest)
    return value


@njit.lean
def _backward_value(ops: IntArray, graph: IntArray, i: int, j: int, cutoff: int) -> int:
    """Estimate of moving ``path[j]`` right before ``path[i]``; may stop once above ``cutoff``."""
    v = graph[PATH, j]
    b = graph[AFTER, v]
    rest = ops[DURATION, b] + graph[REST, b]
    for k in range(j - 1, i - 1, -1):
        rest = ops[DURATION, graph[PATH, k]] + max(graph[JOB_TAIL, k], rest)
        graph[TRIAL, k] = rest
    b = graph[BEFORE, graph[PATH, i]]
    start = max(graph[JOB_HEAD, j], graph[START, b] + ops[DURATION, b])
    ready = start + ops[DURATION, v]
    value = ready + max(graph[JOB_TAIL, j], rest)
    for k in range(i, j):
        if value > cutoff:
            break
        start = max(graph[JOB_HEAD, k], ready)
        value = max(value, start + graph[TRIAL, k])
        ready = start + ops[DURATION, graph[PATH, k]]
    return value


@njit.lean
def _may_go_after(ops: IntArray, graph: IntArray, u: int, v: int) -> bool:
    """Sufficient test that no path leads from the job successor of ``u`` to ``v``."""
    s = ops[SUCC, u]
    if s == v:
        return False
    return (
        s == ops.shape[1] - 1
        or graph[RANK, s] > graph[RANK, v]
        or ops[DURATION, v] + graph[REST, v] > graph[REST, s]
        or graph[START, v] < graph[START, s] + ops[DURATION, s]
    )


@njit.lean
def _may_go_before(ops: IntArray, graph: IntArray, v: int, u: int) -> bool:
    """Sufficient test that no path leads from ``u`` to the job predecessor of ``v``."""
    s = ops[PRED, v]
    if s == u:
        return False
    return (
        s == ops.shape[1] - 1
        or graph[RANK, s] < graph[RANK, u]
        or graph[START, u] + ops[DURATION, u] > graph[START, s]
        or graph[REST, u] < graph[REST, s] + ops[DURATION, s]
    )


@njit.lean
def _keep(
    move: IntArray, forward: int, i: int, j: int, value: int, forbidden: bool, rng: WordArray
) -> None:
    """Keep a move in the record if it is the best allowed one (ties at random).

    While nothing allowed is known the record holds a random forbidden one.
    """
    if forbidden:
        move[TABU] += 1
        if move[TIES] > 0 or random_below(rng, move[TABU]) > 0:
            return
    else:
        if value > move[VALUE]:
            return
        if value < move[VALUE]:
            move[VALUE] = value
            move[TIES] = 0
        move[TIES] += 1
        if move[TIES] > 1 and random_below(rng, move[TIES]) > 0:
            return
    move[FORWARD] = forward
    move[LOW] = i
    move[HIGH] = j


@njit.lean
def _arc(ops: IntArray, tabu: IntArray, v: int, w: int) -> int:
    """Slot of the machine arc ``v -> w`` in the tabu memory."""
    return (v * ops[WIDTH, w] + ops[LOCAL, w]) & (tabu.shape[0] - 1)


@njit.lean
def _try_forward(
    ops: IntArray,
    graph: IntArray,
    tabu: IntArray,
    move: IntArray,
    i: int,
    j: int,
    now: int,
    aspiration: int,
    rng: WordArray,
) -> None:
    """Consider moving ``path[i]`` right after ``path[j]``."""
    u = graph[PATH, i]
    if not _may_go_after(ops, graph, u, graph[PATH, j]):
        return
    value = _forward_value(ops, graph, i, j, move[VALUE])
    if value > move[VALUE] and move[TIES] > 0:
        return
    forbidden = False
    if value >= aspiration:
        for k in range(i + 1, j + 1):
            forbidden |= tabu[_arc(ops, tabu, graph[PATH, k], u)] > now
    _keep(move, 1, i, j, value, forbidden, rng)


@njit.lean
def _try_backward(
    ops: IntArray,
    graph: IntArray,
    tabu: IntArray,
    move: IntArray,
    i: int,
    j: int,
    now: int,
    aspiration: int,
    rng: WordArray,
) -> None:
    """Consider moving ``path[j]`` right before ``path[i]``."""
    v = graph[PATH, j]
    if not _may_go_before(ops, graph, v, graph[PATH, i]):
        return
    value = _backward_value(ops, graph, i, j, move[VALUE])
    if value > move[VALUE] and move[TIES] > 0:
        return
    forbidden = False
    if value >= aspiration:
        for k in range(i, j):
            forbidden |= tabu[_arc(ops, tabu, v, graph[PATH, k])] > now
    _keep(move, 0, i, j, value, forbidden, rng)


@njit.lean
def _head_matters(ops: IntArray, graph: IntArray, low: int, end: int) -> bool:
    """Whether another operation of the path's first block could start earlier than its first."""
    start = ops[HEAD, graph[PATH, low]]
    least = start
    for k in range(low + 1, end):
        least = min(least, ops[HEAD, graph[PATH, k]])
    return least < start


@njit.lean
def _tail_matters(ops: IntArray, graph: IntArray, low: int, end: int) -> bool:
    """Whether another operation of the path's last block has a shorter tail than its last."""
    rest = ops[TAIL, graph[PATH, end - 1]]
    least = rest
    for k in range(low, end - 1):
        least = min(least, ops[TAIL, graph[PATH, k]])
    return least < rest


@njit.lean
def _choose_move(
    ops: IntArray,
    graph: IntArray,
    tabu: IntArray,
    move: IntArray,
    first: int,
    now: int,
    aspiration: int,
    rng: WordArray,
) -> None:
    """Fill the move record from the critical path ``path[first:]``."""
    n = ops.shape[1] - 1
    move[:] = 0
    move[VALUE] = -MINUS_INFINITY
    low = first
    while low < n:
        end = low + 1
        while end < n and graph[BEFORE, graph[PATH, end]] == graph[PATH, end - 1]:
            end += 1
        high = end - 1
        if low < high:
            _scan_block(ops, graph, low, end)
            # The last operation stays last (the first first) where that cannot shorten the path.
            front = low > first or _head_matters(ops, graph, low, end)
            back = end < n or _tail_matters(ops, graph, low, end)
            if back:
                for i in range(low, high):
                    _try_forward(ops, graph, tabu, move, i, high, now, aspiration, rng)
            if front:
                # A block of two has one move only.
                for j in range(low + 2 if back and high == low + 1 else low + 1, end):
                    _try_backward(ops, graph, tabu, move, low, j, now, aspiration, rng)
        low = end


@njit.lean
def tabu_step(
    ops: IntArray,
    sinks: IntArray,
    graph: IntArray,
    tabu: IntArray,
    move: IntArray,
    value: int,
    aspiration: int,
    now: int,
    tenure: int,
    rng: WordArray,
) -> int:
    """Make one tabu move and return the new objective.

    Parameters
    ----------
    value
        Objective of the current solution.
    aspiration
        A forbidden move is allowed if its estimate is below this.
    now, tenure
        Iteration number, and for how many iterations the present partial sequence is
        forbidden.

    Returns
    -------
    int
        Objective after the move, or ``MINUS_INFINITY`` if the path admits no move: it is then
        forced by one job or one machine and the solution is optimal unless moves were refused
        by the sufficient feasibility test.
    """
    first = _trace_path(ops, sinks, graph, value, rng)
    _choose_move(ops, graph, tabu, move, first, now, aspiration, rng)
    if move[TIES] + move[TABU] == 0:
        return MINUS_INFINITY
    i, j = move[LOW], move[HIGH]
    u, v = graph[PATH, i], graph[PATH, j]
    until = now + tenure
    if move[FORWARD] == 1:
        for k in range(i + 1, j + 1):
            tabu[_arc(ops, tabu, u, graph[PATH, k])] = until
    else:
        for k in range(i, j):
            tabu[_arc(ops, tabu, graph[PATH, k], v)] = until
    return apply_move(ops, sinks, graph, move[FORWARD] == 1, u, v)
