"""What a policy may see and do when an instance composes its next batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduling.errors import PolicyError
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.live import Live, State
from scheduling.simulator.requests.parts import Part, mixed_batch

if TYPE_CHECKING:
    from scheduling.models.cost.protocol import Batch, CostModel
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.tally import Current


_PREFILLING = State.PREFILLING


class Turn:
    """One decision of an instance: the batch of its next iteration.

    Attributes
    ----------
    block_size, capacity_blocks
        Tokens of a block of KV memory, and all its blocks.
    now
        Nanoseconds from the start of the trace.
    waiting
        The queue; its first is :attr:`head` once that has been asked for.
    prefilling
        Requests that have begun and have prompt tokens left.
    decodes
        Requests that decode one token in this batch, so far.
    chunks
        Requests of this batch that compute prompt tokens, with how many each.
    part
        How they pass the layers; ``None``: in one go, at the time of the cost model.
    repeats
        Whoever waits, the next batch takes as many tokens of the same prompt, as long as that has
        more, nobody ends and memory lasts.
    wake_ns
        When to compose again if nothing runs until then; ``None``: when something changes.
    """

    __slots__ = (
        "_decoding",
        "_instance",
        "block_size",
        "capacity_blocks",
        "chunks",
        "decodes",
        "now",
        "part",
        "prefilling",
        "repeats",
        "waiting",
        "wake_ns",
    )

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._decoding = instance.decoding
        self.waiting: Sequence[Live] = instance.waiting
        self.prefilling: Sequence[Live] = instance.prefilling
        self.block_size = instance.memory.block_size
        self.capacity_blocks = instance.memory.capacity
        self.now = 0
        self.decodes = 0
        self.chunks: list[tuple[Live, int]] = []
        self.part: Part | None = None
        self.repeats = False
        self.wake_ns: int | None = None

    def clear(self) -> None:
        """Forget the prompts of a batch, which somebody else may still look at."""
        self.part = None
        self.repeats = False
        self.chunks = []

    @property
    def head(self) -> Live | None:
        """The first request of the queue that has yet to compute tokens; ``None`` without one.

        Behind a request whose KV is still to be fetched, all wait.
        """
        instance = self._instance
        front = instance.front if instance.waiting else None
        if front is None or front.remote:
            return None
        if instance.cache is not None:
            instance.cache.look(front)
        return front

    @property
    def decoding(self) -> Sequence[Live]:
        """Requests that decode, in the order in which they began to."""
        return list(self._decoding.values())

    @property
    def slots(self) -> int:
        """Requests that may still begin before the batch is full."""
        return self._instance.slots

    @property
    def free_blocks(self) -> int:
        """Blocks of KV memory that nobody holds, or that are kept and may be had."""
        instance = self._instance
        return instance.memory.free if instance.cache is None else instance.available(self.now)

    @property
    def empty(self) -> bool:
        """Whether no request holds memory here."""
        return self.free_blocks == self._instance.memory.capacity

    @property
    def cost(self) -> CostModel:
        """Times of the instance."""
        return self._instance.cost

    @property
    def batch(self) -> Batch:
        """The work of the batch, so far."""
        return mixed_batch(self.chunks, self.decodes, self._instance.context(self.decodes))

    @property
    def running(self) -> Current:
        """The iterations that run, or that ran last."""
        return self._instance.running

    def tokens(self, request: Live) -> int:
        """Return the tokens of a request so far: computed ones, or prompt and answer."""
        return self._instance.tokens(request)

    def decode(self) -> int:
        """Add all requests that decode, making room by eviction; return how many that are.

        As in vLLM, a request decodes only while a block is free, whether it needs one or not.
        """
        instance = self._instance
        count = len(self._decoding)
        if count and instance.grows:
            memory = instance.memory
            left = memory.free - memory.wheel[instance.steps % memory.block_size]
            if left > 0:
                memory.free = left
            else:
                count = instance.make_room()
        self.decodes = count
        return count

    def admit(self, request: Live | None = None) -> Live | None:
        """Begin a request if a slot is free and the admission policy lets it; return which began.

        Parameters
        ----------
        request
            One of the queue; default: its head.
        """
        instance = self._instance
        if request is None:
            if not self.waiting:
                return None
            request = self.waiting[0] if instance.order is None else instance.front
        if request is None or request.remote:
            return None
        return request if instance.admit(request) else None

    def preempt(self, request: Live) -> None:
        """Send a request that has begun back to the queue, as eviction does."""
        if request.state not in (State.PREFILLING, State.DECODING):
            raise self.impossible("it gives way though it does not run", request)
        self._instance.evict(request)

    def fetch(self) -> None:
        """Have KV brought of requests at the head of the queue that lies elsewhere."""
        self._instance.fetch(self.now)

    @property
    def steps(self) -> int:
        """Iterations with decodes that the instance has made."""
        return self._instance.steps

    def answer_at_once(self, request: Live) -> None:
        """Let the answer of the first request of the queue come whole, with the end of its prompt.

        So it is with diffusion models, whose answers have lengths that are set beforehand: from now
        on the request's target holds both, and the last token that is never stored.
        """
        self._instance.answer_at_once(request)

    def fill(self, request: Live, most: int) -> int:
        """Add what a request that has begun has left to compute, at most so many tokens.

        Returns how many that are.
        """
        end = request.target
        if request.known < end:
            end = request.known
        tokens = end - request.done
        if tokens > most:
            tokens = most
        if tokens <= 0:
            return 0
        if request.state is not _PREFILLING:
            raise self.impossible("prompt tokens of it, which has not begun", request)
        self.chunks.append((request, tokens))
        return tokens

    def prefill(self, request: Live, tokens: int) -> None:
        """Add prompt tokens of a request that has begun."""
        end = request.done + tokens
        known = tokens > 0 and end <= request.target and end <= request.known
        if not known or request.state is not _PREFILLING:
            found = f"{tokens} prompt tokens of it, which has {request.left} left"
            raise self.impossible(found, request)
        self.chunks.append((request, tokens))

    def impossible(self, what: str, request: Live) -> PolicyError:
        """Build the error of a decision that cannot be."""
        instance = self._instance
        names = ", ".join(policy.name for policy in instance.policies)
        seconds = self.now / NS_PER_SECOND
        return PolicyError(
            f"{names} on {instance.name} at {seconds:.6f} s, request {request.row}: {what}"
        )
