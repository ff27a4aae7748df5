"""A modulo reservation table: what of units and warps is taken in each cycle of an interval."""

from __future__ import annotations

from collections import defaultdict

from scheduling.models.loop.arrays import LoopArrays

Cells = dict[tuple[int, int], int]
"""Amount by unit and slot; warps count as units behind the others."""


class Table:
    """Reservations of the operations that are placed.

    Parameters
    ----------
    arrays
        The problem.
    interval
        The interval.
    """

    def __init__(self, arrays: LoopArrays, interval: int) -> None:
        self.arrays = arrays
        self.interval = interval
        self.starts: dict[int, int] = {}
        self.warps: dict[int, int] = {}
        self._capacity = [*arrays.capacity, *[1] * arrays.n_warps]
        self._taken: Cells = defaultdict(int)
        self._uses: list[list[tuple[int, int, int, int]]] = [[] for _ in range(arrays.n)]
        for use in arrays.reservations:
            self._uses[use.operation].append((use.unit, use.offset, use.cycles, use.amount))

    def cells(self, operation: int, start: int, warp: int) -> Cells:
        """Return what an operation takes of which slots."""
        found: Cells = defaultdict(int)
        uses = list(self._uses[operation])
        if warp >= 0 and self.arrays.issue[operation]:
            uses.append((len(self.arrays.capacity) + warp, 0, self.arrays.issue[operation], 1))
        for unit, offset, cycles, amount in uses:
            whole, rest = divmod(cycles, self.interval)
            for slot in range(self.interval if whole else 0):
                found[unit, slot] += whole * amount
            for cycle in range(rest):
                found[unit, (start + offset + cycle) % self.interval] += amount
        return found

    def fits_empty(self, operation: int) -> bool:
        """Whether an operation fits into an empty table."""
        warp = 0 if self.arrays.n_warps else -1
        return self._fits(self.cells(operation, 0, warp), {})

    def fits(self, operation: int, start: int, warp: int) -> bool:
        """Whether an operation fits beside those that are placed."""
        return self._fits(self.cells(operation, start, warp), self._taken) and all(
            self.arrays.variable[operation] == self.arrays.variable[other]
            for other, on in self.warps.items()
            if on == warp
        )

    def _fits(self, cells: Cells, taken: Cells) -> bool:
        return all(
            taken.get(cell, 0) + amount <= self._capacity[cell[0]] for cell, amount in cells.items()
        )

    def place(self, operation: int, start: int, warp: int) -> None:
        """Enter an operation; warp -1: none."""
        self.starts[operation] = start
        if warp >= 0:
            self.warps[operation] = warp
        for cell, amount in self.cells(operation, start, warp).items():
            self._taken[cell] += amount

    def remove(self, operation: int) -> None:
        """Take an operation out."""
        start, warp = self.starts.pop(operation), self.warps.pop(operation, -1)
        for cell, amount in self.cells(operation, start, warp).items():
            self._taken[cell] -= amount

    def in_the_way(self, operation: int, start: int, warp: int) -> list[int]:
        """Return placed operations that share what an operation lacks at a start."""
        cells = self.cells(operation, start, warp)
        short = {
            cell
            for cell, amount in cells.items()
            if self._taken.get(cell, 0) + amount > self._capacity[cell[0]]
        }
        variable = self.arrays.variable
        return [
            other
            for other, at in self.starts.items()
            if (warp >= 0 and self.warps[other] == warp and variable[other] != variable[operation])
            or short & self.cells(other, at, self.warps.get(other, -1)).keys()
        ]
