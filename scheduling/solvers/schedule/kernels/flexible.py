"""Flexible job shops: constructions, tabu search and lower bounds as compiled kernels.

Every operation runs on one of its alternatives (machine, duration); operations of a job, or the
arcs of a precedence graph, follow each other with minimal lags; the objective is the maximum of
completion plus delivery time. Compiled code is cached next to this package, or where
``NUMBA_CACHE_DIR`` says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from scheduling.errors import Fault, InputError
from scheduling.solvers.schedule.kernels.flexible_graph import (
    ALT,
    ALTERNATIVE,
    BEST,
    COLUMNS,
    COUNTERS,
    DELIVERY,
    FAR,
    FIRST,
    HEAD,
    PATIENCE,
    PRED,
    START,
    SUCC,
    VALUE,
    FlexibleShop,
    IntArray,
    RngArray,
    Search,
    load_schedule,
)
from scheduling.solvers.schedule.kernels.flexible_greedy import list_schedule
from scheduling.solvers.schedule.kernels.flexible_moves import MOVE_CELLS
from scheduling.solvers.schedule.kernels.flexible_tabu import start_round, tabu_search

RULES = {"work": (0.0, 1.0), "ready": (1.0, 0.0), "both": (0.5, 0.5)}


class FlexibleSchedule(NamedTuple):
    """A schedule: its objective, starts, chosen alternatives and one sequence per machine."""

    objective: int
    starts: IntArray
    alternatives: IntArray
    sequences: tuple[IntArray, ...]


class SearchState(NamedTuple):
    """A tabu search that can be continued: the shop and the search's arrays."""

    shop: FlexibleShop
    search: Search


def _integers(values: ArrayLike) -> IntArray:
    return np.ascontiguousarray(values, dtype=np.int64)


