"""KV memory in blocks, and when decoding requests come to need their next ones."""

from __future__ import annotations


class Memory:
    """Blocks of one instance.

    Requests that decode take a block each ``block_size`` steps; a wheel counts how many do so at
    each step, modulo the size, so that the need of many steps is known without looking at requests.

    Parameters
    ----------
    capacity
        Blocks in all.
    block_size
        Tokens of a block.
    """

    __slots__ = ("block_size", "capacity", "count", "free", "wheel")

    def __init__(self, capacity: int, block_size: int) -> None:
        self.capacity = capacity
        self.free = capacity
        self.block_size = block_size
        self.wheel = [0] * block_size
        self.count = 0

    @property
    def used(self) -> int:
        """Blocks that requests hold."""
        return self.capacity - self.free

    def blocks(self, tokens: int) -> int:
        """Return the blocks that so many tokens fill."""
        return -(-tokens // self.block_size)

    def join(self, base: int) -> None:
        """Count a request that decodes: before step s it has ``base + s`` tokens."""
        self.wheel[(1 - base) % self.block_size] += 1
        self.count += 1

    def leave(self, base: int) -> None:
        """Forget a request that :meth:`join` has counted."""
        self.wheel[(1 - base) % self.block_size] -= 1
        self.count -= 1

    def need(self, step: int, steps: int) -> int:
        """Return the blocks that decoding takes in ``steps`` steps from ``step`` on."""
        size = self.block_size
        total = steps // size * self.count
        start = step % size
        stop = start + steps % size
        if stop <= size:
            return total + sum(self.wheel[start:stop])
        return total + sum(self.wheel[start:]) + sum(self.wheel[: stop - size])

    def lasts(self, step: int, most: int, spare: int = 0) -> int:
        """Return for how many steps, at most ``most``, a block stays free through all of them.

        ``spare`` blocks more can be freed on the way.
        """
        spare += self.free - 1
        size = self.block_size
        if spare < 0:
            return 0
        if spare >= self.count * (most // size + 1):
            return most
        rounds = spare // self.count
        steps = rounds * size
        spare -= rounds * self.count
        while steps < most:
            spare -= self.wheel[(step + steps) % size]
            if spare < 0:
                break
            steps += 1
        return min(steps, most)
