"""The CP-SAT model of a memory problem. Importing this module loads OR-Tools."""

from __future__ import annotations

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.memory.arrays import Ints, MemoryArrays


class Formulation:
    """A rectangle for every piece: time across, offsets up; and a load for every section.

    Parameters
    ----------
    arrays
        The problem.
    ceiling
        Height that no allocation needs to exceed.
    """

    def __init__(self, arrays: MemoryArrays, ceiling: int) -> None:
        self.model = cp_model.CpModel()
        model = self.model
        self._offset = []
        self._multiple: dict[int, tuple[cp_model.IntVar, int]] = {}
        for block in range(arrays.n_blocks):
            top, given = ceiling - int(arrays.height[block]), int(arrays.fixed[block])
            low, high = (0, top) if given < 0 else (given, given)
            variable = model.new_int_var(low, max(low, high), f"offset {block}")
            self._offset.append(variable)
            self._align(block, variable, int(arrays.alignment[block]), high)
        self._height = model.new_int_var(0, ceiling, "height")
        self._rectangles(arrays)
        model.minimize(arrays.unit * self._height)

    def _align(self, block: int, variable: cp_model.IntVar, step: int, high: int) -> None:
        if step > 1:
            times = self.model.new_int_var(0, max(0, high // step), "")
            self.model.add(variable == step * times)
            self._multiple[block] = (times, step)

    def _rectangles(self, arrays: MemoryArrays) -> None:
        model = self.model
        across, up = [], []
        for block, part in enumerate(arrays.pieces):
            variable = self._offset[block]
            for start, end, size in part:
                across.append(model.new_fixed_size_interval_var(start, end - start, ""))
                up.append(model.new_fixed_size_interval_var(variable, size, ""))
            model.add(variable + int(arrays.height[block]) <= self._height)
        model.add_no_overlap_2d(across, up)
        sizes = [size for part in arrays.pieces for _, _, size in part]
        model.add_cumulative(across, sizes, self._height)

    def height_is_at_least(self, bound: int) -> None:
        """Add a bound that is known."""
        self.model.add(self._height >= bound)

    def hint(self, offsets: Ints) -> None:
        """Start from offsets."""
        for block, (variable, value) in enumerate(zip(self._offset, offsets, strict=True)):
            self.model.add_hint(variable, int(value))
            if block in self._multiple:
                times, step = self._multiple[block]
                self.model.add_hint(times, int(value) // step)

    def offsets(self, values: list[int]) -> Ints:
        """Return the offsets from the values of all variables."""
        return np.array([values[variable.index] for variable in self._offset], np.int64)
