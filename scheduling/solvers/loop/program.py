"""The mixed-integer program of a loop at one interval: a binary for each slot and warp."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from scheduling.models.loop.arrays import Life, LoopArrays, Pipeline
from scheduling.solvers.linear.model import Floats, Ints, LinearModel

Terms = list[tuple[int, float]]
"""Columns and coefficients of an expression."""


class Program:
    """Slots, stages, warps and lifetimes of all operations at one interval.

    Source: Eichenberger and Davidson, "Efficient formulation for optimal modulo schedulers",
    PLDI 1997, for dependences and units; ends of lifetimes have slots and stages of their own.

    Parameters
    ----------
    arrays, interval
        The problem and the interval.
    longest
        Length that is not exceeded; ``None``: any.
    shortest
        Whether the length is minimised.
    """

    def __init__(
        self, arrays: LoopArrays, interval: int, longest: int | None, *, shortest: bool
    ) -> None:
        self.arrays = arrays
        self.interval = interval
        self.model = LinearModel("loop")
        latest = arrays.latest_start(interval)
        if longest is not None:
            latest = min(latest, longest - min(arrays.latency))
        lanes = max(1, arrays.n_warps)
        shape = (arrays.n, lanes, interval)
        upper = np.zeros(shape)
        for v, warps in enumerate(arrays.allowed):
            upper[v, list(warps) if arrays.n_warps else 0] = 1
        # Shifts of all starts together leave everything as it is, so that one start is given.
        upper[0, :, 1:] = 0
        span = np.full(arrays.n, latest // interval + 1)
        span[0] = 0
        self._at = self.model.add_columns("at", shape, upper=upper, integer=True)
        self._stage = self.model.add_columns(
            "stage", arrays.n, lower=-span, upper=span, integer=True
        )
        self._span = int(span.max())
        widest = (self._span + 1) * interval
        self._first = int(
            self.model.add_columns("first", 1, lower=-widest, upper=0, integer=True)[0]
        )
        top = latest + max(arrays.latency)
        self._length = int(
            self.model.add_columns("length", 1, upper=top, cost=float(shortest), integer=True)[0]
        )
        self._dependences()
        self._units()
        if arrays.n_warps:
            self._warps()
        self._memories()

    def _row(self, label: str, terms: Terms, lower: float = -np.inf, upper: float = np.inf) -> None:
        columns, values = zip(*terms, strict=True)
        self.model.add_rows(label, 1, 0, columns, values, lower=lower, upper=upper)

    def _start(self, operation: int, sign: float = 1.0) -> Terms:
        found = [(int(self._stage[operation]), sign * self.interval)]
        for lane in self._at[operation]:
            found += [(int(column), sign * slot) for slot, column in enumerate(lane)]
        return found

    def _on(self, operation: int, warp: int, sign: float = 1.0) -> Terms:
        return [(int(column), sign) for column in self._at[operation, warp]]

    def _dependences(self) -> None:
        for v in range(self.arrays.n):
            once = [(int(column), 1.0) for column in self._at[v].ravel()]
            self._row("once", once, 1, 1)
            late = [(self._length, 1.0), (self._first, 1.0), *self._start(v, -1)]
            self._row("length", late, self.arrays.latency[v])
            self._row("first", [*self._start(v), (self._first, -1.0)], 0)
        sync = self.arrays.sync if self.arrays.n_warps else 0
        for edge in self.arrays.edges:
            gap = edge.wait - edge.distance * self.interval
            if edge.before == edge.after:
                self._row("circle", [(self._length, 0.0)], gap)
                continue
            terms = [*self._start(edge.after), *self._start(edge.before, -1)]
            if sync:
                apart = int(self.model.add_columns("apart", 1, upper=1, integer=True)[0])
                terms.append((apart, -float(sync)))
                for warp in range(self.arrays.n_warps):
                    one, two = self._on(edge.before, warp, -1), self._on(edge.after, warp)
                    self._row("apart", [(apart, 1.0), *one, *two], 0)
            self._row("dependence", terms, gap)

    def _covering(self, columns: Ints, slot: int, offset: int, cycles: int) -> Terms:
        """Binaries of starts after which a reservation holds a slot, by how often it does."""
        whole, rest = divmod(cycles, self.interval)
        times = np.full(self.interval, float(whole))
        times[(slot - offset - np.arange(rest)) % self.interval] += 1
        return [
            (int(column), times[start]) for lane in columns for start, column in enumerate(lane)
        ]

    def _units(self) -> None:
        for unit, capacity in enumerate(self.arrays.capacity):
            uses = [use for use in self.arrays.reservations if use.unit == unit]
            for slot in range(self.interval if uses else 0):
                terms: Terms = []
                for use in uses:
                    held = self._covering(self._at[use.operation], slot, use.offset, use.cycles)
                    terms += [(column, use.amount * times) for column, times in held]
                self._row("unit", terms, upper=capacity)

    def _warps(self) -> None:
        arrays = self.arrays
        kinds = self.model.add_columns("kind", arrays.n_warps, upper=1, integer=True)
        for warp, kind in enumerate(kinds.tolist()):
            for slot in range(self.interval):
                terms: Terms = [(self._length, 0.0)]
                for v in range(arrays.n):
                    lane = self._at[v, warp : warp + 1]
                    terms += self._covering(lane, slot, 0, arrays.issue[v])
                self._row("issue", terms, upper=1)
            for v in range(arrays.n):
                if arrays.variable[v]:
                    self._row("variable", [*self._on(v, warp), (kind, -1.0)], upper=0)
                else:
                    self._row("variable", [*self._on(v, warp), (kind, 1.0)], upper=1)

    def _memories(self) -> None:
        for memory, room in enumerate(self.arrays.room):
            lives = [
                (life, *self._end(life)) for life in self.arrays.lives if life.memory == memory
            ]
            for slot in range(self.interval if lives else 0):
                live = [(life, self._live(life, ends, stage, slot)) for life, ends, stage in lives]
                if self.arrays.private[memory]:
                    self._registers(live, room)
                    continue
                terms = [
                    (column, life.size * times) for life, found in live for column, times in found
                ]
                self._row("memory", terms, upper=room)

    def _live(self, life: Life, ends: Ints, stage: int, slot: int) -> Terms:
        """Return how many of a value's iterations are live in a slot."""
        found = [(stage, 1.0), (int(self._stage[life.producer]), -1.0)]
        found += [(int(column), 1.0) for column in ends[slot + 1 :]]
        begun = self._at[life.producer, :, slot + 1 :].ravel()
        return [*found, *((int(column), -1.0) for column in begun)]

    def _registers(self, live: list[tuple[Life, Terms]], room: int) -> None:
        """Keep the room of each warp for what its operations produce."""
        for warp in range(self.arrays.n_warps):
            terms: Terms = []
            for life, found in live:
                # No more iterations of a value are live than fit where its producer runs.
                most = float(room // life.size)
                taken = int(self.model.add_columns("registers", 1, upper=most)[0])
                terms.append((taken, float(life.size)))
                on = self._on(life.producer, warp, -most)
                less = [(column, -times) for column, times in found]
                self._row("on warp", [(taken, 1.0), *less, *on], -most)
            self._row("memory", terms, upper=room)

    def _end(self, life: Life) -> tuple[Ints, int]:
        """Return the columns of the slot and of the stage in which a value ends."""
        ends = self.model.add_columns("end", self.interval, upper=1, integer=True)
        most = 2 + self._span + max(self.arrays.latency) // self.interval
        most += max(distance for _, distance in life.ends)
        stage = int(
            self.model.add_columns("end stage", 1, lower=-most, upper=most, integer=True)[0]
        )
        self._row("one end", _ones(ends), 1, 1)
        moment = [(int(column), float(slot)) for slot, column in enumerate(ends)]
        moment.append((stage, float(self.interval)))
        for operation, distance in life.ends:
            late = self.arrays.latency[operation] + distance * self.interval
            self._row("live", [*moment, *self._start(operation, -1)], late)
        return ends, stage

    def pipeline(self, values: Floats) -> Pipeline:
        """Return the candidate from the values of all columns."""
        stages = np.rint(values[self._stage]).astype(int)
        chosen = [int(np.argmax(values[block])) for block in self._at]
        starts = [
            int(stage) * self.interval + place % self.interval
            for stage, place in zip(stages, chosen, strict=True)
        ]
        least = min(starts)
        starts = [start - least for start in starts]
        warps = [place // self.interval for place in chosen] if self.arrays.n_warps else []
        return Pipeline(self.interval, tuple(starts), tuple(warps))


def _ones(columns: Iterable[int]) -> Terms:
    return [(int(column), 1.0) for column in columns]
