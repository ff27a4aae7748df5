"""Iterations of one replica: how long they take, and how many of them pass as one event."""

from __future__ import annotations

from heapq import heappush
from typing import ClassVar

from scheduling.models.cost.protocol import Batch
from scheduling.simulator.requests.clock import SHIFT, Course, Pace, ticks
from scheduling.simulator.requests.instance_state import InstanceState
from scheduling.simulator.requests.parts import Chunks, mixed_batch, next_batch
from scheduling.simulator.requests.policy import Preempting

_NO_CHUNKS: Chunks = []


class Iterations(InstanceState):
    """One replica that runs the batches which are composed for it."""

    jumps_chunks: ClassVar[bool] = True
    """Whether equal chunks of a prompt may run as one event."""

    def _run_decodes(self, now: int, decodes: int, steady: bool) -> None:
        """Run a batch of decodes alone, or as many as pass before anything else can happen."""
        self.running.chunks = _NO_CHUNKS
        context = self._base_sum + decodes * self.steps
        jumps = steady and self._jumps
        if self._form is not None:
            base, _, per_decode, per_context, _, _ = self._form
            slope = per_context * decodes
            fixed = base + per_decode * decodes + per_context * context
        elif (line := self._lines.at(decodes, context)) is not None:
            fixed, slope = Pace.along(line, context, decodes)
        else:
            fixed, slope = ticks(self.cost.seconds(Batch.decode(decodes, context))), 0
            jumps = False
        if self.adapters is not None:
            fixed += self._of_adapters(decodes, _NO_CHUNKS)
        if jumps and not (self.waiting and self._asked):
            steps = self._ends.first - self.steps
            # Mostly there is a block for each of them as often as it may need one.
            memory = self.memory
            if memory.free <= memory.count * (steps // memory.block_size + 1):
                steps = self._lasting(steps)
            if steps > 1:
                passed = steps * fixed + slope * (steps * (steps - 1) // 2)
                self._launch(now, steps, decodes, passed, fixed, slope)
                return
        self._launch(now, 1, decodes, fixed)

    def _run_mixed(self, now: int, decodes: int, chunks: Chunks, steady: bool) -> None:
        """Run a batch with prompts, or as many as take as many tokens of the same one."""
        run, turn = self.running, self._turn
        run.chunks = chunks
        run.part = part = turn.part
        steps = self._repeats(chunks, decodes) if turn.repeats and steady else 1
        if self._form is None or part is not None:
            self._run_asked(now, steps, mixed_batch(chunks, decodes, self.context(decodes)))
            return
        base, per_new, per_decode, per_context, per_cached, half_pair = self._form
        new = cached = 0
        for request, tokens in chunks:
            new += tokens
            cached += request.done
        run.new_tokens = new
        fixed = base + per_new * new + per_cached * cached
        if half_pair:
            fixed += half_pair * sum(
                tokens * (2 * request.done + tokens + 1) for request, tokens in chunks
            )
        if self.adapters is not None:
            fixed += self._of_adapters(decodes, chunks)
        if decodes:
            context = self._base_sum + decodes * self.steps
            fixed += per_decode * decodes + per_context * context
        if steps == 1:
            self._launch(now, 1, decodes, fixed)
            return
        slope = per_context * decodes + (per_cached + 2 * half_pair * new) * new
        passed = steps * fixed + slope * (steps * (steps - 1) // 2)
        self._launch(now, steps, decodes, passed, fixed, slope)

    def _run_asked(self, now: int, steps: int, batch: Batch) -> None:
        """Run batches with prompts whose times the cost model tells one by one."""
        run = self.running
        run.cut = 0
        run.new_tokens = batch.new_tokens
        more = self._of_adapters(batch.decodes, run.chunks)
        if steps == 1:
            seconds = self.cost.seconds(batch) if run.part is None else run.part.seconds
            self._launch(now, 1, batch.decodes, ticks(seconds) + more)
            return
        passed = 0
        ends = []
        decodes = batch.decodes
        for _ in range(steps):
            passed += ticks(self.cost.seconds(batch)) + more
            ends.append(passed)
            batch = next_batch(batch)
        self._launch(now, steps, decodes, passed, course=Course(ends))

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
        return bool(self.waiting) and not self._settled and self.slots > 0

    def _lasting(self, steps: int) -> int:
        """Return for how many of so many decode steps, at least one, there is memory that grows."""
        if steps <= 1 or not self.grows:
            return steps
        return 1 + self.memory.lasts(self.steps + 1, steps - 1, self._to_take)

    @property
    def _to_take(self) -> int:
        """Blocks beside the free ones that the iterations of a jump may take."""
        return 0

    def _repeats(self, chunks: Chunks, decodes: int) -> int:
        """Return how many batches in a row take as many tokens of one prompt as this one."""
        # Memory that is given back on the way would be missing in the peak.
        if not (self._jumps and self.jumps_chunks) or self._asked or self.leaving:
            return 1
        request, tokens = chunks[0]
        steps = (request.left - 1) // tokens
        if steps <= 1:
            return 1
        if decodes:
            steps = self._lasting(min(steps, self._ends.first - self.steps))
        return steps

    def _launch(
        self,
        now: int,
        steps: int,
        decodes: int,
        passed: int,
        fixed: int = -1,
        slope: int = 0,
        course: Course | None = None,
    ) -> None:
        """Begin iterations that take so many ticks; more than one, at a pace or by a course."""
        if self._copying:
            self.tally.copying_ns += self._copying
            now += self._copying
            self._copying = 0
        run = self.running
        run.began = now
        run.steps = steps
        run.decodes = decodes
        run.passed = passed
        run.fixed = fixed
        run.slope = slope
        run.course = course
        self.busy = True
        self.version = version = self.version + 1
        time = now + ((self._carry + passed) >> SHIFT)
        # By index where times are equal: when an end was foreseen depends on jumps.
        heappush(self._events, (time, self.index, version, self))

    def _interrupt(self, now: int) -> None:
        """End a jump, if there is one, with the iteration that runs now."""
        run = self.running
        pace = run.pace
        if pace is None:
            return
        steps = max(1, pace.reaching(((now - run.began) << SHIFT) - self._carry))
        if steps < run.steps:
            passed = pace.after(steps)
            self._launch(run.began, steps, run.decodes, passed, run.fixed, run.slope, run.course)

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
