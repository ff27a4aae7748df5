"""The family ``placement`` as the driver sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scheduling.models.placement.arrays import NOWHERE, Ints, PlacementArrays
from scheduling.models.placement.bounds import unplaced_bound
from scheduling.models.placement.check import check_placement
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import Placement, PlacementSolution
from scheduling.solvers.registry import Family


@dataclass(frozen=True, eq=False)
class CompiledPlacement:
    """A placement problem with its arrays; a candidate is the place of each item."""

    problem: PlacementProblem
    arrays: PlacementArrays = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", compile_placement(self.problem))

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return self.problem.tier_names

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula: for the first priority by capacities, 0 for all others."""
        arrays = self.arrays
        first = [unplaced_bound(arrays, 0, ())] if arrays.n_priorities else []
        return [*first, *([0] * (len(self.tiers) - len(first)))]

    def values(self, candidate: Ints) -> tuple[int, ...]:
        """Value of each tier."""
        return self.arrays.values(candidate)

    def candidate(self, solution: PlacementSolution) -> Ints | None:
        """Translate a solution; one that names what is not there is none."""
        arrays = self.arrays
        nodes = {name: number for number, name in enumerate(arrays.node_ids)}
        items = {name: number for number, name in enumerate(arrays.item_ids)}
        found = np.full(arrays.n_items, NOWHERE, np.int64)
        for entry in solution.placements:
            if entry.item not in items or entry.node not in nodes:
                return None
            item = items[entry.item]
            place = arrays.place(item, nodes[entry.node], entry.parts)
            if place is None:
                return None
            found[item] = place
        return found

    def answer(self, candidate: Ints | None, certificate: Mapping[str, Any]) -> PlacementSolution:
        """Build the solution."""
        return PlacementSolution(
            problem=self.problem.name,
            placements=() if candidate is None else self._entries(candidate),
            **certificate,
        )

    def _entries(self, candidate: Ints) -> tuple[Placement, ...]:
        arrays = self.arrays
        return tuple(
            Placement(
                item=arrays.item_ids[item],
                node=arrays.node_ids[arrays.places.node(place)],
                parts=arrays.part_uses(place),
            )
            for item, place in enumerate(candidate.tolist())
            if place != NOWHERE
        )


_HERE = "scheduling.solvers.placement"

FAMILY: Family[Ints] = Family(
    kind="placement",
    facts=f"{_HERE}.profile:profile",
    compile=CompiledPlacement,
    check=check_placement,
    solvers={
        "auto": f"{_HERE}.auto:Auto",
        "cp-sat": f"{_HERE}.cpsat.solver:CpSat",
        "mip": f"{_HERE}.mip.solver:Mip",
        "columns": f"{_HERE}.columns.solver:Columns",
        "lns": f"{_HERE}.lns:Lns",
        "default-scheduler": f"{_HERE}.default_scheduler:DefaultScheduler",
        "guided": f"{_HERE}.guided:Guided",
        "best-fit": f"{_HERE}.greedy:BestFit",
        "greedy": f"{_HERE}.greedy_rules:Greedy",
    },
)
