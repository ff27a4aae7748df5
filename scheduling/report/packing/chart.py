"""Charts of packings: how full the chunks are, and what lies in those with most room."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.packing.problem import PackingProblem
from scheduling.models.packing.solution import PackingSolution
from scheduling.report.axes import whole_numbers
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CHUNKS = 60
"""Chunks whose contents are shown."""

_MOST_POINTS = 2000


class Chunk(NamedTuple):
    """A chunk, and for each sequence in it its number and tokens, the longest first."""

    name: str
    parts: tuple[tuple[int, int], ...]

    @property
    def tokens(self) -> int:
        """Tokens in it."""
        return sum(tokens for _, tokens in self.parts)


def sentence(problem: PackingProblem, solution: PackingSolution) -> str:
    """Say how many chunks there are, how full they are and what is proven."""
    name = problem.name or "sequences"
    if solution.objective is None:
        return f"{name}: no chunks ({solution.status})"
    room = solution.objective * problem.chunk_tokens
    reached = f"{name}: {solution.objective:,} chunks, {sum(problem.lengths) / room:.1%} full"
    return proven(reached, solution)


def fills(problem: PackingProblem, solution: PackingSolution) -> tuple[list[int], list[int]]:
    """Return places of chunks, from 1, and their tokens, the fullest chunk first.

    The first and the last chunk of each fill are there, so that lines between them are exact; of
    more fills than lines can show, some at equal distances.
    """
    size = problem.chunk_tokens
    long = [length for length in problem.lengths if length > size]
    shared = [sum(problem.lengths[one] for one in chunk) for chunk in solution.chunks]
    rests = [length % size for length in long if length % size]
    full = sum(length // size for length in long)
    tokens: NDArray[np.int64] = np.array([*shared, *rests], np.int64)
    tokens = np.concatenate((np.full(full, size, np.int64), tokens))
    if not len(tokens):
        return [], []
    tokens = np.sort(tokens)[::-1]
    change = np.flatnonzero(np.diff(tokens))
    place = np.unique(np.concatenate(([0], change, change + 1, [len(tokens) - 1])))
    if len(place) > _MOST_POINTS:
        place = place[np.linspace(0, len(place) - 1, _MOST_POINTS).astype(int)]
    return (place + 1).tolist(), tokens[place].tolist()


def emptiest(problem: PackingProblem, solution: PackingSolution) -> list[Chunk]:
    """Return the chunks with most room left, at most ``MOST_CHUNKS``, the emptiest first."""
    size = problem.chunk_tokens
    found = [
        Chunk(
            f"chunk {number}",
            tuple(sorted(((k, problem.lengths[k]) for k in chunk), key=lambda part: -part[1])),
        )
        for number, chunk in enumerate(solution.chunks)
    ]
    found += [
        Chunk(f"last of sequence {number}", ((number, length % size),))
        for number, length in enumerate(problem.lengths)
        if length > size and length % size
    ]
    return nsmallest(MOST_CHUNKS, found, key=lambda chunk: chunk.tokens)


def draw(problem: PackingProblem, solution: PackingSolution, figure: Figure) -> None:
    """Draw a solution, which may be without chunks.

    On the left the tokens of every chunk, the fullest first, and the size of a chunk as a dashed
    line; on the right the sequences of those with most room left.
    """
    figure.set_size_inches(10.0, 4.6)
    figure.suptitle(sentence(problem, solution), color=INK)
    left, right = figure.subplots(1, 2)
    for ax, side in ((left, "h"), (right, "v")):
        mark = ax.axhline if side == "h" else ax.axvline
        mark(problem.chunk_tokens, color=LATE, linewidth=1.0, linestyle="--")
    left.set_xlabel("chunk, the fullest first")
    left.set_ylabel("tokens")
    right.set_xlabel("tokens")
    right.set_ylabel("chunks with most room left")
    if solution.objective is None:
        return
    places, tokens = fills(problem, solution)
    left.fill_between(places, tokens, color=series_colour(0))
    left.set_ylim(bottom=0)
    whole_numbers(left.xaxis)
    for row, chunk in enumerate(emptiest(problem, solution)):
        start = 0
        for number, (_, length) in enumerate(chunk.parts):
            right.barh(row, length, left=start, color=series_colour(number), height=0.85)
            start += length
    right.set_yticks([])
    right.invert_yaxis()
