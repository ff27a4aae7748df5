"""The family ``allocation`` as the driver sees it."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.allocation.arrays import AllocationArrays, Ints, compile_allocation
from scheduling.models.allocation.bounds import price_bound
from scheduling.models.allocation.check import check_allocation
from scheduling.models.allocation.problem import AllocationProblem
from scheduling.models.allocation.solution import AllocationSolution, Grant
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledAllocation(Compiled[AllocationProblem, AllocationArrays, Ints, AllocationSolution]):
    """A problem with its arrays; a candidate has the level of each claim."""

    solution = AllocationSolution

    @staticmethod
    def compiled(problem: AllocationProblem) -> AllocationArrays:
        """Compile the arrays."""
        return compile_allocation(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("gain",)

    @property
    def senses(self) -> tuple[str, ...]:
        """The gain is maximised."""
        return ("max",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula; ``None`` when the lowest levels cost more than there is."""
        if self.arrays.least > self.arrays.budget:
            return None
        return [-price_bound(self.arrays)]

    def values(self, candidate: Ints) -> tuple[int, ...]:
        """Gain, with its sign turned."""
        return (-self.arrays.gained(candidate),)

    def candidate(self, solution: AllocationSolution) -> Ints | None:
        """Translate a solution; one without a level for each claim is none."""
        granted = {grant.claim: grant.amount for grant in solution.grants}
        found = []
        for claim in self.problem.claims:
            levels = claim.levels()
            if granted.get(claim.id) not in levels:
                return None
            found.append(levels.index(granted[claim.id]))
        return np.array(found, np.int64)

    def fields(self, candidate: Ints) -> dict[str, Any]:
        """Return the grants of the solution."""
        amounts = self.arrays.cost[self.arrays.start[:-1] + candidate].tolist()
        rows = zip(self.problem.claims, amounts, strict=True)
        return {"grants": tuple(Grant(claim=claim.id, amount=amount) for claim, amount in rows)}


def offer(data: CompiledAllocation, board: Board[Ints], levels: Ints, solver: str) -> bool:
    """Post levels that keep within the budget; tell whether they are the best so far."""
    return data.arrays.fits(levels) and board.offer(levels, data.values(levels), solver)


FAMILY: Family[Ints] = Family(
    kind="allocation",
    compile=CompiledAllocation,
    check=check_allocation,
    home="scheduling.solvers.allocation",
    solvers={
        "auto": "auto:Auto",
        "greedy": "greedy:Greedy",
        "marginal": "marginal:Marginal",
        "dynamic-program": "dynamic:DynamicProgram",
        "cp-sat": "cpsat:CpSat",
        "mip": "mip:Mip",
    },
)
