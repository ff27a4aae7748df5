"""Solver ``best-fit``: pending items one by one, by priority, where they leave least over."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.construction import Construction
from scheduling.solvers.placement.displacing import Over, displace, put_all
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.packing import pack
from scheduling.solvers.placement.state import State


class BestFit(Construction):
    """Best fit by priority, on the placement as it is and on an empty cluster.

    Running items stay, and pending ones are put, by falling priority and size, on the node whose
    scarcest resource they fill most. A second try places everything anew by priority, and a third
    makes room for items of high priority by pushing others aside. Gangs of which a part
    does not fit are left out. The best valid try is posted.
    """

    name = "best-fit"
    summary = "best fit by priority, with and without what runs: a quick placement"

    def placements(
        self, data: CompiledPlacement, board: Board[Ints], budget: Budget
    ) -> Iterator[tuple[str, Ints]]:
        """Yield what runs and the placement of each try."""
        arrays = data.arrays
        yield self.name, arrays.now

        def over() -> bool:
            return board.stopped or budget.remaining() == 0

        for build in (
            partial(fill, small_first=False),
            partial(fill, small_first=True),
            partial(repack, small_first=False),
            partial(repack, small_first=True),
            preempt,
        ):
            place = build(arrays, over)
            if place is None:
                return
            yield self.name, place


def fill(arrays: PlacementArrays, over: Over, *, small_first: bool) -> Ints | None:
    """Let what runs stay and put pending items where they fit best; ``None``: out of time."""
    if arrays.plain and arrays.aims.wish_cost is None:
        return arrays.assign(pack(arrays, arrays.running, small_first=small_first))
    state = State(arrays, arrays.now)
    done = put_all(state, np.flatnonzero(arrays.now < 0), over, small_first=small_first)
    return whole_gangs(state) if done else None


def repack(arrays: PlacementArrays, over: Over, *, small_first: bool) -> Ints | None:
    """Place all items anew, those that may not move apart; ``None``: out of time."""
    if arrays.plain and arrays.aims.wish_cost is None:
        return arrays.assign(pack(arrays, arrays.held, small_first=small_first))
    state = State(arrays, np.where(arrays.pinned, arrays.now, -1))
    done = put_all(state, np.flatnonzero(~arrays.pinned), over, small_first=small_first)
    return whole_gangs(state) if done else None


def preempt(arrays: PlacementArrays, over: Over) -> Ints | None:
    """Put pending items in place of running ones that matter less; ``None``: out of time."""
    state = State(arrays, arrays.now)
    return whole_gangs(state) if displace(state, over) else None


def whole_gangs(state: State) -> Ints:
    """Take off the new members of gangs of which too few are placed, and return all places."""
    arrays = state.arrays
    for gang in arrays.gangs:
        members = np.concatenate([arrays.members[k] for k in gang.classes])
        least = len(members) if gang.least is None else gang.least
        if int(np.sum(state.node[members] >= 0)) < least:
            for item in members[(arrays.now[members] < 0) & (state.node[members] >= 0)].tolist():
                state.take(item)
    return state.place
