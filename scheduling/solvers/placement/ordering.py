"""The order of moves: every step finds room, and cycles are broken."""

from __future__ import annotations

import numpy as np

from scheduling.errors import CheckError
from scheduling.models.placement.arrays import NOWHERE, PlacementArrays
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.models.placement.steps import Step, replay
from scheduling.solvers.placement.state import State

_CYCLE = "its new place becomes free only after it has gone"
_DETOUR = "a free slot breaks a cycle of moves"


def order_steps(problem: PlacementProblem, solution: PlacementSolution) -> list[Step]:
    """Order the changes from what runs now to a placement.

    An item moves as soon as its new node has room for it while it still stands on the old one
    (make before break). Pending items start when there is room, those of high priority first.
    Items that end up nowhere are evicted when nothing else can go on. Where only a cycle of moves
    is left, one item takes a detour over a node with room, and where there is none it is evicted
    first and started later.

    Raises
    ------
    CheckError
        When the dry run of the steps fails, a defect of the library.
    """
    steps = _Ordering(compile_placement(problem), solution).run()
    faults = list(replay(problem, solution, steps))
    if faults:
        raise CheckError(
            "the order of steps failed its dry run: " + "; ".join(map(str, faults[:5]))
        )
    return steps


class _Ordering:
    def __init__(self, arrays: PlacementArrays, solution: PlacementSolution) -> None:
        self._arrays = arrays
        items = {name: number for number, name in enumerate(arrays.item_ids)}
        nodes = {name: number for number, name in enumerate(arrays.node_ids)}
        self._target = np.full(arrays.n_items, NOWHERE, np.int64)
        for entry in solution.placements:
            self._target[items[entry.item]] = nodes[entry.node]
        self._state = State(arrays, arrays.now)
        tier = arrays.tier[arrays.of_class]
        changed = np.flatnonzero(self._target != arrays.now)
        changed = changed[np.argsort(tier[changed], kind="stable")]
        self._waiting = [item for item in changed.tolist() if self._target[item] >= 0]
        # Those that matter least are evicted first.
        self._leaving = [item for item in changed.tolist()[::-1] if self._target[item] < 0]
        self._steps: list[Step] = []

    def run(self) -> list[Step]:
        while self._waiting:
            moved = {item for item in self._waiting if self._advance(item)}
            self._waiting = [item for item in self._waiting if item not in moved]
            if not moved:
                self._unblock()
        for item in self._leaving:
            self._evict(item, "")
        return self._steps

    def _advance(self, item: int) -> bool:
        """Bring an item to its new node if that has room now."""
        target = int(self._target[item])
        if not self._fits(item, target):
            return False
        self._go(item, target, "")
        return True

    def _fits(self, item: int, node: int) -> bool:
        """Tell whether a node has room for an item beside everything that stands there."""
        arrays = self._arrays
        k = arrays.of_class[item]
        return bool(np.all(self._state.free[node] >= arrays.demand[k]))

    def _go(self, item: int, node: int, reason: str) -> None:
        state = self._state
        origin = int(state.node[item])
        if origin >= 0:
            state.take(item)
        state.put(item, node)
        names = self._arrays.node_ids
        self._steps.append(
            Step(
                action="move" if origin >= 0 else "start",
                item=self._arrays.item_ids[item],
                origin=names[origin] if origin >= 0 else None,
                destination=names[node],
                reason=reason,
            )
        )

    def _evict(self, item: int, reason: str) -> None:
        node = self._state.take(item)
        arrays = self._arrays
        name = arrays.node_ids[node]
        step = Step(action="evict", item=arrays.item_ids[item], origin=name, reason=reason)
        self._steps.append(step)

    def _unblock(self) -> None:
        """Make room: evict who leaves for good, else break a cycle of moves."""
        wanted = {int(self._target[item]) for item in self._waiting}
        for item in self._leaving:
            if int(self._state.node[item]) in wanted:
                self._leaving.remove(item)
                self._evict(item, "makes room")
                return
        movers = [item for item in self._waiting if self._state.node[item] in wanted]
        cost = self._arrays.move_cost[self._arrays.of_class]
        movers.sort(key=lambda item: (cost[item], item))
        for item in movers:
            slots = np.flatnonzero(self._state.options(item))
            slots = slots[slots != self._state.node[item]]
            if slots.size and self._helps(item):
                self._go(item, int(slots[0]), _DETOUR)
                return
        for item in movers:
            if self._state.node[item] >= 0:
                self._evict(item, _CYCLE)
                return
        raise CheckError("no order of the moves finds room")

    def _helps(self, item: int) -> bool:
        """Tell whether others could go on if an item left its node."""
        node = self._state.take(item)
        others = (other for other in self._waiting if other != item)
        helps = any(self._fits(other, int(self._target[other])) for other in others)
        self._state.put(item, node)
        return helps
