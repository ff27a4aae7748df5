"""The CP-SAT model of a loop at one interval. Importing this module loads OR-Tools."""

from __future__ import annotations

from typing import Any

from ortools.sat.python import cp_model

from scheduling.models.loop.arrays import Edge, Life, LoopArrays, Pipeline


class Formulation:
    """Each start is ``interval * stage + slot``; units and memories are cumulative over slots.

    What is held at the end of the interval goes on at its begin, so that every reservation has a
    copy one interval earlier.

    Parameters
    ----------
    arrays
        The problem.
    interval
        The interval.
    longest
        Length that is not exceeded; ``None``: any.
    """

    def __init__(self, arrays: LoopArrays, interval: int, longest: int | None = None) -> None:
        self.arrays = arrays
        self.interval = interval
        self.model = cp_model.CpModel()
        self._latest = arrays.latest_start(interval)
        if longest is not None:
            self._latest = min(self._latest, longest - min(arrays.latency))
        self._starts = [self._whole(self._latest) for _ in range(arrays.n)]
        self._slots = [self._slot(start, self._latest) for start in self._starts]
        self._on = [
            {warp: self.model.new_bool_var("") for warp in warps} for warps in arrays.allowed
        ]
        self._apart: dict[tuple[int, int], Any] = {}
        for edge in arrays.edges:
            self._wait(edge)
        self._units()
        self._warps()
        self._memories()
        self._length = self._whole(self._latest + max(arrays.latency))
        for start, latency in zip(self._starts, arrays.latency, strict=True):
            self.model.add(start + latency <= self._length)

    def _whole(self, most: int) -> cp_model.IntVar:
        return self.model.new_int_var(0, max(0, most), "")

    def _slot(self, start: Any, most: int) -> cp_model.IntVar:
        slot, stage = self._whole(self.interval - 1), self._whole(most // self.interval)
        self.model.add(start == self.interval * stage + slot)
        return slot

    def _wait(self, edge: Edge) -> None:
        a, b = self._starts[edge.before], self._starts[edge.after]
        gap = edge.wait - edge.distance * self.interval
        if not self.arrays.n_warps or not self.arrays.sync:
            self.model.add(b >= a + gap)
            return
        self.model.add(b >= a + gap + self.arrays.sync * self._different(edge.before, edge.after))

    def _different(self, first: int, second: int) -> Any:
        """Literal that is true when two operations run on different warps."""
        if first == second:
            return 0
        key = min(first, second), max(first, second)
        if key not in self._apart:
            self._apart[key] = self.model.new_bool_var("")
            one, two = self._on[first], self._on[second]
            for warp, literal in one.items():
                other = two.get(warp)
                if other is None:
                    self.model.add_implication(literal, self._apart[key])
                else:
                    self.model.add_bool_or(~literal, other, self._apart[key])
        return self._apart[key]

    def _circular(self, slot: Any, size: Any, present: Any = None) -> list[Any]:
        """Return the interval at a slot, and its copy one interval before."""
        found = []
        for begin in (slot, slot - self.interval):
            if present is None:
                found.append(self._span(begin, size))
            else:
                found.append(self._optional_span(begin, size, present))
        return found

    def _span(self, begin: Any, size: Any) -> Any:
        if isinstance(size, int):
            return self.model.new_fixed_size_interval_var(begin, size, "")
        return self.model.new_interval_var(begin, size, self._end(), "")

    def _optional_span(self, begin: Any, size: Any, present: Any) -> Any:
        if isinstance(size, int):
            return self.model.new_optional_fixed_size_interval_var(begin, size, present, "")
        return self.model.new_optional_interval_var(begin, size, self._end(), present, "")

    def _end(self) -> cp_model.IntVar:
        return self.model.new_int_var(-self.interval, 2 * self.interval, "")

    def _units(self) -> None:
        for unit, most in enumerate(self.arrays.capacity):
            capacity = most
            spans: list[Any] = []
            demands: list[int] = []
            for use in self.arrays.reservations:
                if use.unit != unit:
                    continue
                whole, rest = divmod(use.cycles, self.interval)
                capacity -= whole * use.amount
                if rest:
                    spans += self._circular(self._shifted(use.operation, use.offset), rest)
                    demands += [use.amount] * 2
            self._cumulative(spans, demands, capacity)

    def _shifted(self, operation: int, offset: int) -> cp_model.IntVar:
        """Slot of what begins some cycles after an operation."""
        if offset % self.interval == 0:
            return self._slots[operation]
        return self._slot(self._starts[operation] + offset, self._latest + offset)

    def _cumulative(self, spans: list[Any], demands: list[int], capacity: int) -> None:
        if capacity < 0:
            self.model.add_bool_or()
        elif spans:
            self.model.add_cumulative(spans, demands, capacity)

    def _warps(self) -> None:
        arrays = self.arrays
        spans: list[list[Any]] = [[] for _ in range(arrays.n_warps)]
        kind = [self.model.new_bool_var("") for _ in range(arrays.n_warps)]
        mixed = any(arrays.variable) and not all(arrays.variable)
        for v, choices in enumerate(self._on):
            if choices:
                self.model.add_exactly_one(choices.values())
            for warp, literal in choices.items():
                if arrays.issue[v] > self.interval:
                    self.model.add(literal == 0)
                elif arrays.issue[v]:
                    spans[warp] += self._circular(self._slots[v], arrays.issue[v], literal)
                if mixed:
                    fits = kind[warp] if arrays.variable[v] else ~kind[warp]
                    self.model.add_implication(literal, fits)
        for found in spans:
            if found:
                self.model.add_cumulative(found, [1] * len(found), 1)

    def _memories(self) -> None:
        for memory, room in enumerate(self.arrays.room):
            lives = [
                (life, *self._life(life, room))
                for life in self.arrays.lives
                if life.memory == memory
            ]
            for warp in range(self.arrays.n_warps) if self.arrays.private[memory] else (None,):
                self._memory(room, lives, warp)

    def _memory(self, room: int, lives: list[tuple[Life, Any, Any]], warp: int | None) -> None:
        """Keep a memory's capacity, for all values or for those that a warp produces."""
        spans: list[Any] = []
        demands: list[int] = []
        held: Any = 0
        for life, whole, rest in lives:
            present = None if warp is None else self._on[life.producer].get(warp)
            if warp is not None and present is None:
                continue
            here = whole if present is None else self._if(present, whole, room // life.size)
            held += life.size * here
            spans += self._circular(self._slots[life.producer], rest, present)
            demands += [life.size] * 2
        if spans:
            left = self._whole(room)
            self.model.add(left + held <= room)
            self.model.add_cumulative(spans, demands, left)

    def _if(self, literal: Any, value: Any, most: int) -> cp_model.IntVar:
        """Variable of at least a value when a literal is true."""
        found = self._whole(most)
        self.model.add(found >= value).only_enforce_if(literal)
        return found

    def _life(self, life: Life, room: int) -> tuple[Any, Any]:
        """Return the whole intervals that a value is live, and the cycles beyond them."""
        whole, rest = self._whole(room // life.size), self._whole(self.interval - 1)
        for operation, distance in life.ends:
            end = self._starts[operation] + self.arrays.latency[operation]
            begin = self._starts[life.producer] - distance * self.interval
            self.model.add(self.interval * whole + rest >= end - begin)
        return whole, rest

    def at_least(self, length: int) -> None:
        """Add a bound of the length that is known."""
        self.model.add(self._length >= length)

    def shortest(self) -> None:
        """Minimise the length."""
        self.model.minimize(self._length)

    def hint(self, found: Pipeline) -> None:
        """Start from a candidate."""
        for variable, value in zip(self._starts, found.starts, strict=True):
            self.model.add_hint(variable, value)
        for choices, chosen in zip(self._on, found.warps, strict=False):
            for warp, literal in choices.items():
                self.model.add_hint(literal, warp == chosen)

    def pipeline(self, values: list[int]) -> Pipeline:
        """Return the candidate from the values of all variables."""
        return Pipeline(
            self.interval,
            tuple(values[variable.index] for variable in self._starts),
            tuple(
                next(warp for warp, literal in choices.items() if values[literal.index])
                for choices in self._on
                if choices
            ),
        )
