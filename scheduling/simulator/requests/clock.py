"""Time: integer nanoseconds outside, exact fractions of one inside a busy instance.

The time of an iteration is a whole number of ticks of ``2**-20`` ns. Ends of iterations are
published in whole nanoseconds; what does not fill one is carried to the next iteration of the same
busy period. So the end of the k-th of k iterations along a line is one formula over integers, and
equal, to the nanosecond, to k single steps.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Batch, CostModel, KnowsForm, Line

SHIFT = 20
"""A nanosecond is ``2**SHIFT`` ticks."""

MASK = (1 << SHIFT) - 1
NS_PER_SECOND = 1_000_000_000

LAST_NS = 2**63 - 1
"""The last nanosecond that columns of times can hold, after some 292 years."""

_TICKS_PER_SECOND = float(NS_PER_SECOND << SHIFT)


def too_long() -> InputError:
    """Build the error of times that columns cannot hold."""
    return InputError.single("requests", "more than 292 years", "times that take less")


def nanoseconds(seconds: float) -> int:
    """Return the nearest whole number of nanoseconds."""
    return round(seconds * NS_PER_SECOND)


def ticks(seconds: float) -> int:
    """Return the time of an iteration in ticks.

    Raises
    ------
    InputError
        When it is no time: negative, infinite or not a number.
    """
    if not 0.0 <= seconds * _TICKS_PER_SECOND < math.inf:
        raise InputError.single("cost model", f"{seconds} seconds", "a finite time of an iteration")
    return round(seconds * _TICKS_PER_SECOND)


class Lines:
    """Times of decode batches along lines over the context, by the number of decodes."""

    def __init__(self, cost: CostModel) -> None:
        self._cost = cost
        self._known: dict[int, tuple[int, Line]] = {}

    def at(self, decodes: int, context: int) -> Line | None:
        """Return the time of a batch of so many decodes as a line from this context on."""
        known = self._known.get(decodes)
        if known is not None and context >= known[0]:
            return known[1]
        line = self._cost.line(Batch.decode(decodes, context))
        if line is not None:
            self._known[decodes] = (context, line)
        return line


class Form(NamedTuple):
    """Ticks of an iteration, as an affine function of what its batch holds.

    ``base + new * new_tokens + decode * decodes + context * context_tokens + cached * cached_tokens
    + half_pair * 2 * prefill_pairs``: each coefficient is the nearest whole number, and twice the
    pairs are one.
    """

    base: int
    new: int
    decode: int
    context: int
    cached: int
    half_pair: int

    @classmethod
    def of(cls, cost: CostModel) -> Form | None:
        """Return that of a cost model; ``None`` for one that knows none, or where more takes less.

        Such a one is asked for every iteration, which tells the first whose time is none.
        """
        if not isinstance(cost, KnowsForm):
            return None
        base, new, decode, context, cached, pair = cost.form()
        factors = (base, new, decode, context, cached, pair / 2)
        if not all(0.0 <= factor * _TICKS_PER_SECOND < math.inf for factor in factors):
            return None
        return cls(*map(ticks, factors))


class Pace(NamedTuple):
    """Iterations in a row: the j-th takes ``fixed + slope * j`` ticks, j from 0."""

    fixed: int
    slope: int

    @classmethod
    def along(cls, line: Line, context: int, decodes: int) -> Pace:
        """Return the pace of ``decodes`` sequences with ``context`` tokens in sum along a line."""
        per_token = ticks(line.per_token)
        return cls(ticks(line.at_zero) + per_token * context, per_token * decodes)

    def after(self, steps: int) -> int:
        """Return the ticks of the first ``steps`` iterations."""
        return steps * self.fixed + self.slope * (steps * (steps - 1) // 2)

    def reaching(self, span: int) -> int:
        """Return the fewest iterations that take at least ``span`` ticks."""
        if span <= 0:
            return 0
        if not self.slope:
            if not self.fixed:
                raise InputError.single("cost model", "0 seconds", "iterations that take time")
            return -(-span // self.fixed)
        half = self.slope / 2.0
        linear = self.fixed - half
        steps = int((math.sqrt(linear * linear + 4.0 * half * span) - linear) / self.slope)
        passed = self.after(steps)
        while passed < span:
            passed += self.fixed + self.slope * steps
            steps += 1
        while steps and (passed := passed - self.fixed - self.slope * (steps - 1)) >= span:
            steps -= 1
        return steps


class Course:
    """Iterations in a row, each of which takes a time of its own.

    Parameters
    ----------
    ends
        Ticks after which each of them ends.
    """

    __slots__ = ("_ends",)

    def __init__(self, ends: Sequence[int]) -> None:
        self._ends = ends

    def after(self, steps: int) -> int:
        """Return the ticks of the first ``steps`` iterations."""
        return self._ends[steps - 1] if steps else 0

    def reaching(self, span: int) -> int:
        """Return the fewest iterations that take at least ``span`` ticks."""
        return bisect_left(self._ends, span) + 1 if span > 0 else 0
