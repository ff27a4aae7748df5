"""Dispatching by a learned priority rule."""

from __future__ import annotations

import numpy as np

from scheduling.errors import SolverError
from scheduling.solvers.bases import NeedsNumba
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.disjunctive import job_shop, job_shop_refusal
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.learning.rule import LearnedRule, packaged_rule
from scheduling.solvers.schedule.warming import LEARNED as KERNELS
from scheduling.solvers.warmup import Kernels, ready

LEARNED = "LEARNED"
"""Name of the learned rule that comes with the library."""


class LearnedDispatch(NeedsNumba):
    """Active schedules of a job shop by a learned priority rule.

    Parameters
    ----------
    rule
        The rule; default: the one that comes with the library. A unit of work is one of its
        networks.
    """

    name = "dispatch"
    summary = "schedules by a learned priority rule"

    def __init__(self, rule: LearnedRule | None = None) -> None:
        self._rule = packaged_rule() if rule is None else rule

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is no job shop that minimises the makespan."""
        return job_shop_refusal(data.arrays)

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the one group for all shops."""
        return (KERNELS,)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,  # noqa: ARG002 - dispatching starts from nothing
    ) -> None:
        """Post the one-machine bound and one schedule a network."""
        if board.caps or not ready((KERNELS,), board, budget):
            return
        from scheduling.solvers.schedule.kernels import jobshop
        from scheduling.solvers.schedule.kernels.jobshop_learned import learned_order

        shop = job_shop(data.arrays)
        factor = int(data.arrays.weights[board.tier].max())
        board.raise_bound(factor * jobshop.lower_bound(shop), self.name)
        order = np.empty(data.arrays.n_tasks, np.int64)
        for count, network in enumerate(self._rule.networks):
            left = budget.remaining()
            out_of_work = budget.work is not None and count >= max(1.0, budget.work)
            if board.stopped or out_of_work or (count and left is not None and left <= 0):
                return
            learned_order(shop, np.array(network), self._rule.units, order)
            sequence = jobshop.sequences_from_order(shop, order)
            starts = jobshop.schedule_from_sequences(shop, sequence)
            if starts is None:
                raise SolverError("the learned rule dispatched in a cycle")
            candidate = Candidate(starts, data.arrays.mode_ptr[:-1])
            board.offer(candidate, data.values(candidate), f"{self.name} {LEARNED}")
