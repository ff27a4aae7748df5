"""Problems of prompts as arrays, and schedules by priorities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.prefill.problem import PrefillProblem

Ints = NDArray[np.int64]

Pieces = tuple[tuple[int, int, int], ...]
"""Prompt, start and operators of each piece, in order of time."""

Key = Callable[[int, int, int], tuple[float, ...]]
"""From prompt, time and work that is left to its place in the queue; the least runs."""


@dataclass(frozen=True, eq=False, slots=True)
class PrefillArrays:
    """Columns of the prompts, shape (n,), as of :class:`~scheduling.models.prefill.problem.Prompt`.

    ``work`` is the time of all operators of each.
    """

    release: Ints
    operators: Ints
    duration: Ints
    due: Ints
    weight: Ints

    @property
    def n(self) -> int:
        """Prompts."""
        return len(self.release)

    @property
    def work(self) -> Ints:
        """Time that each prompt takes."""
        found: Ints = self.operators * self.duration
        return found

    def value(self, pieces: Pieces) -> int:
        """Weight of the prompts that are on time, with its sign turned."""
        left, ends = self.operators.copy(), np.zeros(self.n, np.int64)
        for prompt, start, operators in pieces:
            left[prompt] -= operators
            ends[prompt] = max(ends[prompt], start + operators * int(self.duration[prompt]))
        return -int(self.weight[(left == 0) & (ends <= self.due)].sum())


def compile_prefill(problem: PrefillProblem) -> PrefillArrays:
    """Compile a problem."""

    def column(name: str) -> Ints:
        return np.array([getattr(prompt, name) for prompt in problem.prompts], dtype=np.int64)

    names = ("release", "operators", "duration", "due", "weight")
    return PrefillArrays(*(column(name) for name in names))


def by_priority(arrays: PrefillArrays, key: Key, chosen: NDArray[np.bool_] | None = None) -> Pieces:
    """Run at every arrival and end the prompt that stands first, and let it go on until then.

    A prompt that runs when another comes goes on to the end of its operator.

    Parameters
    ----------
    arrays
        The problem.
    key
        Order of the prompts that wait.
    chosen
        Run these alone; default: all.
    """
    rows = range(arrays.n) if chosen is None else np.flatnonzero(chosen).tolist()
    coming = sorted(rows, key=lambda row: int(arrays.release[row]))
    release, duration = arrays.release.tolist(), arrays.duration.tolist()
    left = arrays.operators.tolist()
    waiting: list[int] = []
    pieces: list[tuple[int, int, int]] = []
    now = ahead = 0
    while ahead < len(coming) or waiting:
        if not waiting:
            now = max(now, release[coming[ahead]])
        while ahead < len(coming) and release[coming[ahead]] <= now:
            waiting.append(coming[ahead])
            ahead += 1
        first = min(waiting, key=lambda row: (*key(row, now, left[row] * duration[row]), row))
        count = left[first]
        if ahead < len(coming):
            until = release[coming[ahead]] - now
            count = min(count, max(1, -(-until // duration[first])))
        pieces.append((first, now, count))
        now += count * duration[first]
        left[first] -= count
        if not left[first]:
            waiting.remove(first)
    return tuple(pieces)


def run_in_time(arrays: PrefillArrays, chosen: NDArray[np.bool_]) -> Pieces:
    """Run what is chosen by earliest due time, without the prompts that end late."""
    kept = chosen.copy()
    while True:
        pieces = by_priority(arrays, lambda row, _now, _left: (int(arrays.due[row]),), kept)
        ends = np.zeros(arrays.n, np.int64)
        for row, start, operators in pieces:
            ends[row] = start + operators * int(arrays.duration[row])
        late = kept & (ends > arrays.due)
        if not late.any():
            return pieces
        # The longest of those that have run when the first is late makes most room.
        first = int(np.flatnonzero(late)[np.argmin(ends[late])])
        before = kept & (ends <= ends[first])
        longest = np.flatnonzero(before)[np.argmax(arrays.work[before] / _weights(arrays, before))]
        kept[longest] = False


def _weights(arrays: PrefillArrays, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.maximum(arrays.weight[chosen].astype(np.float64), 1e-9)
