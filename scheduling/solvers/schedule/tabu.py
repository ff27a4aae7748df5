"""Solver ``tabu``: tabu search on the disjunctive graph of job shops and flexible job shops.

The compiled kernels are described in :mod:`scheduling.solvers.schedule.kernels`. With several
workers as many searches run side by side and take over each other's best schedules.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scheduling.errors import SolverError
from scheduling.models.schedule.arrays import NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.windows import horizon
from scheduling.solvers.bases import NeedsNumba
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.disjunctive import (
    job_shop,
    machines_of,
    open_shop_refusal,
    whole_chains,
)
from scheduling.solvers.schedule.dispatch import Dispatch
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.walking import Walking, walk_together
from scheduling.solvers.schedule.warming import tabu_kernels
from scheduling.solvers.warmup import Kernels, at_once, ready

WORK_UNIT = 20_000
"""Moves that make one unit of work."""

LARGEST_DISPATCHED = 4_000
"""Up to so many tasks, dispatching in plain Python answers before any kernel is loaded."""

_MAXIMA = ("makespan", "max_lateness", "max_tardiness")


class Tabu(NeedsNumba):
    """Tabu search with elite solutions, for shops with makespan or maximum lateness.

    One unit of work is :data:`WORK_UNIT` moves of every worker.
    """

    name = "tabu"
    summary = "tabu search on the disjunctive graph, for job shops and flexible job shops"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is no plain shop."""
        return tabu_refusal(data.arrays)

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name those of the problem's kind of shop."""
        return (tabu_kernels(data.arrays),)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Walk from the board's best schedule, or from the best dispatched one.

        In large shops the kernels' own constructions are faster.
        """
        if board.caps:
            return
        groups = self.kernels(data, budget)
        few = data.arrays.n_tasks <= LARGEST_DISPATCHED
        if board.best is None and (few or not at_once(groups, budget)):
            Dispatch().search(data, board, budget.part(0.2), hint)
        if not ready(groups, board, budget):
            return
        make = walk_maker(data.arrays, board.tier)
        walk = make(budget.seed)
        _post_bound(self.name, data.arrays, board, walk.bound())
        moves = None if budget.work is None else int(budget.work * WORK_UNIT)
        scale = int(data.arrays.weights[board.tier].max())
        walk_together(self.name, data, board, budget, Walking(make, walk, moves, scale))


def tabu_refusal(arrays: ScheduleArrays) -> str | None:
    """Tell why a problem is no plain shop with one largest value to minimise."""
    reason = open_shop_refusal(arrays)
    if reason is None and not _is_maximum(arrays, 0):
        return f"minimises one of {', '.join(_MAXIMA)} only; use lns"
    return reason


def _is_maximum(arrays: ScheduleArrays, tier: int) -> bool:
    used = np.flatnonzero(arrays.weights[tier])
    return len(used) == 1 and MEASURES[int(used[0])] in _MAXIMA


def _post_bound(name: str, arrays: ScheduleArrays, board: Board[Candidate], bound: int) -> None:
    row = arrays.weights[board.tier]
    least = max(0, bound) if row[MEASURES.index("max_tardiness")] else bound
    board.raise_bound(int(row.max()) * least, name)


def _tails(arrays: ScheduleArrays, tier: int) -> Ints:
    """Delivery times that turn the tier's measure into a maximum of completion plus tail."""
    if arrays.weights[tier, MEASURES.index("makespan")]:
        return np.zeros(arrays.n_tasks, np.int64)
    dated = arrays.job_due < NEVER
    never_last = -2 * horizon(arrays) - int(arrays.job_due[dated].max(initial=0)) - 1
    return np.where(dated, -arrays.job_due, never_last)[arrays.job]


def walk_maker(arrays: ScheduleArrays, tier: int) -> Callable[[int], _JobShopWalk | _FlexibleWalk]:
    """Return what makes the walk of a seed, for a shop that :class:`Tabu` takes."""
    if whole_chains(arrays):
        return lambda seed: _JobShopWalk(arrays, tier, seed)
    return lambda seed: _FlexibleWalk(arrays, tier, seed)


class _JobShopWalk:
    """Tabu search of a job shop."""

    def __init__(self, arrays: ScheduleArrays, tier: int, seed: int) -> None:
        from scheduling.solvers.schedule.kernels import jobshop

        self._kernels = jobshop
        self._mode = arrays.mode_ptr[:-1]
        self._shop = job_shop(arrays, _tails(arrays, tier))
        self._search = jobshop.make_search(self._shop, seed)

    def bound(self) -> int:
        """Return the best one-machine bound."""
        return int(self._kernels.lower_bound(self._shop))

    def advance(self, moves: int, target: int) -> int:
        """Make some moves and return the best value so far."""
        return int(self._kernels.advance(self._shop, self._search, moves, target)[0])

    def best(self) -> Candidate:
        """Return the best schedule so far."""
        found = self._kernels.best_schedule(self._shop, self._search)
        if found is None:
            raise SolverError("the tabu search was asked for its best before it began")
        return Candidate(found[1], self._mode)

    def inject(self, candidate: Candidate) -> None:
        """Go on from a schedule that came from elsewhere."""
        sequence = self._kernels.sequences_from_starts(self._shop, candidate.start)
        self._kernels.inject(self._shop, self._search, sequence)


class _FlexibleWalk:
    """Tabu search of a flexible job shop."""

    def __init__(self, arrays: ScheduleArrays, tier: int, seed: int) -> None:
        from scheduling.solvers.schedule.kernels import flexible

        self._kernels = flexible
        self._shop = flexible.flexible_shop_from_arcs(
            arrays.link_before,
            arrays.link_after,
            arrays.link_min,
            arrays.mode_ptr,
            machines_of(arrays),
            arrays.duration,
            head=arrays.release,
            tail=_tails(arrays, tier),
        )
        self._state = flexible.new_search(self._shop, seed=seed)

    def bound(self) -> int:
        """Return the bound by chains, machine sets and prices."""
        from scheduling.solvers.schedule.kernels.flexible_bounds import lower_bound

        return int(lower_bound(self._shop))

    def advance(self, moves: int, target: int) -> int:
        """Make some moves and return the best value so far."""
        return self._kernels.advance(self._state, moves, target)[0]

    def best(self) -> Candidate:
        """Return the best schedule so far."""
        schedule = self._kernels.schedule_from_state(self._state)
        return Candidate(schedule.starts, schedule.alternatives)

    def inject(self, candidate: Candidate) -> None:
        """Go on from a schedule that came from elsewhere."""
        self._kernels.inject(self._state, candidate.start, candidate.mode)
