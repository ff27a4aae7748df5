"""Solver ``auto``: best fit, then search over parts beside CP-SAT on the whole."""

from __future__ import annotations

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.models.placement.bounds import goal_bound, unplaced_bound
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.columns.aims import CELL_GOALS
from scheduling.solvers.placement.columns.solver import Columns
from scheduling.solvers.placement.cpsat.solver import CpSat
from scheduling.solvers.placement.default_scheduler import DefaultScheduler
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.filling.solver import Filling
from scheduling.solvers.placement.greedy import BestFit
from scheduling.solvers.placement.greedy_rules import MEASURED, Greedy
from scheduling.solvers.placement.guided import LOOSE, Guided
from scheduling.solvers.placement.lns import Lns
from scheduling.solvers.placement.pools import Pools
from scheduling.solvers.placement.relaxation import raise_linear_bound
from scheduling.solvers.registry import Solver
from scheduling.solvers.sideways import Sideways
from scheduling.solvers.warmup import Kernels, at_once, begin, kernels_of

_LARGEST_EXACT = 40_000
_LARGEST_DEFAULT = 2_000_000
"""Most pairs of pending item and node for which the default scheduler's scores are quick."""

_LAST_GREEDY = 0.15
"""Share of what is left of the time for the greedy that seldom beats the others."""

_FILLING = 0.75
"""Share of the budget for fillings of nodes before large neighbourhood search."""

_COLUMNS = 0.6
"""Share of the budget for pattern columns before the other searches."""

_MEANWHILE = 0.3
"""Share of the time for large neighbourhood search before kernels that are being compiled."""


class Auto(NeedsNothing, TakesAll):
    """Portfolio of the family's solvers on one board.

    The default scheduler's rule (in clusters where it takes no longer than a moment), packing after
    a linear program and best fit answer first, so that no answer is worse than theirs. Then large
    neighbourhood search improves the placement while CP-SAT works on the bound of the whole. With a
    work limit the two run one after the other.

    In large clusters where only capacities tie items to each other, fillings of nodes by column
    generation go before it.

    Where all items run and few moves are to leave fewer fragments, nodes or cost, pattern columns
    go first, as far as they know all that the problem states.
    """

    name = "auto"
    summary = "portfolio: greedies, large neighbourhood search and CP-SAT on one board"

    def __init__(self) -> None:
        self._data: CompiledPlacement | None = None
        self._builders: list[Solver[CompiledPlacement, Ints]] = []
        self._columns: Columns | None = None
        self._filling: Filling | None = None

    def kernels(self, data: CompiledPlacement, budget: Budget) -> tuple[Kernels, ...]:
        """Name those of pattern columns and of fillings, where they can be used."""
        self._choose(data)
        parts = (part for part in (self._columns, self._filling) if part is not None)
        return tuple(group for part in parts for group in kernels_of(part, data, budget))

    def _choose(self, data: CompiledPlacement) -> None:
        """Choose parts and greedies once in a solve."""
        if self._data is data:
            return
        self._data = data
        filling, columns = Filling(), Columns()
        pending = data.arrays.n_priorities > 0 and not _is_small(data)
        self._filling = filling if pending and filling.refusal(data) is None else None
        wanted = any(goal in CELL_GOALS for goal in data.arrays.goals)
        taken = wanted and columns.availability() and columns.refusal(data) is None
        self._columns = columns if taken else None
        waiting = int(np.sum(data.arrays.now < 0))
        small = waiting * data.arrays.n_nodes <= _LARGEST_DEFAULT
        quick = [Guided((LOOSE,))] if self._filling else [Guided(), BestFit()]
        self._builders = [*([DefaultScheduler()] if small else []), *quick]
        if any(goal in MEASURED for goal in data.arrays.goals):
            self._builders.append(Greedy("goals"))

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,
    ) -> None:
        """Improve value and bound side by side."""
        arrays = data.arrays
        if board.best is None:
            # What runs keeps every rule, because rules bind what changes.
            board.offer(arrays.now, data.values(arrays.now), self.name)
        if board.tier < arrays.n_priorities:
            board.raise_bound(unplaced_bound(arrays, board.tier, board.caps), self.name)
            raise_linear_bound(Pools.of_nodes(arrays), board, budget, self.name)
        elif arrays.goals:
            goal = arrays.goals[board.tier - arrays.n_priorities]
            board.raise_bound(goal_bound(arrays, goal, board.caps), self.name)
        self._build(data, board, budget, hint)
        groups = self.kernels(data, budget)
        if not board.stopped and not at_once(groups, budget):
            begin(groups)
            Lns().search(data, board, budget.part(_MEANWHILE), hint)
        if self._columns is not None and not board.stopped:
            self._columns.search(data, board, budget.part(_COLUMNS), hint)
        filling = self._filling
        if filling is not None and not board.stopped and filling.knows(arrays, board.tier):
            filling.search(data, board, budget.part(_FILLING), hint)
        if board.stopped:
            return
        exact = _is_small(data)
        if budget.work is not None:
            Lns().search(data, board, budget.part(0.5), hint)
            if exact and not board.stopped:
                CpSat().search(data, board, budget.part(0.5), hint)
            return
        with Sideways() as side:
            if exact:
                side.start("cp-sat", lambda: CpSat().search(data, board, budget, hint))
            Lns().search(data, board, budget.part(1.0, 1) if exact else budget, hint)

    def _build(
        self, data: CompiledPlacement, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Run each greedy once in a solve, also where the first ones settle the first tiers."""
        self._choose(data)
        while self._builders and not board.stopped:
            builder = self._builders.pop(0)
            last = isinstance(builder, BestFit)
            builder.search(data, board, budget.part(_LAST_GREEDY) if last else budget, hint)


def _is_small(data: CompiledPlacement) -> bool:
    """Tell whether CP-SAT on the whole has a chance."""
    return int(data.arrays.eligible.sum()) <= _LARGEST_EXACT
