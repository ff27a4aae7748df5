"""Balanced loads as bound and guide: assignments to machines in the order of their largest load.

Where few tasks choose among machines, every assignment whose loads fit below the best makespan is
listed (:mod:`scheduling.models.schedule.bounds.balance`). The least largest load, with what must
pass before and after on any machine, bounds the makespan; CP-SAT then schedules the listed
assignments one by one, best first, and every one that it settles raises the bound to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import MACHINE, NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.bounds.balance import Reals, Spread, machine_prices, spreads
from scheduling.models.schedule.bounds.tails import Tails
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.windows import difference_edges, earliest_starts
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule

_LARGEST = 44
"""Most tasks: with two machines each, half of them have about a million assignments."""

_BINDING = 0.98
"""Loads bounded below this share of the bound are not what is short."""

_LEVELS = 2
_STEPS = 64
_SCHEDULED = 200


@dataclass(frozen=True, eq=False)
class _Loads:
    """Loads of some tasks: before any of them ``head`` passes, after each of them ``tail``."""

    tasks: Ints
    machines: Ints
    cost: Ints
    head: int
    tail: int

    @property
    def around(self) -> int:
        return self.head + self.tail


def balance(data: CompiledSchedule, board: Board[Candidate], budget: Budget, name: str) -> None:
    """Raise the bound of the makespan by assignments of balanced loads, and schedule these.

    Does nothing where the makespan is not all that counts, where tasks need no machine or may be
    skipped, where the loads are not what is short, or where there are too many to list.
    """
    ranked = [
        (machine_prices(loads.cost), loads) for loads in _relaxations(data.arrays, board.tier)
    ]
    if not ranked:
        return
    prices, loads = max(ranked, key=lambda entry: entry[0][1] + entry[1].around)
    if board.bound is not None and prices[1] + loads.around < _BINDING * board.bound:
        return
    found = _least(loads, prices, board, budget, name)
    if found is not None:
        _schedule_all(data, board, budget, name, loads, found)


def _relaxations(arrays: ScheduleArrays, tier: int) -> Iterator[_Loads]:
    """Yield the loads of all tasks, and of those with more before or behind them."""
    row = dict(zip(MEASURES, arrays.weights[tier].tolist(), strict=True))
    only = row.pop("makespan") == 1 and not any(row.values())
    busy = np.flatnonzero(arrays.min_duration() > 0)
    if not only or not 1 < len(busy) <= _LARGEST or arrays.optional.any():
        return
    machines = np.flatnonzero(arrays.resource_type == MACHINE)
    cost = np.full((arrays.n_tasks, len(machines)), NEVER, np.int64)
    owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
    on = arrays.machine >= 0
    place = np.searchsorted(machines, arrays.machine[on])
    np.minimum.at(cost, (owner[on], place), arrays.duration[on])
    edges = difference_edges(arrays)
    head = earliest_starts(arrays, edges)
    alone = np.isin(busy, owner[~on])
    free = (cost[busy] < NEVER).sum(axis=1) > 1
    if alone.any() or not free.any() or head is None:
        return
    rest = np.array(Tails.of(arrays, edges, arrays.min_duration()).end, np.int64)
    for first in np.unique(head[busy])[:_LEVELS].tolist():
        for last in np.unique(rest[busy])[:_LEVELS].tolist():
            kept = busy[(head[busy] >= first) & (rest[busy] >= last)]
            if len(kept):
                yield _Loads(kept, machines, cost[kept], first, last)


def _least(
    loads: _Loads,
    prices: tuple[Reals, float],
    board: Board[Candidate],
    budget: Budget,
    name: str,
) -> Spread | None:
    """List the assignments under a limit that rises until there are some.

    Returns
    -------
    Spread or None
        ``None`` when there are none below the best makespan, or too many to look at.
    """

    def over() -> bool:
        return board.stopped or budget.remaining() == 0

    low, step = int(prices[1]), 0
    while board.objective is not None and not over():
        most = board.objective - 1 - loads.around
        step = 2 * step or max(1, (most - low) // _STEPS)
        limit = min(most, low + step)
        if limit < low:
            return None
        found = spreads(loads.cost, limit, prices, over=over)
        if found is None:
            return None
        if len(found.load):
            board.raise_bound(loads.around + int(found.load[0]), name)
            return found
        board.raise_bound(loads.around + limit + 1, name)
        if limit == most:
            return None
    return None


def _schedule_all(
    data: CompiledSchedule,
    board: Board[Candidate],
    budget: Budget,
    name: str,
    loads: _Loads,
    found: Spread,
) -> None:
    """Schedule listed assignments, best first; the bound rises while all so far are settled."""
    from scheduling.solvers.schedule.cpsat.assigned import AssignedSearch

    search = AssignedSearch(data, board, budget, name)
    settled = True
    following = [*found.load[1:].tolist(), None]
    rows = zip(found.machine[:_SCHEDULED], following[:_SCHEDULED], strict=True)
    for machine, load in rows:
        if board.stopped or budget.remaining() == 0:
            return
        settled &= search.settle(loads.tasks, loads.machines[machine])
        if settled and load is not None and board.objective is not None:
            board.raise_bound(min(board.objective, loads.around + load), name)
