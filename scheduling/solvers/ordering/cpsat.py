"""Solver ``cp-sat``: which of each conflicting pair comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.ordering.arrays import FREE
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ordering.append import appended
from scheduling.solvers.ordering.family import CompiledOrdering, Order

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

LARGEST = 300
"""Most transactions: the model has up to a literal for each pair."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact. One work unit is one unit of its deterministic time."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools), order of each conflicting pair: exact, proves optimality"

    def refusal(self, data: CompiledOrdering) -> str | None:
        """Refuse models that would not be solved in any time."""
        count = data.arrays.n_transactions
        return f"{count} transactions, above {LARGEST}; use annealing" if count > LARGEST else None

    def search(
        self, data: CompiledOrdering, board: Board[Order], budget: Budget, hint: Order | None
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.cpsat.settings import sat_parameters

        known = board.known(hint)
        start = appended(data.arrays, 0) if known is None else known
        formulation = _Formulation(data, start, board.bound or 1)
        if board.stopped or budget.remaining() == 0:
            return
        run = BoardRun(board, self.name, formulation.order, data.values)
        run.exact(formulation.model, sat_parameters(budget))


class _Formulation:
    """A literal for each conflicting pair, places that make them one order, and starts."""

    def __init__(self, data: CompiledOrdering, known: Order, bound: int) -> None:
        from ortools.sat.python import cp_model

        arrays = data.arrays
        self.model = cp_model.CpModel()
        model, count = self.model, arrays.n_transactions
        most = arrays.makespan(known)
        self._start = [model.new_int_var(1, most, "") for _ in range(count)]
        self._place = [model.new_int_var(0, count - 1, "") for _ in range(count)]
        end = model.new_int_var(min(bound, most), most, "")
        rank = {one: place for place, one in enumerate(known)}
        for i in range(count):
            model.add(self._start[i] + int(arrays.length[i]) - 1 <= end)
            model.add_hint(self._place[i], rank[i])
            for j in range(i + 1, count):
                if arrays.lag[i, j] == FREE:
                    continue
                first = model.new_bool_var("")
                self._before(i, j, int(arrays.lag[i, j]), first)
                self._before(j, i, int(arrays.lag[j, i]), first.negated())
                model.add_hint(first, rank[i] < rank[j])
        model.minimize(end)

    def _before(self, i: int, j: int, lag: int, literal: cp_model.LiteralT) -> None:
        start, place = self._start, self._place
        self.model.add(start[j] >= start[i] + lag).only_enforce_if(literal)
        self.model.add(place[j] > place[i]).only_enforce_if(literal)

    def order(self, values: list[int]) -> Order:
        """Return the order from the values of all variables."""
        places = [values[place.index] for place in self._place]
        return tuple(sorted(range(len(places)), key=lambda one: (places[one], one)))
