"""Better fleets near the best one: a few models anew, all others as they are."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from scheduling.models.serving.arrays import FleetPlan, Ints, ServingArrays
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.highs import Highs
from scheduling.solvers.serving.mip.program import Program
from scheduling.solvers.serving.mip.solver import run_program

_SHARE = 0.1
"""Share of the time, or of the work, that one neighbourhood may take."""

_LEAST_SECONDS = 0.2

_LEAST_MODELS = 2
"""Models that are planned anew at first: each alone is planned anew by its columns."""


class Neighbours:
    """Plans few models of the best fleet anew, and more of them once all choices were tried.

    The numbers of replicas of all other models are held, their requests are routed anew. A search
    asks for a better fleet than the best one, so that it ends soon where there is none.

    Parameters
    ----------
    arrays
        The problem.
    board, budget
        Where the best fleet is and better ones go, and what the search may spend.
    name
        The solver's name on the board.
    """

    def __init__(
        self, arrays: ServingArrays, board: Board[FleetPlan], budget: Budget, name: str
    ) -> None:
        self.arrays, self.board, self.budget, self.name = arrays, board, budget, name
        self.owner = np.zeros(arrays.n_units, np.int64)
        self.owner[arrays.slot_unit] = arrays.model[arrays.slot_template]
        self.models = np.unique(self.owner).tolist()
        self.rng = np.random.default_rng(budget.seed)
        self.tries = None if budget.work is None else int(1 / _SHARE)

    def over(self) -> bool:
        """Whether the search has to end."""
        return self.board.stopped or self.budget.remaining() == 0 or self.tries == 0

    def search(self) -> None:
        """Search until the time is up, or no set of models that is less than all brings more."""
        count = min(_LEAST_MODELS, len(self.models))
        while count < len(self.models) and not self.over():
            before = self.board.objective
            for chosen in self._sweep(count):
                self._search(chosen)
                if self.over() or self.board.objective != before:
                    break
            else:
                count += 1

    def _sweep(self, count: int) -> list[list[Ints]]:
        """Return sets of so many models, every model in as many; as many at once as workers."""
        order = self.rng.permutation(self.models)
        sets = [np.roll(order, -first)[:count] for first in range(len(order))]
        workers = self.budget.workers
        return [sets[first : first + workers] for first in range(0, len(sets), workers)]

    def _search(self, chosen: list[Ints]) -> None:
        """Plan each set of models anew, all from the same fleet."""
        best, value = self.board.best, self.board.objective
        if best is None or value is None:
            return
        if self.tries is not None:
            self.tries -= 1
        left = self.budget.remaining()
        budget = replace(self.budget.part(_SHARE), workers=1)
        if left is not None:
            soon = time.monotonic() + max(_LEAST_SECONDS, _SHARE * left)
            budget = replace(budget, deadline=soon)
        caps = (*self.board.caps, value - 1)

        def run(models: Ints) -> None:
            held = np.where(np.isin(self.owner, models), -1, best.units)
            program = Program(self.arrays, self.board.tier, caps, held)
            run_program(Highs(), program, self.board, budget, self.name, proves=False)

        with ThreadPoolExecutor(self.budget.workers) as pool:
            list(pool.map(run, chosen))
