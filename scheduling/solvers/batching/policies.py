"""Policies of batching: they see requests when they are released, some with their lengths."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from scheduling.models.batching.arrays import BatchingArrays, Ints, Plan
from scheduling.solvers.bases import OnePass
from scheduling.solvers.batching.family import CompiledBatching, offer
from scheduling.solvers.batching.timeline import Timeline
from scheduling.solvers.board import Board


class Policy(OnePass):
    """A rule that gives one plan."""

    name: str
    summary: str

    @abstractmethod
    def plan(self, arrays: BatchingArrays) -> Plan:
        """Play the rule iteration by iteration."""

    def post(self, data: CompiledBatching, board: Board[Plan]) -> None:
        """Post the one plan that the rule gives."""
        offer(data, board, self.plan(data.arrays), self.name)


class Ranked(Policy):
    """In every iteration, start what fits to its end by a fixed order of those that wait.

    Nothing is ever evicted: a request starts only if memory suffices in all iterations to come,
    which it does if it does at every end (the peak of Past-Future and MC-SF).
    """

    skips = True
    """Try those behind one that does not fit."""

    @abstractmethod
    def keys(self, arrays: BatchingArrays) -> tuple[Ints, ...]:
        """Return the order: what counts first stands first, and smaller is earlier."""

    def plan(self, arrays: BatchingArrays) -> Plan:
        """Play the rule iteration by iteration."""
        timeline = Timeline(arrays)
        starts = np.zeros(arrays.n, np.int64)
        release = arrays.release.tolist()
        # What starts only takes room, so no request fits earlier than it did when it was tried.
        earliest = arrays.release.tolist()
        waiting = np.lexsort(tuple(reversed(self.keys(arrays)))).tolist()
        now = min(release)
        while waiting:
            left = []
            for place, request in enumerate(waiting):
                if release[request] > now:
                    left.append(request)
                    continue
                if earliest[request] <= now:
                    earliest[request] = timeline.retry(request, now)
                if earliest[request] == now:
                    timeline.put(request, now)
                    starts[request] = now
                elif self.skips:
                    left.append(request)
                else:
                    left += waiting[place:]
                    break
            waiting = left
            now += 1
        return Plan(starts)


class McSf(Ranked):
    """MC-SF: shortest answer first until one does not fit (Jaillet et al., arXiv 2502.07115)."""

    name = "mc-sf"
    summary = "shortest answer first while memory lasts to the end of all (Jaillet et al.)"
    skips = False

    def keys(self, arrays: BatchingArrays) -> tuple[Ints, ...]:
        """Order by output, then by release."""
        return arrays.output, arrays.release


class ShortestFirst(Ranked):
    """MC-SF that goes on behind a request that does not fit."""

    name = "shortest-first"
    summary = "shortest answer first, later ones too where they fit"

    def keys(self, arrays: BatchingArrays) -> tuple[Ints, ...]:
        """Order by output, then by release."""
        return arrays.output, arrays.release


class SmallestArea(Ranked):
    """Least memory over time first, by weight."""

    name = "smallest-area"
    summary = "least tokens over time per weight first, later ones too where they fit"

    def keys(self, arrays: BatchingArrays) -> tuple[Ints, ...]:
        """Order by area over weight, then by release."""
        scaled = arrays.area * 1000 // np.maximum(arrays.weight, 1)
        return scaled, arrays.release


class EarliestDue(Ranked):
    """Earliest due time first."""

    name = "earliest-due"
    summary = "earliest due time first, later ones too where they fit"

    def keys(self, arrays: BatchingArrays) -> tuple[Ints, ...]:
        """Order by due time, then by release."""
        return arrays.due, arrays.release


RULES: tuple[Ranked, ...] = (McSf(), ShortestFirst(), SmallestArea(), EarliestDue())
"""Rules that know lengths."""


class FcfsPeak(Ranked):
    """First come, first served, while the peak of memory fits (Past-Future with known lengths)."""

    name = "fcfs-peak"
    summary = "first come, first served, while memory lasts to the end of all"
    skips = False

    def keys(self, arrays: BatchingArrays) -> tuple[Ints, ...]:
        """Order by release, then as listed."""
        return arrays.release, np.arange(arrays.n)


class FcfsEvict(Policy):
    """First come, first served, while memory suffices now; the latest start gives way later.

    It knows no lengths. Evicted requests start again from nothing, and before any that have not
    been tried.
    """

    name = "fcfs-evict"
    summary = "knows no lengths: starts what fits now, evicts the latest when memory runs out"

    def plan(self, arrays: BatchingArrays) -> Plan:
        """Play the rule iteration by iteration."""
        waiting = np.argsort(arrays.release, kind="stable").tolist()
        starts = np.zeros(arrays.n, np.int64)
        running: list[int] = []
        evicted: list[tuple[int, int, int]] = []
        now = 0
        while waiting or running:
            if not running:
                now = max(now, int(arrays.release[waiting].min()))
            held = sum(int(arrays.prompt[k]) + now - int(starts[k]) + 1 for k in running)
            while held > arrays.memory:
                last = running.pop()
                held -= int(arrays.prompt[last]) + now - int(starts[last]) + 1
                evicted.append((last, int(starts[last]), now - int(starts[last])))
                waiting.insert(0, last)
            while waiting and len(running) < arrays.batch:
                head = waiting[0]
                more = int(arrays.prompt[head]) + 1
                if arrays.release[head] > now or held + more > arrays.memory:
                    break
                held += more
                starts[head] = now
                running.append(waiting.pop(0))
            now += 1
            running = [k for k in running if now - int(starts[k]) < int(arrays.output[k])]
        return Plan(starts, tuple(evicted))
