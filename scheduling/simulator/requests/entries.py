"""What is kept of streams of prompts, and the order in which it is reclaimed."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduling.simulator.requests.policy import Retention

AWAITED = 1 << 62
"""Until when a prefix is held whose request is in the queue."""


class Entry:
    """What is kept of a stream: its first blocks.

    Attributes
    ----------
    stream
        Number of the stream.
    start, blocks
        Block of the prompt at which it starts, and how many of its blocks are kept.
    above
        The stream before it; ``None`` at the head of prompts.
    row
        The request that used it last.
    used_ns, uses
        When that was, and how many have used it since it is here.
    until_ns
        Up to when it is held for its program against requests that want to begin.
    """

    __slots__ = (
        "above",
        "below",
        "blocks",
        "levels",
        "row",
        "start",
        "stream",
        "until_ns",
        "used_ns",
        "uses",
        "version",
    )

    def __init__(self, stream: int, start: int, above: Entry | None) -> None:
        self.stream = stream
        self.start = start
        self.above = above
        self.blocks = 0
        self.row = -1
        self.used_ns = 0
        self.uses = 0
        self.until_ns = 0
        self.levels: dict[int, int] = {}
        self.below: dict[int, int] = {}
        self.version = 0

    @property
    def end(self) -> int:
        """Block of the prompt behind the last one that is kept."""
        return self.start + self.blocks

    @property
    def pinned(self) -> int:
        """Blocks of it that running requests use."""
        return max(self.levels) - self.start if self.levels else 0

    @property
    def loose(self) -> int:
        """Blocks at its end that nobody uses and nothing kept continues."""
        levels, below, start = self.levels, self.below, self.start
        used = max(levels) if levels else start
        continued = max(below) if below else start
        return start + self.blocks - max(used, continued)


class LooseEnds:
    """Entries whose last blocks nobody uses, those of the least value first.

    Parameters
    ----------
    retention
        Says what is of how much value.
    """

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._steady = retention.steady
        self._heap: list[tuple[tuple[float, ...], int, int, Entry]] = []
        self._serial = 0

    def offer(self, entry: Entry) -> None:
        """Take in an entry after its last use if its end is loose; values that change wait."""
        if self._steady and entry.loose > 0:
            self._serial += 1
            entry.version += 1
            key = self._retention.key(entry, entry.used_ns)
            heappush(self._heap, (key, self._serial, entry.version, entry))

    def rank(self, entries: Iterable[Entry], now: int) -> None:
        """Order all that is loose anew where values change with time."""
        if self._steady:
            return
        self._heap.clear()
        for entry in entries:
            self._weigh(entry, now)

    def uncover(self, entry: Entry, now: int) -> None:
        """Take in an entry whose continuation is gone."""
        if self._steady:
            self.offer(entry)
        else:
            self._weigh(entry, now)

    def first(self) -> tuple[Entry, int] | None:
        """Return the entry of the least value, which stays the first, and its loose blocks."""
        heap = self._heap
        while heap:
            _, _, version, entry = heap[0]
            if entry.version == version and (loose := entry.loose) > 0:
                return entry, loose
            heappop(heap)
        return None

    def _weigh(self, entry: Entry, now: int) -> None:
        if entry.loose > 0:
            self._serial += 1
            held = float(entry.until_ns > now)
            rank = (held, *self._retention.key(entry, now))
            heappush(self._heap, (rank, self._serial, entry.version, entry))
