"""Rules of machines, jobs and reservoirs in a model of some of a problem's rules.

A rule that only means something together with another, as setups do where a machine runs one task
at a time, holds when the literals of both are true.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.solvers.schedule.constraints import Rule
from scheduling.solvers.schedule.cpsat.batches import alike, batch_users
from scheduling.solvers.schedule.cpsat.subset_core import Subset
from scheduling.solvers.schedule.cpsat.subset_reservoirs import keep_level

KINDS = frozenset(
    (
        "machine",
        "setup",
        "no idle",
        "batch",
        "no swap",
        "blocking",
        "same order",
        "same mode",
        "transport",
        "transfer",
        "reservoir",
    )
)
"""Kinds of rules that are added here."""

_Guarded = tuple[Rule, list[Any]]
"""A rule and its literal, if it has one."""


def modes_needed(arrays: ScheduleArrays, rules: list[Rule]) -> set[int]:
    """Tasks that may stand between others where setups are looked at, asked for or not."""
    machines = {rule.resource for rule in rules if rule.label.kind in ("setup", "no idle")}
    pointer = arrays.mode_ptr.tolist()
    return {
        task
        for task, (first, stop) in enumerate(pairwise(pointer))
        if machines.intersection(arrays.machine[first:stop].tolist())
    }


class ShopRules:
    """Adds rules of :data:`KINDS` to a model."""

    def __init__(self, subset: Subset, rules: list[_Guarded]) -> None:
        self._subset = subset
        self._rules: dict[str, list[_Guarded]] = {}
        for rule, guard in rules:
            self._rules.setdefault(rule.label.kind, []).append((rule, guard))
        self._held: dict[int, Any] = {}
        self._occupied: dict[int, Any] = {}

    def add(self) -> None:
        """Add all rules."""
        for rule, guard in self._of("blocking"):
            self._hold(rule, guard)
        for rule, guard in self._of("machine"):
            self._separate(rule.resource, guard)
        for kind, add in (
            ("same order", self._keep_order),
            ("same mode", self._share_mode),
            ("transport", self._move),
            ("transfer", self._transfer),
            ("no swap", self._forbid_swaps),
            ("batch", self._batch),
        ):
            for rule, guard in self._of(kind):
                add(rule, guard)
        for rule, guard in self._of("reservoir"):
            keep_level(self._subset, rule, guard)

    def _of(self, kind: str) -> list[_Guarded]:
        return self._rules.get(kind, [])

    def _hold(self, rule: Rule, guard: list[Any]) -> None:
        """Let each task of a job hold on until the next one starts, or longer."""
        subset, model = self._subset, self._subset.model
        for before, after in pairwise(rule.tasks):
            held = self._held[before] = model.new_int_var(0, subset.end, "")
            model.add(held >= subset.ends[before])
            model.add(held >= subset.starts[after]).only_enforce_if(guard)

    def _left(self, mode: int) -> Any:
        task = self._subset.task(mode)
        return self._held.get(task, self._subset.ends[task])

    def _occupying(self, machine: int) -> list[int]:
        """Modes that may occupy a machine for some time."""
        subset = self._subset
        duration = subset.arrays.duration
        return [
            mode
            for mode in subset.on(machine)
            if duration[mode] > 0 or subset.task(mode) in self._held
        ]

    def _presence(self, mode: int) -> Any:
        """Literal that must be true when a mode occupies its machine."""
        subset, model = self._subset, self._subset.model
        if subset.arrays.duration[mode] > 0:
            return subset.chosen[mode]
        if mode not in self._occupied:
            present = self._occupied[mode] = model.new_bool_var("")
            start = subset.starts[subset.task(mode)]
            model.add_implication(present, subset.chosen[mode])
            model.add(self._left(mode) >= start + 1).only_enforce_if(present)
            model.add(self._left(mode) <= start).only_enforce_if(subset.chosen[mode], ~present)
        return self._occupied[mode]

    def _separate(self, machine: int, guard: list[Any]) -> None:
        """Let a machine run one task at a time, with its setups."""
        subset, model = self._subset, self._subset.model
        modes = self._occupying(machine)
        intervals = []
        for mode in modes:
            task = subset.task(mode)
            if task not in self._held:
                intervals.append(subset.interval(mode))
                continue
            start, held = subset.starts[task], self._held[task]
            size = model.new_int_var(0, subset.end, "")
            presence = self._presence(mode)
            intervals.append(model.new_optional_interval_var(start, size, held, presence, ""))
        if intervals:
            model.add_no_overlap(intervals).only_enforce_if(guard)
        setups = [entry for entry in self._of("setup") if entry[0].resource == machine]
        filled = [own for rule, own in self._of("no idle") if rule.resource == machine]
        if (setups or filled) and modes:
            self._chain(machine, modes, setups, guard, filled)

    def _chain(
        self,
        machine: int,
        modes: list[int],
        setups: list[_Guarded],
        guard: list[Any],
        filled: list[list[Any]],
    ) -> None:
        """Order the modes of a machine by a circuit; each setup holds between neighbours.

        A machine that never stands still may do so for the setup at most, asked for or not.
        """
        subset, model = self._subset, self._subset.model
        table = subset.arrays.setups.get(machine, {})
        times = {rule.states: (rule.amount, own) for rule, own in setups}
        state = subset.arrays.state
        arcs: list[tuple[int, int, Any]] = [(0, 0, model.new_bool_var(""))]
        for node, mode in enumerate(modes, 1):
            start, after = subset.starts[subset.task(mode)], int(state[mode])
            arcs += [(node, node, ~self._presence(mode)), (node, 0, model.new_bool_var(""))]
            for other_node, other in enumerate([-1, *modes]):
                if other_node == node or (other >= 0 and subset.task(other) == subset.task(mode)):
                    continue
                arc = model.new_bool_var("")
                arcs.append((other_node, node, arc))
                left = 0 if other < 0 else self._left(other)
                before = -1 if other < 0 else int(state[other])
                model.add(start >= left).only_enforce_if(arc, *guard)
                amount, own = times.get((before, after), (0, []))
                if amount and after >= 0 and (other < 0 or before >= 0):
                    model.add(start >= left + amount).only_enforce_if(arc, *guard, *own)
                for rule in filled if other >= 0 else ():
                    most = table.get((before, after), 0) if before >= 0 and after >= 0 else 0
                    model.add(start <= left + most).only_enforce_if(arc, *guard, *rule)
        model.add_circuit(arcs)

    def _forbid_swaps(self, rule: Rule, guard: list[Any]) -> None:
        """Let moves of one moment have ranks: who enters a machine is after who leaves it."""
        subset, model = self._subset, self._subset.model
        scale = len(rule.tasks) + 1
        enter: dict[int, Any] = {}
        shortest = subset.arrays.min_duration()
        for task in rule.tasks:
            enter[task] = model.new_int_var(0, scale * (subset.end + 1), "")
            model.add_linear_constraint(enter[task] - scale * subset.starts[task], 0, scale - 1)
            if task - 1 in self._held and shortest[task - 1] == 0:
                early = model.new_bool_var("")
                start, before = subset.starts[task], subset.starts[task - 1]
                model.add(start <= before - 1).only_enforce_if(early)
                model.add(enter[task] >= enter[task - 1]).only_enforce_if(~early)
        kept = {task: own for entry, own in self._of("blocking") for task in entry.tasks[:-1]}
        for machine, own in self._of("machine"):
            intervals = []
            for mode in self._occupying(machine.resource):
                task = subset.task(mode)
                if task in enter:
                    leave = enter[task] + 1
                    if task in kept:
                        leave = self._leaving(machine.resource, task, enter, scale, kept[task])
                    size = model.new_int_var(1, scale * (subset.end + 1), "")
                    presence = self._presence(mode)
                    intervals.append(
                        model.new_optional_interval_var(enter[task], size, leave, presence, "")
                    )
            if intervals:
                model.add_no_overlap(intervals).only_enforce_if(*own, *guard)

    def _leaving(
        self, machine: int, task: int, enter: dict[int, Any], scale: int, guard: list[Any]
    ) -> Any:
        """When a task leaves its machine: after the next one's entry, unless it stays there."""
        subset, model = self._subset, self._subset.model
        leave = model.new_int_var(0, scale * (subset.end + 1) + 1, "")
        following = [mode for mode in self._modes(task + 1) if mode in subset.chosen]
        staying = [
            subset.chosen[mode] for mode in following if subset.arrays.machine[mode] == machine
        ]
        bound = model.add(leave >= enter[task + 1] + 1 - sum(staying))
        bound.only_enforce_if(guard)
        return leave

    def _keep_order(self, rule: Rule, guard: list[Any]) -> None:
        """Let one of any two jobs start no later than the other on all machines."""
        subset, model = self._subset, self._subset.model
        job = subset.arrays.job
        first_of: dict[tuple[int, int], Any] = {}
        for machine in rule.machines:
            # Modes rise with tasks and tasks with jobs, so the first of a pair is of a lower job.
            for one, other in combinations(sorted(subset.on(machine)), 2):
                here, there = subset.task(one), subset.task(other)
                pair = int(job[here]), int(job[there])
                if pair[0] == pair[1]:
                    continue
                if pair not in first_of:
                    first_of[pair] = model.new_bool_var("")
                both = [subset.chosen[one], subset.chosen[other], *guard]
                first, start = first_of[pair], subset.starts
                model.add(start[here] <= start[there]).only_enforce_if(first, *both)
                model.add(start[there] <= start[here]).only_enforce_if(~first, *both)

    def _batch(self, rule: Rule, guard: list[Any]) -> None:
        """Let any two tasks of a machine run one after the other or as one batch."""
        subset, model = self._subset, self._subset.model
        arrays, starts, ends = subset.arrays, subset.starts, subset.ends
        for one, other in combinations(batch_users(arrays, rule.resource, subset.chosen), 2):
            here, there = subset.task(one), subset.task(other)
            if here == there:
                continue
            both = [subset.chosen[one], subset.chosen[other], *guard]
            first, second = model.new_bool_var(""), model.new_bool_var("")
            model.add(ends[here] <= starts[there]).only_enforce_if(first, *both)
            model.add(ends[there] <= starts[here]).only_enforce_if(second, *both)
            if alike(arrays, one, other):
                for x, y in ((starts[here], starts[there]), (ends[here], ends[there])):
                    model.add(x == y).only_enforce_if(~first, ~second, *both)
            else:
                model.add_bool_or(first, second).only_enforce_if(both)

    def _share_mode(self, rule: Rule, guard: list[Any]) -> None:
        subset, model = self._subset, self._subset.model
        pointer = subset.arrays.mode_ptr
        first = rule.tasks[0]
        count = int(pointer[first + 1] - pointer[first] - subset.arrays.optional[first])
        shared = [model.new_bool_var("") for _ in range(count)]
        model.add_exactly_one(shared)
        for task in rule.tasks:
            for local, literal in enumerate(shared):
                chosen = subset.chosen.get(int(pointer[task]) + local)
                if chosen is not None:
                    model.add_implication(chosen, literal).only_enforce_if(guard)

    def _move(self, rule: Rule, guard: list[Any]) -> None:
        """Let a time pass between chained tasks on two machines."""
        subset = self._subset
        arrays = subset.arrays
        origin, destination = rule.machines
        links = zip(arrays.link_before.tolist(), arrays.link_after.tolist(), strict=True)
        for (before, after), chained in zip(links, arrays.chained.tolist(), strict=True):
            if chained:
                skipped = [
                    ~literal for task in range(before + 1, after) for literal in subset.runs(task)
                ]
                self._pass(
                    before,
                    after,
                    rule.amount,
                    [*guard, *skipped],
                    lambda one, other: (
                        arrays.site[one] == origin and arrays.site[other] == destination
                    ),
                )

    def _transfer(self, rule: Rule, guard: list[Any]) -> None:
        machine = self._subset.arrays.site
        before, after = rule.tasks
        runs = [literal for task in rule.tasks for literal in self._subset.runs(task)]
        self._pass(
            before,
            after,
            rule.amount,
            [*guard, *runs],
            lambda one, other: machine[one] != machine[other],
        )

    def _pass(
        self,
        before: int,
        after: int,
        lag: int,
        guard: list[Any],
        applies: Callable[[int, int], Any],
    ) -> None:
        subset = self._subset
        chosen = subset.chosen
        for one in (mode for mode in self._modes(before) if mode in chosen):
            for other in (mode for mode in self._modes(after) if mode in chosen):
                if applies(one, other):
                    gap = subset.model.add(subset.starts[after] >= subset.ends[before] + lag)
                    gap.only_enforce_if(chosen[one], chosen[other], *guard)

    def _modes(self, task: int) -> range:
        return range(*self._subset.arrays.mode_ptr[task : task + 2].tolist())
