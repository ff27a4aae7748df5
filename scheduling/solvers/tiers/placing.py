"""A placement that changes tensor by tensor, with what it uses kept up to date."""

from __future__ import annotations

import numpy as np

from scheduling.models.tiers.arrays import AWAY, Ints, TieredArrays


class Placing:
    """Where all tensors are, starting from the memory with the most room where they fit.

    Attributes
    ----------
    memories
        Memory of each tensor in each step.
    """

    def __init__(self, arrays: TieredArrays) -> None:
        self.arrays = arrays
        roomiest = int(np.argmax(arrays.capacity))
        away = np.where(arrays.home == AWAY, roomiest, arrays.home)
        self.memories = np.where(arrays.live, away[:, None], AWAY)
        load = arrays.load(self.memories)
        # Nothing is copied, so that every tensor can be where it is, but for the room.
        if load is None:
            raise AssertionError("tensors that stay where they are cannot be there")
        self.used, self.taken, self.copied = load.used, load.taken, load.copied

    @property
    def fits(self) -> bool:
        """Whether every memory has the room."""
        return self.arrays.fits(self.taken)

    @property
    def total(self) -> int:
        """Ticks of the program."""
        return int(self.arrays.times(self.used, self.copied).sum())

    @property
    def excess(self) -> int:
        """Bytes above the capacities, summed over memories and steps."""
        return int(np.maximum(self.taken - self.arrays.capacity[:, None], 0).sum())

    def tried(self, tensor: int, row: Ints) -> tuple[int, int] | None:
        """Return excess and ticks with another row of a tensor; ``None`` where it cannot be."""
        old = self.arrays.row(tensor, self.memories[tensor])
        new = self.arrays.row(tensor, row)
        if old is None or new is None:
            return None
        taken = self.taken - old.taken + new.taken
        over = int(np.maximum(taken - self.arrays.capacity[:, None], 0).sum())
        times = self.arrays.times(
            self.used - old.used + new.used, self.copied - old.copied + new.copied
        )
        return over, int(times.sum())

    def put(self, tensor: int, row: Ints) -> None:
        """Give a tensor another row."""
        for part, sign in ((self.memories[tensor], -1), (row, 1)):
            load = self.arrays.row(tensor, part)
            if load is not None:
                self.used += sign * load.used
                self.taken += sign * load.taken
                self.copied += sign * load.copied
        self.memories[tensor] = row

    def rows(self, tensor: int) -> list[Ints]:
        """Return ways to place a tensor: whole lives, and stays elsewhere between two uses."""
        arrays = self.arrays
        start, end = int(arrays.start[tensor]), int(arrays.end[tensor])
        found = []
        for memory in range(arrays.n_memories):
            if arrays.home[tensor] in (AWAY, memory):
                row = np.full(arrays.n_steps, AWAY, np.int64)
                row[start:end] = memory
                found.append(row)
        if arrays.link == 0:
            return found
        uses = np.flatnonzero(arrays.bytes[tensor]).tolist()
        for first, since in enumerate(uses):
            for until in uses[first : first + _NEAR_USES]:
                found += self._stays(tensor, max(since, start), until + 1)
        return found

    def _stays(self, tensor: int, since: int, until: int) -> list[Ints]:
        """Return the tensor's row with its steps from a use to another in another memory."""
        arrays = self.arrays
        found = []
        for memory in range(arrays.n_memories):
            row = self.memories[tensor].copy()
            row[since:until] = memory
            if not np.array_equal(row, self.memories[tensor]):
                found.append(row)
        return found


_NEAR_USES = 4
"""Uses in a row over which a stay is tried."""
