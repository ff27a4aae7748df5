"""Loops as numbered lists, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from scheduling.models.loop.problem import LoopProblem


class Edge(NamedTuple):
    """``start[after] >= start[before] + wait - distance * interval``."""

    before: int
    after: int
    wait: int
    distance: int


class Reservation(NamedTuple):
    """A use of a unit by an operation."""

    operation: int
    unit: int
    offset: int
    cycles: int
    amount: int


class Life(NamedTuple):
    """A value: live from the producer's start until the last of ``ends``.

    ``ends`` are pairs of an operation whose end counts and the iterations it comes later.
    """

    producer: int
    memory: int
    size: int
    ends: tuple[tuple[int, int], ...]


class Pipeline(NamedTuple):
    """A candidate; ``warps`` is empty where a loop has none."""

    interval: int
    starts: tuple[int, ...]
    warps: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class LoopArrays:
    """A loop of n operations.

    Attributes
    ----------
    latency, issue, variable
        Of each operation.
    allowed
        Warps of each operation; no entries where a loop has no warps.
    edges
        Dependences, those between values and readers among them; without cycles between warps.
    reservations, capacity
        Uses of units, and the capacity of each.
    lives, room, private
        Values, and of each memory the capacity and whether each warp has as much of its own.
    n_warps, sync
        Number of warps, and what a dependence between two of them adds.
    limit
        Interval that is not to be exceeded; ``None``: any.
    """

    latency: tuple[int, ...]
    issue: tuple[int, ...]
    variable: tuple[bool, ...]
    allowed: tuple[tuple[int, ...], ...]
    edges: tuple[Edge, ...]
    reservations: tuple[Reservation, ...]
    capacity: tuple[int, ...]
    lives: tuple[Life, ...]
    room: tuple[int, ...]
    private: tuple[bool, ...]
    n_warps: int
    sync: int
    limit: int | None

    @property
    def n(self) -> int:
        """Number of operations."""
        return len(self.latency)

    def values(self, found: Pipeline) -> tuple[int, int]:
        """Interval and length of an iteration."""
        return found.interval, max(map(sum, zip(found.starts, self.latency, strict=True)))

    @cached_property
    def waits(self) -> tuple[Edge, ...]:
        """The edges with what they wait at least: with ``sync`` when no warp may run both sides."""
        return tuple(edge._replace(wait=edge.wait + self._apart(edge)) for edge in self.edges)

    def _apart(self, edge: Edge) -> int:
        if not self.n_warps:
            return 0
        shared = set(self.allowed[edge.before]) & set(self.allowed[edge.after])
        unlike = self.variable[edge.before] != self.variable[edge.after]
        return self.sync if unlike or not shared else 0

    @cached_property
    def _reach(self) -> tuple[int, ...]:
        """Cycles after the start of each operation in which dependences on it still wait."""
        reach = [0] * self.n
        for edge in self.edges:
            reach[edge.before] = max(reach[edge.before], edge.wait + self.sync)
        return tuple(reach)

    @cached_property
    def longest_interval(self) -> int:
        """Interval that suffices wherever any does, and is not above the limit.

        At a longer one, some cycle modulo the interval is one in which no operation starts, waits
        for a latency or holds a unit; without it the schedule is still valid.
        """
        span = [max(1, *row) for row in zip(self.latency, self.issue, self._reach, strict=True)]
        for use in self.reservations:
            span[use.operation] = max(span[use.operation], use.offset + use.cycles)
        return sum(span) if self.limit is None else min(self.limit, sum(span))

    def latest_start(self, interval: int) -> int:
        """Start that none needs to exceed at an interval.

        In the order of starts, a gap after which nothing waits any more can be shortened by an
        interval, which keeps every cycle modulo the interval as it is. Values are only prolonged
        when a reader of a later iteration comes before the gap, and the producer behind it.
        """
        later = max((distance for life in self.lives for _, distance in life.ends), default=0)
        return sum(self._reach) + self.n * (interval - 1 + later * interval)


def compile_loop(problem: LoopProblem) -> LoopArrays:
    """Translate a problem into numbered lists."""
    number = {operation.id: index for index, operation in enumerate(problem.operations)}
    unit = {entry.id: index for index, entry in enumerate(problem.units)}
    memory = {entry.id: index for index, entry in enumerate(problem.memories)}
    warp = {name: index for index, name in enumerate(problem.warps)}
    latency = tuple(operation.latency for operation in problem.operations)
    return LoopArrays(
        latency=latency,
        issue=tuple(operation.issue for operation in problem.operations),
        variable=tuple(operation.variable for operation in problem.operations),
        allowed=tuple(
            tuple(sorted(warp[name] for name in operation.warps or problem.warps))
            for operation in problem.operations
        ),
        edges=_edges(problem, number, latency),
        reservations=tuple(
            Reservation(index, unit[use.unit], use.offset, use.cycles, use.amount)
            for index, operation in enumerate(problem.operations)
            for use in operation.uses
        ),
        capacity=tuple(entry.capacity for entry in problem.units),
        lives=tuple(
            Life(
                number[value.producer],
                memory[value.memory],
                value.size,
                (
                    (number[value.producer], 0),
                    *((number[reader.operation], reader.distance) for reader in value.readers),
                ),
            )
            for value in problem.values
        ),
        room=tuple(entry.capacity for entry in problem.memories),
        private=tuple(entry.per_warp for entry in problem.memories),
        n_warps=len(warp),
        sync=problem.sync,
        limit=problem.interval_limit,
    )


def _edges(
    problem: LoopProblem, number: dict[str, int], latency: tuple[int, ...]
) -> tuple[Edge, ...]:
    """Return the edges, of several between two operations at one distance the longest."""
    longest: dict[tuple[int, int, int], int] = {}
    for dependence in problem.dependences:
        before, after = number[dependence.before], number[dependence.after]
        wait = latency[before] if dependence.latency is None else dependence.latency
        key = before, after, dependence.distance
        longest[key] = max(wait, longest.get(key, 0))
    for value in problem.values:
        before = number[value.producer]
        for reader in value.readers:
            key = before, number[reader.operation], reader.distance
            longest[key] = max(latency[before], longest.get(key, 0))
    return tuple(Edge(a, b, wait, distance) for (a, b, distance), wait in longest.items())
