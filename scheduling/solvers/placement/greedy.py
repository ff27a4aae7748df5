"""Solver ``best-fit``: pending items one by one, by priority, where they leave least over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scheduling.models.base import Status
from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.check import check_placement
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.packing import class_order, pack, slack
from scheduling.solvers.placement.state import State
from scheduling.solvers.registry import READY, Availability

Over = Callable[[], bool]

_TRIED = 50
"""Nodes on which preemption is tried, those first that lack least."""


class BestFit:
    """Best fit by priority, on the placement as it is and on an empty cluster.

    Running items stay, and pending ones are put, by falling priority and size, on the node whose
    scarcest resource they fill most. A second try places everything anew by priority, and a third
    makes room for items of high priority by taking off those of lower ones. Gangs of which a part
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

        for build in (fill, repack, preempt):
            for small_first in (False, True):
                node = build(arrays, over, small_first=small_first)
                if node is None:
                    return
                offer(data, board, node, self.name)


def offer(data: CompiledPlacement, board: Board[Ints], node: Ints, name: str) -> None:
    """Post a placement if it is better than the board's and valid."""
    values = data.values(node)
    best = board.values
    if best is not None and values[board.tier :] >= best[board.tier :]:
        return
    found = check_placement(data.problem, data.answer(node, {"status": Status.FEASIBLE}))
    if all(entry.constraint in ("objective", "status") for entry in found):
        board.offer(node, values, name)


def fill(arrays: PlacementArrays, over: Over, *, small_first: bool) -> Ints | None:
    """Let what runs stay and put pending items where they fit best; ``None``: out of time."""
    if arrays.plain:
        return arrays.assign(pack(arrays, arrays.running, small_first=small_first))
    state = State(arrays, arrays.now)
    done = _place(state, np.flatnonzero(arrays.now < 0), over, small_first)
    return whole_gangs(state) if done else None


def repack(arrays: PlacementArrays, over: Over, *, small_first: bool) -> Ints | None:
    """Place all items anew, those that may not move apart; ``None``: out of time."""
    if arrays.plain:
        return arrays.assign(pack(arrays, arrays.held, small_first=small_first))
    state = State(arrays, np.where(arrays.pinned, arrays.now, -1))
    done = _place(state, np.flatnonzero(~arrays.pinned), over, small_first)
    return whole_gangs(state) if done else None


def preempt(arrays: PlacementArrays, over: Over, *, small_first: bool) -> Ints | None:
    """Put pending items in place of running ones of lower priority; ``None``: out of time."""
    state = State(arrays, arrays.now)
    tier = arrays.tier[arrays.of_class]
    hopeless: set[int] = set()
    for item in _order(arrays, np.flatnonzero(arrays.now < 0), small_first):
        k = int(arrays.of_class[item])
        if over():
            return None
        if k not in hopeless and not _put(state, item) and not _make_room(state, item, tier):
            # Others of the class meet the same nodes, with no less on them.
            hopeless.add(k)
    lost = np.flatnonzero((state.node < 0) & (arrays.now >= 0))
    return whole_gangs(state) if _place(state, lost, over, small_first) else None


def _order(arrays: PlacementArrays, items: Ints, small_first: bool) -> list[int]:
    """Items in the order of their classes."""
    rank = np.argsort(class_order(arrays, small_first=small_first))
    chosen: list[int] = items[np.lexsort((items, rank[arrays.of_class[items]]))].tolist()
    return chosen


def _place(state: State, items: Ints, over: Over, small_first: bool) -> bool:
    """Put items one by one where they fit; False when time ran out."""
    for item in _order(state.arrays, items, small_first):
        if over():
            return False
        _put(state, item)
    return True


def _put(state: State, item: int) -> bool:
    """Put an item on the node where the fullest resource becomes fullest; own node first."""
    arrays = state.arrays
    now = int(arrays.now[item])
    k = int(arrays.of_class[item])
    if now >= 0 and state.fits(item, now):
        state.put(item, now)
        return True
    options = np.flatnonzero(state.options(item))
    if options.size == 0:
        return False
    state.put(item, int(options[np.argmin(slack(arrays, state.free, k, options))]))
    return True


def _make_room(state: State, item: int, tier: Ints) -> bool:
    """Take items of lower priority off one node, as few as may be, so that an item fits."""
    arrays, k = state.arrays, int(state.arrays.of_class[item])
    loose = np.flatnonzero((state.node >= 0) & ~arrays.pinned & (tier > tier[item]))
    room = state.free.copy()
    np.add.at(room, state.node[loose], arrays.demand[arrays.of_class[loose]])
    nodes = np.flatnonzero(arrays.eligible[k] & np.all(room >= arrays.demand[k], axis=1))
    lacking = np.maximum(arrays.demand[k] - state.free[nodes], 0)
    share = (lacking / np.maximum(arrays.demand[k], 1)).sum(axis=1)
    best: tuple[int, list[int]] | None = None
    for node in nodes[np.argsort(share, kind="stable")][:_TRIED].tolist():
        there = loose[state.node[loose] == node]
        victims = _victims(state, k, node, there[np.argsort(-tier[there], kind="stable")])
        if victims is not None and (best is None or len(victims) < len(best[1])):
            best = node, victims
    if best is None:
        return False
    places = [(victim, state.take(victim)) for victim in best[1]]
    if state.options(item)[best[0]]:
        state.put(item, best[0])
        return True
    for victim, place in places:
        state.put(victim, place)
    return False


def _victims(state: State, k: int, node: int, candidates: Ints) -> list[int] | None:
    """Items to take off a node so that one of class k fits by capacity; ``None``: impossible."""
    arrays, parts = state.arrays, state.arrays.parts
    short = arrays.demand[k] - state.free[node]
    inside = bool(parts.shares[k])
    free = state.part_free.copy() if inside else state.part_free
    chosen: list[int] = []
    for item in candidates.tolist():
        full = inside and parts.choose(k, node, free, tight=False) is None
        if np.all(short <= 0) and not full:
            return chosen
        other = int(arrays.of_class[item])
        need = arrays.demand[other]
        if np.any((short > 0) & (need > 0)) or (full and parts.shares[other]):
            chosen.append(item)
            short = short - need
            parts.add(free, other, arrays.places.uses(int(state.place[item])), 1)
    full = inside and parts.choose(k, node, free, tight=False) is None
    return chosen if np.all(short <= 0) and not full else None


def whole_gangs(state: State) -> Ints:
    """Take off the new members of gangs of which others are missing, and return all places."""
    arrays = state.arrays
    for ran, pending in arrays.gangs:
        members = np.concatenate([arrays.members[k] for k in (*ran, *pending)])
        if np.any(state.node[members] < 0):
            for item in members[(arrays.now[members] < 0) & (state.node[members] >= 0)].tolist():
                state.take(item)
    return state.place
