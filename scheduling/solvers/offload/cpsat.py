"""Solver ``cp-sat``: delays of pairs as a relaxation, with cuts of the sets that it picks.

The delays on a server are the works of its tasks and twice what each pair shares, which is at least
what the two share alone. What CP-SAT picks is evaluated; where a server's delays are more than the
relaxation says, they bound every set that holds these tasks.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from math import floor
from typing import Any

from scheduling.models.offload.arrays import OffloadArrays
from scheduling.models.offload.bounds import shared_service
from scheduling.models.offload.problem import MILLION, Assignment
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.offload.family import CompiledOffload, offer

LARGEST_PAIRS = 20_000
"""Most pairs of tasks on servers of one model."""

LARGEST_NUMBER = 2**60
"""Largest number of a model."""


class CpSat(NeedsCpSat):
    """A relaxation that cuts close: exact. One work unit is one of CP-SAT's own."""

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools) on delays of pairs, with cuts of sets: exact"

    def refusal(self, data: CompiledOffload) -> str | None:
        """Refuse models that would not be solved in any time."""
        arrays = data.arrays
        pairs = sum(
            one.server == other.server
            for first, second in combinations(arrays.tasks[:1000], 2)
            for one in first
            for other in second
        )
        if _longest(arrays) * len(arrays.tasks) * arrays.servers > LARGEST_NUMBER:
            return "times too long for a model in microseconds; use auto"
        if pairs > LARGEST_PAIRS or len(arrays.tasks) > 1000:
            return f"more than {LARGEST_PAIRS} pairs of tasks on servers; use auto"
        return None

    def search(
        self,
        data: CompiledOffload,
        board: Board[Assignment],
        budget: Budget,
        hint: Assignment | None,  # noqa: ARG002
    ) -> None:
        """Solve, evaluate and cut until nothing is left."""
        from scheduling.solvers.cpsat.running import Outcome, run
        from scheduling.solvers.cpsat.settings import sat_parameters
        from scheduling.solvers.cpsat.stopping import StopSwitch

        relaxed = _Relaxed(data.arrays, board)
        switch, left = StopSwitch(board), budget.work
        while not board.stopped and budget.remaining() != 0 and left != 0:
            parameters = sat_parameters(replace(budget, work=left))
            result = run(relaxed.model, parameters, switch=switch)
            left = None if left is None else max(0.0, left - result.work)
            if result.outcome is Outcome.INFEASIBLE:
                if board.best is None:
                    board.prove_infeasible(self.name)
                return
            if result.bound is not None:
                value = board.objective
                bound = result.bound if value is None else min(result.bound, value)
                board.raise_bound(bound, self.name)
            if result.values is None:
                return
            assignment = relaxed.assignment(result.values)
            offer(data, board, assignment, self.name)
            if not relaxed.cut(assignment, result.values) and result.outcome is Outcome.OPTIMAL:
                return


class _Relaxed:
    """The relaxation of a tier, with the cuts so far."""

    def __init__(self, arrays: OffloadArrays, board: Board[Assignment]) -> None:
        from ortools.sat.python import cp_model

        self.arrays = arrays
        self.model = cp_model.CpModel()
        self.takes = [[self.model.new_bool_var("") for _ in row] for row in arrays.tasks]
        most = _longest(arrays)
        self.delays = [self.model.new_int_var(0, most, "") for _ in range(arrays.servers)]
        for row in self.takes:
            self.model.add_exactly_one(row)
        self._works_and_pairs()
        energy = sum(
            choice.energy * literal
            for row, literals in zip(arrays.tasks, self.takes, strict=True)
            for choice, literal in zip(row, literals, strict=True)
        )
        sums: dict[str, Any] = {"delay": sum(self.delays), "energy": energy}
        for goal, cap in zip(arrays.goals, board.caps, strict=False):
            self.model.add(sums[goal] <= cap)
        for goal, limit in (("delay", arrays.most_delay), ("energy", arrays.most_energy)):
            if limit is not None:
                self.model.add(sums[goal] <= limit)
        self.model.minimize(sums[arrays.goals[board.tier]])

    def _works_and_pairs(self) -> None:
        terms: list[list[Any]] = [[] for _ in self.delays]
        entries = [
            (task, choice, literal)
            for task, (row, literals) in enumerate(zip(self.arrays.tasks, self.takes, strict=True))
            for choice, literal in zip(row, literals, strict=True)
        ]
        for _, choice, literal in entries:
            terms[choice.server].append(floor((choice.upload + choice.work) * MILLION) * literal)
        for (task, one, first), (rival, other, second) in combinations(entries, 2):
            shared = 0
            if task != rival and one.server == other.server:
                shared = floor(2 * shared_service(one, other) * MILLION)
            if shared:
                both = self.model.new_bool_var("")
                self.model.add_bool_or(both, ~first, ~second)
                terms[one.server].append(shared * both)
        for delay, parts in zip(self.delays, terms, strict=True):
            self.model.add(delay >= sum(parts))

    def assignment(self, values: list[int]) -> Assignment:
        """Return the offers that a solution takes."""
        return tuple(
            next(k for k, literal in enumerate(row) if values[literal.index]) for row in self.takes
        )

    def cut(self, assignment: Assignment, values: list[int]) -> bool:
        """Bound the delays of sets that are more than a solution says; tell whether any are."""
        found = False
        for server, group in enumerate(self.arrays.groups(assignment)):
            truth = self.arrays.delay(group)
            if truth > values[self.delays[server].index]:
                found = True
                missing = sum(1 - self.takes[task][k] for task, k in group)
                self.model.add(self.delays[server] >= truth - truth * missing)
        return found


def _longest(arrays: OffloadArrays) -> int:
    """Return microseconds that no server's delays exceed: each task waits for all works."""
    works = sum(max(floor((c.upload + c.work) * MILLION) + 1 for c in row) for row in arrays.tasks)
    return works * (len(arrays.tasks) + 1)
