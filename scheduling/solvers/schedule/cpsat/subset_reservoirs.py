"""Reservoirs in a model of some of a problem's rules."""

from __future__ import annotations

from typing import Any

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.solvers.schedule.constraints import Rule
from scheduling.solvers.schedule.cpsat.subset_core import Subset


def keep_level(subset: Subset, rule: Rule, guard: list[Any]) -> None:
    """Keep a reservoir from running empty, or from running over, by its cumulative form.

    A task without the rule that it is done may still help, and takes no time for it.
    """
    model = subset.model
    arrays, end = subset.arrays, subset.end + 1
    level = int(arrays.capacity[rule.resource])
    taken, given = _amounts(arrays, rule.resource)
    users, helpers = (taken, given) if rule.sense == "min" else (given, taken)
    spare = level if rule.sense == "min" else rule.amount - level
    intervals: list[Any] = []
    amounts: list[int] = []
    for mode, amount in users.items():
        if mode in subset.chosen:
            time = _moment(subset, mode, ended=rule.sense == "max")
            literal = subset.chosen[mode]
            intervals.append(model.new_optional_interval_var(time, end - time, end, literal, ""))
            amounts.append(amount)
    for mode, amount in helpers.items():
        for literal, time in _helps(subset, mode, ended=rule.sense == "min"):
            intervals += [
                model.new_optional_interval_var(0, time, time, literal, ""),
                model.new_optional_fixed_size_interval_var(0, end, ~literal, ""),
            ]
            amounts += [amount, amount]
            spare += amount
    if intervals:
        model.add_cumulative(intervals, amounts, spare).only_enforce_if(guard)


def _moment(subset: Subset, mode: int, *, ended: bool) -> Any:
    task = subset.task(mode)
    if ended and subset.arrays.elastic[mode]:
        return subset.ends[task]
    return subset.starts[task] + (int(subset.arrays.duration[mode]) if ended else 0)


def _helps(subset: Subset, mode: int, *, ended: bool) -> list[tuple[Any, Any]]:
    """Ways in which a mode changes a level to the good: a literal and a moment each."""
    model = subset.model
    task = subset.task(mode)
    ways: list[tuple[Any, Any]] = []
    if mode in subset.chosen:
        ways.append((subset.chosen[mode], _moment(subset, mode, ended=ended)))
    demanded = subset.demanded(task)
    if demanded is None or demanded:
        free = model.new_bool_var("")
        ways.append((free, subset.starts.get(task, 0)))
        if demanded:
            model.add_implication(free, ~demanded[0])
    return ways


def _amounts(arrays: ScheduleArrays, resource: int) -> tuple[dict[int, int], dict[int, int]]:
    """Return what each mode takes from a reservoir, and what it gives."""
    taken: dict[int, int] = {}
    given: dict[int, int] = {}
    for mode in range(len(arrays.duration)):
        amount = dict(arrays.demands(mode)).get(resource)
        if amount:
            taken[mode] = amount
        rows = slice(arrays.supply_ptr[mode], arrays.supply_ptr[mode + 1])
        for r, n in zip(arrays.supply_resource[rows], arrays.supply_amount[rows], strict=True):
            if r == resource:
                given[mode] = int(n)
    return taken, given
