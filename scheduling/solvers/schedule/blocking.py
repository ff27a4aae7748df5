"""Solver ``blocking``: annealing on the alternative graph of shops without buffers.

The compiled kernels are described in :mod:`scheduling.solvers.schedule.kernels.blocking_graph` and
its neighbours.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import END_START, NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.bases import NeedsNumba
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import BLOCKING, NO_SWAP, feature_refusal
from scheduling.solvers.schedule.shop import chain_delays
from scheduling.solvers.schedule.walking import Walking, walk_together
from scheduling.solvers.schedule.warming import BLOCKING as KERNELS
from scheduling.solvers.warmup import Kernels, ready

WORK_UNIT = 100_000
"""Moves that make one unit of work."""

_TIMED = MEASURES[:7]
_SUMS = ("total_completion", "total_flow", "total_tardiness")


class Blocking(NeedsNumba):
    """Annealing over the machine sequences of job shops in which jobs block their machines.

    It takes chains of tasks with one mode each, blocking or with room to wait, machines that may
    recur, releases, lags within the chain, swaps allowed or not, and every measure of completion
    times. Each move turns an arc on a critical path and lets the job concerned follow, see
    :mod:`~scheduling.solvers.schedule.kernels.blocking_moves`. With several workers as many
    searches run side by side and learn each other's best schedules. One unit of work is
    :data:`WORK_UNIT` moves of every worker.
    """

    name = "blocking"
    summary = "job shops without buffers: annealing with reinsertion of jobs"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is no shop of blocking chains."""
        arrays = data.arrays
        reason = feature_refusal(arrays, frozenset((BLOCKING, NO_SWAP)))
        if reason is not None:
            return reason
        if BLOCKING not in arrays.features:
            return "takes shops in which jobs block machines only; use tabu"
        if not arrays.single_mode or len(arrays.demand_resource):
            return "takes one machine a task only, no modes and other resources; use lns"
        plain = (arrays.link_kind == END_START) & (arrays.link_min >= 0)
        chained = np.all(plain & (arrays.link_max == NEVER)) and chain_delays(arrays) is not None
        if not chained:
            return "takes jobs that are chains only, without maximal lags; use lns"
        if len(arrays.step_start) > arrays.n_resources or np.any(arrays.deadline < NEVER):
            return "takes no breaks and no deadlines; use lns"
        return None

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the one group that serves all."""
        return (KERNELS,)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,  # noqa: ARG002 - a valid one is on the board
    ) -> None:
        """Walk from the board's best schedule, or from all jobs one after the other."""
        if board.caps or not ready((KERNELS,), board, budget):
            return

        def make(seed: int) -> _BlockingWalk:
            return _BlockingWalk(data.arrays, board.tier, seed)

        moves = None if budget.work is None else max(1, int(budget.work * WORK_UNIT))
        walk_together(self.name, data, board, budget, Walking(make, make(budget.seed), moves))


class _BlockingWalk:
    """Annealing of one shop."""

    def __init__(self, arrays: ScheduleArrays, tier: int, seed: int) -> None:
        from scheduling.solvers.schedule.kernels import blocking_search
        from scheduling.solvers.schedule.kernels.blocking_graph import make_blocking_shop

        self._kernels = blocking_search
        self._arrays = arrays
        self._machine = _machines(arrays)
        weights = arrays.weights[tier, : len(_TIMED)].copy()
        rows = [self._machine, arrays.duration, chain_delays(arrays), arrays.release]
        jobs = [np.minimum(arrays.job_due, NEVER), arrays.job_weight, arrays.job_release]
        self._shop = make_blocking_shop(
            arrays.job_ptr,
            np.array(rows, np.int64),
            arrays.blocking,
            np.array(jobs, np.int64),
            weights,
            arrays.swap,
        )
        self._search = blocking_search.make_annealing(self._shop, seed, _scale(arrays, weights))
        blocking_search.start_from(self._shop, self._search, self._sequence(arrays.job))

    def _sequence(self, key: Ints) -> Ints:
        """Flat machine sequences by a key, ties by the order of tasks."""
        users = np.flatnonzero(self._machine >= 0)
        return users[np.lexsort((users, key[users], self._machine[users]))].astype(np.int64)

    def advance(self, moves: int, target: int) -> int:
        """Make some moves and return the best value so far."""
        return int(self._kernels.advance(self._shop, self._search, moves, target))

    def best(self) -> Candidate:
        """Return the best schedule so far."""
        from scheduling.solvers.schedule.kernels.blocking_graph import ENTER

        start = self._search.best_time[self._shop.tasks[ENTER]]
        return Candidate(start, self._arrays.mode_ptr[:-1])

    def inject(self, candidate: Candidate) -> None:
        """Go on from a schedule that came from elsewhere."""
        sequence = self._sequence(candidate.start)
        self._kernels.start_from(self._shop, self._search, sequence)


def _machines(arrays: ScheduleArrays) -> Ints:
    """Machine of each task, numbered without holes; -1 for tasks that occupy none.

    A task of no length occupies its machine only where it may have to wait there.
    """
    last = np.zeros(arrays.n_tasks, bool)
    last[arrays.job_ptr[1:] - 1] = True
    waits = arrays.blocking[arrays.job] & ~last
    idle = (arrays.machine < 0) | ((arrays.duration == 0) & ~waits)
    return np.unique(np.where(idle, -1, arrays.machine), return_inverse=True)[1] - int(idle.any())


def _scale(arrays: ScheduleArrays, weights: Ints) -> float:
    """Price a mean duration in the tier."""
    price: float = arrays.job_weight.mean()
    sums = [name in _SUMS for name in _TIMED]
    return max(1.0, float(arrays.duration.mean() * (weights * np.where(sums, price, 1.0)).sum()))
