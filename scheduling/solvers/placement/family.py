"""The family ``placement`` as the driver sees it."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.placement.arrays import NOWHERE, Ints, PlacementArrays
from scheduling.models.placement.bounds import unplaced_bound
from scheduling.models.placement.check import check_placement
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import Placement, PlacementSolution
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledPlacement(Compiled[PlacementProblem, PlacementArrays, Ints, PlacementSolution]):
    """A placement problem with its arrays; a candidate is the place of each item."""

    solution = PlacementSolution

    @staticmethod
    def compiled(problem: PlacementProblem) -> PlacementArrays:
        """Compile the arrays."""
        return compile_placement(problem)

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

    def fields(self, candidate: Ints) -> dict[str, Any]:
        """Return the placements of the solution."""
        arrays = self.arrays
        entries = tuple(
            Placement(
                item=arrays.item_ids[item],
                node=arrays.node_ids[arrays.places.node(place)],
                parts=arrays.part_uses(place),
            )
            for item, place in enumerate(candidate.tolist())
            if place != NOWHERE
        )
        return {"placements": entries}


def size_refusal(data: CompiledPlacement, most: int) -> str | None:
    """Refuse problems with more pairs of class and node than one model may have."""
    cells = int(data.arrays.eligible.sum())
    if cells > most:
        return f"{cells} pairs of item class and node, above {most}; use lns"
    return None


FAMILY: Family[Ints] = Family(
    kind="placement",
    compile=CompiledPlacement,
    check=check_placement,
    home="scheduling.solvers.placement",
    solvers={
        "auto": "auto:Auto",
        "cp-sat": "cpsat.solver:CpSat",
        "mip": "mip.solver:Mip",
        "columns": "columns.solver:Columns",
        "lns": "lns:Lns",
        "parts": "parts:Parts",
        "default-scheduler": "default_scheduler:DefaultScheduler",
        "filling": "filling.solver:Filling",
        "guided": "guided:Guided",
        "best-fit": "greedy:BestFit",
        "greedy": "greedy_rules:Greedy",
    },
)
