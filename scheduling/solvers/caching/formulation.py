"""The CP-SAT model of a caching problem. Importing this module loads OR-Tools."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.caching.arrays import CachingArrays, Flags, Ints
from scheduling.solvers.caching.gaps import open_gaps


class Formulation:
    """An optional interval for each gap, with the object's size as its demand of room."""

    def __init__(self, arrays: CachingArrays) -> None:
        self._arrays = arrays
        self._open = open_gaps(arrays)
        self.model = cp_model.CpModel()
        gaps = self._open.gaps
        self._keep = [self.model.new_bool_var("") for _ in gaps]
        self._room()
        for child, parent in self._open.links.tolist():
            self.model.add_implication(self._keep[child], self._keep[parent])
        saved = cp_model.LinearExpr.weighted_sum(self._keep, arrays.gain[gaps].tolist())
        self._cost = arrays.total - self._open.saved - saved
        self.model.minimize(self._cost)

    def _room(self) -> None:
        """Keep within the room; what pinned objects take of it are intervals that stand."""
        arrays, gaps, room = self._arrays, self._open.gaps, self._open.room
        intervals = [
            self.model.new_optional_fixed_size_interval_var(first, end - first, keep, "")
            for first, end, keep in zip(
                arrays.first[gaps].tolist(), arrays.end[gaps].tolist(), self._keep, strict=True
            )
        ]
        demands = arrays.size[gaps].tolist()
        most = int(room.max())
        for first, end in _runs(room):
            if room[first] < most:
                intervals.append(self.model.new_fixed_size_interval_var(first, end - first, ""))
                demands.append(most - int(room[first]))
        if intervals:
            self.model.add_cumulative(intervals, demands, most)

    def cost_is_at_least(self, bound: int) -> None:
        """Add a bound that is known."""
        self.model.add(self._cost >= bound)

    def hint(self, kept: Flags) -> None:
        """Start from what is kept."""
        for variable, value in zip(self._keep, kept[self._open.gaps].tolist(), strict=True):
            self.model.add_hint(variable, value)

    def kept(self, values: list[int]) -> Flags:
        """Return what is kept from the values of all variables."""
        found = self._arrays.forced.copy()
        found[self._open.gaps] = [bool(values[variable.index]) for variable in self._keep]
        return self._arrays.trimmed(found)


def _runs(room: Ints) -> list[tuple[int, int]]:
    """Return the spans of equal room."""
    cuts = np.flatnonzero(np.diff(room)) + 1
    edges = [0, *cuts.tolist(), len(room)]
    return list(pairwise(edges))
