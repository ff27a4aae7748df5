"""What every request needs under any policy: time by itself, and a share of every replica."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.protocol import Minorant
from scheduling.models.requests.table import RequestTable

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one replica can hold at a time.

    Parameters
    ----------
    sequences
        Most requests in a batch.
    kv_tokens
        Tokens of KV memory, in whole blocks.
    block_size
        Tokens of a block; a request holds whole ones.
    """

    sequences: int
    kv_tokens: int
    block_size: int


@dataclass(frozen=True, eq=False, slots=True)
class Floors:
    """Seconds of each request in iterations that it has to itself, shape (n,).

    Parameters
    ----------
    first
        Until its first token.
    rest
        From its first token to its last.
    """

    first: Floats
    rest: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Needs:
    """Seconds of a replica that are due to each request alone, shape (n,).

    Every iteration lasts at least as long as what is due to its requests together: their tokens and
    the KV that they read, and of ``base``, which all share, at most 1 / sequences to each of them,
    or its share of the memory.

    Parameters
    ----------
    first
        Until its first token.
    rest
        After it.
    tail
        Mean seconds from a moment of its own work until its end, at least; moments count by the
        work that is due in them.
    """

    first: Floats
    rest: Floats
    tail: Floats

    @property
    def total(self) -> Floats:
        """Until its last token."""
        return self.first + self.rest


def floors(table: RequestTable, minorants: Sequence[Minorant]) -> Floors:
    """Return the time that each request takes alone.

    A prompt takes least in one iteration, for several have several bases, and each later token an
    iteration of its own.

    Parameters
    ----------
    table
        The requests.
    minorants
        Functions that no iteration undercuts; at least one.
    """
    work = _Amounts(table)
    first = np.zeros(len(table))
    rest = np.zeros(len(table))
    for one in minorants:
        context = work.context_price(one)
        prompt = one.base + one.new * work.new + one.cached * work.cached + one.pair * work.pairs
        first = np.maximum(first, prompt)
        steps = work.steps * (one.base + one.decode) + context * work.context
        rest = np.maximum(rest, steps)
    return Floors(first, rest)


def needs(table: RequestTable, minorant: Minorant, memory: float, limits: Limits) -> Needs:
    """Return what is due to each request of the time of the replicas.

    An iteration has at most ``sequences`` requests, which hold at most ``kv_tokens`` together, so
    the base is at least the sum over its requests of ``(1 - memory) * base / sequences`` and of
    ``memory * base / kv_tokens`` for each token that it holds. An evicted request makes its next
    token by a prompt that holds and costs no less than the step that it saves, and computes again
    what it had; so no policy makes do with less.

    Parameters
    ----------
    table
        The requests.
    minorant
        A function that no iteration undercuts.
    memory
        Share of the base that is due for memory, from 0 to 1.
    limits
        What a replica holds.
    """
    work = _Amounts(table)
    each = (1.0 - memory) * minorant.base / limits.sequences
    held = memory * minorant.base / limits.kv_tokens
    size = limits.block_size
    blocks = _filled(work.prompt, size) - _filled(work.prompt - 1, size)
    prompt = each + held * size * blocks + minorant.new * work.new
    prompt += minorant.cached * work.cached + minorant.pair * work.pairs
    context = work.context_price(minorant)
    grown = _filled(work.prompt + work.steps, size) - _filled(work.prompt, size)
    rest = work.steps * (each + minorant.decode) + context * work.context + held * size * grown
    # For the tail tokens count instead of blocks, which are no fewer.
    due = (each + minorant.decode + (held + context) * work.prompt, held + context)
    lasts = (minorant.base + minorant.decode + context * work.prompt, context)
    steps = _weighted_tail(work.steps, due, lasts)
    span = work.steps * lasts[0] + lasts[1] * work.steps * (work.steps + 1) / 2
    tail = (prompt * (prompt / 2 + span) + steps) / (prompt + rest)
    return Needs(prompt, rest, tail)


class _Amounts:
    """Tokens of each request: new, cached, pairs that attend, decode steps, context read."""

    def __init__(self, table: RequestTable) -> None:
        self.prompt = table.prompt_tokens.astype(np.float64)
        self.cached = table.cached_tokens.astype(np.float64)
        self.new = self.prompt - self.cached
        self.pairs = self.new * (self.cached + (self.new + 1) / 2)
        self.steps = table.output_tokens.astype(np.float64) - 1
        self.context = self.steps * self.prompt + self.steps * (self.steps + 1) / 2

    def context_price(self, one: Minorant) -> Floats:
        """Return seconds of a token of context, so few that evictions are no way around them.

        After k tokens of an answer an eviction replaces a step, which reads ``prompt + k`` tokens,
        by a prompt of ``prompt + k - cached`` new ones. Relative to what the step reads, that costs
        ``(u k + v) / (k + w)``, which rises or falls throughout, so it costs least for the first
        step or for the last one.
        """
        most = np.minimum(self._again(one, self.new + 1), self._again(one, self.new + self.steps))
        return np.clip(most, 0.0, one.context)

    def _again(self, one: Minorant, new: Floats) -> Floats:
        """Return what a prompt with so many new tokens costs beyond a step, a token of context."""
        again = one.new * new + one.cached * self.cached + one.pair * new * self.cached
        return np.asarray((again - one.decode) / (self.cached + new))


def _filled(tokens: Floats, size: int) -> Floats:
    """Return the blocks of 1, 2, … ``tokens`` tokens in sum."""
    whole, rest = np.divmod(tokens, size)
    return np.asarray(size * whole * (whole + 1) / 2 + rest * (whole + 1))


def _weighted_tail(
    steps: Floats, due: tuple[Floats, Floats | float], lasts: tuple[Floats, Floats]
) -> Floats:
    """Return the sum over steps k of ``due_k`` times the seconds from its middle to the last one.

    Both are lines over k = 1, 2, … ``steps``, given at 0 and by their slopes.
    """
    n = steps
    sums = (n, n * (n + 1) / 2, n * (n + 1) * (2 * n + 1) / 6, (n * (n + 1) / 2) ** 2)
    # From the middle of step k: a (n - k + 1/2) + b (n (n + 1) / 2 - k (k + 1) / 2 + k / 2).
    a, b = lasts
    left = (a * (n + 0.5) + b * n * (n + 1) / 2, -a, -b / 2)
    at_zero, slope = due
    found = np.zeros(len(n))
    for power in range(3):
        found += left[power] * (at_zero * sums[power] + slope * sums[power + 1])
    return found
