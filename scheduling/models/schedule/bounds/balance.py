"""The ways to spread tasks over machines with no load above a limit.

The relaxation of a shop to the loads of its machines, ``R || C_max``, is hard itself where the
loads can be balanced almost perfectly: its linear bound lies just below the optimum, and no search
tells which of the few best assignments exists. Two lists do: all partial loads of one half of the
tasks against all of the other half (Horowitz and Sahni, "Computing partitions with applications to
the knapsack problem", 1974). Prices of machines, which sum to 1, bound the largest load from below
(``sum_i min_m price_m cost_im``), and what the limit leaves above that bound tells how far below
the limit each load can be: a narrow window in which the partner of a partial load must lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints

_ROWS = 2**19
"""Most partial loads of a list."""

_CHUNK = 2**20
_ROUNDS = 300
_MARGIN = 1e-6
_LISTED = 1000
"""Most assignments that are returned."""

Reals = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Spread:
    """Assignments of tasks to machines, by rising largest load.

    Attributes
    ----------
    machine : (k, n) array
        Machine of each task.
    load : (k,) array
        Largest load of a machine.
    """

    machine: Ints
    load: Ints


def machine_prices(cost: Ints) -> tuple[Reals, float]:
    """Return prices of machines that sum to 1, and the bound of the largest load by them.

    Multiplicative updates: a machine that gets too much at the prices so far becomes dearer.

    Parameters
    ----------
    cost
        (n, m) load that each task puts on each machine; ``NEVER`` where it cannot run.
    """
    price = 1.0 / np.where(cost < NEVER, cost, 0).sum(axis=0).clip(1)
    best, least = price / price.sum(), -1.0
    rows = np.arange(len(cost))
    for step in range(1, _ROUNDS + 1):
        price /= price.sum()
        chosen = (price * cost).argmin(axis=1)
        value = float((price[chosen] * cost[rows, chosen]).sum())
        if value > least:
            best, least = price.copy(), value
        load = np.bincount(chosen, cost[rows, chosen], cost.shape[1])
        price *= np.exp((load / max(load.mean(), 1.0) - 1).clip(-1, 1) / (2 * step))
    return best, least * (1 - _MARGIN)


def spreads(
    cost: Ints,
    limit: int,
    prices: tuple[Reals, float],
    most: int = 2 * 10**7,
    over: Callable[[], bool] = lambda: False,
) -> Spread | None:
    """Return the assignments in which no machine's load is above the limit.

    All of them, or the thousand of least largest load.

    Parameters
    ----------
    cost
        (n, m) load that each task puts on each machine; ``NEVER`` where it cannot run.
    limit
        Largest load.
    prices
        From :func:`machine_prices`.
    most
        Pairs of partial assignments that may be looked at.
    over
        Asked now and then whether to give up.

    Returns
    -------
    Spread or None
        ``None`` when there are too many to look at, or it was given up.
    """
    price, least = prices
    order = np.argsort(-cost.min(axis=1), kind="stable")
    count, machines = cost.shape
    tail = min(count - count // 2, int(np.log(_ROWS) / np.log(max(2, machines))))
    head, rest = order[: count - tail], order[count - tail :]
    if machines ** len(head) > NEVER:
        return None
    slack = np.floor((limit - least) / price.clip(1e-12) + 1).clip(0, NEVER).astype(np.int64)
    second = _partial(cost[rest], limit, (price, limit - least), None, over)
    if second is None or not len(second[0]):
        return second if second is None else _none(count)
    low = limit - slack - second[0].max(axis=0)
    first = _partial(cost[head], limit, (price, limit - least), low, over)
    found = None if first is None else _pairs(first, second, limit, slack, most)
    if found is None or over():
        return None
    loads, one, other = found
    rank = np.argsort(loads, kind="stable")[:_LISTED]
    machine = np.zeros((len(rank), count), np.int64)
    machine[:, head] = _digits(one[rank], len(head), machines)
    machine[:, rest] = _digits(other[rank], len(rest), machines)
    return Spread(machine, loads[rank])


def _none(count: int) -> Spread:
    return Spread(np.zeros((0, count), np.int64), np.zeros(0, np.int64))


def _partial(
    cost: Ints,
    limit: int,
    spare: tuple[Reals, float],
    low: Ints | None,
    over: Callable[[], bool],
) -> tuple[Ints, Ints] | None:
    """Return loads and codes of some tasks' assignments that the limit and the prices allow."""
    price, excess = spare
    machines = cost.shape[1]
    loads, codes, base = np.zeros((1, machines), np.int64), np.zeros(1, np.int64), 0.0
    for row in cost:
        if len(loads) > _ROWS or over():
            return None
        usable = np.flatnonzero(row < NEVER)
        loads = np.concatenate(
            [loads + row[m] * np.eye(machines, dtype=np.int64)[m] for m in usable]
        )
        codes = np.concatenate([codes * machines + m for m in usable])
        base += float((price * row)[usable].min())
        kept = (loads <= limit).all(axis=1) & (loads @ price - base <= excess + 1)
        loads, codes = loads[kept], codes[kept]
    if low is not None:
        high = (loads >= low).all(axis=1)
        loads, codes = loads[high], codes[high]
    return loads, codes


def _pairs(
    first: tuple[Ints, Ints], second: tuple[Ints, Ints], limit: int, slack: Ints, most: int
) -> tuple[Ints, Ints, Ints] | None:
    """Largest load and codes of the pairs of partial assignments within the limit."""
    machine = int(slack.argmin())
    order = np.argsort(second[0][:, machine], kind="stable")
    loads, codes = second[0][order], second[1][order]
    key = loads[:, machine]
    start = np.searchsorted(key, limit - slack[machine] - first[0][:, machine], "left")
    width = np.searchsorted(key, limit - first[0][:, machine], "right") - start
    total = np.cumsum(width)
    if not len(total) or not total[-1]:
        empty = np.zeros(0, np.int64)
        return empty, empty, empty
    if total[-1] > most:
        return None
    found: list[tuple[Ints, Ints, Ints]] = []
    cuts = np.searchsorted(total, np.arange(0, total[-1], _CHUNK), "left")
    for begin, end in zip(cuts.tolist(), [*cuts[1:].tolist(), len(width)], strict=True):
        span = width[begin:end]
        left = np.repeat(np.arange(begin, end), span)
        within = np.arange(len(left)) - np.repeat(np.cumsum(span) - span, span)
        right = start[left] + within
        highest = (first[0][left] + loads[right]).max(axis=1)
        kept = np.flatnonzero(highest <= limit)
        kept = kept[np.argsort(highest[kept], kind="stable")[:_LISTED]]
        found.append((highest[kept], first[1][left[kept]], codes[right[kept]]))
    highest, one, other = (np.concatenate(part) for part in zip(*found, strict=True))
    return highest, one, other


def _digits(codes: Ints, length: int, base: int) -> Ints:
    """Write codes as numbers of so many digits, the first task's first."""
    powers = np.array([base ** (length - 1 - place) for place in range(length)], np.int64)
    digits: Ints = codes[:, None] // powers % base
    return digits
