"""A replica that keeps prefixes between requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.simulator.requests.clock import SHIFT
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live, State
from scheduling.simulator.requests.policy import Ordering, Policy, Watching
from scheduling.simulator.requests.prefixes import PrefixCache

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine
    from scheduling.simulator.requests.policy import Retention


class KeepingInstance(Instance):
    """One replica, whose memory also holds prefixes that nobody uses at the time.

    These are no hindrance: requests that begin or grow take their blocks. What a jump takes of them
    is freed at its end, or when somebody looks, in the order in which single steps free it.
    """

    jumps_chunks = False

    def __init__(self, index: int, group: Group, engine: Engine, retention: Retention) -> None:
        super().__init__(index, group, engine)
        self.cache: PrefixCache = PrefixCache(engine.paths, self.memory, retention)
        self._watcher = retention if isinstance(retention, Watching) else None
        self._matched = 0
        self._held_off = 0
        self._counts_held = False
        if isinstance(retention, Ordering) and retention.order is not None:
            self.order = retention.order
            self._look_at_order()

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies that decide here."""
        return (*super().policies, self.cache.retention)

    def available(self, now: int) -> int:
        """Return the blocks that a request may have which begins now.

        Those of its prompt that are here count; those that are held for others only while nothing
        runs.
        """
        blocks = self.memory.free + self.cache.spare + self._matched
        runs = self.decoding or self.prefilling or self.moving or self.leaving
        return blocks - self.cache.held_back(now) if runs and not self._counts_held else blocks

    def _lasting(self, steps: int) -> int:
        """Return for how many of so many decode steps, at least one, there is memory that grows.

        Blocks before a held one are held with it, and no longer once a decode has taken it: then
        who waits for them may begin.
        """
        if self._waits_for_held and self.cache.held_back(self._turn.now) < self._held_off:
            return 1
        return super()._lasting(steps)

    @property
    def _to_take(self) -> int:
        """Blocks beside the free ones that the iterations of a jump may take."""
        return 0 if self._waits_for_held else self.cache.spare

    @property
    def _waits_for_held(self) -> bool:
        return self._held_off > 0 and bool(self.waiting)

    def free_at(self, now: int) -> int:
        """Return the blocks that no running request holds at a time between the ends of jumps."""
        return super().free_at(now) + self.cache.spare

    def kept_tokens(self, request: Live, now: int) -> int:
        """Return the tokens at the head of a request's prompt whose KV is kept here."""
        self.settle(now)
        return self.cache.kept_tokens(request)

    def settle(self, now: int) -> None:
        """Free the blocks that the iterations of a jump have taken which have begun by now."""
        run = self.running
        if not self.busy or run.pace is None or not self.grows:
            return
        begun = run.pace.reaching(((now - run.began) << SHIFT) - self._carry)
        if 1 < begun <= run.steps:
            self._growth(begun - 1)

    def _growth(self, steps: int) -> int:
        memory, run = self.memory, self.running
        growth = super()._growth(steps)
        if self.cache.retention.steady or run.pace is None:
            self.cache.reclaim(growth + 1 - memory.free, run.began)
            return growth
        # What is of least value may change with every block that is dropped.
        short = 1 - memory.free
        for step in range(1, steps + 1):
            short += memory.wheel[(self.steps + step) % memory.block_size]
            if short > 0:
                begun = run.began + ((self._carry + run.pace.after(step)) >> SHIFT)
                free = memory.free
                self.cache.reclaim(short, begun)
                short -= memory.free - free
        return growth

    def start(self, now: int) -> None:
        """Compose the next batch; those who wait on are as they were, whatever it has found."""
        super().start(now)
        for request in self.cache.seen:
            if request.state is State.WAITING and not request.remote:
                request.done = min(request.cached, request.target - 1)
        self.cache.seen.clear()

    def enqueue(self, request: Live, now: int) -> None:
        """Put a request at the end of the queue."""
        held = self.cache.awaits(request, now)
        if self._watcher is not None:
            self._watcher.came(request, now, held=held)
        super().enqueue(request, now)

    def admit(self, request: Live) -> bool:
        """Begin the head of the queue with the blocks of its prompt that are here."""
        turn, cache = self._turn, self.cache
        self._held_off = 0
        if self.slots <= 0:
            return False
        if not request.remote:
            cache.match(request)
        self._matched = cache.shared(request)
        blocks = self._granted(request)
        if blocks is None and self._granted_with_held(request):
            self._held_off = cache.held_back(turn.now)
        own = 0 if blocks is None else blocks - self._matched
        self._matched = 0
        if blocks is None:
            cache.unmatch(request)
            return False
        cache.reclaim(own - self.memory.free, turn.now)
        if not 0 <= own <= self.memory.free:
            raise turn.impossible(f"{own} blocks for it, {self.memory.free} are free", request)
        self.memory.free -= own
        if not request.remote:
            cache.used(request, turn.now)
            request.cached = request.done
            if not request.begun:
                self._engine.found(request)
                if self._watcher is not None:
                    self._watcher.began(request, turn.now)
        self._begin(request, blocks)
        return True

    def _granted_with_held(self, request: Live) -> bool:
        """Whether a request could begin if it might have what is held for others."""
        self._counts_held = True
        blocks = self._granted(request)
        self._counts_held = False
        return blocks is not None

    def _free(self, request: Live, blocks: int, tokens: int, now: int) -> None:
        """Free what a request held, and keep the prefix of so many of its tokens."""
        held = self.cache.leave(request, blocks, tokens, now)
        if held > now:
            self._engine.call_at(held, self.wake)
