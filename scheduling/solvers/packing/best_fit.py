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


def best_fit(arrays: PackingArrays) -> Ints:
    """Return the chunk of each sequence.

    Open chunks stand in lists by the room that they have, and the rooms in order.
    """
    rooms: list[int] = []
    chunks: dict[int, list[int]] = {}
    opened = 0
    places = []
    for length in arrays.length.tolist():
        position = bisect_left(rooms, length)
        if position == len(rooms):
            chunk, room = opened, arrays.size
            opened += 1
        else:
            room = rooms[position]
            chunk = chunks[room].pop()
            if not chunks[room]:
                del chunks[room], rooms[position]
        places.append(chunk)
        room -= length
        if room in chunks:
            chunks[room].append(chunk)
        elif room:
            chunks[room] = [chunk]
            insort(rooms, room)
    return np.array(places, np.int64)
