"""What an instance has done, and what it is at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from scheduling.simulator.requests.clock import Course, Pace
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.parts import Part


@dataclass(slots=True)
class Current:
    """What an instance is at: ``steps`` equal batches in a row.

    Attributes
    ----------
    began, passed
        Nanosecond at which it began, and the ticks that it takes.
    steps, decodes
        Iterations, and the requests that decode in each.
    fixed, slope, course
        Their times: those of a :class:`~scheduling.simulator.requests.clock.Pace`, or each for
        itself; ``fixed`` is -1 and there is no course where nothing can end them early.
    chunks, new_tokens
        Requests that compute prompt tokens in each, with how many; their sum.
    part
        How its prompts pass the layers, unless in one go.
    cut
        Operators after which it gives way; 0: it does not.
    """

    began: int = 0
    passed: int = 0
    steps: int = 0
    decodes: int = 0
    fixed: int = -1
    slope: int = 0
    course: Course | None = None
    chunks: list[tuple[Live, int]] = field(default_factory=list)
    new_tokens: int = 0
    part: Part | None = None
    cut: int = 0

    @property
    def pace(self) -> Pace | Course | None:
        """Times of its iterations; ``None`` where nothing can end them early."""
        if self.fixed >= 0:
            return Pace(self.fixed, self.slope)
        return self.course


@dataclass(slots=True)
class Tally:
    """What an instance has done.

    Attributes
    ----------
    iterations
        Batches that it ran.
    jumps
        Events that these took: each stands for one iteration or many.
    busy_ns
        Nanoseconds in which it ran batches.
    restarts
        Evictions.
    peak_blocks
        Most blocks of KV memory in use at an end of an iteration.
    block_ns
        Blocks in use, integrated over busy time; along a jump they are taken to grow evenly.
    new_tokens, decoded_tokens
        Prompt tokens that it computed, and tokens that its decode steps made.
    taken_over
        Requests that moved here while they decoded.
    samples
        Where a timeline is asked for: times in nanoseconds with the blocks in use, at the start
        and at the end of every event; in between they grow evenly.
    swaps, swapped_out, swapped_in
        Evictions whose KV went to the host, and the tokens copied there and back.
    peak_host_tokens
        Most tokens on the host at a time.
    host_tokens
        Tokens of prompts that were found on the host alone, and copied from there.
    adapter_loads
        Adapters that were loaded.
    copying_ns
        Nanoseconds that iterations waited for copies.
    replaced_tokens
        Computed tokens of prompts that were replaced later.
    passes
        How often so many tokens together passed the layers. A batch that takes its prompts through
        a share of the layers counts by this share with them, and by the rest without.
    """

    iterations: int = 0
    jumps: int = 0
    busy_ns: int = 0
    restarts: int = 0
    peak_blocks: int = 0
    block_ns: float = 0.0
    new_tokens: int = 0
    decoded_tokens: int = 0
    taken_over: int = 0
    samples: list[tuple[int, int]] | None = None
    swaps: int = 0
    swapped_out: int = 0
    swapped_in: int = 0
    peak_host_tokens: int = 0
    host_tokens: int = 0
    adapter_loads: int = 0
    copying_ns: int = 0
    replaced_tokens: int = 0
    passes: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))

    def count_parts(self, run: Current, part: Part) -> None:
        """Count the passes of an iteration whose prompts pass in parts, as far as they have gone.

        Parameters
        ----------
        run, part
            The iteration, and how its prompts pass.
        """
        share = part.share
        if run.cut:
            share *= run.cut / part.operators
        for tokens, times in ((run.new_tokens + run.decodes, share), (run.decodes, 1.0 - share)):
            if tokens and times:
                self.passes[tokens] += times
