"""What policies of an instance and of a fleet are: hooks that combine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from scheduling.simulator.requests.live import Live

if TYPE_CHECKING:
    from scheduling.simulator.requests.entries import Entry
    from scheduling.simulator.requests.instance import Instance
    from scheduling.simulator.requests.movable import MovableInstance
    from scheduling.simulator.requests.programs import Programs
    from scheduling.simulator.requests.turn import Turn

Provenance = Literal["paper", "code", "code with fix", "inferred"]
"""Where a policy's rule is from: the paper's text, released code, that code with a defect mended,
or the gaps of both filled by inference."""


class Policy(Protocol):
    """What all policies have."""

    @property
    def name(self) -> str:
        """Name in tables."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Where the rule is from."""
        ...


class Composition(Policy, Protocol):
    """Composes the batch of the next iteration."""

    @property
    def steady(self) -> bool:
        """A batch of decodes alone stays the batch until a request ends, comes, or is evicted.

        Only then do the iterations between such events pass in one jump.
        """
        ...

    def compose(self, turn: Turn) -> None:
        """Fill the turn; leave it empty to wait until something changes."""
        ...


Begins = Literal["first", "any", "by-time"]
"""Whom of the queue a composition may begin: nobody before the first, anybody, or anybody where it
depends on the time, not only on who is there."""


@runtime_checkable
class Choosing(Composition, Protocol):
    """A composition that says whom of the queue it may begin; without it that is anybody."""

    @property
    def begins(self) -> Begins:
        """Whom it may begin: the less that is, the fewer jumps does a request cut that comes."""
        ...


@runtime_checkable
class Remembering(Composition, Protocol):
    """A composition that remembers what it did on its instance."""

    def fresh(self, instance: int) -> Remembering:
        """Return the same policy, with nothing remembered, for the instance of this index."""
        ...


@runtime_checkable
class Preempting(Composition, Protocol):
    """A composition whose prompts may give way to a request that comes, at the next operator."""

    def preempts(self, turn: Turn) -> bool:
        """Tell whether the pass that runs is to give way, now that a request has come."""
        ...


class Admission(Policy, Protocol):
    """Decides whether the head of the queue may begin, and what memory it gets."""

    @property
    def steady(self) -> bool:
        """What it refuses it refuses until a request ends, comes, or is evicted."""
        ...

    @property
    def grows(self) -> bool:
        """Requests get blocks as they grow; otherwise what was reserved has to last."""
        ...

    @property
    def longest(self) -> int | None:
        """Tokens, prompt and answer together, of the longest request that it can serve.

        ``None`` when only memory limits them.
        """
        ...

    def grant(self, turn: Turn, request: Live) -> int | None:
        """Return the blocks that the request gets if it may begin now, else ``None``.

        The turn has a slot for it.
        """
        ...


@runtime_checkable
class Learning(Admission, Protocol):
    """An admission policy that learns from the requests that end on its instance."""

    def fresh(self, instance: int) -> Learning:
        """Return the same policy, with nothing learned, for the instance of this index."""
        ...

    def ended(self, request: Live, tokens: int) -> None:
        """Take note of the length of a finished answer."""
        ...


class Order(Policy, Protocol):
    """Orders the queue of an instance, which otherwise is first come, first served."""

    @property
    def steady(self) -> bool:
        """Keys do not change with time."""
        ...

    def key(self, request: Live, now: int) -> tuple[float, ...]:
        """Return what the queue is sorted by, least first; equal keys stay as they stand."""
        ...


class Ranking(Order, Protocol):
    """An order that can also tell where a prompt stands that is partly computed."""

    def rank(self, request: Live, now: int, seconds: float) -> tuple[float, ...]:
        """Return the key of a request whose prompt takes so many seconds more."""
        ...


class Eviction(Policy, Protocol):
    """Decides who gives way when decoding needs memory that is not there."""

    def ranking(self, running: Sequence[Live]) -> list[Live]:
        """Order the requests: memory is given from the first on and taken from the last on."""
        ...

    def restart(self, request: Live) -> int:
        """Return the tokens that its next prefill has to reach; ``request.done`` are its tokens.

        At least its prompt, and no more than it had to reach or has made.
        """
        ...


