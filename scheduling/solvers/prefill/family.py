"""The family ``prefill`` as the driver sees it."""

from __future__ import annotations

from typing import Any

from scheduling.models.prefill.arrays import Pieces, PrefillArrays, compile_prefill
from scheduling.models.prefill.bounds import most_weight
from scheduling.models.prefill.check import check_prefill
from scheduling.models.prefill.problem import PrefillProblem
from scheduling.models.prefill.solution import Piece, PrefillSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledPrefill(Compiled[PrefillProblem, PrefillArrays, Pieces, PrefillSolution]):
    """A problem with its arrays; a candidate says what runs when."""

    solution = PrefillSolution

    @staticmethod
    def compiled(problem: PrefillProblem) -> PrefillArrays:
        """Compile the arrays."""
        return compile_prefill(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("on-time",)

    @property
    def senses(self) -> tuple[str, ...]:
        """The weight on time is maximised."""
        return ("max",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [-most_weight(self.arrays)]

    def values(self, candidate: Pieces) -> tuple[int, ...]:
        """Value of each tier."""
        return (self.arrays.value(candidate),)

    def candidate(self, solution: PrefillSolution) -> Pieces | None:
        """Translate a solution; one with unknown prompts is none."""
        number = {prompt.id: row for row, prompt in enumerate(self.problem.prompts)}
        if any(piece.prompt not in number for piece in solution.pieces):
            return None
        return tuple((number[p.prompt], p.start, p.operators) for p in solution.pieces)

    def fields(self, candidate: Pieces) -> dict[str, Any]:
        """Return the pieces of the solution."""
        prompts = self.problem.prompts
        return {
            "pieces": tuple(
                Piece(prompt=prompts[row].id, start=start, operators=operators)
                for row, start, operators in candidate
            )
        }


def offer(data: CompiledPrefill, board: Board[Pieces], pieces: Pieces, solver: str) -> bool:
    """Post a schedule; tell whether it is the best so far."""
    return board.offer(pieces, data.values(pieces), solver)


FAMILY: Family[Pieces] = Family(
    kind="prefill",
    compile=CompiledPrefill,
    check=check_prefill,
    home="scheduling.solvers.prefill",
    solvers={
        "auto": "auto:Auto",
        "intervals": "program:Intervals",
        "lawler": "lawler:Lawler",
        "cp-sat": "cpsat:CpSat",
        "s-edf": "policies:SlackDeadline",
        "edf": "policies:EarliestDeadline",
        "srpt": "policies:ShortestRemaining",
        "fcfs": "policies:FirstCome",
    },
)
