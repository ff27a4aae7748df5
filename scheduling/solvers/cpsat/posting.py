"""Runs of CP-SAT on a board: every solution and bound is posted as soon as it is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from ortools.sat.python import cp_model

from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat.running import Outcome, Result, run
from scheduling.solvers.cpsat.settings import Settings, sat_parameters
from scheduling.solvers.cpsat.stopping import StopSwitch

C = TypeVar("C")
_Hint = TypeVar("_Hint", contravariant=True)


class Formulation(Protocol[_Hint]):
    """A model of a whole problem that can start from a candidate."""

    model: cp_model.CpModel

    def hint(self, candidate: _Hint, /) -> None:
        """Start from a candidate."""
        ...


class BoardRun(Generic[C]):
    """Runs models on a board: every solution and bound is posted as soon as it is found.

    Parameters
    ----------
    board
        Where to post.
    name
        The solver's name on the board.
    decode
        From the values of all variables to a candidate.
    evaluate
        From a candidate to the values of all tiers.
    """

    def __init__(
        self,
        board: Board[C],
        name: str,
        decode: Callable[[list[int]], C],
        evaluate: Callable[[C], tuple[int, ...]],
    ) -> None:
        self.board = board
        self.name = name
        self._decode = decode
        self._evaluate = evaluate
        self._switch = StopSwitch(board)

    def whole(
        self,
        formulation: Formulation[C],
        budget: Budget,
        hint: C | None,
        settings: Settings | None = None,
    ) -> None:
        """Run a formulation of the whole problem from the best candidate, or from ``hint``."""
        start = self.board.known(hint)
        if start is not None:
            formulation.hint(start)
        if self.board.stopped or budget.remaining() == 0:
            return
        self.exact(formulation.model, sat_parameters(budget, settings))

    def exact(self, model: cp_model.CpModel, parameters: Any) -> Result:
        """Run a model of the whole problem: its bound and its verdict hold for the board's tier."""
        result = run(
            model,
            parameters,
            switch=self._switch,
            on_solution=self.post,
            on_bound=self._post_bound,
        )
        if result.values is not None:
            self.post(result.values)
        if result.outcome is Outcome.INFEASIBLE:
            self.board.prove_infeasible(self.name)
        elif result.bound is not None:
            self._post_bound(result.bound)
        return result

    def post(self, values: list[int]) -> None:
        """Offer the board the candidate that ``values`` describe."""
        candidate = self._decode(values)
        self.board.offer(candidate, self._evaluate(candidate), self.name)

    def _post_bound(self, bound: int) -> None:
        self.board.raise_bound(bound, self.name)
