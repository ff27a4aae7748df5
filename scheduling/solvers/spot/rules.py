"""Rules that see the present only: on demand, greedy, uniform progress."""

from __future__ import annotations

import numpy as np

from scheduling.models.spot.arrays import Run, Runs, SpotArrays
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.spot.family import CompiledSpot, offer


class OnDemand(OnePass):
    """One instance on demand from the begin."""

    name = "on-demand"
    summary = "one instance on demand from the begin"

    def post(self, data: CompiledSpot, board: Board[Runs]) -> None:
        """Post the one run."""
        arrays = data.arrays
        end = arrays.changeover + arrays.work
        offer(data, board, (Run(arrays.on_demand, 0, end),), self.name)


class Greedy(OnePass):
    """Spot capacity or none, until only an instance on demand is in time."""

    name = "greedy"
    summary = "spot capacity or none, until only on demand is in time"

    def post(self, data: CompiledSpot, board: Board[Runs]) -> None:
        """Post the runs of the rule."""
        offer(data, board, _simulated(data.arrays, progressive=False), self.name)


class UniformProgress(OnePass):
    """Progress in proportion to time (Wu and others, NSDI 2024).

    Idle and behind it goes on demand, and leaves that again once it is ahead by two changeovers;
    spot capacity is taken whenever it may be. Where what is left of the deadline would not do
    otherwise, it stays on demand to the end. Of several regions the first with capacity is taken,
    and kept while it has any.
    """

    name = "uniform-progress"
    summary = "progress in proportion to time, on spot where there is any (NSDI 2024)"

    def post(self, data: CompiledSpot, board: Board[Runs]) -> None:
        """Post the runs of the rule."""
        offer(data, board, _simulated(data.arrays, progressive=True), self.name)


def _simulated(arrays: SpotArrays, *, progressive: bool) -> Runs:
    """Run a rule tick by tick.

    An instance that is lost has taken one changeover at most, and one on demand takes another.
    """
    margin = max(1, 2 * arrays.changeover)
    runs: list[Run] = []
    mode: int | None = None
    begun = wait = done = 0
    for tick in range(arrays.deadline):
        spot = np.flatnonzero(arrays.free[:-1, tick])
        late = arrays.deadline - tick < arrays.work - done + margin
        wanted = mode
        if mode is not None and not arrays.free[mode, tick]:
            wanted = None
        ahead = (tick + 2 * arrays.changeover) * arrays.work <= done * arrays.deadline
        if mode == arrays.on_demand and not late and progressive and ahead:
            wanted = None
        if wanted is None:
            behind = progressive and done * arrays.deadline < tick * arrays.work
            if late or (len(spot) == 0 and behind):
                # What runs on demand goes on rather than begin anew.
                wanted = arrays.on_demand
            elif len(spot):
                wanted = int(spot[0])
        if wanted != mode:
            if mode is not None:
                runs.append(Run(mode, begun, tick))
            mode, begun, wait = wanted, tick, arrays.changeover
        if mode is not None:
            done += wait == 0
            wait = max(0, wait - 1)
        if done == arrays.work and mode is not None:
            runs.append(Run(mode, begun, tick + 1))
            break
    return tuple(runs)
