"""The family ``experts`` as the driver sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scheduling.models.experts.arrays import ExpertArrays, Ints, compile_experts
from scheduling.models.experts.bounds import bytes_bound, load_bound
from scheduling.models.experts.check import check_experts
from scheduling.models.experts.problem import ExpertProblem
from scheduling.models.experts.solution import ExpertSolution, Filling
from scheduling.solvers.registry import Family


@dataclass(frozen=True, eq=False)
class CompiledExperts:
    """A problem with its arrays; a candidate is a table of copies, (devices, experts)."""

    problem: ExpertProblem
    arrays: ExpertArrays = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", compile_experts(self.problem))

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

    def answer(self, candidate: Ints | None, certificate: Mapping[str, Any]) -> ExpertSolution:
        """Build the solution."""
        return ExpertSolution(
            problem=self.problem.name,
            fillings=() if candidate is None else self._fillings(candidate),
            **certificate,
        )

    def _fillings(self, candidate: Ints) -> tuple[Filling, ...]:
        names = [expert.id for expert in self.problem.experts]
        return tuple(
            Filling(
                device=device.id,
                experts=tuple(Counter(dict(zip(names, row, strict=True))).elements()),
            )
            for device, row in zip(self.problem.devices, candidate.tolist(), strict=True)
        )


_HERE = "scheduling.solvers.experts"

FAMILY: Family[Ints] = Family(
    kind="experts",
    facts=f"{_HERE}.profile:profile",
    compile=CompiledExperts,
    check=check_experts,
    solvers={
        "auto": f"{_HERE}.auto:Auto",
        "cp-sat": f"{_HERE}.cpsat:CpSat",
        "lns": f"{_HERE}.lns:Lns",
        "keep": f"{_HERE}.keep:Keep",
        "swaps": f"{_HERE}.swaps:Swaps",
        "eplb": f"{_HERE}.eplb:Eplb",
    },
)
