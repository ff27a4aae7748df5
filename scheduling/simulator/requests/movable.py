"""Instances whose running requests may move to others while they decode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live, State
from scheduling.simulator.requests.turn import Turn

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine
    from scheduling.simulator.requests.migration import Move


class MovableInstance(Instance):
    """An instance that gives running requests away, and keeps memory for those that come.

    Attributes
    ----------
    reserved
        Blocks that wait for requests which are on their way.
    """

    def __init__(self, index: int, group: Group, engine: Engine) -> None:
        super().__init__(index, group, engine)
        self.reserved = 0
        self._parting: list[Move] = []

    def reserve(self, blocks: int, now: int) -> bool:
        """Set blocks aside for a request that is to come, if so many are free."""
        if self.free_at(now) < blocks:
            return False
        self.memory.free -= blocks
        self.reserved += blocks
        self.wake(now)
        return True

    def give_up(self, blocks: int, now: int) -> None:
        """Free blocks that were set aside for a request that does not come."""
        self.memory.free += blocks
        self.reserved -= blocks
        self.wake(now)

    def let_go(self, move: Move, now: int) -> None:
        """Have a request leave with the end of the iteration that runs now."""
        self._parting.append(move)
        self.wake(now)

    def expect(self, request: Live) -> None:
        """Count a request that is on its way, for which enough blocks are set aside."""
        self.reserved -= request.blocks
        self.moving += 1
        self.load_tokens += request.target
        self.tally.taken_over += 1

    def part(self, request: Live, now: int) -> None:
        """Take a request out of the decodes; what it holds stays until it has arrived elsewhere."""
        held = self.memory.free
        self._leave(request, now, keep=False)
        request.left_behind = self.memory.free - held
        self.memory.free = held
        self.leaving += 1
        self.load_tokens -= request.target
        self._ends.remove(request)
        request.target = request.base + self.steps - 1
        request.state = State.MOVING
        request.remote = True
        request.source = self.index

    def release(self, request: Live, now: int) -> None:
        """Free what a request holds here that has arrived elsewhere."""
        super().release(request, now)
        self.wake(now)

    def start(self, now: int) -> None:
        """Let those go that are to leave, then compose the next batch."""
        parting, self._parting = self._parting, []
        for move in parting:
            move.depart(now)
        super().start(now)

    def _idle(self, turn: Turn) -> None:
        if self.reserved:
            self._carry = 0
        else:
            super()._idle(turn)
