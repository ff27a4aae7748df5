"""Solver ``dynamic-program``: over ticks, work done and instances: exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.models.spot.arrays import Ints, Run, Runs, SpotArrays
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.spot.family import CompiledSpot, offer

LARGEST_TABLE = 400_000_000
"""Most entries, of a byte each, of what is kept to find the runs."""

_FAR = 2**62
_IDLE = -1


class DynamicProgram(NeedsNothing):
    """The least cost of each amount of work done by each tick, idle or on each instance: exact."""

    name = "dynamic-program"
    summary = "all ticks, amounts of work and instances: exact"

    def refusal(self, data: CompiledSpot) -> str | None:
        """Refuse tables that do not fit."""
        arrays = data.arrays
        entries = (arrays.deadline + 1) * (arrays.work + 1) * (len(arrays.price) + 2)
        if entries > LARGEST_TABLE or len(arrays.price) > np.iinfo(np.int16).max:
            return f"{entries} entries, above {LARGEST_TABLE}; use uniform-progress"
        return None

    def search(
        self,
        data: CompiledSpot,
        board: Board[Runs],
        budget: Budget,
        hint: Runs | None,  # noqa: ARG002
    ) -> None:
        """Post the best runs and that they are best."""
        runs = _best(data.arrays, board, budget)
        if runs is not None:
            offer(data, board, runs, self.name)
            board.raise_bound(data.arrays.cost(runs), self.name)


def _best(arrays: SpotArrays, board: Board[Runs], budget: Budget) -> Runs | None:
    """Return runs of least cost; ``None`` when the time is up.

    ``free`` is the least cost without an instance at a tick, for each amount of work; ``ready``
    that on each instance that is past its changeover. ``left`` keeps which instance was left for
    the first, ``came`` whether the second came out of a changeover.
    """
    ticks, work, wait = arrays.deadline, arrays.work, arrays.changeover
    count = len(arrays.price)
    left = np.full((ticks + 1, work + 1), _IDLE, np.int16)
    came = np.zeros((count, ticks + 1, work + 1), bool)
    free = [np.full(work + 1, _FAR, np.int64)]
    free[0][0] = 0
    ready = np.full((count, work + 1), _FAR, np.int64)
    held = np.zeros(count, np.int64)
    for tick in range(ticks + 1):
        if tick:
            ready = _worked(ready, arrays, tick - 1)
            held = np.where(arrays.free[:, tick - 1], held + 1, 0)
            free.append(free[-1].copy())
            if board.stopped or budget.remaining() == 0:
                return None
        if tick and wait == 0:
            _leave(free[tick], ready, left[tick])
        if tick >= wait:
            for instance in range(count):
                if held[instance] >= wait:
                    started = free[tick - wait] + wait * arrays.price[instance]
                    came[instance, tick] = started < ready[instance]
                    np.minimum(ready[instance], started, out=ready[instance])
        if tick and wait:
            _leave(free[tick], ready, left[tick])
    return _traced(arrays, left, came)


def _worked(ready: Ints, arrays: SpotArrays, tick: int) -> Ints:
    """Return costs after a tick of work on each instance that has capacity in it."""
    found = np.full_like(ready, _FAR)
    for instance, price in enumerate(arrays.price):
        if arrays.free[instance, tick]:
            found[instance, 1:] = np.minimum(ready[instance, :-1] + price, _FAR)
    return found


def _leave(free: Ints, ready: Ints, left: NDArray[np.int16]) -> None:
    """Let instances be left where that is cheaper than having been idle."""
    least = ready.min(axis=0)
    better = least < free
    left[better] = ready.argmin(axis=0)[better]
    free[better] = least[better]


def _traced(arrays: SpotArrays, left: NDArray[np.int16], came: NDArray[np.bool_]) -> Runs:
    """Follow the choices back from the end of the work."""
    runs: list[Run] = []
    tick, work = arrays.deadline, arrays.work
    while work > 0 or tick > 0:
        instance = int(left[tick, work])
        if instance == _IDLE:
            tick -= 1
            continue
        end = tick
        while not came[instance, tick, work]:
            tick, work = tick - 1, work - 1
        tick -= arrays.changeover
        runs.append(Run(instance, tick, end))
    return tuple(reversed(runs))
