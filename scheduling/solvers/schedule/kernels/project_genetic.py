"""A steady-state genetic search over activity lists and modes, run in slices.

The hybrid genetic algorithm of Valls, Ballestin and Quintanilla (2008): serial generation, double
justification of every child, restarts around the best schedule; with the two-point crossover of
Hartmann (1998) and, for several modes, the choice of modes while the schedule is built (Van
Peteghem and Vanhoucke, 2010). Individuals are lists sorted by the starts of their schedules.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scheduling.solvers.schedule.kernels.project import (
    FORWARD,
    HEAD,
    LAGGED,
    MODES,
    OUT,
    Ints,
    Project,
)
from scheduling.solvers.schedule.kernels.project_jit import njit
from scheduling.solvers.schedule.kernels.project_lists import (
    KEY,
    SCORE,
    Space,
    Words,
    below,
    better,
    list_by,
    list_by_time,
    uniform,
)
from scheduling.solvers.schedule.kernels.project_passes import PARALLEL, SERIAL, complete
from scheduling.solvers.schedule.kernels.project_profile import Profile

FILLED, STALE, BEST, EPOCH = range(4)
"""Entries of ``Pool.state``: individuals there are, children since the last improvement of the
epoch's best, index of the row that keeps the best of all, restarts so far."""

_UNRATED = 1 << 62


class Pool(NamedTuple):
    """Population of ``size`` individuals; two more rows hold the child and the best of all.

    Attributes
    ----------
    order, mode, start
        ``(size + 2, n)`` activity lists, modes and starts.
    score
        ``(size + 2, SCORE)``.
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


def make_pool(keys: Ints, modes: Ints, size: int, seed: int) -> Pool:
    """Allocate a population that grows from rules ``keys`` and first modes ``modes``."""
    rows, n = size + 2, keys.shape[1]
    return Pool(
        order=np.zeros((rows, n), np.int64),
        mode=np.tile(modes, (rows, 1)),
        start=np.zeros((rows, n), np.int64),
        score=np.full((rows, SCORE), _UNRATED, np.int64),
        key=keys,
        state=np.zeros(4, np.int64),
        rng=np.array([seed], np.uint64),
        choose=np.zeros(n, np.int64),
    )


@njit
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


@njit
def _cross(space: Space, pool: Pool, child: int, mother: int, father: int) -> None:
    """Two-point crossover: a stretch of the mother's list is refilled in the father's order."""
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
        if not taken[u]:
            pool.order[child, filled] = u
            pool.mode[child, u] = pool.mode[mother, u]
            filled += 1


@njit
def _precedes(project: Project, u: int, v: int) -> bool:
    for i in range(project.task[OUT, u], project.task[OUT, u + 1]):
        if project.edge[i, HEAD] == v and project.edge[i, FORWARD]:
            return True
    return False


@njit
def _mutate(project: Project, pool: Pool, child: int, rate: float) -> None:
    """Move tasks over neighbours that they need not follow or precede; redraw modes."""
    n = pool.order.shape[1]
    order = pool.order[child]
    for i in range(n):
        if uniform(pool.rng) >= rate:
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
        if count > 1 and uniform(pool.rng) < rate:
            pool.mode[child, u] = first + below(pool.rng, count)


@njit
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


@njit
def _copy(pool: Pool, source: int, target: int) -> None:
    for u in range(pool.order.shape[1]):
        pool.order[target, u] = pool.order[source, u]
        pool.mode[target, u] = pool.mode[source, u]
        pool.start[target, u] = pool.start[source, u]
    for i in range(SCORE):
        pool.score[target, i] = pool.score[source, i]


@njit
def _twin(pool: Pool, child: int) -> bool:
    """Whether the population has the same schedule already."""
    n = pool.start.shape[1]
    for row in range(pool.state[FILLED]):
        same = True
        for i in range(SCORE):
            same = same and pool.score[row, i] == pool.score[child, i]
        u = 0
        while same and u < n:
            same = pool.start[row, u] == pool.start[child, u]
            same = same and pool.mode[row, u] == pool.mode[child, u]
            u += 1
        if same:
            return True
    return False


@njit
def _pick(pool: Pool, size: int, best: bool) -> int:
    """Better (or worse) of two random individuals."""
    a, b = below(pool.rng, size), below(pool.rng, size)
    return a if better(pool.score[a], pool.score[b]) == best else b


@njit
def _breed(project: Project, space: Space, pool: Pool, child: int) -> None:
    size = child
    mother, father = _pick(pool, size, True), _pick(pool, size, True)
    if mother == father:
        father = (mother + 1 + below(pool.rng, size - 1)) % size
    _cross(space, pool, child, mother, father)
    _mutate(project, pool, child, 2.0 / pool.order.shape[1])


@njit
def admit(pool: Pool, row: int) -> None:
    """Take a rated row into a full population in place of a weaker one."""
    size = pool.order.shape[0] - 2
    if better(pool.score[row], pool.score[size + 1]):
        _copy(pool, row, size + 1)
        pool.state[STALE] = 0
    if pool.state[FILLED] < size:
        _copy(pool, row, pool.state[FILLED])
        pool.state[FILLED] += 1
        return
    if _twin(pool, row):
        return
    loser = _pick(pool, size, False)
    for _ in range(2):
        other = _pick(pool, size, False)
        if better(pool.score[loser], pool.score[other]):
            loser = other
    if not better(pool.score[loser], pool.score[row]):
        _copy(pool, row, loser)


@njit
def evolve(
    project: Project,
    mirror: Project,
    profile: Profile,
    space: Space,
    pool: Pool,
    caps: Ints,
    amount: int,
    goal: int,
    patience: int,
) -> int:
    """Generate about ``amount`` schedules; stop once a valid one reaches ``goal``.

    The population restarts around its best after ``patience`` children without improvement.
    Returns the number of schedules generated; the best row is the last.
    """
    size = pool.order.shape[0] - 2
    child, best = size, size + 1
    several = project.task[MODES, -1] >= project.task.shape[1]
    made = 0
    while made < amount:
        if pool.score[best, 0] == 0 and pool.score[best, 1] <= goal:
            break
        scheme = SERIAL
        eager = 0.0
        if several:
            eager = 1.0 if below(pool.rng, 4) == 0 else 0.1
        if pool.state[FILLED] < size:
            around = best if pool.state[EPOCH] > 0 and below(pool.rng, 2) else -1
            _sample(project, space, pool, child, around)
            if not project.facts[LAGGED] and below(pool.rng, 2):
                scheme = PARALLEL
            eager = max(eager, 0.5) if several else 0.0
        else:
            _breed(project, space, pool, child)
        pool.state[STALE] += 1
        made += _decode(project, mirror, profile, space, pool, child, scheme, eager, caps)
        admit(pool, child)
        if pool.state[STALE] > patience:
            pool.state[FILLED] = 0
            pool.state[STALE] = 0
            pool.state[EPOCH] += 1
    return made
