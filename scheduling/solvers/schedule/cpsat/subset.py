"""A CP-SAT model of some of a problem's rules, each of which can be made to depend on a literal.

The model says exactly what each rule says and nothing more: it tightens nothing with the help of
one rule that belongs to another, or conflicts would be blamed on the wrong ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.solvers.schedule.constraints import Rule
from scheduling.solvers.schedule.cpsat.subset_core import Subset
from scheduling.solvers.schedule.cpsat.subset_hours import add_calendars, least_lengths
from scheduling.solvers.schedule.cpsat.subset_shop import KINDS, ShopRules, modes_needed
from scheduling.solvers.schedule.cpsat.worktimes import Placed


class SubsetModel:
    """Feasibility of a subset of rules.

    Parameters
    ----------
    arrays
        The problem.
    end
        Horizon that is safe for every subset.
    rules
        The rules that are to hold, by number.
    guards
        Part of each rule: rules of one part share a literal that switches them on. ``None``: all
        rules are on.
    hours
        The rules of all calendars of the problem, among ``rules`` or not.

    Attributes
    ----------
    model : cp_model.CpModel
        The model.
    literals : list
        The literal of each part.
    """

    def __init__(
        self,
        arrays: ScheduleArrays,
        end: int,
        rules: Mapping[int, Rule],
        guards: Mapping[int, int] | None,
        hours: list[Rule],
    ) -> None:
        self._least = least_lengths(arrays, hours)
        self._arrays = arrays
        self._end = end
        self.model = cp_model.CpModel()
        parts = 0 if guards is None else 1 + max(guards.values(), default=-1)
        self.literals = [self.model.new_bool_var("") for _ in range(parts)]
        self._owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
        self._starts: dict[int, Any] = {}
        self._chosen: dict[int, Any] = {}
        self._ends: dict[int, Any] = {}
        self._sizes: dict[int, Any] = {}
        self._demanded = {
            rule.tasks[0]: [] if guards is None else [self.literals[guards[number]]]
            for number, rule in rules.items()
            if rule.label.kind == "task"
        }
        taking = modes_needed(arrays, list(rules.values())) | {
            rule.tasks[0] for rule in rules.values() if rule.label.kind == "task"
        }
        named = {task for rule in rules.values() for task in (*rule.tasks, *rule.between)}
        named |= {rule.within for rule in rules.values() if rule.within >= 0}
        taking |= {task for task in named if arrays.optional[task]}
        for task in sorted(named | taking):
            self._add_task(task, taking=task in taking)
        self._users = self._find_users()
        self._intervals: dict[int, Any] = {}
        shop: list[tuple[Rule, list[Any]]] = []
        open_hours: list[tuple[Rule, list[Any]]] = []
        for number, rule in rules.items():
            guard = [] if guards is None else [self.literals[guards[number]]]
            if rule.label.kind in KINDS:
                shop.append((rule, guard))
            elif rule.worktime is not None:
                open_hours.append((rule, guard))
            else:
                self._add(rule, guard)
        placed = {task: self._placed(task) for task in self._starts}
        add_calendars(self.model, arrays, hours, open_hours, self._chosen, placed)
        ShopRules(self._subset(), shop).add()

    def _subset(self) -> Subset:
        return Subset(
            self.model,
            self._arrays,
            self._end,
            self._starts,
            self._ends,
            self._chosen,
            self._owner,
            self._demanded.get,
            self._interval,
            self.runs,
        )

    def part_of(self, literal: int) -> int:
        """Return the part that a literal's index belongs to."""
        return literal - self.literals[0].index

    def _add_task(self, task: int, *, taking: bool) -> None:
        """Make a start, and modes if some rule asks for one; without, the task takes no time."""
        model, duration = self.model, self._arrays.duration
        start = self._starts[task] = self._ends[task] = model.new_int_var(0, self._end, "")
        if taking:
            modes = self._modes(task)
            literals = [model.new_bool_var("") for _ in modes]
            self._chosen.update(zip(modes, literals, strict=True))
            model.add_at_most_one(literals)
            if np.any(self._arrays.elastic[modes.start : modes.stop]):
                self._add_size(task, modes)
                return
            lengths = [int(duration[mode]) for mode in modes]
            self._ends[task] = start + cp_model.LinearExpr.weighted_sum(literals, lengths)
            model.add(self._ends[task] <= self._end)

    def _add_size(self, task: int, modes: range) -> None:
        """Make the end of a task that may take longer than its duration."""
        model, end = self.model, self._end
        size = self._sizes[task] = model.new_int_var(0, end, "")
        self._ends[task] = model.new_int_var(0, end, "")
        model.add(self._ends[task] == self._starts[task] + size)
        literals = [self._chosen[mode] for mode in modes]
        model.add(size == 0).only_enforce_if([~literal for literal in literals])
        for mode, literal in zip(modes, literals, strict=True):
            least = int(self._least[mode])
            bound = size >= least if self._arrays.elastic[mode] else size == least
            model.add(bound).only_enforce_if(literal)

    def _placed(self, task: int) -> Placed:
        return Placed(task, self._starts[task], self._sizes.get(task), 0, self._end)

    def _modes(self, task: int) -> range:
        return range(*self._arrays.mode_ptr[task : task + 2].tolist())

    def _find_users(self) -> dict[int, list[tuple[int, int]]]:
        """Modes in the model and amounts, resource by resource."""
        arrays = self._arrays
        users: dict[int, list[tuple[int, int]]] = {}
        for mode in self._chosen:
            if arrays.machine[mode] >= 0:
                users.setdefault(int(arrays.machine[mode]), []).append((mode, 1))
            for resource, amount in arrays.demands(mode):
                users.setdefault(resource, []).append((mode, amount))
        return users

    def _add(self, rule: Rule, guard: list[Any]) -> None:
        match rule.label.kind:
            case "task":
                modes = self._modes(rule.tasks[0])
                posted = [self.model.add_bool_or([self._chosen[mode] for mode in modes])]
            case "release":
                for task in rule.tasks:
                    bound = self.model.add(self._starts[task] >= rule.amount)
                    bound.only_enforce_if(*guard, *self.runs(task))
                return
            case "window":
                bound = self._stay_inside(rule)
                bound.only_enforce_if(*guard, *self.runs(rule.tasks[0]))
                return
            case "deadline":
                for task in rule.tasks:
                    bound = self.model.add(self._ends[task] <= rule.amount)
                    bound.only_enforce_if(*guard, *self.runs(task))
                return
            case "chain" | "precedence" | "no-wait":
                skipped = [~literal for task in rule.between for literal in self.runs(task)]
                running = [literal for task in rule.tasks for literal in self.runs(task)]
                self._relate(rule).only_enforce_if(*guard, *running, *skipped)
                return
            case "alternative":
                self._choose_route(rule, guard)
                return
            case "mode rule":
                posted = self._exclude(rule)
            case "consumable":
                users = self._users.get(rule.resource, [])
                total = cp_model.LinearExpr.weighted_sum(
                    [self._chosen[mode] for mode, _ in users], [amount for _, amount in users]
                )
                posted = [self.model.add(total <= rule.amount)] if users else []
            case _:
                posted = self._occupy(rule)
        for constraint in posted:
            constraint.only_enforce_if(guard)

    def runs(self, task: int) -> list[Any]:
        """Literal that a task runs; none where it always does."""
        last = self._modes(task)[-1]
        return [~self._chosen[last]] if self._arrays.absent[last] else []

    def _choose_route(self, rule: Rule, guard: list[Any]) -> None:
        model = self.model
        taken = [model.new_bool_var("") for _ in rule.routes]
        wanted: list[Any] = [] if rule.within < 0 else self.runs(rule.within)
        model.add(sum(taken) == 1).only_enforce_if(*guard, *wanted)
        for literal in taken if wanted else ():
            model.add(literal <= wanted[0]).only_enforce_if(*guard)
        for route, literal in zip(rule.routes, taken, strict=True):
            for task in route:
                (runs,) = self.runs(task)
                model.add(runs == literal).only_enforce_if(*guard)

    def _exclude(self, rule: Rule) -> list[Any]:
        """Let no two modes go together that the rule excludes."""
        first, second = (self._modes(task) for task in rule.tasks)
        known = [
            (self._chosen[first[one]], self._chosen[second[other]])
            for one, other in rule.pairs
            if first[one] in self._chosen and second[other] in self._chosen
        ]
        return [self.model.add_bool_or([~one, ~other]) for one, other in known]

    def _stay_inside(self, rule: Rule) -> Any:
        """Let a task run in one of its windows."""
        model, task = self.model, rule.tasks[0]
        literals = [model.new_bool_var("") for _ in rule.windows]
        for (low, high), literal in zip(rule.windows, literals, strict=True):
            model.add(self._starts[task] >= low).only_enforce_if(literal)
            model.add(self._ends[task] <= high).only_enforce_if(literal)
        return model.add_bool_or(literals)

    def _relate(self, rule: Rule) -> Any:
        before, after = rule.tasks
        first, second = rule.relation.split("-")
        x = (self._ends if first == "end" else self._starts)[before]
        y = (self._ends if second == "end" else self._starts)[after]
        expression = y >= x + rule.amount if rule.sense == "min" else y <= x + rule.amount
        return self.model.add(expression)

    def _occupy(self, rule: Rule) -> list[Any]:
        """Limit what runs at the same time: always, or in a window."""
        users = [
            (mode, amount)
            for mode, amount in self._users.get(rule.resource, [])
            if self._arrays.duration[mode] > 0
        ]
        if not users:
            return []
        intervals = [self._interval(mode) for mode, _ in users]
        amounts = [amount for _, amount in users]
        if rule.label.kind != "break" and rule.always:
            return [self.model.add_cumulative(intervals, amounts, rule.amount)]
        stop = max(self._end, rule.start + 1) if rule.end is None else rule.end
        everything = max(sum(amounts), rule.amount)
        block = self.model.new_fixed_size_interval_var(rule.start, stop - rule.start, "")
        return [
            self.model.add_cumulative(
                [*intervals, block], [*amounts, everything - rule.amount], everything
            )
        ]

    def _interval(self, mode: int) -> Any:
        if mode not in self._intervals:
            task, chosen = int(self._owner[mode]), self._chosen[mode]
            start = self._starts[task]
            if task in self._sizes:
                span = start, self._sizes[task], self._ends[task]
                self._intervals[mode] = self.model.new_optional_interval_var(*span, chosen, "")
            else:
                duration = int(self._arrays.duration[mode])
                self._intervals[mode] = self.model.new_optional_fixed_size_interval_var(
                    start, duration, chosen, ""
                )
        return self._intervals[mode]
