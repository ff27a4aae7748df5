"""Bound of what orders save, by what each row has in common with one other, two others and more."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.table.arrays import Lines
from scheduling.models.table.bounds import chain_bounds, total_bound
from scheduling.solvers.bases import NeedsNumba, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.family import CompiledTable
from scheduling.solvers.warmup import Kernels, ready

_MOST_WORK = (10**5, 10**6)
"""Work of the search of one row, at first and where that has left something open."""

_WORK_AT_ONCE, _WORK_PER_UNIT = 10**7, 10**8
"""Work between two looks at the clock, about, and of one unit of work."""


class Fronts(NeedsNumba, TakesAll):
    """Bounds what each row saves by the most that groups of each size have in common with it.

    Orders form a trie. Where ``s`` lines have the same cells in front, ``s - 1`` of them share the
    last of these: in each line its weight counts ``1 - 1 / s`` times. So a row whose cells in front
    are shared by groups of falling size, with the weight ``g(s)`` in common where there are ``s``
    lines or more, saves the sum of ``g(s) (1 / (s - 1) - 1 / s)`` over all s from two on. In no
    order there is more in common than the most that the row and any ``s - 1`` others have, which
    is what is searched here: row by row, by branch and bound over cells that are had by all rows of
    a group. A row beyond the time keeps its bound by chains of groups, and so does one whose bound
    is lower.

    The sets are found as closed patterns are: Uno, Kiyomi and Arimura, "LCM ver. 2", FIMI 2004.
    """

    name = "fronts"

    def kernels(self, data: Any, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the kernel."""
        return (FRONTS,)

    def search(
        self,
        data: CompiledTable,
        board: Board[Lines],
        budget: Budget,
        hint: Lines | None,  # noqa: ARG002
    ) -> None:
        """Raise the bound as long as the budget allows and there are rows to look at."""
        groups = data.groups
        free = ~groups.common[0]
        if not free.any() or not ready((FRONTS,), board, budget):
            return
        from scheduling.solvers.table.kernels.fronts import bound_rows

        value = np.ascontiguousarray(data.arrays.value[groups.rows][:, free])
        weight = np.ascontiguousarray(data.arrays.weight[groups.rows][:, free])
        best = chain_bounds(data.arrays, groups)
        found, cut = np.full(len(value), np.inf), np.ones(len(value), np.bool_)
        work = 0.0
        for most in _MOST_WORK:
            left = np.flatnonzero(cut)
            size = max(1, _WORK_AT_ONCE // (value.size + most))
            for start in range(0, len(left), size):
                over = budget.work is not None and work >= budget.work
                if over or board.stopped or budget.remaining() == 0:
                    break
                rows = left[start : start + size]
                done = bound_rows(value, weight, rows, most, found, cut)
                work += done / _WORK_PER_UNIT
            np.minimum(best, found, out=best)
            board.raise_bound(-total_bound(groups, best), self.name)


def _fronts() -> None:
    from scheduling.solvers.table.kernels.fronts import bound_rows

    value = np.zeros((3, 1), np.int64)
    bound_rows(value, value, np.arange(1), 1, np.zeros(3), np.zeros(3, np.bool_))


FRONTS = Kernels("fronts", _fronts)
