"""Conflicts between the constraints of a scheduling problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scheduling.errors import CheckError
from scheduling.models.base import Solution, Status, TierValue, certificate_fields
from scheduling.models.schedule.arrays import NEVER
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.windows import horizon
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat.asking import ask
from scheduling.solvers.cpsat.running import Outcome
from scheduling.solvers.cpsat.settings import Settings
from scheduling.solvers.explain import Explainer, Explanation, Label
from scheduling.solvers.schedule.constraints import Rule, rules_of
from scheduling.solvers.schedule.cpsat.solver import CpSat
from scheduling.solvers.schedule.cpsat.subset import SubsetModel
from scheduling.solvers.schedule.cpsat.subset_hours import least_lengths
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.positive_cycle import Arc, find_positive_cycle
from scheduling.solvers.watching import answer_to

_RELATIONS = frozenset(("chain", "precedence", "no-wait"))

_SOURCE = 0
"""Node of time zero; task i is node i + 1."""


def explain_schedule(problem: ScheduleProblem, budget: Budget) -> Explanation:
    """Name a minimal set of a scheduling problem's constraints that cannot hold together."""
    return Explainer(lambda: ScheduleConflict(problem), budget).explain()


class ScheduleConflict:
    """The constraints of one scheduling problem, and which of them can hold together."""

    def __init__(self, problem: ScheduleProblem) -> None:
        self._problem = problem
        self._rules = rules_of(problem)
        self._hours = [rule for rule in self._rules if rule.worktime is not None]
        self._data = CompiledSchedule(problem)
        # Every demand counts here: one that never decides may do so once machines are left out.
        self._arrays = compile_arrays(problem)
        # Without deadlines the horizon is safe whichever rules are left out.
        unlimited = np.full(self._arrays.n_tasks, NEVER)
        self._end = horizon(replace(self._arrays, deadline=unlimited))
        self.labels: list[Label] = [rule.label for rule in self._rules]
        groups: dict[str, list[int]] = {}
        for number, rule in enumerate(self._rules):
            groups.setdefault(rule.group, []).append(number)
        self.groups: list[list[int]] = list(groups.values())

    def solution(self, budget: Budget) -> tuple[Status, Solution | None]:
        """Look for any schedule: the objective does not matter here."""
        first = Settings(parameters=(("stop_after_first_solution", True),))

        def search(board: Board[Candidate]) -> tuple[Candidate | None, bool]:
            CpSat(first).search(self._data, board, budget, None)
            return board.best, board.infeasible

        best, infeasible = answer_to(search, budget) or (None, False)
        if best is None:
            return Status.INFEASIBLE if infeasible else Status.UNKNOWN, None
        return Status.FEASIBLE, self._stated(best)

    def _stated(self, candidate: Candidate) -> Solution:
        """Dress a candidate as a solution without bounds, and check it."""
        values = self._data.values(candidate)
        tiers = [
            TierValue(name=name, objective=value)
            for name, value in zip(self._data.tiers, values, strict=True)
        ]
        fields = {"status": Status.FEASIBLE, "solver": CpSat.name, **certificate_fields(tiers)}
        solution = self._data.answer(candidate, fields)
        violations = check_schedule(self._problem, solution)
        if violations:
            raise CheckError(f"the schedule of {CpSat.name} failed the check: {violations[0]}")
        return solution

    def by_formula(self) -> list[int] | None:
        """Find a cycle of time relations that no start times satisfy, by longest paths."""
        cycle = find_positive_cycle(self._arrays.n_tasks + 1, self._arcs())
        if cycle is None:
            return None
        return sorted({rule for arc in cycle for rule in arc.rules})

    def core(self, parts: Sequence[Sequence[int]], budget: Budget) -> list[int] | None:
        """Ask CP-SAT which parts it used in its proof, under one assumption for each."""
        guards = {rule: number for number, part in enumerate(parts) for rule in part}
        subset = SubsetModel(self._arrays, self._end, self._chosen(guards), guards, self._hours)
        subset.model.add_assumptions(subset.literals)
        result = ask(subset.model, budget)
        if result.outcome is not Outcome.INFEASIBLE:
            return None
        return sorted({subset.part_of(literal) for literal in result.core}) or None

    def holds(self, rules: Sequence[int], budget: Budget) -> bool | None:
        """Solve the chosen rules alone."""
        subset = SubsetModel(self._arrays, self._end, self._chosen(rules), None, self._hours)
        outcome = ask(subset.model, budget).outcome
        return None if outcome is Outcome.UNKNOWN else outcome is not Outcome.INFEASIBLE

    def _chosen(self, rules: Sequence[int] | dict[int, int]) -> dict[int, Rule]:
        return {number: self._rules[number] for number in rules}

    def _arcs(self) -> list[Arc]:
        """Relations ``start[target] >= start[source] + weight`` with the rules they rest on."""
        arrays = self._arrays
        shortest = least_lengths(arrays, self._hours)
        low = np.minimum.reduceat(shortest, arrays.mode_ptr[:-1]).tolist()
        high = arrays.max_duration().tolist()
        takes = {
            rule.tasks[0]: number
            for number, rule in enumerate(self._rules)
            if rule.label.kind == "task"
        }
        arcs: list[Arc] = []
        optional = self._arrays.optional
        for number, rule in enumerate(self._rules):
            # Nothing binds a task that may be skipped.
            bound = [task for task in rule.tasks if not optional[task]]
            if rule.label.kind == "release":
                arcs += [Arc(_SOURCE, task + 1, rule.amount, (number,)) for task in bound]
            elif rule.label.kind == "deadline":
                for task in bound:
                    weight = low[task] - rule.amount
                    arcs.append(Arc(task + 1, _SOURCE, weight, (number, takes[task])))
            elif rule.label.kind not in _RELATIONS or self._rests_on_calendars(rule):
                continue
            elif len(bound) == 2 and not rule.between:
                arcs.append(self._arc(rule, number, takes, low, high))
        arcs += [Arc(_SOURCE, task + 1, 0, ()) for task in range(arrays.n_tasks)]
        return arcs

    def _rests_on_calendars(self, rule: Rule) -> bool:
        """Whether calendars, which arcs do not name, say how long a task takes at most."""
        arrays = self._arrays
        side = 1 if rule.sense == "min" else 0
        task = rule.tasks[side]
        modes = slice(arrays.mode_ptr[task], arrays.mode_ptr[task + 1])
        return rule.relation.split("-")[side] == "end" and bool(np.any(arrays.elastic[modes]))

    def _arc(
        self, rule: Rule, number: int, takes: dict[int, int], low: list[int], high: list[int]
    ) -> Arc:
        before, after = rule.tasks
        first, second = rule.relation.split("-")
        needs = [number]
        needs += [takes[before]] if first == "end" else []
        needs += [takes[after]] if second == "end" else []
        if rule.sense == "min":
            weight = rule.amount
            weight += low[before] if first == "end" else 0
            weight -= high[after] if second == "end" else 0
            return Arc(before + 1, after + 1, weight, tuple(needs))
        weight = -rule.amount
        weight += low[after] if second == "end" else 0
        weight -= high[before] if first == "end" else 0
        return Arc(after + 1, before + 1, weight, tuple(needs))
