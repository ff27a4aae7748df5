"""Instances whose running requests may move to others while they decode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.simulator.requests.clock import SHIFT, Pace
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live, State
from scheduling.simulator.requests.turn import Turn

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine


class MovableInstance(Instance):
    """An instance that gives running requests away, and keeps memory for those that come.

    Attributes
    ----------
    reserved
        Blocks that wait for requests which are on their way.
    """

    jumps_chunks = False

    def __init__(self, index: int, group: Group, engine: Engine) -> None:
        super().__init__(index, group, engine)
        self.reserved = 0

    def reserve(self, blocks: int, now: int) -> bool:
        """Set blocks aside for a request that is to come, if so many are free."""
        self.catch_up(now)
        if self.free_at(now) < blocks:
            return False
        self.memory.free -= blocks
        self.reserved += blocks
        self.wake(now)
        return True

    def give_up(self, blocks: int, now: int) -> None:
        """Free blocks that were set aside for a request that does not come."""
        self.catch_up(now)
        self.memory.free += blocks
        self.reserved -= blocks
        self.wake(now)

    def expect(self, request: Live) -> None:
        """Count a request that is on its way, for which enough blocks are set aside."""
        self.reserved -= request.blocks
        self.moving += 1
        self.outstanding += 1
        self.load_tokens += request.target
        self.tally.taken_over += 1

    def part(self, request: Live, now: int) -> None:
        """Take a request out of the decodes; what it holds stays until it has arrived elsewhere."""
        held = self.memory.free
        self._forget(request)
        self._leave(request, now, keep=False)
        request.left_behind = self.memory.free - held
        self.memory.free = held
        self.leaving += 1
        self.outstanding -= 1
        self.load_tokens -= request.target
        self._ends.remove(request)
        request.target = request.base + self.steps - 1
        request.state = State.MOVING
        request.remote = True
        request.source = self.index

    def release(self, request: Live, now: int) -> None:
        """Free what a request holds here that has arrived elsewhere."""
        self.catch_up(now)
        super().release(request, now)
        self.wake(now)

    def catch_up(self, now: int) -> None:
        """Count the iterations of a jump that have ended, as single steps would have.

        Memory that changes in the midst of a jump is in use by those that end later alone.
        """
        done = self.completed(now)
        run = self.running
        if not done or not isinstance(run.pace, Pace):
            return
        passed = run.pace.after(done)
        end = run.began + ((self._carry + passed) >> SHIFT)
        rest, left, pace, decodes = run.steps - done, run.passed - passed, run.pace, run.decodes
        run.steps, run.passed = done, passed
        self.finish(end)
        if end == now:
            self._engine.touch(self)
            self.version += 1
            return
        self._turn.decode()
        run.began, run.steps, run.passed, run.decodes = end, rest, left, decodes
        run.fixed, run.slope = pace.fixed + pace.slope * done, pace.slope
        self.busy = True

    def _idle(self, turn: Turn) -> None:
        if self.reserved:
            self._carry = 0
        else:
            super()._idle(turn)
