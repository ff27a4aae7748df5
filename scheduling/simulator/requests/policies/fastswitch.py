"""FastSwitch: requests change places by priority, their KV on the host meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.policies.composition import PrefillFirst
from scheduling.simulator.requests.policies.eviction import LatestArrival
from scheduling.simulator.requests.policy import Provenance

if TYPE_CHECKING:
    from scheduling.simulator.requests.live import Live
    from scheduling.simulator.requests.turn import Turn

HOST_RATE = 250_000
"""Tokens a second over PCIe 4.0 x16 (32 GB/s) with 128 KB of KV a token, as of Llama-3-8B."""

HOST_TOKENS = 480_000
"""Tokens of such a model in 60 GB of host memory."""

_COPY_SECONDS = 10e-6
_BITS = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Swap(LatestArrival):
    """The latest arrival gives way, and its KV waits on the host.

    vLLM before version 0.6 with preemption by swapping: every block is a copy of its own, copies
    are whole each time, and iterations wait for them. FastSwitch (arXiv 2411.18424) keeps the copy
    of a request that has come back, so that only what is new has to be copied out again; holds
    blocks in long runs, each one copy; and copies back beside iterations. Without room on the host
    a request begins anew.

    Parameters
    ----------
    tokens_per_second
        Rate of the link to the host.
    host_tokens
        Tokens that the host holds.
    copy_seconds
        What each copy takes besides, to be launched.
    copy_blocks
        Blocks of a copy.
    keeps_copies
        Keep the copy of a request that has come back.
    beside
        Copy back while iterations go on.
    """

    tokens_per_second: float = HOST_RATE
    host_tokens: int = HOST_TOKENS
    copy_seconds: float = _COPY_SECONDS
    copy_blocks: int = 1
    keeps_copies: bool = False
    beside: bool = False
    name: str = "swap-latest"
    provenance: Provenance = "paper"

    def seconds(self, tokens: int, blocks: int) -> float:
        """Return ``copies * launch + tokens / rate`` of that many tokens in so many blocks."""
        copies = -(-blocks // self.copy_blocks)
        return copies * self.copy_seconds + tokens / self.tokens_per_second

    def pays(self, tokens: int, blocks: int) -> bool:
        """Tell that it is copied, whatever that takes."""
        del tokens, blocks
        return True


@dataclass(frozen=True, slots=True)
class ShuffledPriority:
    """Priorities that are drawn anew now and then, as FastSwitch is measured with.

    Parameters
    ----------
    seconds
        Between two draws. The paper's are 25 iterations apart.
    seed
        Of the draws.
    """

    seconds: float = 1.0
    seed: int = 0
    name: str = "shuffled-priority"
    provenance: Provenance = "paper"
    steady: bool = False

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Order by a number drawn for the request and the time between two draws."""
        return _scrambled(self.seed, request.row, self.epoch(now)), request.row

    def epoch(self, now: int) -> int:
        """Return how often priorities have been drawn anew."""
        return now // round(self.seconds * NS_PER_SECOND)

    def next_ns(self, now: int) -> int:
        """Return when they will be next."""
        return (self.epoch(now) + 1) * round(self.seconds * NS_PER_SECOND)


@dataclass(slots=True)
class PriorityBatch:
    """The requests of highest priority that fit into memory run, the others give way.

    Chosen when priorities change; in between, whole prompts run first and alone, as in vLLM.

    Parameters
    ----------
    order
        Priorities, which the queue has to have too.
    inner
        What is batched between changes.
    share
        Share of the memory that is left for growth.
    """

    order: ShuffledPriority
    inner: PrefillFirst = field(default_factory=lambda: PrefillFirst(8192, padded=False))
    share: float = 0.05
    name: str = "priority-batch"
    provenance: Provenance = "paper"
    steady: bool = True
    _epoch: int = field(init=False, repr=False, default=0)
    _next: int = field(init=False, repr=False, default=0)

    def fresh(self, instance: int) -> PriorityBatch:
        """Return the same policy, before all changes, for an instance."""
        del instance
        return PriorityBatch(self.order, self.inner, self.share, self.name, self.provenance)

    def compose(self, turn: Turn) -> None:
        """Let requests change places if priorities have changed, then batch."""
        epoch = self.order.epoch(turn.now)
        if epoch != self._epoch:
            self._epoch = epoch
            if turn.waiting:
                self._change(turn)
        self.inner.compose(turn)
        # Whoever comes to the queue of a full batch ends no jump, so that the next change has to.
        after = self.order.next_ns(turn.now)
        if turn.waiting or ((turn.chunks or turn.decodes) and after != self._next):
            self._next = turn.wake_ns = after

    def _change(self, turn: Turn) -> None:
        """Take those out of the batch who are behind the first that does not fit."""
        running = [*turn.decoding, *turn.prefilling]
        ranked = sorted(
            (*running, *turn.waiting), key=lambda request: self.order.key(request, turn.now)
        )
        room = int(turn.capacity_blocks * (1 - self.share))
        seats = turn.slots + len(running)
        kept: set[int] = set()
        for request in ranked[:seats]:
            tokens = max(turn.tokens(request), request.target) + 1
            room -= -(-tokens // turn.block_size)
            if room < 0 and kept:
                break
            kept.add(request.row)
        for request in reversed(ranked):
            if request.row not in kept and request in running:
                turn.preempt(request)
        turn.fetch()


def _scrambled(*numbers: int) -> float:
    """Return a number from 0 to 1 that other numbers fix, by the rounds of SplitMix64."""
    state = 0
    for number in numbers:
        state = (state + number + 0x9E3779B97F4A7C15) & _BITS
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _BITS
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _BITS
        state ^= state >> 31
    return state / (_BITS + 1)
