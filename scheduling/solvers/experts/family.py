"""The family ``experts`` as the driver sees it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from scheduling.models.experts.arrays import ExpertArrays, Ints, compile_experts
from scheduling.models.experts.bounds import bytes_bound, load_bound
from scheduling.models.experts.check import check_experts
from scheduling.models.experts.problem import ExpertProblem
from scheduling.models.experts.solution import ExpertSolution, Filling
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledExperts(Compiled[ExpertProblem, ExpertArrays, Ints, ExpertSolution]):
    """A problem with its arrays; a candidate is a table of copies, (devices, experts)."""

    solution = ExpertSolution

    @staticmethod
    def compiled(problem: ExpertProblem) -> ExpertArrays:
        """Compile the arrays."""
        return compile_experts(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return self.arrays.goals

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula; ``None`` when a limit on loads lies below every placement."""
        arrays = self.arrays
        least = load_bound(arrays)
        if arrays.limit is not None and arrays.limit < least:
            return None
        by_goal = {"load": least, "bytes": bytes_bound(arrays, arrays.limit)}
        return [by_goal[goal] for goal in arrays.goals]

    def values(self, candidate: Ints) -> tuple[int, ...]:
        """Value of each tier."""
        return self.arrays.values(candidate)

    def candidate(self, solution: ExpertSolution) -> Ints | None:
        """Translate a solution; one that names what is not there is none."""
        devices = {device.id: row for row, device in enumerate(self.problem.devices)}
        experts = {expert.id: column for column, expert in enumerate(self.problem.experts)}
        found = np.zeros(self.arrays.held.shape, np.int64)
        for entry in solution.fillings:
            for name in entry.experts:
                if name not in experts or entry.device not in devices:
                    return None
                found[devices[entry.device], experts[name]] += 1
        # Without a copy of each expert, loads have no meaning.
        return found if found.any(axis=0).all() else None

    def fields(self, candidate: Ints) -> dict[str, Any]:
        """Return the fillings of the solution."""
        names = [expert.id for expert in self.problem.experts]
        entries = tuple(
            Filling(
                device=device.id,
                experts=tuple(Counter(dict(zip(names, row, strict=True))).elements()),
            )
            for device, row in zip(self.problem.devices, candidate.tolist(), strict=True)
        )
        return {"fillings": entries}


FAMILY: Family[Ints] = Family(
    kind="experts",
    compile=CompiledExperts,
    check=check_experts,
    home="scheduling.solvers.experts",
    solvers={
        "auto": "auto:Auto",
        "cp-sat": "cpsat:CpSat",
        "lns": "lns:Lns",
        "keep": "keep:Keep",
        "swaps": "swaps:Swaps",
        "eplb": "eplb:Eplb",
    },
)
