"""The family ``packing`` as the driver sees it."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.packing.arrays import Ints, PackingArrays, compile_packing
from scheduling.models.packing.bounds import chunks_bound
from scheduling.models.packing.check import check_packing
from scheduling.models.packing.problem import PackingProblem
from scheduling.models.packing.solution import PackingSolution
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledPacking(Compiled[PackingProblem, PackingArrays, Ints, PackingSolution]):
    """A problem with its arrays; a candidate has the chunk of each sequence that shares one."""

    solution = PackingSolution

    @staticmethod
    def compiled(problem: PackingProblem) -> PackingArrays:
        """Compile the arrays."""
        return compile_packing(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("chunks",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [self.arrays.own + chunks_bound(self.arrays)]

    def values(self, candidate: Ints) -> tuple[int, ...]:
        """Count the chunks."""
        return (self.arrays.own + len(np.unique(candidate)),)

    def candidate(self, solution: PackingSolution) -> Ints | None:
        """Translate a solution; one that lacks sequences is none."""
        place = {s: number for number, chunk in enumerate(solution.chunks) for s in chunk}
        known = [place.get(sequence, -1) for sequence in self.arrays.number.tolist()]
        return None if -1 in known else np.array(known, np.int64)

    def fields(self, candidate: Ints) -> dict[str, Any]:
        """Return the chunks of the solution."""
        _, chunk = np.unique(candidate, return_inverse=True)
        order = np.argsort(chunk, kind="stable")
        sizes = np.bincount(chunk)
        parts = np.split(self.arrays.number[order], np.cumsum(sizes)[:-1])
        return {"chunks": tuple(tuple(sorted(part.tolist())) for part in parts if len(part))}


FAMILY: Family[Ints] = Family(
    kind="packing",
    compile=CompiledPacking,
    check=check_packing,
    home="scheduling.solvers.packing",
    solvers={
        "auto": "auto:Auto",
        "best-fit": "best_fit:BestFit",
        "patterns": "patterns:Patterns",
        "cp-sat": "cpsat:CpSat",
    },
)
