"""What every request needs under any policy: time by itself, and a share of every replica."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
    keeps
        What is computed of a prompt may be found again by the request itself after an eviction.
    """

    sequences: int
    kv_tokens: int
    block_size: int
    keeps: bool = False


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


class Works(NamedTuple):
    """Seconds of iterations that are due to each request alone beside the base, shape (n,).

    Parameters
    ----------
    steps
        Tokens of its answer behind the first one, each made in an iteration of its own.
    first
        Until its first token.
    rest
        After it.
    at_zero, slope
        A line over the later tokens 1, 2, … that what each of them takes does not undercut.
    """

    steps: Floats
    first: Floats
    rest: Floats
    at_zero: Floats
    slope: Floats


def works(table: RequestTable, minorant: Minorant) -> Works:
    """Return what prompts and later tokens take beside the base, evicted or not.

    Parameters
    ----------
    table
        The requests.
    minorant
        A function that no iteration undercuts.
    """
    work = _Amounts(table, keeps=False)
    later = work.later(minorant)
    return Works(work.steps, work.prompt_seconds(minorant), later.seconds, *later.line)


def floors(table: RequestTable, minorants: Sequence[Minorant], *, keeps: bool = False) -> Floors:
    """Return the time that each request takes alone.

    A prompt takes least in one iteration, for several have several bases, and each later token an
    iteration of its own.

    Parameters
    ----------
    table
        The requests.
    minorants
        Functions that no iteration undercuts; at least one.
    keeps
        As of :class:`Limits`.
    """
    work = _Amounts(table, keeps=keeps)
    first = np.zeros(len(table))
    rest = np.zeros(len(table))
    for one in minorants:
        first = np.maximum(first, one.base + work.prompt_seconds(one))
        rest = np.maximum(rest, work.steps * one.base + work.later(one).seconds)
    return Floors(first, rest)


def needs(table: RequestTable, minorant: Minorant, memory: float, limits: Limits) -> Needs:
    """Return what is due to each request of the time of the replicas.

    An iteration has at most ``sequences`` requests, which hold at most ``kv_tokens`` together, so
    the base is at least the sum over its requests of ``(1 - memory) * base / sequences`` and of
    ``memory * base / kv_tokens`` for each token that it holds. An evicted request makes its next
    token by a prompt that holds no less than the step that it saves, so that each later token costs
    the lesser of the two.

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
    work = _Amounts(table, keeps=limits.keeps)
    each = (1.0 - memory) * minorant.base / limits.sequences
    held = memory * minorant.base / limits.kv_tokens
    size = limits.block_size
    blocks = _filled(work.prompt, size) - _filled(work.prompt - 1, size)
    prompt = each + held * size * blocks + work.prompt_seconds(minorant)
    grown = _filled(work.prompt + work.steps, size) - _filled(work.prompt, size)
    later = work.later(minorant)
    rest = work.steps * each + later.seconds + held * size * grown
    # For the tail tokens count instead of blocks, which are no fewer.
    due = (each + later.line.at_zero + held * work.prompt, held + later.line.slope)
    lasts = (minorant.base + later.line.at_zero, later.line.slope)
    steps = _weighted_tail(work.steps, due, lasts)
    span = work.steps * lasts[0] + lasts[1] * work.steps * (work.steps + 1) / 2
    whole = prompt + rest
    tail = (prompt * (prompt / 2 + span) + steps) / np.where(whole > 0, whole, 1.0)
    return Needs(prompt, rest, tail)


class _Line(NamedTuple):
    """Lines over k = 1, 2, …, one a request: values at 0 and slopes."""

    at_zero: Floats
    slope: Floats

    def at(self, place: Floats | float) -> Floats:
        """Return the values at a place."""
        return np.asarray(self.at_zero + self.slope * place)

    def sums(self, start: Floats | float, count: Floats) -> Floats:
        """Return the sums over the ``count`` places behind ``start``."""
        return np.asarray(count * self.at(start) + self.slope * (count * (count + 1) / 2))

    def below(self, most: Floats) -> tuple[Floats, Floats]:
        """Return the places, of ``most``, at which lines are negative: start and count."""
        rising, falling = self.slope > 0, self.slope < 0
        crossing = -self.at_zero / np.where(rising | falling, self.slope, 1.0)
        before = np.clip(np.where(rising, np.ceil(crossing) - 1, np.floor(crossing)), 0.0, most)
        level = np.where(self.at_zero < 0, most, 0.0)
        count = np.where(rising, before, np.where(falling, most - before, level))
        return np.where(falling, before, 0.0), count


class _Later(NamedTuple):
    """What the later tokens of answers cost: in sum, and a line that none undercuts."""

    seconds: Floats
    line: _Line


class _Amounts:
    """Tokens of each request: prompt, cached ones, new ones, pairs that attend, later tokens."""

    def __init__(self, table: RequestTable, *, keeps: bool) -> None:
        self.prompt = table.prompt_tokens.astype(np.float64)
        self.cached = table.cached_tokens.astype(np.float64)
        self.new = self.prompt - self.cached
        self.pairs = self.new * (self.cached + (self.new + 1) / 2)
        self.steps = table.output_tokens.astype(np.float64) - 1
        # At least the last token of the prompt is computed anew after an eviction.
        self._found = self.prompt - 1 if keeps else self.cached

    def prompt_seconds(self, one: Minorant) -> Floats:
        """Return what prompts cost beside the base."""
        found = one.new * self.new + one.cached * self.cached + one.pair * self.pairs
        return np.asarray(found)

    def later(self, one: Minorant) -> _Later:
        """Return what later tokens cost beside the base, by steps or by evictions.

        The step that makes token k + 1 of an answer reads ``prompt + k`` tokens. An eviction
        replaces it by a prompt of as many, of which those of the cache are found. Both are lines
        over k, so that one is the lesser up to their crossing and the other behind it, and the
        chord of the lesser one stays below both.
        """
        last = np.maximum(self.steps, 1.0)
        step = _Line(one.decode + one.context * self.prompt, np.full(len(last), one.context))
        token = one.new + one.pair * self._found
        again = _Line(token * (self.prompt - self._found) + one.cached * self._found, token)
        more = _Line(again.at_zero - step.at_zero, again.slope - step.slope)
        seconds = step.sums(0.0, self.steps) + more.sums(*more.below(self.steps))
        ends = [np.minimum(step.at(place), again.at(place)) for place in (1.0, last)]
        slope = (ends[1] - ends[0]) / np.maximum(last - 1, 1)
        return _Later(seconds, _Line(ends[0] - slope, slope))


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
