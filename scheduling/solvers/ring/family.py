"""The family ``ring`` as the driver sees it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from scheduling.models.ring.arrays import Order, RingArrays, compile_ring
from scheduling.models.ring.bounds import fastest_level
from scheduling.models.ring.check import check_ring
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledRing(Compiled[RingProblem, RingArrays, Order, RingSolution]):
    """A problem with its levels; a candidate is an order."""

    solution = RingSolution

    @staticmethod
    def compiled(problem: RingProblem) -> RingArrays:
        """Compile the levels."""
        return compile_ring(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("rate",)

    @property
    def senses(self) -> tuple[str, ...]:
        """The rate is maximised."""
        return ("max",)

    @property
    def units(self) -> tuple[Fraction, ...]:
        """Those of the rates."""
        return (self.arrays.unit,)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [-self.arrays.rates[fastest_level(self.arrays)]]

    def values(self, candidate: Order) -> tuple[int, ...]:
        """Rate of the slowest link, with its sign turned."""
        return (-self.arrays.rates[self.arrays.slowest(candidate)],)

    def candidate(self, solution: RingSolution) -> Order | None:
        """Translate a solution; one without every node once is none."""
        nodes = list(range(self.arrays.nodes))
        return tuple(solution.order) if sorted(solution.order) == nodes else None

    def fields(self, candidate: Order) -> dict[str, Any]:
        """Return the order of the solution."""
        return {"order": candidate}


def offer(data: CompiledRing, board: Board[Order], order: Order, solver: str) -> bool:
    """Post an order; tell whether it is the best so far."""
    return board.offer(order, data.values(order), solver)


FAMILY: Family[Order] = Family(
    kind="ring",
    compile=CompiledRing,
    check=check_ring,
    home="scheduling.solvers.ring",
    solvers={
        "auto": "auto:Auto",
        "nearest": "nearest:Nearest",
        "rotations": "rotations:Rotations",
        "sets": "subsets:Sets",
        "cp-sat": "cpsat:CpSat",
    },
)
