"""Solver ``lawler``: the dynamic program of prompts that may be interrupted anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.prefill.arrays import Pieces, PrefillArrays, run_in_time
from scheduling.models.prefill.bounds import most_weight
from scheduling.solvers.bases import NeedsNumba
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.prefill.family import CompiledPrefill, offer
from scheduling.solvers.warmup import Kernels, ready

STEPS_A_ROW = 2e8
CELLS = 3e7
"""Most steps between two looks at the clock, and most entries of a table."""

_STEPS_A_UNIT = 1e8
_WORD = np.uint64(64)

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Lawler(NeedsNumba):
    """Lawler's dynamic program, in O(n k^2 W^2) for k release times and a weight W on time at most.

    For every release time and every weight it keeps the earliest end of the sets of prompts that
    are released then or later, have that weight and can all be on time; prompts join by due time.
    The greatest weight that has an end is a bound, for operators can at best be interrupted
    anywhere. It is the optimum where they can as good as be: where all operators take equally long
    and all releases are multiples of that apart. Elsewhere the set runs by earliest due time
    between whole operators, and those that end late are dropped. One work unit is 10^8 steps.

    Source: Lawler, "A dynamic programming algorithm for preemptive scheduling of a single machine
    to minimize the number of late jobs", Annals of Operations Research 26, 1990.
    """

    name = "lawler"
    summary = "Lawler's dynamic program: exact but for the length of an operator"

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name those of the dynamic program."""
        return (ROWS,)

    def refusal(self, data: CompiledPrefill) -> str | None:
        """Refuse sizes at which it would not look at the clock in time, or whose tables are large.

        Weights count by their greatest common divisor.
        """
        asked = _asked(data.arrays)
        k, most = len(asked.release), asked.most
        if k * most**2 <= STEPS_A_ROW and k**2 * most <= CELLS:
            return None
        return f"{k} release times and a weight on time of up to {most}; use intervals"

    def search(
        self,
        data: CompiledPrefill,
        board: Board[Pieces],
        budget: Budget,
        hint: Pieces | None,  # noqa: ARG002
    ) -> None:
        """Take prompts by due time; post the best set at the end."""
        asked = _asked(data.arrays)
        chosen = np.zeros(data.arrays.n, np.bool_)
        chosen[asked.rows] = True
        offer(data, board, run_in_time(data.arrays, chosen), self.name)
        if not ready((ROWS,), board, budget):
            return
        program = _Program(data.arrays, asked)
        each, spent = len(asked.release) * (asked.most + 1) ** 2, 0
        for _ in program.rows():
            spent += each
            over = budget.work is not None and spent > budget.work * _STEPS_A_UNIT
            if over or board.stopped or budget.remaining() == 0:
                return
        weight, chosen = program.best()
        board.raise_bound(-weight, self.name)
        offer(data, board, run_in_time(data.arrays, chosen), self.name)


class _Asked(NamedTuple):
    """The prompts that count, by due time; their release times; a unit of weight; most of them."""

    rows: Ints
    release: Ints
    unit: int
    most: int


def _asked(arrays: PrefillArrays) -> _Asked:
    able = (arrays.release + arrays.work <= arrays.due) & (arrays.weight > 0)
    rows = np.flatnonzero(able)
    unit = max(1, int(np.gcd.reduce(arrays.weight[rows])))
    by_due = rows[np.argsort(arrays.due[rows], kind="stable")]
    return _Asked(by_due, np.unique(arrays.release[rows]), unit, most_weight(arrays) // unit)


class _Program:
    """The tables of the program, filled prompt by prompt."""

    def __init__(self, arrays: PrefillArrays, asked: _Asked) -> None:
        from scheduling.solvers.prefill.kernels.lawler import NEVER

        self._arrays, self._asked = arrays, asked
        k, width = len(asked.release), asked.most + 1
        self._least = np.full((k, width), NEVER, np.int64)
        self._sets = np.zeros((k, width, len(asked.rows) // int(_WORD) + 1), np.uint64)
        self._busy = np.full((k, k, width), NEVER, np.int64)
        self._first = np.zeros((k, k, width), np.int32)
        self._never = NEVER

    def rows(self) -> Iterator[None]:
        """Take the prompts; stop behind each row."""
        from scheduling.solvers.prefill.kernels.lawler import busy_row, take_row

        arrays, release = self._arrays, self._asked.release
        for number, row in enumerate(self._asked.rows.tolist()):
            own = int(np.searchsorted(release, arrays.release[row]))
            for a in range(len(release) - 1, own - 1, -1):
                busy_row(a, release, self._least, self._busy, self._first)
                yield
            gain = int(arrays.weight[row]) // self._asked.unit
            job = number, own, int(arrays.work[row]), int(arrays.due[row]), gain
            # A row is made of later ones that are still without the prompt.
            for a in range(own + 1):
                take_row(a, job, release, self._least, self._sets, self._busy, self._first)
                yield

    def best(self) -> tuple[int, Flags]:
        """Return the greatest weight, and which prompts a set has that weighs so much."""
        chosen = np.zeros(self._arrays.n, np.bool_)
        ended = np.flatnonzero(self._least[:1] < self._never)
        if not len(ended):
            return 0, chosen
        words = self._sets[0, ended[-1]]
        numbers = np.arange(len(self._asked.rows), dtype=np.uint64)
        bits = words[numbers // _WORD] >> (numbers % _WORD) & np.uint64(1)
        chosen[self._asked.rows[bits == 1]] = True
        return int(ended[-1]) * self._asked.unit, chosen


def _take_one() -> None:
    from scheduling.solvers.prefill.kernels.lawler import busy_row, take_row

    release, least = np.zeros(1, np.int64), np.ones((1, 2), np.int64)
    busy, first = np.zeros((1, 1, 2), np.int64), np.zeros((1, 1, 2), np.int32)
    busy_row(0, release, least, busy, first)
    take_row(0, (0, 0, 1, 1, 1), release, least, np.zeros((1, 2, 1), np.uint64), busy, first)


ROWS = Kernels("prefill", _take_one)
