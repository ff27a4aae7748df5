"""Integrals of functions that are constant by segments and, in the end, periodic.

A function is a list of eras, each with a pattern that repeats from time 0 on. Nothing is ever
expanded over time: values and inverses come from division by the period and bisection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True)
class Pattern:
    """A function of period ``period``: ``value[j]`` from ``start[j]`` (the first is 0) on."""

    period: int
    start: tuple[int, ...]
    value: tuple[int, ...]

    @property
    def constant(self) -> bool:
        """Whether the function never changes."""
        return len(self.start) == 1

    def place(self, time: int) -> tuple[int, int]:
        """Return the start of the period of a moment, and the segment within the period."""
        base = time - time % self.period
        return base, bisect_right(self.start, time - base) - 1


Eras = tuple[tuple[int, Pattern], ...]
"""``(start, pattern)`` by rising start, the first at 0."""


class Integral:
    """``F(t)``, the integral of a function over ``[0, t)``, and its inverse.

    Parameters
    ----------
    eras
        The function; its values are at least 0.
    """

    def __init__(self, eras: Eras) -> None:
        self._starts = [start for start, _ in eras]
        self._patterns = [pattern for _, pattern in eras]
        self._sums = [_sums(pattern) for pattern in self._patterns]
        self._base = [0]
        for number, (start, _) in enumerate(eras[:-1]):
            gain = self._inside(number, eras[number + 1][0]) - self._inside(number, start)
            self._base.append(self._base[-1] + gain)
        self._lead = [self._inside(number, start) for number, start in enumerate(self._starts)]

    @property
    def grows(self) -> bool:
        """Whether it grows without end."""
        return self._sums[-1][-1] > 0

    def at(self, time: int) -> int:
        """Return ``F(time)``; 0 for negative times."""
        if time <= 0:
            return 0
        number = bisect_right(self._starts, time) - 1
        return self._base[number] + self._inside(number, time) - self._lead[number]

    def reach(self, target: int) -> int | None:
        """Return the first t with ``F(t) >= target``; ``None`` when there is none."""
        if target <= 0:
            return 0
        number = bisect_left(self._base, target) - 1
        pattern, sums = self._patterns[number], self._sums[number]
        total = sums[-1]
        if total == 0:
            return None
        rounds, rest = divmod(target - self._base[number] + self._lead[number] - 1, total)
        segment = bisect_right(sums, rest) - 1
        missing = rest + 1 - sums[segment]
        steps = -(-missing // pattern.value[segment])
        return rounds * pattern.period + pattern.start[segment] + steps

    def _inside(self, number: int, time: int) -> int:
        """Integral of one era's pattern over ``[0, time)``, as if it had always been there."""
        pattern, sums = self._patterns[number], self._sums[number]
        rounds, rest = divmod(time, pattern.period)
        segment = bisect_right(pattern.start, rest) - 1
        inside = sums[segment] + (rest - pattern.start[segment]) * pattern.value[segment]
        return rounds * sums[-1] + inside


def _sums(pattern: Pattern) -> list[int]:
    """Integral up to the start of each segment, and over the whole period."""
    ends = [*pattern.start[1:], pattern.period]
    parts = (
        (end - start) * value
        for start, end, value in zip(pattern.start, ends, pattern.value, strict=True)
    )
    return list(accumulate(parts, initial=0))
