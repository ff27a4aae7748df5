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
_APART = "its rules about neighbours keep its new place from it while it stands"
_FORCED = "no order was found in which its rules about neighbours hold on the way"
_TRIES = 8
"""Other orders that are tried where the first has detours or evictions between."""


def order_steps(problem: PlacementProblem, solution: PlacementSolution) -> list[Step]:
    """Order the changes from what runs now to a placement.

    An item moves as soon as its new node has room for it while it still stands on the old one
    (make before break), and its rules about neighbours hold there. Pending items start when there
    is room, those of high priority first. Items that end up nowhere are evicted when nothing else
    can go on. Where only a cycle of moves is left, one item takes a detour over a node with room,
    and where there is none it is evicted first and started later. Where rules about neighbours
    leave no order at all, as for two new items that need each other, a step is forced, and says so.
    Other orders are tried where the first one has any of these; the shortest plan is taken.

    Raises
    ------
    CheckError
        When the dry run of the steps fails, a defect of the library.
    """
    arrays, rng = compile_placement(problem), np.random.default_rng(0)
    steps = _Ordering(arrays, solution, None).run()
    for _ in range(_TRIES):
        if _waste(steps) == 0:
            break
        steps = min(steps, _Ordering(arrays, solution, rng).run(), key=_waste)
    faults = list(replay(problem, solution, steps))
    if faults:
        raise CheckError(
            "the order of steps failed its dry run: " + "; ".join(map(str, faults[:5]))
        )
    return steps


def _waste(steps: list[Step]) -> int:
    """Count steps that a better order might do without: further ones of an item, forced ones."""
    return len(steps) - len({step.item for step in steps}) + sum(step.forced for step in steps)


class _Ordering:
    def __init__(
        self,
        arrays: PlacementArrays,
        solution: PlacementSolution,
        rng: np.random.Generator | None,
    ) -> None:
        self._arrays = arrays
        items = {name: number for number, name in enumerate(arrays.item_ids)}
        nodes = {name: number for number, name in enumerate(arrays.node_ids)}
        self._target = np.full(arrays.n_items, NOWHERE, np.int64)
        for entry in solution.placements:
            item = items[entry.item]
            place = arrays.place(item, nodes[entry.node], entry.parts)
            if place is None:
                raise CheckError(f"{entry.item!r} has other parts than it asks for")
            self._target[item] = place
        self._state = State(arrays, arrays.now)
        tier = arrays.tier[arrays.of_class]
        changed = np.flatnonzero(self._target != arrays.now)
        if rng is not None:
            rng.shuffle(changed)
        changed = changed[np.argsort(tier[changed], kind="stable")]
        self._waiting = [item for item in changed.tolist() if self._target[item] >= 0]
        # Those that matter least are evicted first.
        self._leaving = [item for item in changed.tolist()[::-1] if self._target[item] < 0]
        self._steps: list[Step] = []
        self._ruled = {rule.owner for rule in (*arrays.apart, *arrays.even)}
        self._ruled |= {k for rule in arrays.apart for k in rule.meant}
        self._ruled |= {k for bond in arrays.together for k in bond.owners}

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
        if not self._can(item):
            return False
        self._go(item, int(self._target[item]), "")
        return True

    def _can(self, item: int) -> bool:
        """Tell whether an item may come to its new place now."""
        arrays, state = self._arrays, self._state
        target, k = int(self._target[item]), int(arrays.of_class[item])
        if not state.fits(item, target):
            return False
        node = arrays.places.node(target)
        return k not in self._ruled or node == state.node[item] or bool(state.near(k)[node])

    def _go(self, item: int, place: int, reason: str, *, forced: bool = False) -> None:
        arrays, state = self._arrays, self._state
        origin = int(state.node[item])
        if origin >= 0:
            state.take(item)
        state.put(item, place)
        names = arrays.node_ids
        self._steps.append(
            Step(
                action="move" if origin >= 0 else "start",
                item=arrays.item_ids[item],
                origin=names[origin] if origin >= 0 else None,
                destination=names[arrays.places.node(place)],
                parts=arrays.part_uses(place),
                reason=reason,
                forced=forced,
            )
        )

    def _evict(self, item: int, reason: str) -> None:
        arrays = self._arrays
        name = arrays.node_ids[int(self._state.node[item])]
        self._state.take(item)
        step = Step(action="evict", item=arrays.item_ids[item], origin=name, reason=reason)
        self._steps.append(step)

    def _unblock(self) -> None:
        """Make room: evict who leaves for good, else break a cycle of moves."""
        wanted = set(self._arrays.places.nodes(self._target[self._waiting]).tolist())
        for item in self._leaving:
            if int(self._state.node[item]) in wanted:
                self._leaving.remove(item)
                self._evict(item, "makes room")
                return
        movers = [item for item in self._waiting if self._state.node[item] in wanted]
        cost = self._arrays.move_cost[self._arrays.of_class]
        movers.sort(key=lambda item: (cost[item], item))
        for item in movers:
            place = self._detour(item)
            if place is not None:
                self._go(item, place, _DETOUR)
                return
        if self._ruled and self._unblock_rules():
            return
        for item in movers:
            if self._state.node[item] >= 0:
                self._evict(item, _CYCLE)
                return
        self._force()

    def _unblock_rules(self) -> bool:
        """Evict an item that keeps others, or itself, from their places by rules alone."""
        standing = [item for item in self._waiting if self._state.node[item] >= 0]
        for item in self._leaving:
            if self._helps(item):
                self._leaving.remove(item)
                self._evict(item, "lets others come")
                return True
        for item in standing:
            if self._helps(item):
                self._evict(item, _APART)
                return True
        return False

    def _helps(self, item: int) -> bool:
        """Tell whether others could go on, or it could itself, if an item left its node."""
        state = self._state
        origin = state.take(item)
        helps = any(self._can(other) for other in self._waiting)
        state.put(item, origin)
        return helps

    def _force(self) -> None:
        """Let go who leaves, then whom rules about neighbours alone keep away."""
        state = self._state
        for item in (*self._leaving, *self._waiting):
            if state.node[item] >= 0:
                if item in self._leaving:
                    self._leaving.remove(item)
                self._evict(item, _APART)
                return
        for item in self._waiting:
            if state.fits(item, int(self._target[item])):
                self._go(item, int(self._target[item]), _FORCED, forced=True)
                self._waiting.remove(item)
                return
        raise CheckError("no order of the moves finds room")

    def _detour(self, item: int) -> int | None:
        """Return another place with room for an item, from where it lets others go on."""
        arrays, state = self._arrays, self._state
        node = int(state.node[item])
        slots = np.flatnonzero(state.options(item))
        elsewhere = slots[slots != node].tolist()
        inside = bool(arrays.parts.shares[int(arrays.of_class[item])]) and node in slots
        for slot in (*elsewhere[:3], *([node] if inside else [])):
            # Chosen while the item still takes its old place, as it will when it moves.
            place = state.spot(item, slot)
            origin = state.take(item)
            state.put(item, place)
            helps = any(self._can(other) for other in self._waiting if other != item)
            state.take(item)
            state.put(item, origin)
            if helps:
                return place
        return None
