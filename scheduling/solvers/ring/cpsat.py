"""Solver ``cp-sat``: circuits of links that are fast enough, between a ring and the bound."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.ring.arrays import Order
from scheduling.models.ring.bounds import fastest_level
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ring.family import CompiledRing, offer

if TYPE_CHECKING:
    from scheduling.solvers.cpsat.running import Result

MOST_NODES = 500


class CpSat(NeedsCpSat):
    """Rates that rings may have are halved between a ring that is known and the bound.

    CP-SAT finds or refutes a circuit of links at least so fast. One work unit is one of its own.
    """

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools) on circuits of fast links: exact"

    def refusal(self, data: CompiledRing) -> str | None:
        """Refuse models that would not be solved in any time."""
        nodes = data.arrays.nodes
        return f"{nodes} nodes, above {MOST_NODES}; use auto" if nodes > MOST_NODES else None

    def search(
        self, data: CompiledRing, board: Board[Order], budget: Budget, hint: Order | None
    ) -> None:
        """Close the gap from both sides."""
        from scheduling.solvers.cpsat.running import Outcome
        from scheduling.solvers.cpsat.stopping import StopSwitch

        arrays = data.arrays
        if board.best is None:
            offer(data, board, hint or tuple(range(arrays.nodes)), self.name)
        switch, left = StopSwitch(board), budget.work
        low, high = arrays.slowest(board.best or ()), fastest_level(arrays)
        while low < high and not board.stopped and budget.remaining() != 0 and left != 0:
            middle = (low + high + 1) // 2
            links = np.argwhere(arrays.level >= middle).tolist()
            result = _circuit(links, replace(budget, work=left), switch)
            left = None if left is None else max(0.0, left - result.work)
            if result.values is not None:
                order = _order(links, result.values)
                offer(data, board, order, self.name)
                low = arrays.slowest(order)
            elif result.outcome is Outcome.INFEASIBLE:
                high = middle - 1
                board.raise_bound(-arrays.rates[high], self.name)
            else:
                return


def _circuit(links: list[list[int]], budget: Budget, switch: Any) -> Result:
    from ortools.sat.python import cp_model

    from scheduling.solvers.cpsat.running import run
    from scheduling.solvers.cpsat.settings import sat_parameters

    model = cp_model.CpModel()
    model.add_circuit([(a, b, model.new_bool_var("")) for a, b in links])
    return run(model, sat_parameters(budget), switch=switch)


def _order(links: list[list[int]], values: list[int]) -> Order:
    following = {a: b for (a, b), value in zip(links, values, strict=True) if value}
    order = [0]
    while len(order) < len(following):
        order.append(following[order[-1]])
    return tuple(order)
