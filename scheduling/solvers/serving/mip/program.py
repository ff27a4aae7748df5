"""Serving fleets as labelled blocks of variables and rows."""

from __future__ import annotations

from math import floor, gcd, inf

import numpy as np

from scheduling.models.serving.arrays import DECODE, OPEN, Ints, ServingArrays
from scheduling.models.serving.problem import (
    GOODPUT_SCALE,
    MAXIMISED,
    RATE_SCALE,
    RATE_UNIT,
    TIME_SCALE,
)
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.serving.plans import kv_rows, pairings

HALF = (RATE_UNIT / 2 - 1) / RATE_SCALE
"""Requests a second that may be missing where a tier of rates is 0, to the nearest."""

_LOOSE = 1e-7
"""Relative tolerance of engines, for bounds of tiers that are not sums of integers."""


class Program:
    """One tier of a problem as a mixed-integer program.

    Integers are the numbers of units and of patterns; flows are continuous, in requests a second.
    Where ceilings rise with the number of replicas, binaries say which number of a table it is.

    Parameters
    ----------
    arrays
        The problem.
    tier
        Index of the tier to minimise.
    caps
        Values of the tiers before.
    held
        How many of each unit there are, where that is given, else -1; default: all are open.
    """

    def __init__(
        self,
        arrays: ServingArrays,
        tier: int,
        caps: tuple[int, ...],
        held: Ints | None = None,
    ) -> None:
        self.arrays = arrays
        self.goal = arrays.goals[tier]
        self.model = LinearModel("serving")
        self.held = np.full(arrays.n_units, -1) if held is None else held
        self.limit = limit = np.where(self.held < 0, arrays.unit_limit, self.held)
        self.units = self.model.add_columns(
            "units", arrays.n_units, lower=np.maximum(self.held, 0), upper=limit, integer=True
        )
        shape = arrays.n_scenarios, len(arrays.arc_slot)
        self.flows = self.model.add_columns("flow", shape)
        self.patterns: list[Ints] = []
        self._owned: list[tuple[Ints, int | Ints]] = []
        self._sums: dict[str, tuple[Ints, Floats]] = {
            "gpus": (self.units, arrays.unit_gpus.astype(float)),
            "cost": (self.units, arrays.unit_cost.astype(float)),
            "watts": (self.units, arrays.unit_watts.astype(float)),
        }
        self._capacities()
        self._roles()
        self._demands()
        self._pools()
        self._movement()
        self._types()
        for goal, cap in zip(arrays.goals, caps, strict=False):
            self._cap(goal, cap)
        for name, most in arrays.limits.items():
            columns, values = self._sums[name]
            self._row(f"limit {name}", columns, values, upper=most)
        self._set_objective()

    def _row(
        self, label: str, columns: Ints, values: Floats, lower: float = -inf, upper: float = inf
    ) -> None:
        self.model.add_rows(label, 1, 0, columns, values, lower=lower, upper=upper)

    def _capacities(self) -> None:
        """Busy time of each slot in each scenario stays within what its replicas bring."""
        arrays = self.arrays
        rows, columns, values = [], [], []
        n_slots = len(arrays.slot_unit)
        for s in range(arrays.n_scenarios):
            rows.append(arrays.arc_slot + s * n_slots)
            columns.append(self.flows[s])
            values.append(arrays.arc_time / TIME_SCALE)
        for slot in range(n_slots):
            for column, brought in self._brought(slot):
                rows.append(slot + np.arange(arrays.n_scenarios) * n_slots)
                columns.append(np.full(arrays.n_scenarios, column))
                values.append(-brought / RATE_SCALE)
        if rows:
            parts = [np.concatenate(part) for part in (rows, columns, values)]
            count = arrays.n_scenarios * n_slots
            self.model.add_rows("capacity", count, *parts, upper=0.0)

    def _brought(self, slot: int) -> list[tuple[int, Floats]]:
        """Columns that bring capacity to a slot and how much in each scenario."""
        arrays = self.arrays
        unit, count = int(arrays.slot_unit[slot]), int(arrays.slot_count[slot])
        table = arrays.capacity[int(arrays.slot_template[slot])]
        if arrays.paired[unit]:
            each = arrays.share(slot, 1)
            return [(int(self.units[unit]), (each * count).astype(np.float64))]
        most = int(self.limit[unit])
        if self.held[unit] > 0:
            column = table[:, min(most, table.shape[1]) - 1]
            return [(int(self.units[unit]), column.astype(float))]
        steps = [n for n in range(1, table.shape[1] + 1) if n <= most]
        while len(steps) > 1 and (table[:, steps[-1] - 1] == table[:, steps[-2] - 1]).all():
            steps.pop()
        if len(steps) <= 1:
            column = table[:, steps[0] - 1] if steps else table[:, 0]
            return [(int(self.units[unit]), column.astype(float))]
        return self._steps(unit, table, len(steps), most)

    def _steps(self, unit: int, table: Ints, last: int, most: int) -> list[tuple[int, Floats]]:
        """Binaries for 1, 2, … replicas, and an integer for ``last`` or more."""
        below = np.arange(1, last)
        exactly = self.model.add_columns(f"exactly {unit}", last - 1, upper=1, integer=True)
        many = self.model.add_columns(f"many {unit}", 1, upper=1, integer=True)
        tail = self.model.add_columns(f"tail {unit}", 1, upper=most, integer=True)
        owner = int(self.arrays.model[self.arrays.slot_template[self.arrays.slot_unit == unit][0]])
        self._owned += [(columns, owner) for columns in (exactly, many, tail)]
        chosen = np.concatenate([exactly, many])
        self._row(f"one of {unit}", chosen, np.ones(last), upper=1)
        columns = np.concatenate([self.units[[unit]], exactly, tail])
        self._row(f"count {unit}", columns, np.concatenate([[1.0], -below, [-1.0]]), 0, 0)
        ends = np.concatenate([tail, many])
        self._row(f"least tail {unit}", ends, np.array([1.0, -last]), lower=0)
        self._row(f"most tail {unit}", ends, np.array([1.0, -most]), upper=0)
        brought = (table * np.arange(1, table.shape[1] + 1)).astype(np.float64)
        found = [(int(column), brought[:, place]) for place, column in enumerate(exactly)]
        return [*found, (int(tail[0]), table[:, last - 1].astype(np.float64))]

    def _roles(self) -> None:
        """Prefill and decode of a demand are equal; KV caches stay within bandwidths."""
        arrays = self.arrays
        for first, second in pairings(arrays):
            signs = np.concatenate([np.ones(len(first)), -np.ones(len(second))])
            for s in range(arrays.n_scenarios):
                columns = self.flows[s][np.concatenate([first, second])]
                self._row("pairing", columns, signs, 0.0, 0.0)
        for arcs, limit in kv_rows(arrays):
            size = arrays.kv[arrays.arc_demand[arcs]].astype(float)
            scale = max(size.max(), 1.0)
            for s in range(arrays.n_scenarios):
                upper = limit / RATE_SCALE / scale
                self._row("kv", self.flows[s][arcs], size / scale, upper=upper)

    def _demands(self) -> None:
        """Compare what is served of each demand with what it asks for."""
        arrays = self.arrays
        first = arrays.arc_role != DECODE
        goals = set(arrays.goals)
        missing = self._missing() if arrays.met or "unserved" in goals else None
        self.scale = self.model.add_columns("scale", 1) if "goodput" in goals else None
        total = self.model.add_columns("rate", 1) if "rate" in goals else None
        for s in range(arrays.n_scenarios):
            for c in range(arrays.demand.shape[1]):
                arcs = self.flows[s][np.flatnonzero((arrays.arc_demand == c) & first)]
                ones, asked = np.ones(len(arcs)), arrays.demand[s, c] / RATE_SCALE
                if self.scale is not None:
                    columns = np.concatenate([arcs, self.scale])
                    self._row("scaled", columns, np.append(ones, -asked), lower=0.0)
                elif arrays.demand[s, c] != OPEN:
                    self._row("asked", arcs, ones, upper=asked)
                if missing is not None and arrays.demand[s, c] != OPEN:
                    columns = np.append(arcs, missing[s, c])
                    self._row("served", columns, np.append(ones, 1.0), lower=asked)
            if total is not None:
                arcs = self.flows[s][np.flatnonzero(first)]
                columns = np.concatenate([arcs, total])
                self._row("total", columns, np.append(np.ones(len(arcs)), -1.0), lower=0.0)
        units = RATE_SCALE / RATE_UNIT
        if self.scale is not None:
            self._sums["goodput"] = (self.scale, np.array([-float(GOODPUT_SCALE)]))
        if total is not None:
            self._sums["rate"] = (total, np.array([-units]))

    def _missing(self) -> Ints:
        """Rates that are not served, and the largest sum of them over the scenarios."""
        arrays = self.arrays
        upper = np.maximum(arrays.demand, 0) / RATE_SCALE
        missing = self.model.add_columns("missing", arrays.demand.shape, upper=upper)
        most = HALF if arrays.met else inf
        worst = self.model.add_columns("unserved", 1, upper=most)
        for s in range(arrays.n_scenarios):
            columns = np.concatenate([missing[s], worst])
            self._row("all missing", columns, np.append(np.ones(len(missing[s])), -1.0), upper=0.0)
        model_of = np.full(arrays.demand.shape[1], -1, np.int64)
        model_of[arrays.arc_demand] = arrays.model[arrays.slot_template[arrays.arc_slot]]
        self._owned += [(row, model_of) for row in missing]
        self._sums["unserved"] = (worst, np.array([RATE_SCALE / RATE_UNIT]))
        return missing

    def _pools(self) -> None:
        """Make the groups fit into the bins of each pool."""
        arrays = self.arrays
        for packing in arrays.packings:
            here = np.flatnonzero(arrays.unit_pool == packing.pool)
            groups = arrays.unit_groups[here].astype(float)
            if not packing.patterns:
                weights = [packing.weights(int(size)) for size in arrays.unit_size[here]]
                table = np.array(weights, float).reshape(len(here), -1)
                for row, side in enumerate(packing.sides()):
                    self._row("pool", self.units[here], groups * table[:, row], upper=side)
                continue
            count = len(packing.patterns)
            chosen = self.model.add_columns("patterns", count, upper=packing.bins, integer=True)
            self.patterns.append(chosen)
            taken = [packing.taken.get(int(size), 0) for size in arrays.unit_size[here]]
            columns = np.concatenate([chosen, self.units[here]])
            values = np.concatenate([np.ones(count), groups * np.array(taken, float)])
            self._row("bins", columns, values, upper=packing.bins)
            table = np.array(packing.patterns, float)
            for row, size in enumerate(packing.sizes):
                mine = here[arrays.unit_size[here] == size * packing.scale]
                columns = np.concatenate([chosen, self.units[mine]])
                values = np.concatenate([table[:, row], -arrays.unit_groups[mine].astype(float)])
                self._row("groups", columns, values, lower=0.0)

    def _movement(self) -> None:
        arrays = self.arrays
        if "moves" not in arrays.goals and "moves" not in arrays.limits:
            return
        stay = np.flatnonzero(arrays.running)
        apart = self.model.add_columns("moved", len(stay))
        self._owned.append((apart, arrays.model[stay]))
        columns, values = [apart], [np.ones(len(stay))]
        for number, k in enumerate(stay.tolist()):
            slots = np.flatnonzero(arrays.slot_template == k)
            mine = self.units[arrays.slot_unit[slots]]
            for sign in (1.0, -1.0):
                entries = np.append(sign * arrays.slot_count[slots], -1.0)
                side = sign * float(arrays.running[k])
                self._row("moves", np.append(mine, apart[number]), entries, upper=side)
        others = np.flatnonzero(arrays.running[arrays.slot_template] == 0)
        columns.append(self.units[arrays.slot_unit[others]])
        values.append(arrays.slot_count[others].astype(float))
        self._sums["moves"] = (np.concatenate(columns), np.concatenate(values))

    def _types(self) -> None:
        arrays = self.arrays
        if arrays.types is None:
            return
        n = len(arrays.templates)
        used = self.model.add_columns("used", n, upper=1, integer=True)
        self._owned.append((used, arrays.model))
        for slot, k in enumerate(arrays.slot_template.tolist()):
            unit = int(arrays.slot_unit[slot])
            columns = np.array([self.units[unit], used[k]])
            self._row("type", columns, np.array([1.0, -float(self.limit[unit])]), upper=0.0)
        keys = arrays.model * 3 + arrays.role
        for key in np.unique(keys).tolist():
            mine = used[keys == key]
            self._row("types", mine, np.ones(len(mine)), upper=arrays.types)

    def _cap(self, goal: str, cap: int) -> None:
        columns, values = self._sums[goal]
        slack = 0.0
        if goal == "unserved":
            slack = HALF * RATE_SCALE / RATE_UNIT
        elif goal in MAXIMISED:
            slack = 0.5
        self._row(f"cap {goal}", columns, values, upper=cap + slack)

    def _set_objective(self) -> None:
        columns, values = self._sums[self.goal]
        self.step = 1
        if self.goal in ("gpus", "cost", "watts"):
            self.step = gcd(*values.astype(np.int64).tolist()) or 1
        self.model.add_costs(columns, values / self.step)

    def owners(self) -> Ints:
        """Model that each column concerns; -1 for those that concern several."""
        arrays = self.arrays
        found = np.full(self.model.n_columns, -1, np.int64)
        of_unit = np.zeros(arrays.n_units, np.int64)
        of_unit[arrays.slot_unit] = arrays.model[arrays.slot_template]
        found[self.units] = of_unit
        found[self.flows] = of_unit[arrays.arc_unit]
        for columns, owner in self._owned:
            found[columns] = owner
        return found

    @property
    def rates(self) -> tuple[Ints, Floats]:
        """Columns of the tiers of rates, and their signs where less of them is better."""
        found = [self._sums[name] for name in ("unserved", "goodput", "rate") if name in self._sums]
        columns = [column for column, _ in found]
        signs = [np.sign(values) for _, values in found]
        none = np.zeros(0, np.int64)
        return np.concatenate([none, *columns]), np.concatenate([none.astype(float), *signs])

    @property
    def whole(self) -> bool:
        """Whether the tier is a sum of integers."""
        return self.goal in ("gpus", "cost", "watts", "moves")

    def bound(self, value: float) -> int:
        """Bound of the tier from a bound of the program's objective."""
        loose = 1e-3 + _LOOSE * abs(value)
        if self.whole:
            return self.step * -floor(-(value - min(loose, 0.01)))
        if self.goal == "unserved":
            return floor(value + 0.5 - loose)
        return -floor(-value + 0.5 + loose)

    def plan(self, values: Floats) -> tuple[Ints, Floats, tuple[Ints, ...]]:
        """Units, flows in requests a second and patterns of a solution."""
        units = np.rint(values[self.units]).astype(np.int64)
        patterns = tuple(np.rint(values[block]).astype(np.int64) for block in self.patterns)
        return units, values[self.flows], patterns
