"""Solver ``crews``: shops whose tasks also need operators, tools or other renewable resources."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from scheduling.models.schedule.arrays import NEVER, RENEWABLE, ScheduleArrays
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.genetic import Genetic
from scheduling.solvers.schedule.lns import Lns
from scheduling.solvers.schedule.rules import dense_ranks, task_features
from scheduling.solvers.schedule.sgs import out_of_time, post_greedy
from scheduling.solvers.schedule.tabu import tabu_refusal, walk_maker
from scheduling.solvers.schedule.warming import PROJECT, tabu_kernels
from scheduling.solvers.warmup import Kernels, ready

_SLICE = 1000
_PATIENCE = 8
_RELAXED_SHARE = 0.2
_GENETIC_SHARE = 0.25


class Crews(NeedsCpSat):
    """Tabu search without the crews, then genetic search and large neighbourhood search with them.

    Without its renewable resources the problem is a plain shop, of which tabu search finds good
    schedules within milliseconds. Serial schedule generation in the order of their starts brings
    the resources back. That is done after every slice of the walk until it stops helping. Each
    worker's share of the rest is as for the parts that take over. A unit of work is one of theirs.
    """

    name = "crews"
    summary = "shops with operators or tools: tabu search without them, then genetic and LNS"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is no shop with renewable resources."""
        arrays = data.arrays
        kinds = arrays.resource_type[arrays.demand_resource]
        if not len(kinds) or np.any(kinds != RENEWABLE) or np.any(arrays.machine < 0):
            return "takes tasks on machines that need renewable resources too; use genetic"
        return tabu_refusal(_without_demands(arrays))

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name those of tabu and of genetic search."""
        return (tabu_kernels(data.arrays), PROJECT)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Improve the board's best schedule."""
        if not board.caps:
            self._relaxed(data, board, budget.part(_RELAXED_SHARE))
        for part, share in ((Genetic(), _GENETIC_SHARE), (Lns(), 1.0)):
            if not out_of_time(board, budget):
                part.search(data, board, budget.part(share), hint)

    def _relaxed(self, data: CompiledSchedule, board: Board[Candidate], budget: Budget) -> None:
        """Post what comes of good schedules of the plain shop."""
        features = task_features(data.arrays)
        if features is None or not ready((tabu_kernels(data.arrays),), board, budget):
            return
        walk = walk_maker(_without_demands(data.arrays), board.tier)(budget.seed)
        idle = 0
        while idle < _PATIENCE and not out_of_time(board, budget):
            before = board.objective
            walk.advance(_SLICE, -NEVER)
            stop = partial(out_of_time, board, budget)
            post_greedy(data, board, features, dense_ranks(walk.best().start), self.name, stop)
            idle = 0 if board.objective != before else idle + 1


def _without_demands(arrays: ScheduleArrays) -> ScheduleArrays:
    none = np.zeros(0, np.int64)
    return replace(
        arrays,
        demand_ptr=np.zeros(len(arrays.duration) + 1, np.int64),
        demand_resource=none,
        demand_amount=none,
    )
