"""The offline problem of tasks for edge and cloud: everything is known from the start."""

from __future__ import annotations

from scheduling.models.edge.problem import EdgeCloud, Item
from scheduling.models.schedule.objective import Objective, Term, Tier
from scheduling.models.schedule.problem import Job, Machine, Mode, ScheduleProblem, Task

EDGE = "edge"
"""Machine of the offline problem."""

ON_EDGE, IN_CLOUD = 0, 1
"""Modes of each of its tasks."""


def offline(problem: EdgeCloud) -> ScheduleProblem:
    """Return the offline problem: optional tasks, of which each costs what it falls short by.

    The least cost is :func:`most_utility` less the largest sum of utilities. Runs that end late
    only cost, so that no schedule with them is better than that without them.
    """
    return ScheduleProblem(
        name=problem.name,
        resources=(Machine(id=EDGE),),
        jobs=tuple(_job(item) for item in problem.items()),
        objective=Objective(tiers=(Tier(terms=(Term(measure="cost"),)),)),
    )


def most_utility(problem: EdgeCloud) -> int:
    """Return the sum of the tasks' largest utilities, as if nothing were scarce."""
    return sum(item.most for item in problem.items())


def _job(item: Item) -> Job:
    modes = (
        Mode(duration=item.edge_ms, machine=EDGE, cost=item.most - item.edge_gain),
        Mode(duration=item.cloud_ms, cost=item.most - item.cloud_gain),
    )
    task = Task(
        id=item.task.id,
        modes=modes,
        deadline=item.deadline,
        optional=True,
        skip_cost=item.most,
    )
    return Job(id=item.task.id, release=item.arrival, tasks=(task,))