@runtime_checkable
class Swapping(Eviction, Protocol):
    """Eviction by copying KV to the memory of the host, from where it comes back."""

    @property
    def host_tokens(self) -> int:
        """Tokens that the host holds for an instance; beyond them, requests begin anew."""
        ...

    @property
    def keeps_copies(self) -> bool:
        """The copy of a request that has come back stays, and only what is new is copied again."""
        ...

    @property
    def beside(self) -> bool:
        """KV comes back while iterations go on; otherwise they wait."""
        ...

    def seconds(self, tokens: int, blocks: int) -> float:
        """Return the time to copy so many tokens, which fill so many blocks."""
        ...

    def pays(self, tokens: int, blocks: int) -> bool:
        """Tell whether a request of so many tokens is copied; otherwise it begins anew."""
        ...


class Router(Policy, Protocol):
    """Chooses the instance of a request."""

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return one of the candidates, of which there is at least one."""
        ...


@runtime_checkable
class Migrating(Router, Protocol):
    """A router that also moves running requests between instances of a group."""

    @property
    def interval_ns(self) -> int:
        """Time between two looks, from the first arrival on."""
        ...

    def moves(
        self, instances: Sequence[MovableInstance], now: int
    ) -> Sequence[tuple[Live, MovableInstance, MovableInstance]]:
        """Return requests that decode, each with its instance and that which it should move to.

        Those that are on their way already stay on it; those for which the other instance has no
        memory stay where they are.
        """
        ...


class Retention(Policy, Protocol):
    """Decides which prefixes an instance keeps between requests.

    The instances of a group share one object, which may learn from all of them.
    """

    @property
    def steady(self) -> bool:
        """It holds nothing, and values of prefixes change only when they are used."""
        ...

    @property
    def patient(self) -> bool:
        """What it holds stays held while the request that it is for is in the queue."""
        ...

    def begin(self, programs: Programs | None) -> Retention:
        """Return the same policy, with nothing learned, for one run.

        ``programs`` is what has been revealed of the programs that requests belong to; ``None``
        when they belong to none.
        """
        ...

    def key(self, entry: Entry, now: int) -> tuple[float, ...]:
        """Return the value of a prefix: the least is dropped first, equal ones by their age.

        What is held comes behind everything else.
        """
        ...

    def hold(self, request: Live, entry: Entry, now: int, full: float) -> int:
        """Return up to when the prefix of a request that has ended is held for its program.

        Until then it is not dropped for requests that want to begin, unless nothing runs; 0 does
        not hold it. Requests that decode take it when nothing else is left. ``full`` is the share
        of the memory that running requests use.
        """
        ...


@runtime_checkable
class Ordering(Protocol):
    """A retention policy that also orders the queue of its instances."""

    @property
    def order(self) -> Order | None:
        """The order; ``None``: first come, first served."""
        ...


@runtime_checkable
class Watching(Protocol):
    """A policy that learns from what programs do."""

    def came(self, request: Live, now: int, *, held: bool) -> None:
        """Take note of a request in the queue, and whether its prefix is held."""
        ...

    def began(self, request: Live, now: int) -> None:
        """Take note of a request that leaves the queue first; its ``done`` tokens are hits."""
        ...


@dataclass(frozen=True, slots=True)
class Sending:
    """A request that goes to an instance, now or after a time."""

    request: Live
    instance: Instance
    delay_ns: int = 0


@runtime_checkable
class Gating(Router, Protocol):
    """A router that may hold requests back, and looks at the fleet again and again."""

    @property
    def period_ns(self) -> int:
        """Nanoseconds from one look to the next."""
        ...

    def begin(self, programs: Programs | None, fleet: Sequence[Instance]) -> None:
        """Look at a run that begins."""
        ...

    def admits(self, request: Live, now: int) -> bool:
        """Tell whether a request that comes may go on; otherwise it is kept here for a tick."""
        ...

    def tick(self, now: int) -> Sequence[Sending]:
        """Return the requests that go on now: held ones, or some withdrawn from queues."""
        ...


@runtime_checkable
class Scaling(Router, Protocol):
    """A router whose instances come and go."""

    def up_ns(self, index: int, now: int) -> int:
        """Return how many nanoseconds an instance has been up by a time."""
        ...
