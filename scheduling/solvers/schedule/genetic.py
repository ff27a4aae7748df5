"""Solver ``genetic``: evolution of activity lists and modes for any scheduling problem."""

from __future__ import annotations

import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.registry import READY, Availability
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import feature_refusal
from scheduling.solvers.schedule.kernels.warmup import ensure_compiled
from scheduling.solvers.schedule.rules import dense_ranks, task_features
from scheduling.solvers.schedule.sgs import first_modes, out_of_time, post_greedy, rules_for

if TYPE_CHECKING:
    from scheduling.solvers.schedule.kernels.project import Project

WORK_UNIT = 1000
"""Schedules that make one unit of work."""

_POPULATION = 50
_PATIENCE = 4_000
_SLICE_SECONDS = 0.05
_FIRST_SLICE = 50


class Genetic:
    """Hybrid genetic algorithm (Valls, Ballestin and Quintanilla, 2008) over activity lists.

    Children are decoded by serial generation and justified; modes evolve with the lists. Takes
    every problem of the family; deadlines and maximal lags that are missed count as violation and
    are bred out. With several workers as many populations evolve side by side and take over the
    board's best schedule. A unit of work is 1,000 generated schedules of every worker.
    """

    name = "genetic"
    summary = "genetic search over activity lists and modes, with justification"

    def availability(self) -> Availability:
        """Tell whether numba is installed."""
        if find_spec("numba") is None:
            return Availability(False, "numba is missing; install it with: pip install numba")
        return READY

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Refuse what goes beyond modes, resources, calendars, windows and lags."""
        return feature_refusal(data.arrays)

    def prepare(self, data: CompiledSchedule) -> None:  # noqa: ARG002 - one group serves all
        """Compile the kernels of schedule generation."""
        ensure_compiled("project")

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,  # noqa: ARG002 - a valid hint is on the board already
    ) -> None:
        """Evolve until the board stops or the budget is spent."""
        features = task_features(data.arrays)
        if features is None:
            board.prove_infeasible(self.name)
            return
        rules = rules_for(data.arrays, board.tier).values()
        ranks = np.stack([dense_ranks(rule(features)) for rule in rules])
        if board.best is None:
            post_greedy(data, board, features, ranks[0], self.name)
        if out_of_time(board, budget):
            return
        from scheduling.solvers.schedule.kernels.project import make_project

        project = make_project(data.arrays)
        if project is None:
            board.prove_infeasible(self.name)
            return
        populations = [
            _Population(data, board, budget, project, ranks, budget.seed + number)
            for number in range(budget.workers)
        ]
        threads = [
            threading.Thread(target=population.run, args=(self.name,), daemon=True)
            for population in populations[1:]
        ]
        for thread in threads:
            thread.start()
        populations[0].run(self.name)
        for thread in threads:
            thread.join()


class _Population:
    """One population and its scratch memory."""

    def __init__(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        project: Project,
        ranks: Ints,
        seed: int,
    ) -> None:
        from scheduling.solvers.schedule.kernels.project import ORIGIN, mirror_project
        from scheduling.solvers.schedule.kernels.project_genetic import make_pool
        from scheduling.solvers.schedule.kernels.project_lists import make_space
        from scheduling.solvers.schedule.kernels.project_profile import make_profile

        self.data, self.board, self.budget = data, board, budget
        self.project, self.mirror = project, mirror_project(project)
        self.profile, self.space = make_profile(project), make_space(project)
        self.pool = make_pool(ranks, first_modes(project), _POPULATION, seed)
        self.caps = np.array(board.caps, np.int64)
        self.origin = project.mode[ORIGIN]
        self.known: int | None = None

    def run(self, name: str) -> None:
        """Evolve in slices; take over what others found, post what is better."""
        from scheduling.solvers.schedule.kernels.project_genetic import evolve

        best = _POPULATION + 1
        amount, made = _FIRST_SLICE, 0
        while not out_of_time(self.board, self.budget) and not self._out_of_work(made):
            self._adopt()
            goal = -NEVER if self.board.bound is None else self.board.bound
            began = time.monotonic()
            made += evolve(
                self.project,
                self.mirror,
                self.profile,
                self.space,
                self.pool,
                self.caps,
                amount,
                goal,
                _PATIENCE,
            )
            if self.budget.work is None:
                scale = _SLICE_SECONDS / max(time.monotonic() - began, 1e-4)
                amount = max(2, int(amount * min(2.0, max(0.25, scale))))
            if self.pool.score[best, 0] == 0:
                self._post(name, best)

    def _post(self, name: str, row: int) -> None:
        value = int(self.pool.score[row, 1])
        if self.known is None or value < self.known or self.board.best is None:
            start, mode = self.pool.start[row].copy(), self.origin[self.pool.mode[row]]
            candidate = Candidate(start, mode)
            self.board.offer(candidate, self.data.values(candidate), name)
            self.known = value

    def _adopt(self) -> None:
        """Let a better schedule from the board join the population."""
        from scheduling.solvers.schedule.kernels.project_genetic import admit

        candidate, values = self.board.best, self.board.values
        if candidate is None or values is None:
            return
        tier = self.board.tier
        if self.known is not None and values[tier] >= self.known:
            return
        self.known = values[tier]
        local = np.searchsorted(self.origin[: self.project.mode.shape[1] - 1], candidate.mode)
        if not np.array_equal(self.origin[local], candidate.mode):
            return
        child, pool = _POPULATION, self.pool
        pool.order[child] = np.lexsort((np.arange(len(local)), candidate.start))
        pool.mode[child], pool.start[child] = local, candidate.start
        pool.score[child] = (0, values[tier], values[tier + 1] if tier + 1 < len(values) else 0)
        admit(pool, child)

    def _out_of_work(self, made: int) -> bool:
        return self.budget.work is not None and made >= WORK_UNIT * self.budget.work
