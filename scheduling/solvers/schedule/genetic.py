"""Genetic search over activity lists and modes for any problem of the family."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.schedule.arrays import Ints
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.rules import dense_ranks, task_features
from scheduling.solvers.schedule.sgs import (
    WORK_UNIT,
    GeneratesSchedules,
    first_modes,
    out_of_time,
    post_greedy,
    rules_for,
)
from scheduling.solvers.schedule.warming import PROJECT
from scheduling.solvers.sideways import Sideways
from scheduling.solvers.warmup import ready

if TYPE_CHECKING:
    from scheduling.solvers.schedule.kernels.project import Project

_ROOM = 1600
_POOL_CELLS = 4_000_000
_LARGEST_SLICE = 1 << 30  # slices that reach the goal return at once, and would grow for ever
_SLICE_SECONDS = 0.03
_FIRST_RULES = 4


class Genetic(GeneratesSchedules):
    """Hybrid genetic search (Valls, Ballestin and Quintanilla, 2008) on schedule generation.

    Takes any problem of the family. Individuals are activity lists with a mode per task; children
    come from two-point crossover and are justified; schedules that break a maximal lag, a deadline
    or a stock are kept with their violation and rank behind the valid ones. Better schedules that
    other solvers post join the population. With several workers each runs a population of its own.
    A unit of work is 1,000 generated schedules.
    """

    name = "genetic"
    summary = "genetic search on activity lists with justification (any project)"

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,  # noqa: ARG002 - a valid one is on the board
    ) -> None:
        """Evolve populations in slices of some hundredths of a second."""
        features = task_features(data.arrays)
        if features is None:
            board.prove_infeasible(self.name)
            return
        rules = list(rules_for(data.arrays, board.tier).values())[:_FIRST_RULES]
        keys = np.stack([dense_ranks(rule(features)) for rule in rules])
        if board.best is None:
            stop = partial(out_of_time, board, budget)
            post_greedy(data, board, features, keys[0], self.name, stop)
        if out_of_time(board, budget) or not ready((PROJECT,), board, budget):
            return
        from scheduling.solvers.schedule.kernels.project import make_project

        project = make_project(data.arrays)
        if project is None:
            board.prove_infeasible(self.name)
            return
        share = None if budget.work is None else budget.work / budget.workers
        first, *others = (
            _Island(data, board, budget, project, keys, number) for number in range(budget.workers)
        )
        with Sideways() as side:
            for number, island in enumerate(others, start=1):
                side.start(f"{self.name}-{number}", partial(island.run, self.name, share))
            first.run(self.name, share)


class _Island:
    """One population and its exchange with the board."""

    def __init__(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        project: Project,
        keys: Ints,
        number: int,
    ) -> None:
        from scheduling.solvers.schedule.kernels.project import ORIGIN, mirror_project
        from scheduling.solvers.schedule.kernels.project_genetic import make_pool
        from scheduling.solvers.schedule.kernels.project_lists import make_space
        from scheduling.solvers.schedule.kernels.project_profile import make_profile

        self.data, self.board, self.budget = data, board, budget
        self.project, self.mirror = project, mirror_project(project)
        self.profile, self.space = make_profile(project), make_space(project)
        room = max(8, min(_ROOM, _POOL_CELLS // keys.shape[1]))
        seed = (budget.seed * 1_000_003 + number * 7919 + 1) % 2**63
        self.pool = make_pool(keys, first_modes(project), room, seed)
        self.caps = np.array(board.caps, np.int64)
        self.origin = project.mode[ORIGIN, :-1]
        self.seen: Candidate | None = None

    def run(self, name: str, work: float | None) -> None:
        """Alternate slices of the search with the exchange."""
        from scheduling.solvers.schedule.kernels.project_genetic import evolve

        limit = None if work is None else WORK_UNIT * work
        made, slice_size = 0, 1
        self._take()
        while not out_of_time(self.board, self.budget) and (limit is None or made < limit):
            bound = self.board.bound
            amount = slice_size if limit is None else int(min(slice_size, limit - made)) or 1
            began = perf_counter()
            done = evolve(
                self.project,
                self.mirror,
                self.profile,
                self.space,
                self.pool,
                self.caps,
                amount,
                -(2**62) if bound is None else bound,
            )
            made += done
            spent = perf_counter() - began
            factor = _SLICE_SECONDS / max(spent, 1e-6)
            slice_size = int(slice_size * min(4.0, max(0.25, factor)))
            slice_size = min(max(1, slice_size), _LARGEST_SLICE)
            self._post(name)
            self._take()

    def _post(self, name: str) -> None:
        """Post the best of the population if it is valid and better than the board's."""
        score, values = self.pool.score[-1], self.board.values
        if score[0] != 0:
            return
        tier = self.board.tier
        if values is not None and tuple(score[1:].tolist()) >= (*values[tier:], 0, 0)[:2]:
            return
        candidate = Candidate(self.pool.start[-1].copy(), self.origin[self.pool.mode[-1]])
        if self.board.offer(candidate, self.data.values(candidate), name):
            self.seen = candidate

    def _take(self) -> None:
        """Take a better schedule of another solver into the population."""
        from scheduling.solvers.schedule.kernels.project_genetic import welcome

        best = self.board.best
        if best is None or best is self.seen:
            return
        self.seen = best
        mode = np.searchsorted(self.origin, best.mode)
        mode = np.minimum(mode, len(self.origin) - 1)
        if np.array_equal(self.origin[mode], best.mode):
            row = len(self.pool.order) - 3
            self.pool.start[row], self.pool.mode[row] = best.start, mode
            welcome(self.project, self.space, self.pool, self.caps, row)
