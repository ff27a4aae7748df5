"""One replica at work: batches, and jumps over equal iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from scheduling.models.cost.protocol import Batch
from scheduling.simulator.requests.clock import MASK, SHIFT, Course, Pace, nanoseconds, ticks
from scheduling.simulator.requests.instance_state import InstanceState
from scheduling.simulator.requests.live import Live, State
from scheduling.simulator.requests.parts import Chunks, mixed_batch, next_batch
from scheduling.simulator.requests.policy import Preempting
from scheduling.simulator.requests.turn import Turn

if TYPE_CHECKING:
    from scheduling.simulator.requests.deployment import Group
    from scheduling.simulator.requests.engine import Engine

_NO_CHUNKS: Chunks = []


class Instance(InstanceState):
    """One replica, which composes batches when its policies say so, and runs them."""

    jumps_chunks: ClassVar[bool] = True
    """Whether equal chunks of a prompt may run as one event."""

    def __init__(self, index: int, group: Group, engine: Engine) -> None:
        super().__init__(index, group, engine)
        self._turn = Turn(self)

    # What happens to it.

    def enqueue(self, request: Live, now: int) -> None:
        """Put a request at the end of the queue."""
        first = not self.waiting or self.order is not None
        self.waiting.append(request)
        self._unsorted = True
        self.load_tokens += request.target
        if not self.busy:
            self._engine.touch(self)
        elif self._preempting is not None and self.running.chunks:
            self._give_way(self._preempting, now)
        elif first and self.slots > 0:
            self._interrupt(now)

    def withdraw(self, request: Live) -> None:
        """Take a request out of the queue."""
        self.waiting.remove(request)
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
        turn.begin(now)
        if self._arrived:
            self._welcome()
        if self.waiting:
            if self.order is not None and not self.order.steady:
                self._unsorted = True
            front = self.front
            if front is not None and front.remote:
                self.fetch(now)
        evictions = self._evictions
        self.composition.compose(turn)
        if self._evictions > evictions and not (turn.chunks or turn.decodes):
            # All that ran has been evicted, so the head of the queue may begin now.
            self.fetch(now)
            self.composition.compose(turn)
        if turn.wake_ns is not None:
            self._engine.call_at(max(turn.wake_ns, now + 1), self.wake)
        chunks = turn.chunks
        if chunks:
            self._run_mixed(now, turn.decodes, chunks, self._evictions == evictions)
        elif turn.decodes:
            # An eviction has changed what the next turn finds.
            self._run_decodes(now, turn.decodes, self._evictions == evictions)
        else:
            self._idle(turn)

    def finish(self, now: int) -> None:
        """End the iterations that have been running."""
        run, tally, memory = self.running, self.tally, self.memory
        steps = run.steps
        self.busy = False
        self._carry = (self._carry + run.passed) & MASK
        used = memory.capacity - memory.free
        if self.cache is not None:
            used -= self.cache.spare
        grown = used
        if steps > 1 and self._grows and run.decodes:
            growth = memory.need(self.steps + 1, steps - 1)
            if self.cache is not None:
                self.cache.reclaim(growth + 1 - memory.free, run.began)
            memory.free -= growth
            grown += growth
        span = now - run.began
        tally.iterations += steps
        tally.jumps += 1
        tally.busy_ns += span
        tally.block_ns += (used + grown) * span / 2
        if grown > tally.peak_blocks:
            tally.peak_blocks = grown
        if tally.samples is not None:
            tally.samples += ((run.began, used), (now, grown))
        if run.decodes:
            tally.decoded_tokens += run.decodes * steps
            self.steps += steps
            ends = self._ends.heap
            if ends and ends[0][0] <= self.steps:
                for request in self._ends.until(self.steps):
                    self._leave(request, now, keep=True)
                    self._end(request, now)
        if run.chunks:
            tally.count_passes(run)
            if steps > 1:
                request, tokens = run.chunks[0]
                request.done += tokens * steps
                tally.new_tokens += tokens * steps
            elif not run.cut and (run.part is None or run.part.finishes):
                self._end_chunks(now, run.chunks)
        else:
            passes, tokens = tally.passes, run.decodes
            passes[tokens] = passes.get(tokens, 0.0) + steps
        if not self.dirty:
            self._engine.touch(self)

    # What its turn does.

    def admit(self, request: Live) -> bool:
        """Begin a request of the queue, if there is a slot and the admission policy lets it."""
        turn = self._turn
        if self.slots <= 0:
            return False
        blocks = self._granted(request)
        if blocks is None:
            return False
        if blocks > self.memory.free:
            raise turn.impossible(f"{blocks} blocks for it, {self.memory.free} are free", request)
        self.memory.free -= blocks
        self._begin(request, blocks)
        return True

    def _granted(self, request: Live) -> int | None:
        """Return the blocks that the admission policy gives a request, enough for its tokens."""
        turn = self._turn
        if self.adapters is not None and not self.adapters.fits(request):
            return None
        blocks = self.admission.grant(turn, request)
        if blocks is not None and blocks < self.memory.blocks(request.target):
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
            self._engine.began(request, self._turn.now)
        if not request.remote:
            request.state = State.PREFILLING
            self.prefilling.append(request)

    def answer_at_once(self, request: Live) -> None:
        """Count the answer of a request that waits as part of its prompt."""
        target = self._engine.total(request) - 1
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

    # Iterations.

    def _run_decodes(self, now: int, decodes: int, steady: bool) -> None:
        run = self.running
        context = self.context(decodes)
        line = self._lines.at(decodes, context)
        steps = 1
        if line is None:
            pace = Pace(ticks(self.cost.seconds(Batch.decode(decodes, context))), 0)
        else:
            pace = Pace.along(line, context, decodes)
            if steady and self._jumps and not self._asked:
                steps = self._lasting(self._ends.next() - self.steps)
        if self.adapters is not None:
            pace = pace._replace(fixed=pace.fixed + self._of_adapters(decodes, _NO_CHUNKS))
        run.pace = pace
        run.chunks = _NO_CHUNKS
        self._launch(now, steps, decodes, pace.after(steps))

    def _of_adapters(self, decodes: int, chunks: Chunks) -> int:
        """Return the ticks that the adapters of a batch add to an iteration."""
        if self.adapters is None:
            return 0
        running = [one for one, _ in chunks]
        if decodes:
            running += self.decoding.values()
        return ticks(self.adapters.seconds(running))

    @property
    def _asked(self) -> bool:
        """Whether a policy may let somebody begin though nothing has happened."""
        return bool(self.waiting) and self.slots > 0 and not self._settled

    def _lasting(self, steps: int) -> int:
        """Return for how many of so many decode steps there is memory."""
        if not self._grows or steps <= 1:
            return steps
        spare = 0 if self.cache is None else self.cache.spare
        return 1 + self.memory.lasts(self.steps + 1, steps - 1, spare)

    def _run_mixed(self, now: int, decodes: int, chunks: Chunks, steady: bool) -> None:
        run = self.running
        part = self._turn.part
        batch = mixed_batch(chunks, decodes, self.context(decodes))
        run.pace = None
        run.chunks = chunks
        run.new_tokens = batch.new_tokens
        run.part = part
        run.cut = 0
        steps = self._repeats(chunks, decodes) if steady and self._turn.repeats else 1
        more = 0 if self.adapters is None else self._of_adapters(decodes, chunks)
        if steps == 1:
            seconds = self.cost.seconds(batch) if part is None else part.seconds
            self._launch(now, 1, decodes, ticks(seconds) + more)
            return
        passed = 0
        ends = []
        for _ in range(steps):
            passed += ticks(self.cost.seconds(batch)) + more
            ends.append(passed)
            batch = next_batch(batch)
        run.pace = Course(ends)
        self._launch(now, steps, decodes, passed)

    def _repeats(self, chunks: Chunks, decodes: int) -> int:
        """Return how many batches in a row take as many tokens of one prompt as this one."""
        # Memory that is given back on the way would be missing in the peak.
        if not (self._jumps and self.jumps_chunks) or self._asked or self.leaving:
            return 1
        request, tokens = chunks[0]
        steps = (request.left - 1) // tokens
        if decodes and steps > 1:
            steps = self._lasting(min(steps, self._ends.next() - self.steps))
        return max(1, steps)

    def _launch(self, now: int, steps: int, decodes: int, passed: int) -> None:
        if self._copying:
            self.tally.copying_ns += self._copying
            now += self._copying
            self._copying = 0
        run = self.running
        run.began = now
        run.steps = steps
        run.decodes = decodes
        run.passed = passed
        self.busy = True
        self.version += 1
        self._engine.end_at(now + ((self._carry + passed) >> SHIFT), self, self.version)

    def _interrupt(self, now: int) -> None:
        """End a jump, if there is one, with the iteration that runs now."""
        run = self.running
        pace = run.pace
        if pace is None:
            return
        steps = max(1, pace.reaching(((now - run.began) << SHIFT) - self._carry))
        if steps < run.steps:
            self._launch(run.began, steps, run.decodes, pace.after(steps))

    def _give_way(self, policy: Preempting, now: int) -> None:
        """Cut the pass that runs after its present operator, if the policy wants that."""
        run, turn = self.running, self._turn
        if run.cut or run.part is None or not run.part.operators:
            return
        turn.now = now
        if not policy.preempts(turn):
            return
        count = run.part.operators
        done = ((now - run.began) << SHIFT) - self._carry
        cut = max(1, -(-done * count // run.passed)) if run.passed else count
        if cut < count:
            self._launch(run.began, 1, run.decodes, -(-run.passed * cut // count))
            run.cut = cut

    def _idle(self, turn: Turn) -> None:
        self._carry = 0
        if turn.wake_ns is not None:
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
            self._join(request)
        self._arrived.clear()

    def _bring(self, request: Live, now: int) -> None:
        """Have the KV of a request moved here, for which there is room."""
        self._engine.fetch(self, request, now)

    def _end(self, request: Live, now: int) -> None:
        request.state = State.DONE
        self.load_tokens -= request.target
        if self.adapters is not None:
            self.adapters.leave(request)
        if self._learner is not None:
            self._learner.ended(request, self._engine.total(request) - request.prompt)
        self._engine.done(request, now)

    def _end_chunks(self, now: int, chunks: Chunks) -> None:
        for request, tokens in chunks:
            request.done += tokens
            self.tally.new_tokens += tokens
            if request.done < request.target:
                continue
            self.prefilling.remove(request)
            if self.cache is not None:
                self.cache.share(request, now)
            if not request.answered:
                request.answered = True
                self._engine.first_token(request, now)
            if self._engine.total(request) == request.target + 1:
                self._free(request, request.blocks, request.target, now)
                self._end(request, now)
            elif self.group.role == "prefill":
                request.state = State.WAITING
                request.remote = True
                request.source = self.index
                request.left_behind = request.blocks
                self.leaving += 1
                self.load_tokens -= request.target
                if self.adapters is not None:
                    self.adapters.leave(request)
                self._engine.hand_over(request, now)
            else:
                self._join(request)
