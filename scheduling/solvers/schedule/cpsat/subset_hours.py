"""Calendars and time windows in a model of some of a problem's rules.

Without the rule of a calendar nobody says how long a task takes there, so it may take as long as it
likes, but no shorter than any of its calendars would let it. A calendar alone says when a task may
start and what it must have done by its end; that it ends no later follows from all its calendars.
So a rule more never allows more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.worktime import NORMAL
from scheduling.solvers.schedule.constraints import Rule
from scheduling.solvers.schedule.cpsat.core import Hint
from scheduling.solvers.schedule.cpsat.worktimes import Placed, WorkingTimes


@dataclass(frozen=True, eq=False)
class _Maker:
    """Makes variables of a model that gets no hint."""

    model: Any

    def flag(self, hint: Hint) -> Any:  # noqa: ARG002 - no hint is asked for
        """Make a literal."""
        return self.model.new_bool_var("")

    def number(self, low: int, high: int, hint: Hint) -> Any:  # noqa: ARG002 - as above
        """Make an integer variable."""
        return self.model.new_int_var(low, high, "")


def calendars_of(arrays: ScheduleArrays, mode: int, rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules of the calendars that a mode works by."""
    if arrays.work[mode] < 0:
        return []
    used = {int(arrays.machine[mode]), *(resource for resource, _ in arrays.demands(mode))}
    return [rule for rule in rules if rule.worktime is not None and rule.resource in used]


def least_lengths(arrays: ScheduleArrays, rules: Iterable[Rule]) -> Ints:
    """Time that each mode takes at least, whichever of its calendars hold."""
    hours = [rule for rule in rules if rule.worktime is not None]
    least = arrays.duration.copy()
    for mode in np.flatnonzero(arrays.elastic).tolist():
        speeds = {NORMAL}.union(
            *(rule.worktime.speeds for rule in calendars_of(arrays, mode, hours) if rule.worktime)
        )
        least[mode] = -(-NORMAL * int(least[mode]) // max(speeds))
    return least


def add_calendars(
    model: Any,
    arrays: ScheduleArrays,
    hours: list[Rule],
    rules: list[tuple[Rule, list[Any]]],
    chosen: dict[int, Any],
    placed: dict[int, Placed],
) -> None:
    """Let the chosen modes work by those of their calendars whose rules hold.

    Parameters
    ----------
    model
        The model.
    arrays
        The problem.
    hours
        Rules of all calendars.
    rules
        Those that may hold, with the literals that switch them on.
    chosen
        Literal of each mode in the model.
    placed
        Variables of each task.
    """
    part = WorkingTimes(_Maker(model))
    guards = {id(rule): guard for rule, guard in rules}
    owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
    for mode, literal in chosen.items():
        run = arrays.runs[mode]
        mine = calendars_of(arrays, mode, [rule for rule, _ in rules])
        if run is None or not mine:
            continue
        task = placed[int(owner[mode])]
        complete = len(mine) == len(calendars_of(arrays, mode, hours))
        for rule in mine:
            if rule.worktime is not None and not (complete and len(mine) == 1):
                own = rule.worktime.run(run.duration, pausing=run.pausing)
                part.add(task, mode, own, [literal, *guards[id(rule)]], exact=False)
        if complete:
            together = [literal, *(entry for rule in mine for entry in guards[id(rule)])]
            part.add(task, mode, run, together)
