"""Solver ``path``: the bound of a shortest path through transactions that all conflict."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.ordering.arrays import FREE, OrderingArrays
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ordering.append import appended
from scheduling.solvers.ordering.family import CompiledOrdering, Order, offer

LARGEST = 300
"""Most transactions: the program has an arc for each pair."""


class Path(NeedsCpSat):
    """A lower bound by the shortest Hamiltonian path through a clique of conflicts.

    In every order the transactions of a clique have a first one, which starts at 1 or later, and
    each next one starts by its separation later; the last one adds its length. CP-SAT finds the
    shortest such path.
    """

    name = "path"
    summary = "bound: shortest path through transactions that all conflict (CP-SAT)"

    def refusal(self, data: CompiledOrdering) -> str | None:
        """Refuse programs that would not be solved in any time."""
        count = data.arrays.n_transactions
        return f"{count} transactions, above {LARGEST}" if count > LARGEST else None

    def search(
        self,
        data: CompiledOrdering,
        board: Board[Order],
        budget: Budget,
        hint: Order | None,  # noqa: ARG002
    ) -> None:
        """Post the greedy order and the bound."""
        from scheduling.solvers.cpsat.running import run
        from scheduling.solvers.cpsat.settings import sat_parameters
        from scheduling.solvers.cpsat.stopping import StopSwitch

        arrays = data.arrays
        if board.best is None:
            offer(data, board, appended(arrays, 0), self.name)
        members = clique(arrays)
        if len(members) == 1 or board.stopped or budget.remaining() == 0:
            return
        model = _stated(arrays, members)
        result = run(model, sat_parameters(budget), switch=StopSwitch(board))
        if result.bound is not None and not board.stopped:
            board.raise_bound(result.bound, self.name)


def clique(arrays: OrderingArrays) -> list[int]:
    """Return a large set of transactions that all conflict: the best that is grown from each one.

    Of those that conflict with all members so far, the one with the most conflicts comes next.
    """
    conflicts = arrays.lag != FREE
    degree = conflicts.sum(axis=1)
    best: list[int] = []
    for first in range(arrays.n_transactions):
        members, open_ = [first], conflicts[first].copy()
        while open_.any():
            candidates = np.flatnonzero(open_)
            pick = int(candidates[np.argmax(degree[candidates])])
            members.append(pick)
            open_ &= conflicts[pick]
        if len(members) > len(best):
            best = members
    return sorted(best)


def _stated(arrays: OrderingArrays, members: list[int]) -> Any:
    """State the path as a circuit through one more node."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    count = len(members)
    arcs: list[tuple[int, int, Any]] = []
    costs: list[int] = []
    for i, one in enumerate(members):
        for j, other in enumerate(members):
            if i != j:
                arcs.append((i, j, model.new_bool_var("")))
                costs.append(int(arrays.lag[one, other]))
        arcs += [(i, count, model.new_bool_var("")), (count, i, model.new_bool_var(""))]
        costs += [int(arrays.length[one]), 0]
    model.add_circuit(arcs)
    model.minimize(cp_model.LinearExpr.weighted_sum([arc for _, _, arc in arcs], costs))
    return model
