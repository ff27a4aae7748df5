"""The family ``leaf-spine`` as the driver sees it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from scheduling.models.spines.arrays import Part, Parts, SpineArrays, compile_spines
from scheduling.models.spines.check import check_spines
from scheduling.models.spines.problem import LeafSpine
from scheduling.models.spines.solution import FlowPart, LeafSpineSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import WHOLE, Family


class CompiledSpines(Compiled[LeafSpine, SpineArrays, Parts, LeafSpineSolution]):
    """A problem with its leaves; a candidate has the parts of all flows."""

    solution = LeafSpineSolution

    @staticmethod
    def compiled(problem: LeafSpine) -> SpineArrays:
        """Compile the leaves."""
        return compile_spines(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("congestion", "splits")

    @property
    def units(self) -> tuple[Fraction, ...]:
        """Steps of the congestion, and splits."""
        return (self.arrays.step, WHOLE)

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula; above the least congestion there may be no splits."""
        return [self.arrays.least, 0]

    def values(self, candidate: Parts) -> tuple[int, ...]:
        """Value of each tier."""
        return self.arrays.congestion(candidate), len(candidate) - len(self.arrays.size)

    def candidate(self, solution: LeafSpineSolution) -> Parts | None:
        """Translate a solution; one that leaves a flow out or names an unknown one is none."""
        if {part.flow for part in solution.parts} != set(range(len(self.arrays.size))):
            return None
        return tuple(Part(part.flow, part.spine, part.size) for part in solution.parts)

    def fields(self, candidate: Parts) -> dict[str, Any]:
        """Return the parts of the solution."""
        rows = sorted(candidate)
        return {"parts": tuple(FlowPart(flow=f, spine=s, size=size) for f, s, size in rows)}


def too_many_shares(data: CompiledSpines, most: int) -> str | None:
    """Say that a solver refuses more shares of flows on spines than it can hold."""
    cells = len(data.arrays.size) * data.arrays.spines
    return f"{cells} shares, above {most}; use auto" if cells > most else None


def offer(data: CompiledSpines, board: Board[Parts], parts: Parts, solver: str) -> bool:
    """Post parts; tell whether they are the best so far."""
    return board.offer(parts, data.values(parts), solver)


FAMILY: Family[Parts] = Family(
    kind="leaf-spine",
    compile=CompiledSpines,
    check=check_spines,
    home="scheduling.solvers.spines",
    solvers={
        "auto": "auto:Auto",
        "annealing": "annealing:Annealing",
        "few-splits": "spreading:FewSplits",
        "mip": "mip:Mip",
        "spray": "policies:Spray",
        "ecmp": "policies:Ecmp",
        "least-loaded": "policies:LeastLoaded",
    },
)
