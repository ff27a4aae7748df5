"""A steady-state genetic search over activity lists and modes, run in slices.

After the hybrid genetic algorithm of Valls, Ballestin and Quintanilla (2008): serial generation,
double justification of every child, restarts around the best schedule; with the two-point crossover
of Hartmann (1998) and, for several modes, the choice of modes while the schedule is built (Van
Peteghem and Vanhoucke, 2010). Individuals are lists sorted by the starts of their schedules. A
child competes with its mother alone and the population doubles at every restart: on projects of 120
tasks both halved the gap at equal time, since schedules of equal makespan are many and selection
among all of them loses diversity within a second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.project import (
    FORWARD,
    HEAD,
    LAGGED,
    MODES,
    OUT,
    Ints,
    Project,
)
from scheduling.solvers.schedule.kernels.project_lists import (
    KEY,
    SCORE,
    Space,
    Words,
    below,
    better,
    list_by,
    list_by_time,
    rate,
    uniform,
)
from scheduling.solvers.schedule.kernels.project_passes import (
    PARALLEL,
    PARALLEL_LIMIT,
    SERIAL,
    complete,
)
from scheduling.solvers.schedule.kernels.project_profile import Profile

SIZE, FILLED, STALE, EPOCH, MOTHER = range(5)
"""Entries of ``Pool.state``: individuals wanted and there; children since the epoch's last
improvement; restarts so far; mother of the child."""

FIRST_SIZE = 150
_PATIENCE = 300
"""Children without improvement, per individual, after which a population is given up."""

_UNRATED = 1 << 62


class Pool(NamedTuple):
    """Population of up to ``rows - 3`` individuals, then the child, the epoch's best, the best.

    Attributes
    ----------
    order, mode, start
        ``(rows, n)`` activity lists, modes and starts.
    score
        ``(rows, SCORE)``.
    key
        ``(rules, n)`` priority keys for the first lists: dense ranks.
    state
        See the constants.
    rng
        State of the random numbers.
    choose
        Scratch: which tasks choose their mode.
    """

    order: Ints
    mode: Ints
    start: Ints
    score: Ints
    key: Ints
    state: Ints
    rng: Words
    choose: Ints


def make_pool(keys: Ints, modes: Ints, room: int, seed: int) -> Pool:
    """Allocate a population of at most ``room`` that grows from rules ``keys`` and ``modes``."""
    rows, n = room + 3, keys.shape[1]
    state = np.zeros(5, np.int64)
    state[SIZE] = min(FIRST_SIZE, room)
    return Pool(
        order=np.zeros((rows, n), np.int64),
        mode=np.tile(modes, (rows, 1)),
        start=np.zeros((rows, n), np.int64),
        score=np.full((rows, SCORE), _UNRATED, np.int64),
        key=keys,
        state=state,
        rng=np.array([seed], np.uint64),
        choose=np.zeros(n, np.int64),
    )


@njit.lean
def _sample(project: Project, space: Space, pool: Pool, child: int, around: int) -> None:
    """Draw a list: a rule's order, or that of row ``around``, with positions blurred."""
    n = pool.order.shape[1]
    key = space.row[KEY]
    if around >= 0:
        for i in range(n):
            key[pool.order[around, i]] = i
            pool.mode[child, i] = pool.mode[around, i]
    else:
        rule = below(pool.rng, pool.key.shape[0])
        for u in range(n):
            key[u] = pool.key[rule, u]
    blur = 1 + below(pool.rng, 2 + n // 4)
    for u in range(n):
        key[u] += below(pool.rng, blur)
    list_by(project, space, key, pool.order[child])


@njit.lean
def _cross(space: Space, pool: Pool, child: int, mother: int, father: int) -> None:
    """Refill a stretch of the mother's list in the father's order (two-point crossover).

    Either with the tasks that the father has first, or with the mother's own tasks there.
    """
    n = pool.order.shape[1]
    taken = space.row[KEY]
    first, last = below(pool.rng, n + 1), below(pool.rng, n + 1)
    if first > last:
        first, last = last, first
    for u in range(n):
        taken[u] = 0
    for i in range(first):
        u = pool.order[mother, i]
        pool.order[child, i] = u
        pool.mode[child, u] = pool.mode[mother, u]
        taken[u] = 1
    if below(pool.rng, 2):
        for i in range(last, n):
            taken[pool.order[mother, i]] = 2
    filled, i = first, 0
    while filled < last:
        u = pool.order[father, i]
        i += 1
        if not taken[u]:
            pool.order[child, filled] = u
            pool.mode[child, u] = pool.mode[father, u]
            taken[u] = 1
            filled += 1
    for i in range(n):
        u = pool.order[mother, i]
        if taken[u] != 1:
            pool.order[child, filled] = u
            pool.mode[child, u] = pool.mode[mother, u]
            filled += 1


@njit.lean
def _precedes(project: Project, u: int, v: int) -> bool:
    for i in range(project.task[OUT, u], project.task[OUT, u + 1]):
        if project.edge[i, HEAD] == v and project.edge[i, FORWARD]:
            return True
    return False


@njit.lean
def _mutate(project: Project, pool: Pool, child: int, chance: float) -> None:
    """Move tasks over neighbours that they need not follow or precede; redraw modes."""
    n = pool.order.shape[1]
    order = pool.order[child]
    for i in range(n):
        if uniform(pool.rng) >= chance:
            continue
        j = i
        reach = 1 + below(pool.rng, 1 + n // 6)
        if below(pool.rng, 2):
            while j + 1 < n and reach > 0 and not _precedes(project, order[j], order[j + 1]):
                order[j], order[j + 1] = order[j + 1], order[j]
                j += 1
                reach -= 1
        else:
            while j > 0 and reach > 0 and not _precedes(project, order[j - 1], order[j]):
                order[j], order[j - 1] = order[j - 1], order[j]
                j -= 1
                reach -= 1
    for u in range(n):
        first = project.task[MODES, u]
        count = project.task[MODES, u + 1] - first
        if count > 1 and uniform(pool.rng) < chance:
            pool.mode[child, u] = first + below(pool.rng, count)


@njit.lean
def _decode(
    project: Project,
    mirror: Project,
    profile: Profile,
    space: Space,
    pool: Pool,
    child: int,
    scheme: int,
    eager: float,
    caps: Ints,
) -> int:
    """Turn the child's list into a schedule and standardise the list; return schedules made."""
    for u in range(pool.choose.shape[0]):
        several = project.task[MODES, u + 1] - project.task[MODES, u] > 1
        pool.choose[u] = 1 if several and uniform(pool.rng) < eager else 0
    order, mode, start = pool.order[child], pool.mode[child], pool.start[child]
    score = pool.score[child]
    made = complete(
        project,
        mirror,
        profile,
        space,
        order,
        mode,
        pool.choose,
        scheme,
        1,
        caps,
        start,
        score,
    )
    if score[0] == 0:
        list_by_time(project, space, start, order)
    return made


@njit.lean
def _copy(pool: Pool, source: int, target: int) -> None:
    for u in range(pool.order.shape[1]):
        pool.order[target, u] = pool.order[source, u]
        pool.mode[target, u] = pool.mode[source, u]
        pool.start[target, u] = pool.start[source, u]
    for i in range(SCORE):
        pool.score[target, i] = pool.score[source, i]


@njit.lean
def _breed(project: Project, space: Space, pool: Pool, child: int) -> None:
    """Cross a random mother with the better of two fathers and mutate at a random rate."""
    size = pool.state[SIZE]
    mother = below(pool.rng, size)
    father, other = below(pool.rng, size), below(pool.rng, size)
    if better(pool.score[other], pool.score[father]):
        father = other
    pool.state[MOTHER] = mother
    _cross(space, pool, child, mother, father)
    moved = 4.0 if below(pool.rng, 2) else 8.0
    _mutate(project, pool, child, min(0.3, moved / pool.order.shape[1]))


@njit.lean
def _admit(pool: Pool, row: int) -> None:
    """Let a rated row take an empty place, or its mother's if it is no worse."""
    last = pool.order.shape[0] - 1
    if better(pool.score[row], pool.score[last]):
        _copy(pool, row, last)
    if better(pool.score[row], pool.score[last - 1]):
        for i in range(SCORE):
            pool.score[last - 1, i] = pool.score[row, i]
        pool.state[STALE] = 0
    if pool.state[FILLED] < pool.state[SIZE]:
        _copy(pool, row, pool.state[FILLED])
        pool.state[FILLED] += 1
    elif not better(pool.score[pool.state[MOTHER]], pool.score[row]):
        _copy(pool, row, pool.state[MOTHER])


@njit.lean
def _restart(pool: Pool) -> None:
    """Empty the population but for the best of all, with room for twice as many."""
    rows = pool.order.shape[0]
    pool.state[SIZE] = min(2 * pool.state[SIZE], rows - 3)
    _copy(pool, rows - 1, 0)
    pool.state[FILLED] = 1
    pool.state[STALE] = 0
    pool.state[EPOCH] += 1
    for i in range(SCORE):
        pool.score[rows - 2, i] = _UNRATED


@njit.lean_entry
def evolve(
    project: Project,
    mirror: Project,
    profile: Profile,
    space: Space,
    pool: Pool,
    caps: Ints,
    amount: int,
    goal: int,
) -> int:
    """Generate about ``amount`` schedules; stop once a valid one reaches ``goal``.

    Returns the number of schedules generated; the best of all is the last row of the pool.
    """
    best = pool.order.shape[0] - 1
    child = best - 2
    several = project.task[MODES, -1] >= project.task.shape[1]
    parallel_too = not project.facts[LAGGED] and pool.order.shape[1] <= PARALLEL_LIMIT
    made = 0
    while made < amount and not (pool.score[best, 0] == 0 and pool.score[best, 1] <= goal):
        scheme = SERIAL
        eager = 0.0
        if several:
            eager = 1.0 if below(pool.rng, 4) == 0 else 0.1
        if pool.state[FILLED] < pool.state[SIZE]:
            around = best if pool.state[EPOCH] > 0 and below(pool.rng, 4) == 0 else -1
            _sample(project, space, pool, child, around)
            if parallel_too and below(pool.rng, 2):
                scheme = PARALLEL
            eager = max(eager, 0.5) if several else 0.0
        else:
            _breed(project, space, pool, child)
        pool.state[STALE] += 1
        made += _decode(project, mirror, profile, space, pool, child, scheme, eager, caps)
        _admit(pool, child)
        if pool.state[STALE] > _PATIENCE * pool.state[SIZE]:
            _restart(pool)
    return made


@njit.lean_entry
def welcome(project: Project, space: Space, pool: Pool, caps: Ints, row: int) -> None:
    """Rate the modes and starts of a valid schedule in ``row`` and take it into the population."""
    rate(project, space, pool.start[row], pool.mode[row], 0, caps)
    for i in range(SCORE):
        pool.score[row, i] = space.score[i]
    list_by_time(project, space, pool.start[row], pool.order[row])
    if pool.state[FILLED] == pool.state[SIZE]:
        pool.state[MOTHER] = below(pool.rng, pool.state[SIZE])
    _admit(pool, row)
