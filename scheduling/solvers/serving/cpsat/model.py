"""Serving fleets as CP-SAT models: integer units, patterns and flows."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.serving.arrays import DECODE, OPEN, FleetPlan, Ints, ServingArrays
from scheduling.models.serving.bounds import most_goodput
from scheduling.models.serving.problem import GOODPUT_SCALE, RATE_UNIT, TIME_SCALE
from scheduling.solvers.serving.plans import kv_rows, pairings

Linear = cp_model.LinearExpr


class Model:
    """The whole problem with every tier as an expression to minimise, all in exact integers."""

    def __init__(self, arrays: ServingArrays) -> None:
        self.arrays = arrays
        self.model = cp_model.CpModel()
        new = self.model.new_int_var
        self.units = [new(0, most, f"units[{u}]") for u, most in enumerate(arrays.unit_limit)]
        self.flows = [
            [new(0, self._most(s, arc), f"flow[{s},{arc}]") for arc in range(len(arrays.arc_slot))]
            for s in range(arrays.n_scenarios)
        ]
        self.patterns: list[list[cp_model.IntVar]] = []
        self.tiers: dict[str, cp_model.LinearExprT] = {
            "gpus": Linear.weighted_sum(self.units, arrays.unit_gpus.tolist()),
            "cost": Linear.weighted_sum(self.units, arrays.unit_cost.tolist()),
            "watts": Linear.weighted_sum(self.units, arrays.unit_watts.tolist()),
        }
        self._capacities()
        self._roles()
        self._demands()
        self._pools()
        self._movement()
        self._types()
        for name, limit in arrays.limits.items():
            self.model.add(self.tiers[name] <= limit)

    def _most(self, s: int, arc: int) -> int:
        """Largest flow that can be of use on an arc."""
        arrays = self.arrays
        slot = int(arrays.arc_slot[arc])
        count = int(arrays.slot_count[slot]) * int(arrays.unit_limit[arrays.slot_unit[slot]])
        share = int(arrays.capacity[int(arrays.slot_template[slot])][s].max())
        most = share * count * TIME_SCALE // int(arrays.arc_time[arc])
        asked = int(arrays.demand[s, arrays.arc_demand[arc]])
        return most if asked == OPEN or "goodput" in arrays.goals else min(most, asked)

    def _capacities(self) -> None:
        arrays = self.arrays
        arcs_of: dict[int, list[int]] = defaultdict(list)
        for arc, slot in enumerate(arrays.arc_slot.tolist()):
            arcs_of[slot].append(arc)
        for slot, arcs in arcs_of.items():
            brought = self._brought(slot)
            times = arrays.arc_time[arcs].tolist()
            # One demand needs no busy times: they are all the same.
            scale = 1 if len(arcs) == 1 else TIME_SCALE
            weights = [1] if len(arcs) == 1 else times
            for s in range(arrays.n_scenarios):
                used = Linear.weighted_sum([self.flows[s][arc] for arc in arcs], weights)
                self.model.add(used <= scale * brought[s])

    def _brought(self, slot: int) -> list[cp_model.LinearExprT]:
        """State what the replicas of a slot bring in each scenario."""
        arrays = self.arrays
        unit = int(arrays.slot_unit[slot])
        table = arrays.capacity[int(arrays.slot_template[slot])]
        count, most = int(arrays.slot_count[slot]), int(arrays.unit_limit[unit])
        if arrays.paired[unit]:
            return [self.units[unit] * int(each) * count for each in arrays.share(slot, 1)]
        if most <= 1 or (table == table[:, :1]).all():
            return [self.units[unit] * int(row[0]) for row in table]
        number = self.units[unit]
        found: list[cp_model.LinearExprT] = []
        for row in table:
            length = min(len(row), most)
            values = [n * int(row[n - 1]) for n in range(1, length + 1)]
            if most <= length:
                brought = self.model.new_int_var(0, max(values), f"brought[{slot}]")
                self.model.add_element(number, [0, *values], brought)
                found.append(brought)
            else:
                found.append(self._with_tail(slot, number, values, int(row[-1]), most))
        return found

    def _with_tail(
        self, slot: int, number: cp_model.IntVar, values: list[int], each: int, most: int
    ) -> cp_model.IntVar:
        """State what a slot brings where its table ends before its largest number of replicas."""
        last = len(values)
        brought = self.model.new_int_var(0, each * most, f"brought[{slot}]")
        capped = self.model.new_int_var(0, last, f"capped[{slot}]")
        step = self.model.new_int_var(0, max(values), f"step[{slot}]")
        self.model.add_min_equality(capped, [number, last])
        self.model.add_element(capped, [0, *values], step)
        # Beyond the table each further replica brings the same.
        self.model.add(brought == step + each * (number - capped))
        return brought

    def _roles(self) -> None:
        arrays = self.arrays
        for row in self.flows:
            for first, second in pairings(arrays):
                prefilled = sum((row[arc] for arc in first.tolist()), Linear.sum([]))
                decoded = sum((row[arc] for arc in second.tolist()), Linear.sum([]))
                self.model.add(prefilled == decoded)
            for arcs, limit in kv_rows(arrays):
                sizes = arrays.kv[arrays.arc_demand[arcs]].tolist()
                moved = Linear.weighted_sum([row[arc] for arc in arcs.tolist()], sizes)
                self.model.add(moved <= limit)

    def _demands(self) -> None:
        arrays, model = self.arrays, self.model
        goals = set(arrays.goals)
        served = self._served()
        worst = 0 if arrays.met else int(np.maximum(arrays.demand, 0).sum(axis=1).max())
        missing_tier = model.new_int_var(0, worst // RATE_UNIT + 1, "unserved")
        reach = int(self._reach().sum(axis=1).max())
        rate = model.new_int_var(0, reach // RATE_UNIT + 1, "rate")
        # A demand's rate times the goodput must stay within 64 bits.
        most = -most_goodput(arrays) if "goodput" in goals else 0
        scale = model.new_int_var(0, most, "goodput")
        for s in range(arrays.n_scenarios):
            missing = []
            for c, expression in enumerate(served[s]):
                asked = int(arrays.demand[s, c])
                if "goodput" in goals:
                    model.add(asked * scale <= GOODPUT_SCALE * expression + asked // 2)
                elif asked != OPEN:
                    model.add(expression <= asked)
                if asked != OPEN and (arrays.met or "unserved" in goals):
                    missing.append(model.new_int_var(0, asked, f"missing[{s},{c}]"))
                    model.add(missing[-1] >= asked - expression)
            if missing:
                total = Linear.sum(missing)
                model.add(total <= RATE_UNIT * missing_tier + (RATE_UNIT + 1) // 2 - 1)
            if "rate" in goals:
                model.add(RATE_UNIT * rate <= Linear.sum(served[s]) + RATE_UNIT // 2)
        if arrays.met:
            model.add(missing_tier == 0)
        self.tiers |= {"unserved": missing_tier, "rate": -rate, "goodput": -scale}

    def _reach(self) -> Ints:
        """Most that could be served of each demand in each scenario."""
        arrays = self.arrays
        found = np.zeros(arrays.demand.shape, np.int64)
        for arc in np.flatnonzero(arrays.arc_role != DECODE).tolist():
            for s in range(arrays.n_scenarios):
                found[s, arrays.arc_demand[arc]] += self._most(s, arc)
        return found

    def _served(self) -> list[list[cp_model.LinearExprT]]:
        arrays = self.arrays
        first = arrays.arc_role != DECODE
        arcs = [
            np.flatnonzero((arrays.arc_demand == c) & first).tolist()
            for c in range(arrays.demand.shape[1])
        ]
        return [[Linear.sum([row[arc] for arc in mine]) for mine in arcs] for row in self.flows]

    def _pools(self) -> None:
        arrays = self.arrays
        for packing in arrays.packings:
            here = np.flatnonzero(arrays.unit_pool == packing.pool).tolist()
            units = [self.units[u] for u in here]
            groups = arrays.unit_groups[here].tolist()
            sizes = arrays.unit_size[here].tolist()
            if not packing.patterns:
                weights = [packing.weights(size) for size in sizes]
                for row, side in enumerate(packing.sides()):
                    column = [w[row] * g for w, g in zip(weights, groups, strict=True)]
                    self.model.add(Linear.weighted_sum(units, column) <= side)
                continue
            new = self.model.new_int_var
            chosen = [new(0, packing.bins, f"pattern[{q}]") for q in range(len(packing.patterns))]
            self.patterns.append(chosen)
            taken = [packing.taken.get(z, 0) * g for z, g in zip(sizes, groups, strict=True)]
            used = Linear.sum(chosen) + Linear.weighted_sum(units, taken)
            self.model.add(used <= packing.bins)
            for row, size in enumerate(packing.sizes):
                held = Linear.weighted_sum(chosen, [pattern[row] for pattern in packing.patterns])
                asked = [
                    g if z == size * packing.scale else 0
                    for z, g in zip(sizes, groups, strict=True)
                ]
                self.model.add(Linear.weighted_sum(units, asked) <= held)

    def _movement(self) -> None:
        arrays = self.arrays
        if "moves" not in arrays.goals and "moves" not in arrays.limits:
            return
        moves = []
        for k, running in enumerate(arrays.running.tolist()):
            slots = np.flatnonzero(arrays.slot_template == k)
            units = [self.units[u] for u in arrays.slot_unit[slots].tolist()]
            count = Linear.weighted_sum(units, arrays.slot_count[slots].tolist())
            if not running:
                moves.append(count)
                continue
            most = int(arrays.slot_count[slots] @ arrays.unit_limit[arrays.slot_unit[slots]])
            moved = self.model.new_int_var(0, running + most, f"moved[{k}]")
            self.model.add(moved >= count - running)
            self.model.add(moved >= running - count)
            moves.append(moved)
        self.tiers["moves"] = Linear.sum(moves)

    def _types(self) -> None:
        arrays = self.arrays
        if arrays.types is None:
            return
        used = [self.model.new_bool_var(f"used[{k}]") for k in range(len(arrays.templates))]
        for slot, k in enumerate(arrays.slot_template.tolist()):
            unit = int(arrays.slot_unit[slot])
            self.model.add(self.units[unit] <= int(arrays.unit_limit[unit]) * used[k])
        keys = arrays.model * 3 + arrays.role
        for key in np.unique(keys).tolist():
            mine = np.flatnonzero(keys == key).tolist()
            self.model.add(Linear.sum([used[k] for k in mine]) <= arrays.types)

    def plan(self, values: list[int]) -> FleetPlan:
        """Translate the values of all variables."""

        def of(variables: list[cp_model.IntVar]) -> Ints:
            return np.array([values[variable.index] for variable in variables], np.int64)

        width = len(self.arrays.arc_slot)
        flows = np.array([of(row) for row in self.flows], np.int64).reshape(
            self.arrays.n_scenarios, width
        )
        return FleetPlan(of(self.units), tuple(of(block) for block in self.patterns), flows)

    def hint(self, plan: FleetPlan) -> None:
        """Start from a plan; other variables are left to CP-SAT."""
        pairs = list(zip(self.units, plan.units.tolist(), strict=True))
        for row, flows in zip(self.flows, plan.flows.tolist(), strict=True):
            pairs += list(zip(row, flows, strict=True))
        for variable, value in pairs:
            self.model.add_hint(variable, value)
