"""CP-SAT at single intervals, within one budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from scheduling.models.loop.arrays import LoopArrays, Pipeline
from scheduling.solvers.board import Board, Budget


class Attempts:
    """Models of one loop at one interval each, until the board stops or the budget is spent.

    Parameters
    ----------
    board
        Ends a model when it stops.
    budget
        For all of them together.
    """

    def __init__(self, board: Board[Any], budget: Budget) -> None:
        from scheduling.solvers.cpsat.stopping import StopSwitch

        self._budget = budget
        self._work = budget.work
        self._switch = StopSwitch(board)

    @property
    def spent(self) -> bool:
        """Whether nothing of the budget is left."""
        return self._budget.remaining() == 0 or (self._work is not None and self._work <= 0)

    def at(
        self, arrays: LoopArrays, interval: int, hint: Pipeline | None = None
    ) -> tuple[Pipeline | None, bool]:
        """Return a pipeline at an interval, and whether it is proven that there is none."""
        from scheduling.solvers.cpsat.running import Outcome, run
        from scheduling.solvers.loop.formulation import Formulation

        if self.spent:
            return None, False
        formulation = Formulation(arrays, interval)
        if hint is not None and hint.interval == interval:
            formulation.hint(hint)
        result = run(formulation.model, self._parameters(), switch=self._switch)
        self._work = None if self._work is None else self._work - result.work
        found = None if result.values is None else formulation.pipeline(result.values)
        return found, result.outcome is Outcome.INFEASIBLE

    def shortest(self, arrays: LoopArrays, interval: int, post: Callable[[Pipeline], None]) -> None:
        """Pass on ever shorter pipelines at an interval."""
        from scheduling.solvers.cpsat.running import run
        from scheduling.solvers.loop.formulation import Formulation

        if self.spent:
            return
        formulation = Formulation(arrays, interval)
        formulation.shortest()
        run(
            formulation.model,
            self._parameters(),
            switch=self._switch,
            on_solution=lambda values: post(formulation.pipeline(values)),
        )

    def _parameters(self) -> Any:
        from scheduling.solvers.cpsat.settings import sat_parameters

        return sat_parameters(replace(self._budget, work=self._work))
