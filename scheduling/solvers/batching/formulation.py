"""The CP-SAT model of a batching problem. Importing this module loads OR-Tools."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.batching.arrays import BatchingArrays, Plan


class Formulation:
    """An interval of each request, and one more for each token that it grows by."""

    def __init__(self, arrays: BatchingArrays) -> None:
        self._arrays = arrays
        self.model = cp_model.CpModel()
        latest = arrays.horizon - arrays.output
        self._starts = [
            self.model.new_int_var(int(release), int(last), "")
            for release, last in zip(arrays.release, latest, strict=True)
        ]
        self._room()
        self._order_equals()
        self._value = self._objective()
        self.model.minimize(self._value)

    def _room(self) -> None:
        arrays, model = self._arrays, self.model
        intervals, demands, whole = [], [], []
        for request, start in enumerate(self._starts):
            slots = int(arrays.output[request])
            for age in range(slots):
                own = model.new_fixed_size_interval_var(start + age, slots - age, "")
                intervals.append(own)
                demands.append(int(arrays.prompt[request]) + 1 if age == 0 else 1)
                if age == 0:
                    whole.append(own)
        model.add_cumulative(intervals, demands, arrays.memory)
        if arrays.batch < arrays.n:
            model.add_cumulative(whole, [1] * len(whole), arrays.batch)

    def _order_equals(self) -> None:
        """Let equal requests start in the order in which they are listed."""
        arrays = self._arrays
        columns = (arrays.release, arrays.prompt, arrays.output, arrays.weight, arrays.due)
        groups: dict[tuple[int, ...], list[int]] = {}
        for row, key in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            groups.setdefault(key, []).append(row)
        for rows in groups.values():
            for one, other in pairwise(rows):
                self.model.add(self._starts[one] <= self._starts[other])

    def _objective(self) -> cp_model.LinearExprT:
        arrays, model = self._arrays, self.model
        if arrays.objective == "makespan":
            last = model.new_int_var(0, arrays.horizon, "")
            for start, slots in zip(self._starts, arrays.output.tolist(), strict=True):
                model.add(last >= start + slots)
            return last
        if arrays.objective == "on-time":
            kept = []
            for row, start in enumerate(self._starts):
                on_time = model.new_bool_var("")
                end = start + int(arrays.output[row])
                model.add(end <= int(arrays.due[row])).only_enforce_if(on_time)
                kept.append(on_time)
            return -cp_model.LinearExpr.weighted_sum(kept, arrays.weight.tolist())
        fixed = int((arrays.weight * (arrays.output - arrays.release)).sum())
        return cp_model.LinearExpr.weighted_sum(self._starts, arrays.weight.tolist()) + fixed

    def value_is_at_least(self, bound: int) -> None:
        """Add a bound that is known."""
        self.model.add(self._value >= bound)

    def hint(self, plan: Plan) -> None:
        """Start from a plan."""
        for variable, value in zip(self._starts, plan.starts.tolist(), strict=True):
            self.model.add_hint(variable, value)

    def plan(self, values: list[int]) -> Plan:
        """Return the plan from the values of all variables."""
        starts = [values[variable.index] for variable in self._starts]
        return Plan(np.array(starts, dtype=np.int64))
