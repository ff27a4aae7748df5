"""The family ``ordering`` as the driver sees it."""

from __future__ import annotations

from typing import Any

from scheduling.models.ordering.arrays import OrderingArrays, compile_ordering
from scheduling.models.ordering.bounds import makespan_bound
from scheduling.models.ordering.check import check_ordering
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.models.ordering.solution import OrderingSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family

Order = tuple[int, ...]


class CompiledOrdering(Compiled[OrderingProblem, OrderingArrays, Order, OrderingSolution]):
    """A problem with its arrays; a candidate is an order."""

    solution = OrderingSolution

    @staticmethod
    def compiled(problem: OrderingProblem) -> OrderingArrays:
        """Compile the arrays."""
        return compile_ordering(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("makespan",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [makespan_bound(self.arrays)]

    def values(self, candidate: Order) -> tuple[int, ...]:
        """Makespan."""
        return (self.arrays.makespan(candidate),)

    def candidate(self, solution: OrderingSolution) -> Order | None:
        """Translate a solution; one without each transaction once is none."""
        complete = sorted(solution.order) == list(range(self.arrays.n_transactions))
        return solution.order if complete else None

    def fields(self, candidate: Order) -> dict[str, Any]:
        """Return the order of the solution."""
        return {"order": candidate}


def offer(data: CompiledOrdering, board: Board[Order], order: Order, solver: str) -> bool:
    """Post an order; tell whether it is the best so far."""
    return board.offer(order, data.values(order), solver)


FAMILY: Family[Order] = Family(
    kind="ordering",
    compile=CompiledOrdering,
    check=check_ordering,
    home="scheduling.solvers.ordering",
    solvers={
        "auto": "auto:Auto",
        "append": "append:Append",
        "annealing": "annealing:Annealing",
        "path": "path:Path",
        "cp-sat": "cpsat:CpSat",
    },
)
