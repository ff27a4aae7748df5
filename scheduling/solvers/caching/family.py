"""The family ``caching`` as the driver sees it."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.caching.arrays import CachingArrays, Flags, compile_caching
from scheduling.models.caching.bounds import area_bound
from scheduling.models.caching.check import check_caching
from scheduling.models.caching.problem import CachingProblem
from scheduling.models.caching.solution import CachingSolution, Stay
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledCaching(Compiled[CachingProblem, CachingArrays, Flags, CachingSolution]):
    """A problem with its arrays; a candidate says of each gap whether it is kept."""

    solution = CachingSolution

    @staticmethod
    def compiled(problem: CachingProblem) -> CachingArrays:
        """Compile the arrays."""
        return compile_caching(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("cost",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [area_bound(self.arrays)]

    def values(self, candidate: Flags) -> tuple[int, ...]:
        """Value of each tier."""
        return (self.arrays.cost(candidate),)

    def candidate(self, solution: CachingSolution) -> Flags | None:
        """Translate a solution; one with stays that are no gaps is none."""
        arrays = self.arrays
        names = [entry.id for entry in self.problem.objects]
        rows = zip(arrays.item.tolist(), arrays.first.tolist(), strict=True)
        number = {(names[item], first - 1): gap for gap, (item, first) in enumerate(rows)}
        found = np.zeros(arrays.n_gaps, np.bool_)
        for stay in solution.stays:
            gap = number.get((stay.object, stay.since))
            if gap is None:
                return None
            found[gap] = True
        return found

    def fields(self, candidate: Flags) -> dict[str, Any]:
        """Return the stays of the solution."""
        arrays = self.arrays
        gaps = np.flatnonzero(candidate)
        rows = zip(
            arrays.item[gaps].tolist(),
            (arrays.first[gaps] - 1).tolist(),
            (arrays.end[gaps] - 1).tolist(),
            strict=True,
        )
        objects = self.problem.objects
        return {"stays": tuple(Stay(object=objects[i].id, since=s, until=u) for i, s, u in rows)}


def offer(data: CompiledCaching, board: Board[Flags], kept: Flags, solver: str) -> bool:
    """Post what is kept, without what saves nothing; tell whether it is the best so far."""
    found = data.arrays.trimmed(kept)
    return board.offer(found, data.values(found), solver)


FAMILY: Family[Flags] = Family(
    kind="caching",
    compile=CompiledCaching,
    check=check_caching,
    home="scheduling.solvers.caching",
    solvers={
        "auto": "auto:Auto",
        "flow": "flow:Flow",
        "cp-sat": "cpsat:CpSat",
        "mip": "mip:Mip",
        "greedy": "greedy:Greedy",
        "belady": "belady:Belady",
        "lru": "policies:Lru",
        "lfu": "policies:Lfu",
        "fifo": "policies:Fifo",
        "greedy-dual": "policies:GreedyDual",
        "greedy-dual-frequency": "policies:GreedyDualFrequency",
        "hit-density": "density:HitDensity",
    },
)
