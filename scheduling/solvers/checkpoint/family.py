"""The family ``checkpoint`` as the driver sees it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from scheduling.models.checkpoint.bounds import waste_bound
from scheduling.models.checkpoint.check import check_checkpoint
from scheduling.models.checkpoint.exactly import waste_billionths
from scheduling.models.checkpoint.problem import BILLION, CheckpointPlan, CheckpointProblem
from scheduling.models.checkpoint.solution import CheckpointSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledCheckpoint(
    Compiled[CheckpointProblem, CheckpointProblem, CheckpointPlan, CheckpointSolution]
):
    """A problem, which needs no arrays; a candidate is a plan."""

    solution = CheckpointSolution

    @staticmethod
    def compiled(problem: CheckpointProblem) -> CheckpointProblem:
        """Return the problem itself."""
        return problem

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("waste",)

    @property
    def units(self) -> tuple[Fraction, ...]:
        """Billionths of the time."""
        return (Fraction(1, BILLION),)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [waste_bound(self.problem)]

    def values(self, candidate: CheckpointPlan) -> tuple[int, ...]:
        """Value of each tier."""
        return (waste_billionths(self.problem, candidate),)

    def candidate(self, solution: CheckpointSolution) -> CheckpointPlan | None:
        """Translate a solution; one without steps is none."""
        if solution.steps is None or solution.every is None:
            return None
        return CheckpointPlan(solution.steps, solution.every)

    def fields(self, candidate: CheckpointPlan) -> dict[str, Any]:
        """Return the plan of the solution."""
        return {"steps": candidate.steps, "every": candidate.every}


def offer(
    data: CompiledCheckpoint, board: Board[CheckpointPlan], plan: CheckpointPlan, solver: str
) -> bool:
    """Post a plan; tell whether it is the best so far."""
    return board.offer(plan, data.values(plan), solver)


FAMILY: Family[CheckpointPlan] = Family(
    kind="checkpoint",
    compile=CompiledCheckpoint,
    check=check_checkpoint,
    home="scheduling.solvers.checkpoint",
    solvers={
        "auto": "plans:Auto",
        "best": "plans:Best",
        "young": "plans:Young",
        "daly": "plans:Daly",
    },
)
