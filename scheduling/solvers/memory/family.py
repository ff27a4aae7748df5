"""The family ``memory`` as the driver sees it."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.memory.arrays import Ints, MemoryArrays, compile_memory
from scheduling.models.memory.bounds import height_bound
from scheduling.models.memory.check import check_memory
from scheduling.models.memory.problem import MemoryProblem
from scheduling.models.memory.solution import MemorySolution, Place
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledMemory(Compiled[MemoryProblem, MemoryArrays, Ints, MemorySolution]):
    """A problem with its arrays; a candidate is an offset for each block, in units."""

    solution = MemorySolution

    @staticmethod
    def compiled(problem: MemoryProblem) -> MemoryArrays:
        """Compile the arrays."""
        return compile_memory(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("height",)

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula; ``None`` when more is live at one time than there is memory."""
        arrays = self.arrays
        least = height_bound(arrays)
        if arrays.capacity is not None and least > arrays.capacity:
            return None
        return [least * arrays.unit]

    def values(self, candidate: Ints) -> tuple[int, ...]:
        """Value of each tier."""
        return (self.arrays.top(candidate) * self.arrays.unit,)

    def candidate(self, solution: MemorySolution) -> Ints | None:
        """Translate a solution; one whose offsets are no multiples of the unit is none."""
        offsets = {place.buffer: place.offset for place in solution.places}
        found = np.zeros(self.arrays.n_blocks, np.int64)
        for buffer, block in zip(self.problem.buffers, self.arrays.block, strict=True):
            offset = offsets.get(buffer.id)
            if offset is None or offset % self.arrays.unit:
                return None
            found[block] = offset // self.arrays.unit
        return found

    def fields(self, candidate: Ints) -> dict[str, Any]:
        """Return the places of the solution."""
        offsets = (candidate[self.arrays.block] * self.arrays.unit).tolist()
        rows = zip(self.problem.buffers, offsets, strict=True)
        return {"places": tuple(Place(buffer=b.id, offset=offset) for b, offset in rows)}


FAMILY: Family[Ints] = Family(
    kind="memory",
    compile=CompiledMemory,
    check=check_memory,
    home="scheduling.solvers.memory",
    solvers={
        "auto": "auto:Auto",
        "cp-sat": "cpsat:CpSat",
        "mip": "mip:Mip",
        "search": "search:Search",
        "first-fit": "first_fit:FirstFit",
    },
)
