"""Step functions over time: what is left of a resource, and the level of a reservoir."""

from __future__ import annotations

from bisect import bisect_right


class Levels:
    """An integer step function from time 0 on.

    Parameters
    ----------
    steps
        ``(start, level)`` by rising start, the first at 0.
    """

    def __init__(self, steps: list[tuple[int, int]]) -> None:
        self._times = [start for start, _ in steps]
        self._levels = [level for _, level in steps]

    def change(self, start: int, end: int | None, amount: int) -> None:
        """Add ``amount`` in ``[start, end)``; without an end for good."""
        first = self._cut(start)
        last = len(self._times) if end is None else self._cut(end)
        for i in range(first, last):
            self._levels[i] += amount

    def fit(self, amount: int, low: int, length: int) -> int | None:
        """Find the earliest start from ``low`` on with ``amount`` there for ``length``."""
        times, levels = self._times, self._levels
        i = bisect_right(times, low) - 1
        end = low + length
        while i < len(times) and times[i] < end:
            if levels[i] < amount:
                if i + 1 == len(times):
                    return None
                low = times[i + 1]
                end = low + length
            i += 1
        return low

    def exchange(
        self, taken: int, given: int, maximum: int | None, low: int, length: int
    ) -> int | None:
        """Find the earliest start at which ``taken`` can be taken and, later, ``given`` put in.

        The level must stay within 0 and ``maximum`` ever after.
        """
        times, levels = self._times, self._levels
        i = bisect_right(times, low) - 1
        while i < len(times):
            until = times[i + 1] if i + 1 < len(times) else None
            stop = low + length
            before, behind = max(times[i], low) < stop, until is None or until > stop
            result = levels[i] - taken + given
            short = (before and levels[i] < taken) or (behind and result < 0)
            full = behind and maximum is not None and result > maximum
            if (short or full) and until is None:
                return None
            if short:
                low = int(until or 0)
            elif full:
                low = max(low, int(until or 0) - length)
                i = bisect_right(times, low) - 2
            i += 1
        return low

    def _cut(self, time: int) -> int:
        i = bisect_right(self._times, time) - 1
        if self._times[i] != time:
            i += 1
            self._times.insert(i, time)
            self._levels.insert(i, self._levels[i - 1])
        return i