def _compressed(keys: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Return CSR pointers and the stable order that sorts ``keys``."""
    pointers = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(keys, minlength=size), out=pointers[1:])
    return pointers, np.argsort(keys, kind="stable").astype(np.int64)


def _topological(pred: IntArray, succ_ptr: IntArray, succ: IntArray) -> IntArray:
    n = succ_ptr.size - 1
    if bool(np.all(pred < succ)):
        return np.arange(n, dtype=np.int64)
    degree = np.bincount(succ, minlength=n)
    order = np.flatnonzero(degree == 0).tolist()
    for v in order:
        for w in succ[succ_ptr[v] : succ_ptr[v + 1]].tolist():
            degree[w] -= 1
            if degree[w] == 0:
                order.append(w)
    if len(order) < n:
        raise InputError([Fault("precedence arcs", "a cycle", "an acyclic graph")])
    return _integers(order)


def flexible_shop_from_arcs(
    pred: ArrayLike,
    succ: ArrayLike,
    lag: ArrayLike,
    alt_ptr: ArrayLike,
    alt_machine: ArrayLike,
    alt_duration: ArrayLike,
    *,
    machines: int | None = None,
    head: ArrayLike | None = None,
    tail: ArrayLike | None = None,
) -> FlexibleShop:
    """Lay out a flexible shop whose operations are tied by precedence arcs.

    Parameters
    ----------
    pred, succ, lag
        Arc i: ``succ[i]`` starts at least ``lag[i] >= 0`` after ``pred[i]`` is completed.
    alt_ptr, alt_machine, alt_duration
        Alternatives of operation v: the cells ``alt_ptr[v]:alt_ptr[v + 1]``, at least one, each
        with a machine from 0 and a duration of 0 or more.
    machines
        Number of machines; by default the largest machine plus 1.
    head
        Release dates, 0 by default.
    tail
        Delivery times after completion, 0 by default; may be negative.

    Raises
    ------
    InputError
        If the arcs contain a cycle.
    """
    before, after, gap = _integers(pred), _integers(succ), _integers(lag)
    pointers = _integers(alt_ptr)
    n = pointers.size - 1
    pred_ptr, by_succ = _compressed(after, n)
    succ_ptr, by_pred = _compressed(before, n)
    machine = _integers(alt_machine)
    count = machines if machines is not None else int(machine.max(initial=-1)) + 1
    return FlexibleShop(
        pred_ptr=pred_ptr,
        pred=before[by_succ],
        pred_lag=gap[by_succ],
        succ_ptr=succ_ptr,
        succ=after[by_pred],
        succ_lag=gap[by_pred],
        alt_ptr=pointers,
        alt_machine=machine,
        alt_duration=_integers(alt_duration),
        head=np.zeros(n, dtype=np.int64) if head is None else _integers(head).copy(),
        tail=np.zeros(n, dtype=np.int64) if tail is None else _integers(tail).copy(),
        seq_ptr=_compressed(machine, count)[0],
        topological=_topological(before[by_pred], succ_ptr, after[by_pred]),
    )


def _schedule(shop: FlexibleShop, alternative: IntArray, position: IntArray) -> FlexibleSchedule:
    """Time a selection as early as possible and read it out."""
    state = _empty_search(shop, 1)
    objective = int(load_schedule(state, alternative, position))
    return FlexibleSchedule(
        objective=objective,
        starts=state.op[:, START].copy(),
        alternatives=state.op[:, ALTERNATIVE].copy(),
        sequences=tuple(state.sequence[first:behind] for first, behind in state.span.tolist()),
    )


def construct(
    shop: FlexibleShop, rule: str = "work", *, noise: float = 0.0, seed: int = 0
) -> FlexibleSchedule:
    """Build a schedule by one pass of list scheduling.

    Parameters
    ----------
    rule
        A key of ``RULES``: "work" prefers the most remaining work, "ready" the operation that
        waits longest, "both" weighs them evenly.
    noise
        Remaining work is multiplied by 1 plus a random share of this; 0 by default.
    seed
        Seed of that randomness.
    """
    n = shop.head.size
    alternative = np.empty(n, dtype=np.int64)
    position = np.empty(n, dtype=np.int64)
    by_ready, by_work = RULES[rule]
    list_schedule(shop, by_ready, by_work, noise, _generator(seed), alternative, position)
    return _schedule(shop, alternative, position)


def _generator(seed: int) -> RngArray:
    """Return a non-zero xorshift state for a seed."""
    return np.random.SeedSequence(seed).generate_state(1, dtype=np.uint64) | np.uint64(1)


def _empty_search(shop: FlexibleShop, pool: int, seed: int = 0) -> Search:
    n = shop.head.size
    pairs = 1 << min(22, max(10, int(8 * n).bit_length()))
    op = np.zeros((n, COLUMNS), dtype=np.int64)
    op[:, HEAD], op[:, DELIVERY] = shop.head, shop.tail
    for column, pointers in ((ALT, shop.alt_ptr), (PRED, shop.pred_ptr), (SUCC, shop.succ_ptr)):
        op[:, column], op[:, column + 1] = pointers[:-1], pointers[1:]
    machines = shop.seq_ptr.size - 1
    span = np.zeros((machines, 2), dtype=np.int64)
    span[:, FIRST] = shop.seq_ptr[:-1] + 2 * np.arange(machines) + 1
    width = shop.alt_machine.size + 2 * machines
    cells = {
        "sequence": width,
        "order": n,
        "reach": n,
        "scratch": n + 1,
        "path": n,
        "right": (2 * n, 2),
        "left": (2 * n, 2),
        "move": MOVE_CELLS,
        "pair": pairs,
        "round": (2, n),
        "best": (2, n),
        "pool": (pool, 2, n),
        "pool_value": pool,
        "counter": COUNTERS,
    }
    return Search(
        op=op,
        alt=np.column_stack((shop.alt_machine, shop.alt_duration, np.zeros_like(shop.alt_machine))),
        pred=np.column_stack((shop.pred, shop.pred_lag)),
        succ=np.column_stack((shop.succ, shop.succ_lag)),
        span=span,
        end=np.full(width, -FAR, dtype=np.int64),
        front=np.full(width, -FAR, dtype=np.int64),
        rng=_generator(seed),
        **{name: np.zeros(shape, dtype=np.int64) for name, shape in cells.items()},
    )


def new_search(
    shop: FlexibleShop, *, seed: int = 0, pool: int = 8, patience: int = 1000
) -> SearchState:
    """Start a tabu search from the best of the constructions.

    Parameters
    ----------
    seed
        Seed of all random choices.
    pool
        Number of elite schedules kept.
    patience
        Moves without improvement after which a round of tabu search ends.
    """
    search = _empty_search(shop, pool, seed)
    search.counter[BEST] = FAR
    search.counter[PATIENCE] = patience
    state = SearchState(shop, search)
    trials = [construct(shop, rule) for rule in RULES]
    first = min(trials, key=lambda trial: trial.objective)
    inject(state, first.starts, first.alternatives)
    return state


def inject(state: SearchState, starts: ArrayLike, alternatives: ArrayLike) -> int:
    """Continue from a given feasible schedule, and return its objective once left-shifted.

    The schedule becomes the search's best if it is better.
    """
    shop, search = state
    begin, chosen = _integers(starts), _integers(alternatives)
    rank = np.empty_like(shop.topological)
    rank[shop.topological] = np.arange(rank.size)
    order = np.lexsort((rank, begin + shop.alt_duration[chosen], begin))
    position = np.empty_like(rank)
    position[order] = np.arange(rank.size)
    start_round(search, chosen, position)
    return int(search.counter[VALUE])


def advance(state: SearchState, iterations: int, target: int = -FAR) -> tuple[int, int]:
    """Make up to ``iterations`` moves; stop as soon as the best objective is <= ``target``.

    Returns the best objective so far and the number of moves made. Cutting a run into several
    calls does not change the moves.
    """
    made = int(tabu_search(state.shop, state.search, iterations, target))
    return int(state.search.counter[BEST]), made


def schedule_from_state(state: SearchState) -> FlexibleSchedule:
    """Return the best schedule that the search has met."""
    shop, search = state
    return _schedule(shop, search.best[0], search.best[1])
