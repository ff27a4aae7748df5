"""A memory problem in arrays: blocks, sections, and which blocks meet."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from scheduling.models.memory.problem import Buffer, MemoryProblem, origin, pieces

Ints = NDArray[np.int64]
Piece = tuple[int, int, int]
"""Start, end, and the size that a block has then."""


@dataclass(frozen=True, eq=False)
class MemoryArrays:
    """Blocks are buffers, those with aliases joined to one; sizes are in units of ``unit`` bytes.

    A section is a time at which a set of blocks is live that is part of no other such set. Lists
    are kept as rows of unequal length: entry ``k`` of row ``i`` stands at ``ptr[i] + k``.

    Attributes
    ----------
    unit
        Greatest common divisor of all sizes, given offsets and alignments above one byte.
    block
        For each buffer of the problem its block.
    pieces
        For each block its pieces, in time.
    height
        (n,) largest size of a block.
    alignment
        (n,) its offset is a multiple of this.
    fixed
        (n,) offset that is given; -1: free.
    live_ptr, live, size
        Blocks of each section, and the size that each has there.
    capacity
        Units that there are; ``None``: any number.
    """

    unit: int
    block: Ints
    pieces: tuple[tuple[Piece, ...], ...]
    height: Ints
    alignment: Ints
    fixed: Ints
    live_ptr: Ints
    live: Ints
    size: Ints
    capacity: int | None

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.height)

    @property
    def n_sections(self) -> int:
        """Number of sections."""
        return len(self.live_ptr) - 1

    def totals(self) -> Ints:
        """Sum of the sizes in each section."""
        found: Ints = np.add.reduceat(self.size, self.live_ptr[:-1])
        return found

    def top(self, offsets: Ints) -> int:
        """Height of an allocation, in units."""
        return int((offsets + self.height).max())


def compile_memory(problem: MemoryProblem) -> MemoryArrays:
    """Join aliases, divide by the common unit and find the sections."""
    known = {buffer.id: buffer for buffer in problem.buffers}
    rows: dict[str, int] = {}
    for buffer in problem.buffers:
        rows.setdefault(origin(known, buffer).id, len(rows))
    block = np.array([rows[origin(known, buffer).id] for buffer in problem.buffers], np.int64)
    members: list[list[Buffer]] = [[] for _ in rows]
    for buffer, row in zip(problem.buffers, block.tolist(), strict=True):
        members[row].append(buffer)
    unit = gcd(
        *(buffer.size for buffer in problem.buffers),
        *(buffer.offset or 0 for buffer in problem.buffers),
        *(buffer.alignment for buffer in problem.buffers if buffer.alignment > 1),
    )
    parts = tuple(_pieces(group, unit) for group in members)
    live = _sections(parts)
    fixed = [next((b.offset for b in group if b.offset is not None), None) for group in members]
    return MemoryArrays(
        unit=unit,
        block=block,
        pieces=parts,
        height=np.array([max(size for _, _, size in part) for part in parts], np.int64),
        alignment=np.array(
            [max(1, lcm(*(b.alignment for b in group)) // unit) for group in members], np.int64
        ),
        fixed=np.array([-1 if at is None else at // unit for at in fixed], np.int64),
        live_ptr=np.cumsum([0, *(len(row) for row in live)], dtype=np.int64),
        live=np.array([number for row in live for number in row], np.int64),
        size=np.array([size for row in live for size in row.values()], np.int64),
        capacity=None if problem.capacity is None else problem.capacity // unit,
    )


def _pieces(group: list[Buffer], unit: int) -> tuple[Piece, ...]:
    """Return when a block is live, and how large it is then."""
    spans = [(start, end, b.size // unit) for b in group for start, end in pieces(b)]
    if len(group) == 1:
        return tuple(spans)
    edges = sorted({edge for start, end, _ in spans for edge in (start, end)})
    found: list[Piece] = []
    for start, end in pairwise(edges):
        size = max((size for a, b, size in spans if a <= start and end <= b), default=0)
        if size and found and found[-1][1:] == (start, size):
            found[-1] = (found[-1][0], end, size)
        elif size:
            found.append((start, end, size))
    return tuple(found)


def _sections(parts: tuple[tuple[Piece, ...], ...]) -> list[dict[int, int]]:
    """Return for each section its blocks with their sizes.

    Of sets that follow each other in time only those are kept that no neighbour contains.
    """
    events = sorted(
        (time, kind, number, size)
        for number, part in enumerate(parts)
        for start, end, size in part
        for time, kind in ((start, 1), (end, 0))
    )
    live: dict[int, int] = {}
    found: list[dict[int, int]] = []
    growing = False
    for _, begins, number, size in events:
        if begins:
            live[number] = size
            growing = True
            continue
        # Just before a block ends after others have begun, a set is largest.
        if growing:
            found.append(dict(sorted(live.items())))
            growing = False
        del live[number]
    return found
