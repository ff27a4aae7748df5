"""The family ``tiers`` as the driver sees it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from scheduling.models.tiers.arrays import AWAY, Ints, TieredArrays, compile_tiers
from scheduling.models.tiers.bounds import time_bound
from scheduling.models.tiers.check import check_tiers
from scheduling.models.tiers.problem import TieredProblem
from scheduling.models.tiers.solution import Residence, TieredSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledTiers(Compiled[TieredProblem, TieredArrays, Ints, TieredSolution]):
    """A problem with its arrays; a candidate is the memory of each tensor in each step."""

    solution = TieredSolution

    @staticmethod
    def compiled(problem: TieredProblem) -> TieredArrays:
        """Compile the arrays."""
        return compile_tiers(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("time",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [time_bound(self.arrays)]

    def values(self, candidate: Ints) -> tuple[int, ...]:
        """Ticks of a valid candidate."""
        return (self.arrays.total(candidate) or 0,)

    def candidate(self, solution: TieredSolution) -> Ints | None:
        """Translate a solution; one that leaves a tensor nowhere, or breaks a rule, is none."""
        arrays = self.arrays
        tensors = {entry.id: row for row, entry in enumerate(self.problem.tensors)}
        memories = {entry.id: row for row, entry in enumerate(self.problem.memories)}
        found = np.where(arrays.live, arrays.home[:, None], AWAY)
        for entry in solution.residences:
            if entry.tensor not in tensors or entry.memory not in memories:
                return None
            found[tensors[entry.tensor], entry.since : entry.until] = memories[entry.memory]
        if ((found == AWAY) & arrays.live).any() or arrays.total(found) is None:
            return None
        return found

    def fields(self, candidate: Ints) -> dict[str, Any]:
        """Return the residences of the solution."""
        entries = []
        for row, tensor in enumerate(self.problem.tensors):
            start, end = int(self.arrays.start[row]), int(self.arrays.end[row])
            changes = np.flatnonzero(np.diff(candidate[row, start:end])) + start + 1
            for since, until in pairwise([start, *changes.tolist(), end]):
                name = self.problem.memories[int(candidate[row, since])].id
                if name != tensor.home:
                    entries.append(
                        Residence(tensor=tensor.id, memory=name, since=since, until=until)
                    )
        return {"residences": tuple(entries)}


def offer(data: CompiledTiers, board: Board[Ints], memories: Ints, solver: str) -> bool:
    """Post a placement if it is valid; tell whether it is the best so far."""
    total = data.arrays.total(memories)
    return total is not None and board.offer(memories.copy(), (total,), solver)


FAMILY: Family[Ints] = Family(
    kind="tiers",
    compile=CompiledTiers,
    check=check_tiers,
    home="scheduling.solvers.tiers",
    solvers={
        "auto": "auto:Auto",
        "density": "density:Density",
        "descent": "descent:Descent",
        "cp-sat": "cpsat:CpSat",
        "mip": "mip:Mip",
    },
)
