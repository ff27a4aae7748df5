"""One replica at work: batches, and jumps over equal iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.simulator.requests.clock import MASK, nanoseconds
from scheduling.simulator.requests.iterations import Iterations
from scheduling.simulator.requests.live import Live, State
from scheduling.simulator.requests.parts import Chunks
from scheduling.simulator.requests.turn import Turn

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine

# The enumeration looks its members up in Python.
_DONE, _PREFILLING = State.DONE, State.PREFILLING


class Instance(Iterations):
    """One replica, which composes batches when its policies say so, and runs them."""

    def __init__(self, index: int, group: Group, engine: Engine) -> None:
        super().__init__(index, group, engine)
        self._turn = Turn(self)

    # What happens to it.

    def enqueue(self, request: Live, now: int) -> None:
        """Put a request at the end of the queue."""
        waiting = self.waiting
        waiting.append(request)
        self._unsorted = True
        self.outstanding += 1
        self.load_tokens += request.target
        if not self.busy:
            self._engine.touch(self)
        elif self._preempting is not None and self.running.chunks:
            self._give_way(self._preempting, now)
        elif self._passes or len(waiting) == 1:
            # A jump with prompts takes as many tokens of the same one, whoever comes; but it is the
            # next turn that has KV fetched.
            run = self.running
            if run.steps > 1 and (request.remote or not run.chunks) and self.slots > 0:
                self._interrupt(now)

    def withdraw(self, request: Live) -> None:
        """Take a request out of the queue."""
        self.waiting.remove(request)
        self.outstanding -= 1
        self.load_tokens -= request.target

    def arrive(self, request: Live, now: int) -> None:
        """Take in the KV of a request computed elsewhere; it decodes from the next batch on."""
        self._arrived.append(request)
        if not self.busy:
            self._engine.touch(self)
        else:
            self._interrupt(now)

    def release(self, request: Live, now: int) -> None:
        """Free what a request holds here whose KV has been fetched by another instance."""
        self.leaving -= 1
        self._free(request, request.left_behind, request.target, now)
        if not self.busy:
            self._engine.touch(self)

    def wake(self, now: int) -> None:
        """Let the policies look again at a time that they have named."""
        if self.busy:
            self._interrupt(now)
        else:
            self._engine.touch(self)

    def start(self, now: int) -> None:
        """Compose the next batch and run it, or many equal ones, or wait."""
        turn = self._turn
        turn.now = now
        turn.decodes = 0
        if turn.chunks:
            turn.clear()
        if self._arrived:
            self._welcome()
        if self.waiting:
            self._line_up(now)
        evictions, queued = self._evictions, len(self.waiting)
        self.composition.compose(turn)
        # An eviction has changed what the next turn finds.
        steady = self._evictions == evictions
        if not (steady or turn.chunks or turn.decodes):
            # All that ran has been evicted, so the head of the queue may begin now.
            self.fetch(now)
            self.composition.compose(turn)
        if len(self.waiting) < queued and self.waiting and self.waiting[0].remote:
            # It has come to the head of the queue, and the next turn has its KV fetched.
            steady = False
        if turn.wake_ns is not None:
            self._engine.call_at(max(turn.wake_ns, now + 1), self.wake)
        if turn.chunks:
            self._run_mixed(now, turn.decodes, turn.chunks, steady)
        elif turn.decodes:
            self._run_decodes(now, turn.decodes, steady)
        else:
            self._idle(turn)
        turn.wake_ns = None

    def _line_up(self, now: int) -> None:
        """Bring the queue into its order, and have KV fetched for its head."""
        if self.order is not None:
            if not self.order.steady:
                self._unsorted = True
            self._sort()
        if self.waiting[0].remote:
            self.fetch(now)

    def finish(self, now: int) -> None:
        """End the iterations that have been running; another batch is to be composed."""
        run, tally, memory = self.running, self.tally, self.memory
        steps, decodes, chunks = run.steps, run.decodes, run.chunks
        self.busy = False
        self._carry = (self._carry + run.passed) & MASK
        grown = used = memory.capacity - memory.free
        if self.cache is not None:
            grown = used = used - self.cache.spare
        if decodes:
            if steps > 1 and self.grows:
                growth = self._growth(steps - 1)
                memory.free -= growth
                grown += growth
            tally.decoded_tokens += decodes * steps
            self.steps += steps
        span = now - run.began
        tally.iterations += steps
        tally.jumps += 1
        tally.busy_ns += span
        tally.block_ns += (used + grown) * span / 2
        if grown > tally.peak_blocks:
            tally.peak_blocks = grown
        if tally.samples is not None:
            tally.samples += ((run.began, used), (now, grown))
        if self._ends.first <= self.steps:
            for request in self._ends.until(self.steps):
                self._leave(request, now, keep=True)
                self._end(request, now)
        if not chunks:
            tally.passes[decodes] += steps
        elif steps > 1:
            tally.passes[run.new_tokens + decodes] += steps
            request, tokens = chunks[0]
            request.done += tokens * steps
            tally.new_tokens += tokens * steps
        elif run.part is None:
            tally.passes[run.new_tokens + decodes] += 1.0
            self._end_chunks(now, chunks)
        else:
            tally.count_parts(run, run.part)
            if run.part.finishes and not run.cut:
                self._end_chunks(now, chunks)

    # What its turn does.

    def admit(self, request: Live) -> bool:
        """Begin a request of the queue, if there is a slot and the admission policy lets it."""
        memory = self.memory
        if self.outstanding - len(self.waiting) >= self._most:
            return False
        blocks = self._granted(request)
        if blocks is None:
            return False
        if blocks > memory.free:
            found = f"{blocks} blocks for it, {memory.free} are free"
            raise self._turn.impossible(found, request)
        memory.free -= blocks
        self._begin(request, blocks)
        return True

    def _granted(self, request: Live) -> int | None:
        """Return the blocks that the admission policy gives a request, enough for its tokens."""
        turn = self._turn
        if self.adapters is not None and not self.adapters.fits(request):
            return None
        blocks = self.admission.grant(turn, request)
        if blocks is not None and blocks * turn.block_size < request.target:
            raise turn.impossible(f"{blocks} blocks for its {request.target} tokens", request)
        return blocks

    def _begin(self, request: Live, blocks: int) -> None:
        """Take a request out of the queue; it has these blocks."""
        if self.waiting[0] is request:
            self.waiting.popleft()
        else:
            self.waiting.remove(request)
        request.blocks = blocks
        if self.adapters is not None and self.adapters.begin(request):
            self._copying += nanoseconds(self.adapters.memory.load_seconds)
            self.tally.adapter_loads += 1
        if not request.begun:
            request.begun = True
            self._engine.started[request.row] = self._turn.now
        if not request.remote:
            request.state = _PREFILLING
            self.prefilling.append(request)

    def answer_at_once(self, request: Live) -> None:
        """Count the answer of a request that waits as part of its prompt."""
        target = self._engine.totals[request.row] - 1
        self.load_tokens += target - request.target
        request.target = target

    def fetch(self, now: int) -> None:
        """Have the KV moved here of the requests at the head of the queue that lies elsewhere."""
        while (request := self.front) is not None and request.remote:
            if not self.admit(request):
                break
            request.state = State.MOVING
            self.moving += 1
            self._bring(request, now)

    def _idle(self, turn: Turn) -> None:
        self._carry = 0
        if turn.wake_ns is not None:
            self._look_again(turn)
            return
        if self.waiting and not (self.moving or self.leaving):
            if self.decoding or self.prefilling:
                raise turn.impossible("nothing runs though requests could", self.waiting[0])
            raise turn.impossible("it waits for ever, for nothing runs", self.waiting[0])
        if not self.waiting and (self.decoding or self.prefilling):
            stuck = next(iter(self.decoding.values()), None) or self.prefilling[0]
            raise turn.impossible("it has begun and nothing runs", stuck)

    # Requests.

    def _welcome(self) -> None:
        """Let requests decode whose KV has come."""
        for request in self._arrived:
            self.moving -= 1
            request.remote = False
            self._join(request, self._engine.totals[request.row] - request.target - 1)
        self._arrived.clear()

    def _bring(self, request: Live, now: int) -> None:
        """Have the KV of a request moved here, for which there is room."""
        self._engine.fetch(self, request, now)

    def _end(self, request: Live, now: int) -> None:
        request.state = _DONE
        self.outstanding -= 1
        self.load_tokens -= request.target
        if self.adapters is not None:
            self.adapters.leave(request)
        if self._learner is not None:
            self._learner.ended(request, self._engine.totals[request.row] - request.prompt)
        self._engine.done(request, now)

    def _end_chunks(self, now: int, chunks: Chunks) -> None:
        tally = self.tally
        for request, tokens in chunks:
            request.done = done = request.done + tokens
            tally.new_tokens += tokens
            if done < request.target:
                continue
            self.prefilling.remove(request)
            if self.cache is not None:
                self.cache.share(request, now)
            if not request.answered:
                request.answered = True
                self._engine.first[request.row] = now
            left = self._engine.totals[request.row] - request.target - 1
            if not left:
                self._free(request, request.blocks, request.target, now)
                self._end(request, now)
            elif self.group.role == "prefill":
                request.state = State.WAITING
                request.remote = True
                request.source = self.index
                request.left_behind = request.blocks
                self.leaving += 1
                self.outstanding -= 1
                self.load_tokens -= request.target
                if self.adapters is not None:
                    self.adapters.leave(request)
                self._engine.hand_over(request, now)
            else:
                self._join(request, left)
