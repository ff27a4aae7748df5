"""A search over orders that Python drives; importing it loads numba."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import Ints
from scheduling.solvers.schedule.permutation.kernels import plant as names
from scheduling.solvers.schedule.permutation.kernels.plant import Plant, make_search
from scheduling.solvers.schedule.permutation.kernels.search import advance, measure
from scheduling.solvers.schedule.permutation.line import Line

_REMOVED, _REMOVED_FOR_SUMS = 2, 6
_HEAT, _HEAT_FOR_SUMS = 0.07, 0.2
_TRIED_FOR_SUMS = 30


class Walk:
    """Constructions and iterated greedy search on one set of lines.

    Parameters
    ----------
    line
        The problem.
    seed
        Seed of the random numbers.

    Attributes
    ----------
    plant, search
        What the kernels work on.
    """

    def __init__(self, line: Line, seed: int) -> None:
        self.line = line
        job = np.stack([line.due, line.linear, line.tardy, line.late, line.tail])
        goal = np.array([line.peak, line.floor, line.sums], np.int64)
        self.plant = Plant(
            np.ascontiguousarray(line.duration),
            np.ascontiguousarray(line.release),
            np.ascontiguousarray(line.setup),
            job,
            goal,
            line.units,
        )
        removed, tried = _REMOVED, line.jobs
        if line.sums:
            removed, tried = _REMOVED_FOR_SUMS, _TRIED_FOR_SUMS
        self.search = make_search(self.plant, seed, (_heat(line), removed, tried))

    @property
    def built(self) -> bool:
        """Whether all jobs are in."""
        return bool(np.all(self.search.where >= 0))

    def begin(self, order: Ints) -> None:
        """Take all jobs out, to be put in again in this order."""
        search = self.search
        search.size[:] = 0
        search.where[:] = -1
        search.fresh[:] = 0
        search.bag[:] = order
        search.counter[[names.BAG, names.TAKEN]] = len(order), 0
        search.counter[names.PHASE] = names.BUILDING

    def append_rest(self) -> None:
        """Put the jobs that are still out behind the others of the shortest line."""
        orders = self._orders(self.search.order, self.search.size)
        for job in np.flatnonzero(self.search.where < 0).tolist():
            min(orders, key=len).append(job)
        self.start_from(orders)

    def start_from(self, orders: list[list[int]]) -> None:
        """Go on from these orders, or from the best ones if these are worse."""
        search = self.search
        self._load(orders)
        if search.counter[names.MAIN] > search.counter[names.BEST]:
            self._load(self._orders(search.best, search.best_size))

    def _load(self, orders: list[list[int]]) -> None:
        search = self.search
        for line, order in enumerate(orders):
            search.order[line, : len(order)] = order
            search.size[line] = len(order)
            search.where[order] = line
        search.fresh[:] = 0
        search.counter[names.KEPT] = names.LARGEST
        measure(self.plant, search)

    def advance(self, looks: int, *, build_only: bool = False) -> int:
        """Search for so many looks and return those made."""
        return int(advance(self.plant, self.search, looks, -names.LARGEST, build_only))

    def take_best(self) -> list[list[int]] | None:
        """Return the best orders; ``None`` when they are known already."""
        search = self.search
        if not search.counter[names.FRESH]:
            return None
        search.counter[names.FRESH] = 0
        return self._orders(search.best, search.best_size)

    @staticmethod
    def _orders(order: Ints, count: Ints) -> list[list[int]]:
        return [row[:size].tolist() for row, size in zip(order, count.tolist(), strict=True)]


def _heat(line: Line) -> float:
    """Return the temperature, in proportion to the mean duration of a task and the mean price."""
    stages = line.mode.shape[1]
    task: float = line.work.mean() / stages
    if not line.sums:
        return _HEAT * task
    price: float = (line.linear + line.tardy).mean()
    return _HEAT_FOR_SUMS * task * max(1.0, price)
