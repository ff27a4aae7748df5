"""The mixed-integer program of a loop at one interval: a binary for each slot and warp."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from scheduling.models.loop.arrays import Life, LoopArrays, Pipeline
from scheduling.models.loop.bounds import least_life
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
        self._groups = _linked(arrays)
        span = np.full(arrays.n, latest // interval + 1)
        # So do shifts of all that dependences link by whole intervals, the length apart.
        span[[0] if shortest else [min(group) for group in self._groups]] = 0
        self._at = self.model.add_columns("at", shape, upper=upper, integer=True)
        self._stage = self.model.add_columns(
            "stage", arrays.n, lower=-span, upper=span, integer=True
        )
        self._span = int(span.max())
        for v in range(arrays.n):
            self._row("once", _ones(self._at[v].ravel()), 1, 1)
        if shortest:
            self._shorten(latest + max(arrays.latency))
        self._dependences()
        self._units()
        if arrays.n_warps:
            self._warps()
        self._memories()

    def _row(self, label: str, terms: Terms, lower: float = -np.inf, upper: float = np.inf) -> None:
        columns, values = zip(*terms or [(0, 0.0)], strict=True)
        self.model.add_rows(label, 1, 0, columns, values, lower=lower, upper=upper)

    def _start(self, operation: int, sign: float = 1.0) -> Terms:
        found = [(int(self._stage[operation]), sign * self.interval)]
        for lane in self._at[operation]:
            found += [(int(column), sign * slot) for slot, column in enumerate(lane)]
        return found

    def _on(self, operation: int, warp: int, sign: float = 1.0) -> Terms:
        return [(int(column), sign) for column in self._at[operation, warp]]

    def _shorten(self, most: int) -> None:
        """Minimise the length, from the first start to the last end."""
        widest = (self._span + 1) * self.interval
        first = int(self.model.add_columns("first", 1, lower=-widest, upper=0, integer=True)[0])
        length = int(self.model.add_columns("length", 1, upper=most, cost=1.0, integer=True)[0])
        for v in range(self.arrays.n):
            late = [(length, 1.0), (first, 1.0), *self._start(v, -1)]
            self._row("length", late, self.arrays.latency[v])
            self._row("first", [*self._start(v), (first, -1.0)], 0)

    def _dependences(self) -> None:
        sync = self.arrays.sync if self.arrays.n_warps else 0
        for edge in self.arrays.edges:
            gap = edge.wait - edge.distance * self.interval
            if edge.before == edge.after:
                self._row("circle", [], gap)
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
                terms: Terms = []
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
        limits = self._live_limits()
        for memory, room in enumerate(self.arrays.room):
            lives = [
                (life, *self._end(life), *limit)
                for life, limit in zip(self.arrays.lives, limits, strict=True)
                if life.memory == memory
            ]
            for slot in range(self.interval if lives else 0):
                live = []
                for life, ends, stage, least, most in lives:
                    found = self._live(life, ends, stage, slot)
                    self._row("iterations", found, least, most)
                    live.append((life, found))
                if self.arrays.private[memory]:
                    self._registers(live, room)
                    continue
                terms = [
                    (column, life.size * times) for life, found in live for column, times in found
                ]
                self._row("memory", terms, upper=room)

    def _live_limits(self) -> list[tuple[int, int]]:
        """Return how many iterations of each value are live in a slot, at least and at most.

        The relaxation lets fractions of an iteration be live: without these limits it finds room
        for values whose whole iterations have none.
        """
        arrays = self.arrays
        wholes = [least_life(arrays, life, self.interval) // self.interval for life in arrays.lives]
        taken = [0] * len(arrays.room)
        for life, whole in zip(arrays.lives, wholes, strict=True):
            taken[life.memory] += life.size * whole
        limits = []
        for life, whole in zip(arrays.lives, wholes, strict=True):
            private = arrays.private[life.memory]
            used = life.size * whole if private else taken[life.memory]
            spare = max(0, arrays.room[life.memory] - used)
            limits.append((whole, whole + spare // life.size))
        return limits

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
        for group in self._groups:
            # No group begins an interval or more behind the first.
            late = min(starts[v] for v in group) // self.interval * self.interval
            for v in group:
                starts[v] -= late
        warps = [place // self.interval for place in chosen] if self.arrays.n_warps else []
        return Pipeline(self.interval, tuple(starts), tuple(warps))


def _linked(arrays: LoopArrays) -> list[set[int]]:
    """Return the operations in groups between which there are no dependences."""
    from networkx import Graph, connected_components

    graph = Graph((edge.before, edge.after) for edge in arrays.edges)
    graph.add_nodes_from(range(arrays.n))
    return list(connected_components(graph))


def _ones(columns: Iterable[int]) -> Terms:
    return [(int(column), 1.0) for column in columns]
