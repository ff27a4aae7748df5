"""What a problem says apart from its names, to tell whether a file holds all of it."""

from __future__ import annotations

from typing import Any

from scheduling.models.schedule.problem import Job, Machine, Mode, Resource, ScheduleProblem


def shape_of(problem: ScheduleProblem) -> tuple[Any, ...]:
    """Return a problem as nested tuples in which numbers replace the names.

    Resources are numbered by first use, jobs, tasks and modes as listed. Two problems of one shape
    have the same schedules. Demands of 0, setups of 0 and states without setups say nothing and
    are left out, as are the names.
    """
    resources = _by_first_use(problem)
    number = {resource.id: position for position, resource in enumerate(resources)}
    states = _states(problem)
    place = {task.id: position for position, task in enumerate(problem.tasks)}
    return (
        tuple(_resource(resource, states) for resource in resources),
        tuple(_job(job, number, states) for job in problem.jobs),
        tuple(
            (place[link.before], place[link.after], link.model_dump(exclude={"before", "after"}))
            for link in problem.precedences
        ),
        sorted((number[t.origin], number[t.destination], t.time) for t in problem.transports),
        sorted(sorted(number[name] for name in group) for group in problem.same_order),
        problem.objective,
        problem.calendars,
    )


def _by_first_use(problem: ScheduleProblem) -> list[Resource]:
    used: dict[str, None] = {}
    for task in problem.tasks:
        for mode in task.modes:
            names = [mode.machine] if mode.machine is not None else []
            used.update(dict.fromkeys([*names, *mode.demands, *mode.supplies]))
    order = {name: position for position, name in enumerate(used)}
    return sorted(problem.resources, key=lambda resource: order.get(resource.id, len(order)))


def _states(problem: ScheduleProblem) -> dict[str | None, int]:
    """Return the states that some setup names, with their numbers."""
    named = {
        state
        for machine in problem.resources
        if isinstance(machine, Machine)
        for entry in machine.setups
        if entry.time
        for state in (entry.before, entry.after)
    }
    found = (mode.state for task in problem.tasks for mode in task.modes)
    known = dict.fromkeys(state for state in found if state in named and state is not None)
    return {state: position for position, state in enumerate(known)}


def _resource(resource: Resource, states: dict[str | None, int]) -> tuple[Any, ...]:
    fields = resource.model_dump(exclude={"id", "setups"})
    if not isinstance(resource, Machine):
        return (fields,)
    setups = (
        (states.get(entry.before, -1), states[entry.after], entry.time)
        for entry in resource.setups
        if entry.time and entry.after in states and (entry.before is None or entry.before in states)
    )
    return fields, tuple(sorted(setups))


def _job(job: Job, number: dict[str, int], states: dict[str | None, int]) -> tuple[Any, ...]:
    several = len(job.tasks) > 1
    return (
        job.model_dump(exclude={"id", "tasks", "chain"}),
        job.chain and several,
        tuple(
            (
                task.model_dump(exclude={"id", "modes"}),
                *(_mode(mode, number, states) for mode in task.modes),
            )
            for task in job.tasks
        ),
    )


def _mode(mode: Mode, number: dict[str, int], states: dict[str | None, int]) -> tuple[Any, ...]:
    return (
        mode.duration,
        None if mode.machine is None else number[mode.machine],
        sorted((number[name], amount) for name, amount in mode.demands.items() if amount),
        sorted((number[name], amount) for name, amount in mode.supplies.items() if amount),
        states.get(mode.state),
    )
