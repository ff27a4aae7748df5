"""Bounds of delays and energies by convex relaxations: tasks go to servers in part.

On a server that tasks share, the delays are all works and, for each task that comes, twice what it
and each of those present have yet to get of the same service: ``min(rest, work)``. Two convex
functions of the shares of tasks on servers are no more than that where shares are whole:

- Every task has its rest at least as long as if it were alone. What two tasks share then is the
  overlap of the times that they take alone, so that the sum over all pairs is the integral of the
  squared number of tasks there.
- For any work h, ``min(rest, work) >= min(rest, h) min(work, h) / h``, and the rests cut at h are
  at least the content of a queue of works cut at h that is served at full speed. Its content, and
  the integral of that, are convex in what comes. This one counts where servers are overloaded.

Either is minimised by the method of Frank and Wolfe, whose linear programs send each task to one
server and bound the least value from below at every step. A limit of the other sum has a
multiplier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import ceil, inf, isfinite
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scheduling.models.offload.arrays import OffloadArrays
from scheduling.models.offload.problem import MILLION, Assignment
from scheduling.solvers.board import Board, Budget

Floats = NDArray[np.float64]

_STEPS = 500
"""Most steps of one minimum."""

_CLOSE = 1e-3
"""Share of the bound within which a minimum is near enough."""

_CUTS = (1.0, 0.7, 0.5, 0.35)
"""Works at which rests are cut, over the longest of a server."""

_MULTIPLIERS = 6
_ROUNDING = 1e-9
"""Share of a value that its rounding is no more than."""


class _Cost(Protocol):
    """A convex cost of shares."""

    def __call__(self, shares: Floats) -> tuple[float, Floats]:
        """Return the cost and its slope at some shares."""
        ...


class Offers:
    """All offers in a row: task by task."""

    def __init__(self, arrays: OffloadArrays) -> None:
        rows = [choice for row in arrays.tasks for choice in row]
        sizes = np.array([len(row) for row in arrays.tasks])
        self.first = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        self.task = np.repeat(np.arange(len(sizes)), sizes)
        self.server = np.array([choice.server for choice in rows])
        self.comes = np.array([float(choice.comes) for choice in rows])
        self.upload = np.array([float(choice.upload) for choice in rows])
        self.work = np.array([float(choice.work) for choice in rows])
        self.energy = np.array([choice.energy / MILLION for choice in rows])
        self.servers = [np.flatnonzero(self.server == s) for s in range(arrays.servers)]

    def least(self, slope: Floats) -> Floats:
        """Return the whole shares of least slope."""
        floor = np.minimum.reduceat(slope, self.first)[self.task]
        places = np.flatnonzero(slope == floor)
        _, earliest = np.unique(self.task[places], return_index=True)
        shares = np.zeros(len(slope))
        shares[places[earliest]] = 1.0
        return shares


class Overlap:
    """The squared number of tasks over time, each as long as it takes alone."""

    def __init__(self, offers: Offers) -> None:
        self.upload = offers.upload
        self.parts = []
        for inside in offers.servers:
            begin, end = offers.comes[inside], offers.comes[inside] + offers.work[inside]
            times = np.unique(np.concatenate((begin, end)))
            edges = np.searchsorted(times, begin), np.searchsorted(times, end)
            self.parts.append((inside, edges, np.diff(times)))

    def __call__(self, shares: Floats) -> tuple[float, Floats]:
        """Return uploads and integrals of squares, and their slope."""
        value, slope = float(self.upload @ shares), self.upload.copy()
        for inside, (begin, end), lasts in self.parts:
            steps = np.zeros(len(lasts) + 1)
            np.add.at(steps, begin, shares[inside])
            np.subtract.at(steps, end, shares[inside])
            there = np.cumsum(steps)[:-1]
            value += float((there * there) @ lasts)
            total = np.concatenate(([0.0], np.cumsum(there * lasts)))
            slope[inside] += 2.0 * (total[end] - total[begin])
        return value, slope


class Queue:
    """Works, and the content of queues of works that are cut at a share of the longest."""

    def __init__(self, offers: Offers, share: float) -> None:
        self.fixed = offers.upload + offers.work
        self.parts = []
        for inside in offers.servers:
            order = inside[np.argsort(offers.comes[inside], kind="stable")]
            if not len(order):
                continue
            cut = share * float(offers.work[order].max())
            works = np.minimum(offers.work[order], cut)
            self.fixed[order] -= works * works / cut
            self.parts.append((order, offers.comes[order], works, 2.0 / cut))

    def __call__(self, shares: Floats) -> tuple[float, Floats]:
        """Return works and integrals of contents, and their slope."""
        value, slope = float(self.fixed @ shares), self.fixed.copy()
        for order, comes, works, weight in self.parts:
            brought = works * shares[order]
            through = np.cumsum(brought)
            free = through - brought - comes
            low = np.minimum.accumulate(free)
            content = free - low
            value += weight * float((content + 0.5 * brought) @ brought)
            # A busy time begins where the content is 0, and ends behind all that comes within it.
            opens = np.flatnonzero(free == low)
            last = np.concatenate((opens[1:], [len(order)])) - 1
            number = np.searchsorted(opens, np.arange(len(order)), side="right") - 1
            ends = comes[opens] + through[last] - (through - brought)[opens]
            slope[order] += weight * works * np.maximum(ends[number] - comes, 0.0)
        return value, slope


def raise_bound(
    arrays: OffloadArrays, board: Board[Assignment], budget: Budget, solver: str
) -> None:
    """Post bounds of the board's tier from the relaxations, while there is time.

    Parameters
    ----------
    arrays
        The offers.
    board, budget
        Where bounds go, and what the run may spend.
    solver
        Whose bounds they are.
    """
    wants_delay = arrays.goals[board.tier] == "delay"
    limit = arrays.most_energy if wants_delay else arrays.most_delay
    caps = [*([] if limit is None else [limit]), *board.caps[:1]]
    if not caps and not wants_delay:
        return
    cap = min(caps) / MILLION if caps else None
    offers = Offers(arrays)

    def stops() -> bool:
        return board.stopped or budget.remaining() == 0

    relaxations: list[_Cost] = [Overlap(offers), *(Queue(offers, share) for share in _CUTS)]
    for delay in relaxations:
        lagrangian = _Lagrangian(offers, delay, cap, wants_delay=wants_delay)
        for bound in lagrangian.bounds(stops):
            value, least = board.objective, ceil(bound * MILLION)
            board.raise_bound(least if value is None else min(least, value), solver)
        if stops():
            return


class _Lagrangian:
    """One of delay and energy, and a multiple of the other one above its limit."""

    def __init__(
        self, offers: Offers, delay: _Cost, cap: float | None, *, wants_delay: bool
    ) -> None:
        self.offers, self.delay, self.cap = offers, delay, cap
        self.wants_delay = wants_delay

    def bounds(self, stops: Callable[[], bool]) -> Iterator[float]:
        """Yield bounds of several multipliers, in seconds or joules."""
        low, high = 0.0, inf
        multiplier = 0.0 if self.wants_delay else 1.0
        for _ in range(_MULTIPLIERS):
            bound, shares = _minimum(self.offers, partial(self._cost, multiplier), stops)
            if isfinite(bound):
                yield bound - multiplier * (self.cap or 0.0)
            if self.cap is None or stops():
                return
            other = float(self.offers.energy @ shares)
            if not self.wants_delay:
                other = self.delay(shares)[0]
            if other <= self.cap:
                high = multiplier
            else:
                low = multiplier
            if high == 0.0:
                return
            multiplier = max(1.0, 4.0 * low) if high == inf else 0.5 * (low + high)

    def _cost(self, multiplier: float, shares: Floats) -> tuple[float, Floats]:
        value, slope = self.delay(shares)
        energy = self.offers.energy
        if self.wants_delay:
            return value + multiplier * float(energy @ shares), slope + multiplier * energy
        return multiplier * value + float(energy @ shares), multiplier * slope + energy


def _minimum(
    offers: Offers, cost: Callable[[Floats], tuple[float, Floats]], stops: Callable[[], bool]
) -> tuple[float, Floats]:
    """Return a bound of the least cost, safe against rounding, and shares close to it."""
    shares = offers.least(cost(np.zeros(len(offers.task)))[1])
    best = -inf
    for step in range(_STEPS):
        value, slope = cost(shares)
        way = offers.least(slope) - shares
        fall = float(slope @ way)
        rounding = _ROUNDING * (abs(value) + float(np.abs(slope) @ np.abs(way)))
        best = max(best, value + fall - rounding)
        if value - best <= _CLOSE * abs(best) or stops():
            break
        shares = shares + 2.0 / (step + 2.0) * way
    return best, shares
