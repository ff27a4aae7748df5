"""What one replica holds: its queue, the requests that run, and their KV memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduling.simulator.requests.adapters import Adapters
from scheduling.simulator.requests.clock import SHIFT, Form, Lines
from scheduling.simulator.requests.ends import Ends
from scheduling.simulator.requests.live import Live, State
from scheduling.simulator.requests.memory import Memory
from scheduling.simulator.requests.policy import (
    Choosing,
    Learning,
    Ordering,
    Preempting,
    Remembering,
)
from scheduling.simulator.requests.prefixes import PrefixCache
from scheduling.simulator.requests.run import InstanceRun
from scheduling.simulator.requests.tally import Current, Tally

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine
    from scheduling.simulator.requests.policy import (
        Admission,
        Begins,
        Composition,
        Eviction,
        Order,
        Policy,
    )
    from scheduling.simulator.requests.turn import Turn

# The enumeration looks its members up in Python.
_DECODING, _WAITING = State.DECODING, State.WAITING

_IDLE_TURNS = 100_000
"""How often in a row policies may look at requests that wait, and run nothing."""


class InstanceState:
    """What one replica is at; :class:`~scheduling.simulator.requests.instance.Instance` runs it.

    All requests that decode advance together: ``steps`` counts the iterations in which they do, and
    a request's tokens follow from it. So an iteration, or a jump over many, costs the same for one
    request as for a hundred.

    Attributes
    ----------
    outstanding, load_tokens
        Requests that are queued, running or on their way here; tokens that their prefills have to
        reach.
    """

    # More names than Python shares between instances, whose lookups would be slow without slots.
    __slots__ = (
        "_arrived",
        "_base_sum",
        "_begins",
        "_carry",
        "_copying",
        "_ends",
        "_engine",
        "_events",
        "_evictions",
        "_form",
        "_idle_since",
        "_idle_turns",
        "_jumps",
        "_learner",
        "_lines",
        "_most",
        "_passes",
        "_preempting",
        "_settled",
        "_turn",
        "_unsorted",
        "adapters",
        "admission",
        "busy",
        "cache",
        "composition",
        "cost",
        "decoding",
        "dirty",
        "eviction",
        "group",
        "grows",
        "index",
        "leaving",
        "load_tokens",
        "memory",
        "moving",
        "name",
        "order",
        "outstanding",
        "prefilling",
        "running",
        "steps",
        "tally",
        "version",
        "waiting",
    )

    _turn: Turn

    def __init__(self, index: int, group: Group, engine: Engine) -> None:
        self.index = index
        self.group = group
        self.name = f"{group.name}/{index}"
        self._engine = engine
        self._events = engine.events
        self.cost = group.cost
        composition = group.composition
        if isinstance(composition, Remembering):
            composition = composition.fresh(index)
        self.composition: Composition = composition
        self.order: Order | None = group.order
        if isinstance(composition, Ordering):
            self.order = composition.order
        self._preempting = composition if isinstance(composition, Preempting) else None
        learner = group.admission.fresh(index) if isinstance(group.admission, Learning) else None
        self._learner = learner
        self.admission: Admission = learner or group.admission
        self.eviction: Eviction = group.eviction
        self.memory = Memory(group.kv_blocks, group.block_size)
        self.cache: PrefixCache | None = None
        self.waiting: deque[Live] = deque()
        self.prefilling: list[Live] = []
        self.decoding: dict[int, Live] = {}
        self.moving = 0
        self._most = group.max_sequences
        self.leaving = 0
        self.steps = 0
        self.busy = False
        self.version = 0
        self.dirty = False
        self.load_tokens = 0
        self.outstanding = 0
        self.tally = Tally()
        self._base_sum = 0
        self._evictions = 0
        self._idle_since = 0
        self._idle_turns = 0
        self._carry = 0
        self._copying = 0
        self.adapters = None if group.adapters is None else Adapters(group.adapters)
        self._ends = Ends()
        self.running = Current()
        self._arrived: list[Live] = []
        self._form = Form.of(self.cost)
        self._lines = Lines(self.cost)
        self._unsorted = False
        self._jumps = engine.jumps and self.composition.steady
        self._begins: Begins = composition.begins if isinstance(composition, Choosing) else "any"
        self.grows = self.admission.grows
        self._look_at_order()

    def _look_at_order(self) -> None:
        """Note who may begin under the order of the queue: when time passes, when one comes."""
        ordered = self.order is None or self.order.steady
        self._settled = ordered and self.admission.steady and self._begins != "by-time"
        self._passes = self.order is not None or self._begins != "first"

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies that decide here."""
        own: tuple[Policy, ...] = (self.composition, self.admission, self.eviction)
        return own if self.order is None else (*own, self.order)

    @property
    def front(self) -> Live | None:
        """The request of the queue whose turn it is; ``None`` when nobody waits."""
        if self.order is not None:
            self._sort()
        return self.waiting[0] if self.waiting else None

    def _sort(self) -> None:
        """Bring the queue into its order."""
        if self._unsorted and self.order is not None:
            key, now = self.order.key, self._turn.now
            ordered = sorted(self.waiting, key=lambda request: key(request, now))
            self.waiting.clear()
            self.waiting.extend(ordered)
            self._unsorted = False

    def queue(self, now: int) -> Sequence[Live]:
        """Return the requests of the queue as their turns come, by its order at a time.

        At the last turn, which is long ago in a jump, the order may have been another.
        """
        order = self.order
        if order is None or order.steady:
            self._sort()
            return self.waiting
        return sorted(self.waiting, key=lambda request: order.key(request, now))

    @property
    def slots(self) -> int:
        """Requests that may still begin before the batch is full."""
        return self._most - self.outstanding + len(self.waiting)

    @property
    def done(self) -> InstanceRun:
        """What it has done."""
        return InstanceRun(self.name, self.group.name, self.memory.capacity, self.tally)

    def tokens(self, request: Live) -> int:
        """Return the tokens of a request so far: computed ones, or prompt and answer."""
        if request.state is _DECODING:
            return request.base + self.steps
        return request.done

    def completed(self, now: int) -> int:
        """Return how many iterations of the jump that runs now have ended by a time."""
        run = self.running
        if not self.busy or run.pace is None:
            return 0
        # Its last has ended by now where it was cut short at this very time.
        span = ((now - run.began + 1) << SHIFT) - self._carry
        # None has before it begins, which copies may put off.
        return max(0, min(run.pace.reaching(span) - 1, run.steps))

    def tokens_at(self, request: Live, now: int) -> int:
        """Return the tokens of a request at a time between the ends of jumps."""
        each = 0
        if request.state is _DECODING:
            each = 1
        elif self.running.chunks:
            # A jump with prompts takes as many tokens of one in every iteration.
            one, tokens = self.running.chunks[0]
            each = tokens if one is request else 0
        return self.tokens(request) + (each * self.completed(now) if each else 0)

    def free_at(self, now: int) -> int:
        """Return the blocks that are free at a time between the ends of jumps."""
        run = self.running
        if not self.completed(now) or not self.grows or run.pace is None:
            return self.memory.free
        begun = run.pace.reaching(((now - run.began) << SHIFT) - self._carry)
        return self.memory.free - self.memory.need(self.steps + 1, begun - 1)

    def context(self, decodes: int) -> int:
        """Return the tokens whose KV is read if so many, all that decode or none, do so now."""
        return self._base_sum + decodes * self.steps if decodes else 0

    def available(self, now: int) -> int:
        """Return the blocks that a request may have which begins now."""
        del now
        return self.memory.free

    def kept_tokens(self, request: Live, now: int) -> int:
        """Return the tokens at the head of a request's prompt whose KV is kept here."""
        del request, now
        return 0

    def _look_again(self, turn: Turn) -> None:
        """Count how often in a row policies look again and run nothing."""
        if self.tally.jumps != self._idle_since:
            self._idle_since = self.tally.jumps
            self._idle_turns = 0
        self._idle_turns += 1
        if self._idle_turns > _IDLE_TURNS and self.waiting:
            raise turn.impossible(f"nothing has run in {_IDLE_TURNS} turns", self.waiting[0])

    # Memory.

    def make_room(self) -> int:
        """Give requests that decode the blocks of their next tokens, of which too few are free.

        Returns how many decode: what nobody uses is dropped for them, then others are evicted.
        """
        memory = self.memory
        need = memory.wheel[self.steps % memory.block_size]
        if self.cache is not None:
            self.cache.reclaim(1 + need - memory.free, self._turn.now)
            if memory.free > need:
                memory.free -= need
                return len(self.decoding)
        return self._secure_one_by_one()

    def _growth(self, steps: int) -> int:
        """Return the blocks that so many steps of a jump behind its first take; they are free."""
        return self.memory.need(self.steps + 1, steps)

    def _secure_one_by_one(self) -> int:
        """Give memory in the order of the eviction policy, taking it from the other end."""
        memory = self.memory
        ranked = deque(self.eviction.ranking([*self.decoding.values(), *self.prefilling]))
        count = 0
        while ranked:
            request = ranked.popleft()
            if request.state is not _DECODING:
                continue
            while memory.free < 1:
                if self.cache is not None and self.cache.spare:
                    self.cache.reclaim(1, self._turn.now)
                    continue
                if not ranked:
                    self.evict(request, alone=not (count or self.prefilling))
                    break
                self.evict(ranked.pop())
            else:
                if (request.base + self.steps - 1) % memory.block_size == 0:
                    memory.free -= 1
                count += 1
        return count

    def evict(self, request: Live, *, alone: bool = False) -> None:
        """Send a request back to the head of the queue; it begins anew later.

        Parameters
        ----------
        request
            One that runs.
        alone
            Memory is short for it though nobody else runs.
        """
        del alone
        if request.state is _DECODING:
            self._leave(request, self._turn.now, keep=False)
            request.done = request.base + self.steps
        else:
            self.prefilling.remove(request)
            self._free(request, request.blocks, 0, self._turn.now)
        again = self.eviction.restart(request)
        if not request.prompt <= again <= max(request.target, request.done):
            raise self._turn.impossible(f"it is to begin anew up to token {again}", request)
        self.load_tokens += again - request.target
        request.target = again
        request.done = min(request.cached, request.target - 1)
        request.state = _WAITING
        request.restarts += 1
        self.tally.restarts += 1
        self._give_back(request)

    def _give_back(self, request: Live) -> None:
        """Put a request that has given way at the head of the queue."""
        if self.adapters is not None:
            self.adapters.leave(request)
        self.waiting.appendleft(request)
        self._unsorted = True
        self._evictions += 1

    def _join(self, request: Live, left: int) -> None:
        """Let a request decode whose prefill is done: it has one token more than its target.

        Parameters
        ----------
        request, left
            It, and the tokens that its answer lacks, which policies do not know.
        """
        request.state = _DECODING
        request.base = base = request.target + 1 - self.steps
        self.decoding[request.row] = request
        self._base_sum += base
        if self.grows:
            self.memory.join(base)
        self._ends.add(self.steps + left, request)

    def _leave(self, request: Live, now: int, *, keep: bool) -> None:
        """Take a request out of those that decode, with all that it holds."""
        held, base, memory = request.blocks, request.base, self.memory
        stored = base + self.steps - 1
        if self.grows:
            grown = -(-stored // memory.block_size)
            if grown > held:
                held = grown
            memory.leave(base)
        del self.decoding[request.row]
        self._base_sum -= base
        if not keep:
            self._ends.drop(request)
        if self.cache is None:
            memory.free += held
        else:
            self._free(request, held, stored if keep else 0, now)

    def _forget(self, request: Live) -> None:
        """Drop what is kept elsewhere of a request that goes for good."""
        del request

    def _free(self, request: Live, blocks: int, tokens: int, now: int) -> None:
        """Free what a request held, of which so many tokens might be kept."""
        del request, tokens, now
        self.memory.free += blocks
