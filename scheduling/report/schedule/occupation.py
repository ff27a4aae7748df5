"""How machines are taken beyond the running of tasks: kept by blocking jobs, and set up."""

from __future__ import annotations

from typing import NamedTuple

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.report.schedule.placement import Placement
from scheduling.report.schedule.usage import Use


class Setup(NamedTuple):
    """A machine is prepared for ``task`` from ``start`` to ``end``, directly before it."""

    task: int
    start: int
    end: int


def held_until(arrays: ScheduleArrays, placement: Placement) -> Ints:
    """Return when each task leaves its machine: its end, in a blocking job the next one's start."""
    held = placement.end.copy()
    for link in arrays.chained.nonzero()[0].tolist():
        before, after = int(arrays.link_before[link]), int(arrays.link_after[link])
        both = placement.placed[before] and placement.placed[after]
        if both and arrays.blocking[arrays.job[before]]:
            held[before] = max(held[before], placement.start[after])
    return held


def machine_order(uses: list[Use], placement: Placement, held: Ints) -> list[int]:
    """Return the tasks that take a machine for a while, in the order of their starts."""
    tasks = [use.task for use in uses if held[use.task] > placement.start[use.task]]
    return sorted(tasks, key=lambda task: (int(placement.start[task]), int(held[task]), task))


def setup_time(
    arrays: ScheduleArrays, placement: Placement, machine: int, before: int | None, after: int
) -> int:
    """Time that a machine needs between two tasks; ``before`` is ``None`` for its first one."""
    table = arrays.setups.get(machine, {})
    states = arrays.state[placement.mode]
    if states[after] < 0 or (before is not None and states[before] < 0):
        return 0
    return table.get((-1 if before is None else int(states[before]), int(states[after])), 0)


def setups_of(
    arrays: ScheduleArrays, placement: Placement, machine: int, uses: list[Use], held: Ints
) -> tuple[Setup, ...]:
    """Return the setups of a machine, each as late as it may be and cut where there is no room."""
    if machine not in arrays.setups:
        return ()
    order = machine_order(uses, placement, held)
    found = []
    previous: list[int | None] = [None, *order]
    for before, after in zip(previous, order, strict=False):
        time = setup_time(arrays, placement, machine, before, after)
        end = int(placement.start[after])
        start = max(end - time, 0 if before is None else int(held[before]))
        if start < end and time:
            found.append(Setup(after, start, end))
    return tuple(found)
