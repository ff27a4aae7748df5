"""What every cost model answers: the seconds of an iteration of one replica, and where from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol, runtime_checkable


class Provenance(IntEnum):
    """Where a number comes from; of several that make one up, the greatest counts.

    ``MEASURED``: a row of a table. ``INTERPOLATED``: between rows. ``EXTRAPOLATED``: outside all
    rows. ``ANALYTIC``: from a formula over the data sheet.
    """

    MEASURED = 0
    INTERPOLATED = 1
    EXTRAPOLATED = 2
    ANALYTIC = 3


class Batch(NamedTuple):
    """What one iteration of one replica works on, summed over its requests.

    Parameters
    ----------
    new_tokens
        Prompt tokens that it computes.
    prefills
        Requests that these belong to.
    cached_tokens
        Tokens before them whose KV is read, summed over those requests: prefixes that were in
        the cache and earlier chunks.
    prefill_pairs
        Pairs of a new token and a token that it attends to: the sum over those requests of
        ``new * (cached + (new + 1) / 2)``.
    decodes
        Requests that decode one token each.
    context_tokens
        Tokens whose KV they read, summed over them.
    """

    new_tokens: int = 0
    prefills: int = 0
    cached_tokens: int = 0
    prefill_pairs: float = 0.0
    decodes: int = 0
    context_tokens: int = 0

    @classmethod
    def prefill(cls, new: int, cached: int = 0) -> Batch:
        """Return the work of one request's chunk of ``new`` tokens behind ``cached`` ones."""
        return cls(new, 1, cached, new * (cached + (new + 1) / 2))

    @classmethod
    def decode(cls, sequences: int, context: int) -> Batch:
        """Return the work of one decode step of sequences with ``context`` tokens in sum."""
        return cls(decodes=sequences, context_tokens=context)

    # The work of two batches together is what a sum of batches means, not one after the other.
    def __add__(self, other: Batch) -> Batch:  # type: ignore[override]
        return Batch(
            self.new_tokens + other.new_tokens,
            self.prefills + other.prefills,
            self.cached_tokens + other.cached_tokens,
            self.prefill_pairs + other.prefill_pairs,
            self.decodes + other.decodes,
            self.context_tokens + other.context_tokens,
        )

    @property
    def tokens(self) -> int:
        """Tokens that pass through the layers."""
        return self.new_tokens + self.decodes


class Line(NamedTuple):
    """Seconds as a function of the decode context c: ``at_zero + per_token * c``."""

    at_zero: float
    per_token: float


class Minorant(NamedTuple):
    """An affine function that no iteration undercuts.

    ``base + new * new_tokens + cached * cached_tokens + pair * prefill_pairs + decode * decodes +
    context * context_tokens`` seconds, all coefficients at least 0.
    """

    base: float
    new: float
    decode: float
    context: float = 0.0
    cached: float = 0.0
    pair: float = 0.0

    def seconds(self, batch: Batch) -> float:
        """Return a lower bound of the time of an iteration."""
        prompts = self.new * batch.new_tokens + self.cached * batch.cached_tokens
        decodes = self.decode * batch.decodes + self.context * batch.context_tokens
        return self.base + prompts + self.pair * batch.prefill_pairs + decodes


class CostModel(Protocol):
    """Times of one replica: a model in some precision on GPUs of a type in some layout.

    All times are seconds of wall clock. With ``dp`` copies of attention, a batch is that of the
    whole replica and its requests are spread evenly.
    """

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration."""
        ...

    def provenance(self, batch: Batch) -> Provenance:
        """Tell where :meth:`seconds` has that time from."""
        ...

    def line(self, batch: Batch) -> Line | None:
        """Return the time as a line over the decode context, everything else as in ``batch``.

        It holds at the context of ``batch`` and beyond; ``None`` when time is not affine there. A
        simulator advances many decode iterations at once along it.
        """
        ...


@runtime_checkable
class KnowsPower(Protocol):
    """A cost model that also knows what a replica draws."""

    def watts(self, batch: Batch) -> float:
        """Return the mean power of the whole replica during such an iteration."""
        ...


@runtime_checkable
class KnowsMinorants(Protocol):
    """A cost model that also knows affine functions below it, for bounds on whole schedules."""

    def minorants(self, most_tokens: int) -> tuple[Minorant, ...]:
        """Return functions that no iteration of at most so many tokens undercuts.

        None where times come from tables.
        """
        ...


@runtime_checkable
class KnowsForm(Protocol):
    """A cost model that is one affine function of all that a batch holds."""

    def form(self) -> Minorant:
        """Return that function.

        A simulator counts its coefficients once, in whole ticks, and asks for no iteration.
        """
        ...


@dataclass(frozen=True, slots=True)
class Affine:
    """The affine cost model: ``T = base + per_token * tokens + per_kv * (cached + context)``.

    It is measured for no GPU; simulations are checked with it.

    Parameters
    ----------
    base
        Seconds of an iteration without work.
    per_token
        Seconds for each token of the batch, new or decoded.
    per_kv
        Seconds for each token whose KV is read.
    per_pair
        Seconds for each pair of :attr:`Batch.prefill_pairs`.
    """

    base: float
    per_token: float
    per_kv: float = 0.0
    per_pair: float = 0.0

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration."""
        new, _, cached, pairs, decodes, context = batch
        fixed = self.base + self.per_token * (new + decodes)
        at_zero = fixed + self.per_kv * cached + self.per_pair * pairs
        return at_zero + self.per_kv * context

    def provenance(self, batch: Batch) -> Provenance:
        """Tell that it is a formula."""
        del batch
        return Provenance.ANALYTIC

    def line(self, batch: Batch) -> Line:
        """Return the time as a line over the decode context."""
        fixed = self.base + self.per_token * batch.tokens
        return Line(
            fixed + self.per_kv * batch.cached_tokens + self.per_pair * batch.prefill_pairs,
            self.per_kv,
        )

    def form(self) -> Minorant:
        """Return the model itself."""
        token, kv = self.per_token, self.per_kv
        return Minorant(self.base, token, token, kv, kv, self.per_pair)

    def minorants(self, most_tokens: int) -> tuple[Minorant, ...]:
        """Return the model itself."""
        del most_tokens
        return (self.form(),)
