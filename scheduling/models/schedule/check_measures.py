"""The part of the checker that recomputes costs, energy and setups."""

from __future__ import annotations

from itertools import pairwise

from scheduling.models.schedule.check_resources import Placed
from scheduling.models.schedule.problem import Machine, ScheduleProblem


def usage_value(measure: str, problem: ScheduleProblem, placed: dict[str, Placed]) -> int:
    """Recompute ``cost``, ``energy`` or ``total_setup`` from its definition."""
    if measure == "cost":
        skipped = sum(task.skip_cost for task in problem.tasks if task.id not in placed)
        return skipped + sum(item.mode.cost for item in placed.values())
    total = 0
    if measure == "energy":
        total = sum(item.mode.energy for item in placed.values())
    for machine in problem.resources:
        if isinstance(machine, Machine):
            users = [
                item
                for item in placed.values()
                if item.mode.machine == machine.id and item.held > item.start
            ]
            users.sort(key=lambda item: (item.start, item.held))
            if measure == "energy":
                total += machine.idle_power * _idle(users)
            else:
                total += _setups(machine, users)
    return total


def _idle(users: list[Placed]) -> int:
    """Time between the first start and the last release in which nothing runs."""
    if not users:
        return 0
    reach = users[0].start
    idle = 0
    for item in users:
        idle += max(0, item.start - reach)
        reach = max(reach, item.end)
    return idle + max(item.held for item in users) - reach


def _setups(machine: Machine, users: list[Placed]) -> int:
    times = {(entry.before, entry.after): entry.time for entry in machine.setups}
    if not times or not users:
        return 0
    first = users[0].mode.state
    total = times.get((None, first), 0) if first is not None else 0
    for before, after in pairwise(users):
        if before.mode.state is not None and after.mode.state is not None:
            total += times.get((before.mode.state, after.mode.state), 0)
    return total
