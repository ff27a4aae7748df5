"""One run of a policy on an online schedule."""

from __future__ import annotations

from scheduling.errors import PolicyError
from scheduling.models.schedule.online import OnlineSchedule
from scheduling.models.schedule.solution import ScheduledTask
from scheduling.simulator.schedule.policy import Policy
from scheduling.simulator.schedule.view import View
from scheduling.simulator.schedule.world import World


def execute(problem: OnlineSchedule, policy: Policy) -> tuple[ScheduledTask, ...]:
    """Let time pass and the policy decide until every task has ended.

    Circles of blocked jobs that wait for each other's machines move by themselves, all at once.

    Returns
    -------
    tuple of ScheduledTask
        A schedule of the offline problem, in the order of its tasks.

    Raises
    ------
    UnsupportedError
        When schedules of the problem cannot grow step by step.
    PolicyError
        When the policy starts what cannot start, or waits when nothing will ever happen.
    """
    world = World(problem)
    view = View(world)
    policy.begin(view)
    while world.left:
        world.swap()
        chosen = policy.decide(view)
        for option in chosen:
            world.begin(option, policy.name)
        if not chosen and world.left and not world.advance():
            waiting = ", ".join(repr(view.name(task)) for task in list(view.open())[:5])
            found = f"policy {policy.name!r} waits at {world.now}, and nothing will happen"
            raise PolicyError(f"{found}; tasks that wait: {waiting}")
    facts = world.facts
    return tuple(
        ScheduledTask(
            task=name,
            mode=world.mode[task] - facts.pointer[task],
            start=world.start[task],
            end=world.end[task],
        )
        for task, name in enumerate(facts.arrays.task_ids)
    )
