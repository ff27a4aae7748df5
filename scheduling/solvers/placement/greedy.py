"""Solver ``best-fit``: pending items one by one, by priority, where they leave least over."""

from __future__ import annotations

import numpy as np

from scheduling.models.base import Status
from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.check import check_placement
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.state import State
from scheduling.solvers.registry import READY, Availability


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
        for build in (fill, preempt, repack):
            if board.stopped or budget.remaining() == 0:
                return
            offer(data, board, build(arrays), self.name)


def offer(data: CompiledPlacement, board: Board[Ints], node: Ints, name: str) -> None:
    """Post a placement if it is better than the board's and valid."""
    values = data.values(node)
    best = board.values
    if best is not None and values[board.tier :] >= best[board.tier :]:
        return
    found = check_placement(data.problem, data.answer(node, {"status": Status.FEASIBLE}))
    if all(entry.constraint in ("objective", "status") for entry in found):
        board.offer(node, values, name)


def fill(arrays: PlacementArrays) -> Ints:
    """Let what runs stay and put pending items where they fit best."""
    state = State(arrays, arrays.now)
    _place(state, np.flatnonzero(arrays.now < 0))
    return _whole_gangs(state)


def repack(arrays: PlacementArrays) -> Ints:
    """Place all items anew, those that may not move apart."""
    start = np.where(arrays.pinned, arrays.now, -1)
    state = State(arrays, start)
    _place(state, np.flatnonzero(~arrays.pinned))
    return _whole_gangs(state)


def preempt(arrays: PlacementArrays) -> Ints:
    """Put pending items of high priority in place of running ones of lower priority."""
    state = State(arrays, arrays.now)
    tier = arrays.tier[arrays.of_class]
    for item in _order(arrays, np.flatnonzero(arrays.now < 0)):
        if not _put(state, item):
            _make_room(state, item, tier)
    lost = np.flatnonzero((state.node < 0) & (arrays.now >= 0))
    _place(state, lost)
    return _whole_gangs(state)


def _order(arrays: PlacementArrays, items: Ints) -> list[int]:
    """Items by priority, then by the largest share of the whole capacity that they take."""
    total = np.maximum(arrays.capacity.sum(axis=0), 1)
    share = (arrays.demand / total).max(axis=1, initial=0.0)[arrays.of_class[items]]
    tier = arrays.tier[arrays.of_class[items]]
    chosen: list[int] = items[np.lexsort((items, -share, tier))].tolist()
    return chosen


def _place(state: State, items: Ints) -> None:
    for item in _order(state.arrays, items):
        _put(state, item)


def _put(state: State, item: int) -> bool:
    """Put an item on the node where the fullest resource becomes fullest; own node first."""
    arrays = state.arrays
    now = int(arrays.now[item])
    k = int(arrays.of_class[item])
    if now >= 0 and np.all(state.free[now] >= arrays.demand[k]):
        state.put(item, now)
        return True
    options = np.flatnonzero(state.options(item))
    if options.size == 0:
        return False
    state.put(item, int(options[np.argmin(_slack(state, k, options))]))
    return True


def _slack(state: State, k: int, nodes: Ints) -> Ints:
    """Share of each node's capacity that stays free, over the resources that the class takes."""
    arrays = state.arrays
    used = arrays.demand[k] > 0
    capacity = np.maximum(arrays.capacity[np.ix_(nodes, used)], 1)
    left = (state.free[np.ix_(nodes, used)] - arrays.demand[k, used]) / capacity
    slack: Ints = left.sum(axis=1)
    return slack


def _make_room(state: State, item: int, tier: Ints) -> bool:
    """Take items of lower priority off one node, as few as may be, so that an item fits."""
    arrays, k = state.arrays, int(state.arrays.of_class[item])
    best: tuple[int, list[int]] | None = None
    for node in np.flatnonzero(arrays.eligible[k]).tolist():
        there = np.flatnonzero((state.node == node) & ~arrays.pinned & (tier > tier[item]))
        victims = _victims(state, k, node, there[np.argsort(-tier[there], kind="stable")])
        if victims is not None and (best is None or len(victims) < len(best[1])):
            best = node, victims
    if best is None:
        return False
    for victim in best[1]:
        state.take(victim)
    if state.options(item)[best[0]]:
        state.put(item, best[0])
        return True
    for victim in best[1]:
        state.put(victim, best[0])
    return False


def _victims(state: State, k: int, node: int, candidates: Ints) -> list[int] | None:
    """Items to take off a node so that one of class k fits by capacity; ``None``: impossible."""
    arrays = state.arrays
    short = arrays.demand[k] - state.free[node]
    chosen: list[int] = []
    for item in candidates.tolist():
        if np.all(short <= 0):
            break
        need = arrays.demand[arrays.of_class[item]]
        if np.any((short > 0) & (need > 0)):
            chosen.append(item)
            short = short - need
    return chosen if np.all(short <= 0) else None


def _whole_gangs(state: State) -> Ints:
    """Take off the new members of gangs of which others are missing."""
    arrays = state.arrays
    for ran, pending in arrays.gangs:
        members = np.concatenate([arrays.members[k] for k in (*ran, *pending)])
        if np.any(state.node[members] < 0):
            for item in members[(arrays.now[members] < 0) & (state.node[members] >= 0)].tolist():
                state.take(item)
    return state.node
