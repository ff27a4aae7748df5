"""Solver ``best-fit``: pending items one by one, by priority, where they leave least over."""

from __future__ import annotations

from functools import partial

import numpy as np

from scheduling.models.base import Status
from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.check import check_placement
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.displacing import Over, displace, put_all
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.packing import pack
from scheduling.solvers.placement.state import State
from scheduling.solvers.registry import READY, Availability


class BestFit:
    """Best fit by priority, on the placement as it is and on an empty cluster.

    Running items stay, and pending ones are put, by falling priority and size, on the node whose
    scarcest resource they fill most. A second try places everything anew by priority, and a third
    makes room for items of high priority by pushing others aside. Gangs of which a part
    does not fit are left out. The best valid try is posted.
    """

    name = "best-fit"
    summary = "best fit by priority, with and without what runs: a quick placement"

    def availability(self) -> Availability:
        """Tell that it is always ready: it needs no engine."""
        return READY

    def refusal(self, data: CompiledPlacement) -> str | None:  # noqa: ARG002
        """Refuse nothing."""
        return None

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - it starts from what runs
    ) -> None:
        """Post the placements."""
        arrays = data.arrays
        offer(data, board, arrays.now, self.name)

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
            offer(data, board, place, self.name)


def offer(data: CompiledPlacement, board: Board[Ints], place: Ints, name: str) -> None:
    """Post a placement if it is better than the board's and valid.

    Where only capacities tie items to each other, whoever counts them right is right; with more
    rules greedies may break one, which the check tells before anybody builds on it.
    """
    values = data.values(place)
    best = board.values
    if best is not None and values[board.tier :] >= best[board.tier :]:
        return
    if not data.arrays.plain:
        found = check_placement(data.problem, data.answer(place, {"status": Status.FEASIBLE}))
        if any(entry.constraint not in ("objective", "status") for entry in found):
            return
    board.offer(place, values, name)


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
