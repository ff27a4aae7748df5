"""Spot capacity as tables, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.spot.problem import SpotProblem

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Run(NamedTuple):
    """An instance, by its number, in the ticks ``start <= t < end``."""

    instance: int
    start: int
    end: int


Runs = tuple[Run, ...]


@dataclass(frozen=True, eq=False)
class SpotArrays:
    """R regions and T ticks; the last instance is the one on demand.

    Attributes
    ----------
    work, deadline, changeover
        In ticks.
    price
        Of a tick of each instance, (R + 1).
    free
        Whether an instance may run in a tick, (R + 1, T).
    """

    work: int
    deadline: int
    changeover: int
    price: list[int]
    free: Flags

    @property
    def on_demand(self) -> int:
        """Number of the instance on demand."""
        return len(self.price) - 1

    def cost(self, runs: Runs) -> int:
        """Return what runs cost."""
        return sum(self.price[run.instance] * (run.end - run.start) for run in runs)


def compile_spot(problem: SpotProblem) -> SpotArrays:
    """Translate a problem into tables."""
    free = np.zeros((len(problem.regions) + 1, problem.deadline), dtype=bool)
    free[-1] = True
    for row, region in enumerate(problem.regions):
        for span in region.available:
            free[row, span.start : span.end] = True
    price = [*(region.price for region in problem.regions), problem.on_demand_price]
    return SpotArrays(problem.work, problem.deadline, problem.changeover, price, free)
