"""The CP-SAT model of prompts on a machine. Importing this module loads OR-Tools."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.prefill.arrays import Pieces, PrefillArrays


class Formulation:
    """An interval of each operator of the prompts that can be on time, present if theirs is."""

    def __init__(self, arrays: PrefillArrays) -> None:
        self._arrays = arrays
        self.model = cp_model.CpModel()
        self._rows = np.flatnonzero(arrays.release + arrays.work <= arrays.due).tolist()
        self._kept = {row: self.model.new_bool_var("") for row in self._rows}
        self._starts: dict[int, list[cp_model.IntVar]] = {}
        intervals = []
        for row in self._rows:
            duration = int(arrays.duration[row])
            low, high = int(arrays.release[row]), int(arrays.due[row]) - duration
            starts = [
                self.model.new_int_var(low, high, "") for _ in range(int(arrays.operators[row]))
            ]
            for one, other in pairwise(starts):
                self.model.add(other >= one + duration)
            intervals += [
                self.model.new_optional_fixed_size_interval_var(
                    start, duration, self._kept[row], ""
                )
                for start in starts
            ]
            self._starts[row] = starts
        self.model.add_no_overlap(intervals)
        weights = [int(arrays.weight[row]) for row in self._rows]
        self._value = -cp_model.LinearExpr.weighted_sum(list(self._kept.values()), weights)
        self.model.minimize(self._value)

    def value_is_at_least(self, bound: int) -> None:
        """Add a bound that is known, of the weight on time with its sign turned."""
        self.model.add(self._value >= bound)

    def hint(self, pieces: Pieces) -> None:
        """Start from a schedule."""
        times: dict[int, list[int]] = {row: [] for row in self._rows}
        for row, start, operators in pieces:
            duration = int(self._arrays.duration[row])
            times.get(row, []).extend(start + duration * k for k in range(operators))
        for row, found in times.items():
            end = found[-1] + int(self._arrays.duration[row]) if found else 0
            whole = len(found) == len(self._starts[row]) and end <= self._arrays.due[row]
            self.model.add_hint(self._kept[row], whole)
            if whole:
                for variable, value in zip(self._starts[row], found, strict=True):
                    self.model.add_hint(variable, value)

    def pieces(self, values: list[int]) -> Pieces:
        """Return the schedule from the values of all variables."""
        found = [
            (row, values[start.index], 1)
            for row in self._rows
            if values[self._kept[row].index]
            for start in self._starts[row]
        ]
        return tuple(sorted(found, key=lambda piece: piece[1]))
