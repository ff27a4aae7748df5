"""The family ``serving`` as the driver sees it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from scheduling.models.serving.arrays import FleetPlan, Ints, ServingArrays, compile_serving
from scheduling.models.serving.bounds import formula_bounds
from scheduling.models.serving.check import check_serving
from scheduling.models.serving.placing import Group, Place, place_groups
from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import Fleet, Flow, NodeUse, ServingSolution, Site
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledServing(Compiled[ServingProblem, ServingArrays, FleetPlan, ServingSolution]):
    """A problem with its arrays; a candidate is a fleet with its flows."""

    solution = ServingSolution

    @staticmethod
    def compiled(problem: ServingProblem) -> ServingArrays:
        """Compile the arrays."""
        return compile_serving(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return self.arrays.goals

    @property
    def senses(self) -> tuple[str, ...]:
        """``"min"`` or ``"max"`` for each tier."""
        return self.arrays.senses

    def bounds(self) -> list[int | None] | None:
        """Bounds by formula; ``None`` when a demand that must be met is served by no template."""
        return formula_bounds(self.arrays)

    def values(self, candidate: FleetPlan) -> tuple[int, ...]:
        """Value of each tier."""
        return self.arrays.values(candidate)

    def candidate(self, solution: ServingSolution) -> FleetPlan | None:
        """Translate a solution; one of sites, or of templates that others replace, is none."""
        problem, arrays = self.problem, self.arrays
        ids = {problem.templates[index].id: k for k, index in enumerate(arrays.templates.tolist())}
        units = np.zeros(arrays.n_units, np.int64)
        if solution.sites:
            return None
        slot_of = {int(k): slot for slot, k in enumerate(arrays.slot_template)}
        for fleet in solution.fleets:
            if fleet.template not in ids:
                return None
            units[arrays.slot_unit[slot_of[ids[fleet.template]]]] = fleet.replicas
        flows = self._flows(solution, ids, slot_of)
        return None if flows is None else FleetPlan(units, (), flows)

    def _flows(
        self, solution: ServingSolution, ids: dict[str, int], slot_of: dict[int, int]
    ) -> Ints | None:
        problem, arrays = self.problem, self.arrays
        scenarios: dict[str | None, int] = {None: 0}
        scenarios |= {entry.id: row for row, entry in enumerate(problem.scenarios, 1)}
        demands = {demand.id: index for index, demand in enumerate(problem.demands)}
        pairs = zip(arrays.arc_slot.tolist(), arrays.arc_demand.tolist(), strict=True)
        arcs = {pair: arc for arc, pair in enumerate(pairs)}
        flows = np.zeros((arrays.n_scenarios, len(arrays.arc_slot)), np.int64)
        for flow in solution.flows:
            slot = slot_of.get(ids.get(flow.template, -1), -1)
            arc = arcs.get((slot, demands.get(flow.demand, -1)))
            if arc is None or flow.scenario not in scenarios:
                return None
            flows[scenarios[flow.scenario], arc] = flow.micro_requests_per_second
        return flows

    def fields(self, candidate: FleetPlan) -> dict[str, Any]:
        """Fleets with the nodes of every replica, sites and flows."""
        places = place_groups(self.problem, self.arrays, candidate) or {}
        numbers = {
            unit: number
            for number, unit in enumerate(
                np.flatnonzero(candidate.units * self.arrays.paired).tolist()
            )
        }
        return {
            "fleets": self._fleets(candidate, places),
            "sites": tuple(self._site(unit, candidate, places) for unit in numbers),
            "flows": self._flow_entries(candidate, numbers),
        }

    def _fleets(self, candidate: FleetPlan, places: dict[Group, Place]) -> tuple[Fleet, ...]:
        arrays = self.arrays
        entries: dict[int, list[tuple[NodeUse, ...]]] = defaultdict(list)
        for slot, k in enumerate(arrays.slot_template.tolist()):
            unit = int(arrays.slot_unit[slot])
            each = int(arrays.unit_size[unit])
            template = self.problem.templates[int(arrays.templates[k])]
            for copy in range(int(candidate.units[unit])):
                groups = range(int(arrays.unit_groups[unit]))
                held: dict[int, int] = defaultdict(int)
                for group in groups:
                    for node, gpus in places.get((unit, copy, group), ()):
                        held[node] += gpus * template.group // each
                uses = tuple(NodeUse(node=n, gpus=g) for n, g in sorted(held.items()))
                entries[k] += [uses] * int(arrays.slot_count[slot])
        pools = {pool.id: pool for pool in self.problem.pools}
        found = []
        for k, every in sorted(entries.items()):
            template = self.problem.templates[int(arrays.templates[k])]
            if every:
                placed = tuple(every) if pools[template.pool].nodes is not None else ()
                found.append(Fleet(template=template.id, replicas=len(every), places=placed))
        return tuple(found)

    def _site(self, unit: int, candidate: FleetPlan, places: dict[Group, Place]) -> Site:
        arrays = self.arrays
        slots = np.flatnonzero(arrays.slot_unit == unit).tolist()
        groups = range(int(arrays.unit_groups[unit]))
        return Site(
            replicas={
                self.problem.templates[int(arrays.templates[arrays.slot_template[slot]])].id: int(
                    arrays.slot_count[slot]
                )
                for slot in slots
            },
            places=tuple(
                tuple(places[unit, copy, group][0][0] for group in groups)
                for copy in range(int(candidate.units[unit]))
            ),
        )

    def _flow_entries(self, candidate: FleetPlan, numbers: dict[int, int]) -> tuple[Flow, ...]:
        arrays, problem = self.arrays, self.problem
        names = [None, *(scenario.id for scenario in problem.scenarios)]
        found = []
        for row, arc in zip(*candidate.flows.nonzero(), strict=True):
            k = int(arrays.slot_template[arrays.arc_slot[arc]])
            unit = int(arrays.arc_unit[arc])
            found.append(
                Flow(
                    demand=problem.demands[int(arrays.arc_demand[arc])].id,
                    template=problem.templates[int(arrays.templates[k])].id,
                    micro_requests_per_second=int(candidate.flows[row, arc]),
                    scenario=names[row],
                    site=numbers.get(unit) if arrays.paired[unit] else None,
                )
            )
        return tuple(found)


FAMILY: Family[FleetPlan] = Family(
    kind="serving",
    compile=CompiledServing,
    check=check_serving,
    home="scheduling.solvers.serving",
    solvers={
        "auto": "auto:Auto",
        "cp-sat": "cpsat.solver:CpSat",
        "columns": "columns.solver:Columns",
        "mip": "mip.solver:Mip",
        "greedy": "greedy:Greedy",
    },
)
