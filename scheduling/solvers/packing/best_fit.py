"""Solver ``best-fit``: by falling length, each sequence where it leaves the least room."""

from __future__ import annotations

from bisect import bisect_left, insort

import numpy as np

from scheduling.models.packing.arrays import Ints, PackingArrays
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.packing.family import CompiledPacking


class BestFit(OnePass):
    """Best fit decreasing: at most 11/9 of the optimum and 6/9 (Johnson, 1973)."""

    name = "best-fit"
    summary = "best fit by falling length: seconds for millions of sequences"

    def post(self, data: CompiledPacking, board: Board[Ints]) -> None:
        """Post the one packing that the rule gives."""
        found = best_fit(data.arrays)
        board.offer(found, data.values(found), self.name)


class Rooms:
    """Open chunks in lists by the room that they have, and the rooms in order.

    Parameters
    ----------
    size
        Tokens of a chunk.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._rooms: list[int] = []
        self._chunks: dict[int, list[int]] = {}
        self._opened = 0

    def open(self, filled: int) -> int:
        """Open a chunk that is filled so far, and return it."""
        chunk = self._opened
        self._opened += 1
        self._keep(chunk, self._size - filled)
        return chunk

    def place(self, length: int) -> int:
        """Return the chunk in which a sequence leaves the least room; a new one where none fits."""
        position = bisect_left(self._rooms, length)
        if position == len(self._rooms):
            return self.open(length)
        room = self._rooms[position]
        chunk = self._chunks[room].pop()
        if not self._chunks[room]:
            del self._chunks[room], self._rooms[position]
        self._keep(chunk, room - length)
        return chunk

    def _keep(self, chunk: int, room: int) -> None:
        if room in self._chunks:
            self._chunks[room].append(chunk)
        elif room:
            self._chunks[room] = [chunk]
            insort(self._rooms, room)


def best_fit(arrays: PackingArrays) -> Ints:
    """Return the chunk of each sequence."""
    rooms = Rooms(arrays.size)
    return np.array([rooms.place(length) for length in arrays.length.tolist()], np.int64)
