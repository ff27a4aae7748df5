"""KV memory of prefixes that an instance keeps between requests, and shares among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.simulator.requests.entries import AWAITED, Entry, LooseEnds
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.memory import Memory

if TYPE_CHECKING:
    from scheduling.models.requests.paths import Paths
    from scheduling.simulator.requests.host import HostBlocks
    from scheduling.simulator.requests.policy import Retention


class PrefixCache:
    """The blocks of prefixes that are kept on one instance: a tree of streams.

    A block of the memory is free, or of one request, or of this tree. Only full blocks are shared.
    A request pins those of its prompt that are here when it begins; its own join the tree when its
    prompt is computed, and those of its answer when it ends. What nobody pins may be reclaimed,
    from the ends of streams.

    Parameters
    ----------
    paths
        Streams of all prompts.
    memory
        Blocks of the instance.
    retention
        Says what is dropped first, and what is held for how long.

    Attributes
    ----------
    host
        What the host has of prefixes; ``None``: nothing.
    seen
        Requests whose ``done`` was set by what is kept in the decision that is being made.
    """

    def __init__(self, paths: Paths, memory: Memory, retention: Retention) -> None:
        self._paths = paths
        self._memory = memory
        self.retention = retention
        self.host: HostBlocks | None = None
        self.seen: list[Live] = []
        self.entries: dict[int, Entry] = {}
        self.blocks = 0
        self.pinned = 0
        self._pins: dict[int, list[tuple[Entry, int]]] = {}
        self._level: dict[int, int] = {}
        self._held: dict[int, Entry] = {}
        self._loose = LooseEnds(retention)

    # What there is.

    @property
    def spare(self) -> int:
        """Blocks that no request uses, so that they may be reclaimed."""
        return self.blocks - self.pinned

    def shared(self, request: Live) -> int:
        """Return the blocks of the tree that a request uses."""
        return self._level.get(request.row, 0)

    def kept_tokens(self, request: Live) -> int:
        """Return the tokens at the head of a request's prompt that are here, or on the host."""
        return self._reach(request, self._find(request)[1]) * self._memory.block_size

    def missing_tokens(self, request: Live) -> int:
        """Return those of them that are on the host alone."""
        level = self._find(request)[1]
        return (self._reach(request, level) - level) * self._memory.block_size

    def missing_ahead(self, row: int, prompt: int) -> int:
        """Return the tokens on the host alone of the prompt of a request that is yet to come."""
        route = self._ends(row, prompt - 1)
        level = self._here(route)[1]
        known = level if self.host is None else max(level, self.host.level(route))
        return (known - level) * self._memory.block_size

    def held_back(self, now: int) -> int:
        """Return the spare blocks that are held for programs against requests in the queue."""
        seen: set[int] = set()
        total = 0
        for stream, entry in list(self._held.items()):
            if entry.until_ns <= now or not entry.blocks:
                del self._held[stream]
                continue
            above: Entry | None = entry
            while above is not None and above.stream not in seen:
                seen.add(above.stream)
                total += above.blocks - above.pinned
                above = above.above
        return total

    # What requests do.

    def look(self, request: Live) -> None:
        """Count what is kept of the prompt of a request that waits as done, for one decision."""
        request.done = self.kept_tokens(request)
        self.seen.append(request)

    def match(self, request: Live) -> None:
        """Pin the blocks of a request's prompt that are here; at least one token stays to do."""
        self.seen.append(request)
        entries, level = self._find(request)
        self._pins[request.row] = entries
        self._level[request.row] = level
        for entry, upto in entries:
            self._pin(entry, upto)
        request.done = self._reach(request, level) * self._memory.block_size

    def unmatch(self, request: Live) -> None:
        """Let go what :meth:`match` has pinned, for the request does not begin."""
        self._let_go(request)

    def used(self, request: Live, now: int) -> None:
        """Note that a request has begun with what is pinned."""
        for entry, _ in self._pins[request.row]:
            entry.until_ns = 0
            self._touch(entry, request, now)
        if self.host is not None:
            self.host.use(self._route(request, request.done))

    def share(self, request: Live, now: int) -> None:
        """Take in the blocks of a prompt that is computed; double ones are free again."""
        self._grow(request, request.target, now)

    def leave(self, request: Live, blocks: int, tokens: int, now: int) -> int:
        """Free what a request holds, and keep the full blocks of its tokens.

        Return up to when these are held for its program; 0: they are not.

        Parameters
        ----------
        request
            It runs no longer.
        blocks
            Blocks that it holds, shared ones among them.
        tokens
            Tokens whose KV they hold; 0: nothing new is kept.
        now
            The time.
        """
        if tokens:
            self._grow(request, tokens, now)
        self._memory.free += blocks - self._level.get(request.row, 0)
        pins = self._let_go(request)
        if tokens and pins:
            last = pins[-1][0]
            full = 1 - (self._memory.free + self.spare) / self._memory.capacity
            last.until_ns = self.retention.hold(request, last, now, full)
            if last.until_ns > now:
                self._held[last.stream] = last
                return last.until_ns
        return 0

    def awaits(self, request: Live, now: int) -> bool:
        """Tell whether something is held for a request that has come to the queue.

        If the policy is patient, it is held from now on until the request begins.
        """
        entries, _ = self._find(request)
        held = [entry for entry, _ in entries if entry.until_ns > now]
        if self.retention.patient:
            for entry in held:
                entry.until_ns = AWAITED
        return bool(held)

    def reclaim(self, blocks: int, now: int) -> None:
        """Free blocks that nobody uses, those of the least value first; fewer if there are not."""
        if blocks > 0:
            self._loose.rank(self.entries.values(), now)
        while blocks > 0 and (found := self._loose.first()) is not None:
            entry, loose = found
            taken = min(loose, blocks)
            blocks -= taken
            entry.blocks -= taken
            self.blocks -= taken
            self._memory.free += taken
            if not entry.blocks:
                self._forget(entry, now)

    # Inside.

    def _route(self, request: Live, tokens: int) -> list[tuple[int, int, int]]:
        """Return streams with their first block and that behind the last, up to some tokens."""
        return self._ends(request.row, tokens)

    def _ends(self, row: int, tokens: int) -> list[tuple[int, int, int]]:
        size = self._memory.block_size
        last = tokens // size
        route = []
        start = 0
        path = self._paths.row(row)
        for place, (stream, end) in enumerate(path):
            stop = last if place + 1 == len(path) else min(end // size, last)
            if stop > start:
                route.append((stream, start, stop))
                start = stop
        return route

    def _find(self, request: Live) -> tuple[list[tuple[Entry, int]], int]:
        """Return what is here of a request's prompt; an answer that gave way is its own alone."""
        return self._here(self._prompt(request))

    def _here(self, route: list[tuple[int, int, int]]) -> tuple[list[tuple[Entry, int]], int]:
        found = []
        level = 0
        for stream, start, stop in route:
            entry = self.entries.get(stream)
            if entry is None:
                break
            level = min(stop, entry.end)
            if level > start:
                found.append((entry, level))
            if level < stop:
                break
        return found, level

    def _prompt(self, request: Live) -> list[tuple[int, int, int]]:
        """Return the route of all that a request may find: its prompt but for the last token."""
        return self._route(request, min(request.target, request.prompt) - 1)

    def _reach(self, request: Live, level: int) -> int:
        """Return the blocks that are here or on the host, of which so many are here."""
        return level if self.host is None else max(level, self.host.level(self._prompt(request)))

    def _grow(self, request: Live, tokens: int, now: int) -> None:
        """Move a request's own blocks into the tree and pin them."""
        if self.host is not None:
            self.host.write(self._route(request, tokens))
        before = self._level.get(request.row, 0)
        above: Entry | None = None
        pins = []
        level = before
        for stream, start, stop in self._route(request, tokens):
            entry = self.entries.get(stream)
            if entry is None:
                entry = self.entries[stream] = Entry(stream, start, above)
            own = max(start, before)
            if stop > own:
                double = max(0, min(entry.end, stop) - own)
                self._memory.free += double
                more = max(0, stop - entry.end)
                if more and not entry.blocks and above is not None:
                    above.below[start] = above.below.get(start, 0) + 1
                entry.blocks += more
                self.blocks += more
            pins.append((entry, stop))
            level = max(level, stop)
            above = entry
        for entry, upto in pins:
            self._pin(entry, upto)
        for entry, upto in self._pins.get(request.row, ()):
            self._unpin(entry, upto)
        self._pins[request.row] = pins
        self._level[request.row] = level
        for entry, _ in pins:
            self._touch(entry, request, now)

    def _let_go(self, request: Live) -> list[tuple[Entry, int]]:
        pins = self._pins.pop(request.row, [])
        self._level.pop(request.row, None)
        for entry, upto in pins:
            self._unpin(entry, upto)
        for entry, _ in pins:
            self._loose.offer(entry)
        return pins

    def _pin(self, entry: Entry, upto: int) -> None:
        before = entry.pinned
        entry.levels[upto] = entry.levels.get(upto, 0) + 1
        self.pinned += entry.pinned - before

    def _unpin(self, entry: Entry, upto: int) -> None:
        before = entry.pinned
        left = entry.levels[upto] - 1
        if left:
            entry.levels[upto] = left
        else:
            del entry.levels[upto]
        self.pinned += entry.pinned - before

    def _touch(self, entry: Entry, request: Live, now: int) -> None:
        if entry.row != request.row:
            entry.uses += 1
        entry.row = request.row
        entry.used_ns = now
        entry.version += 1
        # Behind what the request uses of it, blocks may still be loose.
        self._loose.offer(entry)

    def _forget(self, entry: Entry, now: int) -> None:
        """Take an entry without blocks out of the tree; what was before it may be loose now."""
        del self.entries[entry.stream]
        above = entry.above
        if above is None:
            return
        left = above.below[entry.start] - 1
        if left:
            above.below[entry.start] = left
        else:
            del above.below[entry.start]
            self._loose.uncover(above, now)
