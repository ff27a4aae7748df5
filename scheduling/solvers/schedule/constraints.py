"""The constraints of a scheduling problem one by one, each with a sentence in the user's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.models.schedule.chains import chain_steps
from scheduling.models.schedule.hours import shifts_of, unfolded_calendars
from scheduling.models.schedule.problem import (
    Consumable,
    Job,
    Machine,
    Pool,
    Precedence,
    PrecedenceKind,
    Renewable,
    Reservoir,
    ScheduleProblem,
    Task,
)
from scheduling.models.schedule.worktime import WorkTime, combine
from scheduling.solvers.explain import Label
from scheduling.solvers.schedule.wording import (
    Sense,
    hours_in_words,
    modes_in_words,
    relation_in_words,
    units_in_words,
    unless_skipped,
)

_KINDS = {"machine": "machine", "pool": "pool"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One constraint; what its fields mean depends on ``label.kind``.

    Parameters
    ----------
    label
        Its name for people.
    group
        Rules of the same group are looked at together in large problems.
    tasks
        Indices of the tasks concerned; of a precedence: before and after.
    resource
        Index of the resource concerned, else -1.
    always
        The rule has no window.
    start, end
        Window of a break or of a lower capacity; ``end`` is ``None`` for no end.
    amount
        Time of a release or deadline, lag, or capacity.
    relation
        Kind of a precedence.
    sense
        Which side of a precedence or of a reservoir's level.
    states
        Indices of the states before and after a setup; -1 before: none.
    machines
        Indices of the machines of a transport or of a common order.
    between
        Tasks that a relation of a chain passes over: it binds when they are skipped.
    routes
        Routes of an alternative.
    within
        Task that an alternative belongs to, else -1.
    pairs
        Pairs of modes that a rule between modes excludes, by task and index.
    windows
        Time windows of a task.
    worktime
        Working time of a calendar that is more than closed one-off breaks.
    """

    label: Label
    group: str
    tasks: tuple[int, ...] = ()
    resource: int = -1
    always: bool = True
    start: int = 0
    end: int | None = None
    amount: int = 0
    relation: PrecedenceKind = "end-start"
    sense: Sense = "min"
    states: tuple[int, int] = (-1, -1)
    machines: tuple[int, ...] = ()
    between: tuple[int, ...] = ()
    routes: tuple[tuple[int, ...], ...] = ()
    within: int = -1
    pairs: tuple[tuple[int, int], ...] = ()
    windows: tuple[tuple[int, int], ...] = ()
    worktime: WorkTime | None = None


def rules_of(problem: ScheduleProblem) -> list[Rule]:
    """List every constraint of a problem, in the order of its document."""
    index = {task.id: number for number, task in enumerate(problem.tasks)}
    found = [*_resource_rules(problem)]
    for job in problem.jobs:
        found += _job_rules(job, index)
    for link in problem.precedences:
        found += _link_rules(link, index)
    found += _transport_rules(problem, index)
    found += _order_rules(problem)
    found += _choice_rules(problem, index)
    found += _disjunction_rules(problem, index)
    found += _swap_rules(problem, index)
    return found


def _resource_rules(problem: ScheduleProblem) -> Iterator[Rule]:
    calendars = {calendar.id: calendar for calendar in problem.calendars}
    worktimes = {name: combine([shifts_of(entry)]) for name, entry in calendars.items()}
    kept = unfolded_calendars(problem)
    states = _states(problem)
    for number, resource in enumerate(problem.resources):
        group, name = f"resource {number}", resource.id
        if isinstance(resource, Consumable):
            sentence = f"stock {name!r} holds {units_in_words(resource.capacity)}"
            label = Label("consumable", (name,), sentence)
            yield Rule(label, group, resource=number, amount=resource.capacity)
            continue
        if isinstance(resource, Reservoir):
            yield from _level_rules(number, resource)
            continue
        if isinstance(resource, Machine) and resource.batch is not None:
            sentence = f"machine {name!r} runs at most {units_in_words(resource.batch)} at once"
            label = Label("batch size", (name,), sentence)
            yield Rule(label, group, resource=number, amount=resource.batch)
            sentence = (
                f"tasks that machine {name!r} runs at once start together, in the same state and "
                "for the same time"
            )
            yield Rule(Label("batch", (name,), sentence), group, resource=number)
        elif isinstance(resource, Machine):
            label = Label("machine", (name,), f"machine {name!r} runs one task at a time")
            yield Rule(label, group, resource=number, amount=1)
            yield from _setup_rules(number, resource, states)
            if resource.no_idle:
                sentence = f"machine {name!r} never stands still between two tasks"
                yield Rule(Label("no idle", (name,), sentence), group, resource=number)
        elif isinstance(resource, Pool):
            machines = "1 machine" if resource.count == 1 else f"{resource.count} machines"
            label = Label("pool", (name,), f"pool {name!r} has {machines}")
            yield Rule(label, group, resource=number, amount=resource.count)
        else:
            yield from _capacity_rules(number, resource)
        what = _KINDS.get(resource.type, "resource")
        if name in kept:
            sentence = f"{what} {name!r} works by calendar {kept[name]!r}"
            sentence += f": {hours_in_words(calendars[kept[name]])}"
            label = Label("calendar", (name, kept[name]), sentence)
            yield Rule(label, group, resource=number, worktime=worktimes[kept[name]])
        elif resource.calendar is not None:
            for rest in calendars[resource.calendar].breaks:
                sentence = (
                    f"{what} {name!r} is closed from {rest.start} to {rest.end} "
                    f"(calendar {resource.calendar!r})"
                )
                label = Label("break", (name, resource.calendar), sentence)
                window = (rest.start, rest.end)
                yield Rule(label, group, (), number, False, *window)


def _states(problem: ScheduleProblem) -> dict[str | None, int]:
    """Give each state the number that it has in the arrays."""
    names = (mode.state for task in problem.tasks for mode in task.modes)
    known = dict.fromkeys(name for name in names if name is not None)
    return {None: -1, **{name: number for number, name in enumerate(known)}}


def _setup_rules(number: int, machine: Machine, states: dict[str | None, int]) -> Iterator[Rule]:
    for entry in machine.setups:
        if entry.time == 0 or entry.before not in states or entry.after not in states:
            continue
        origin = "before its first task" if entry.before is None else f"from {entry.before!r}"
        sentence = f"machine {machine.id!r} needs {entry.time} {origin} to {entry.after!r}"
        entities = tuple(name for name in (machine.id, entry.before, entry.after) if name)
        pair = states[entry.before], states[entry.after]
        label = Label("setup", entities, sentence)
        yield Rule(label, f"resource {number}", (), number, amount=entry.time, states=pair)


def _level_rules(number: int, reservoir: Reservoir) -> Iterator[Rule]:
    group, name = f"resource {number}", reservoir.id
    sentence = (
        f"reservoir {name!r} starts with {units_in_words(reservoir.initial)} and never runs empty"
    )
    yield Rule(Label("reservoir", (name,), sentence), group, resource=number)
    if reservoir.maximum is not None:
        sentence = f"reservoir {name!r} never holds more than {units_in_words(reservoir.maximum)}"
        label = Label("reservoir", (name,), sentence)
        yield Rule(label, group, (), number, amount=reservoir.maximum, sense="max")


def _transport_rules(problem: ScheduleProblem, index: dict[str, int]) -> Iterator[Rule]:
    machines = {resource.id: number for number, resource in enumerate(problem.resources)}
    members = tuple(index[task.id] for job in problem.jobs if job.chain for task in job.tasks)
    for entry in problem.transports:
        if entry.time > 0:
            sentence = (
                f"moving a job from machine {entry.origin!r} to {entry.destination!r} "
                f"takes {entry.time}"
            )
            label = Label("transport", (entry.origin, entry.destination), sentence)
            pair = machines[entry.origin], machines[entry.destination]
            yield Rule(label, "transports", members, amount=entry.time, machines=pair)


def _order_rules(problem: ScheduleProblem) -> Iterator[Rule]:
    machines = {resource.id: number for number, resource in enumerate(problem.resources)}
    for group in problem.same_order:
        names = ", ".join(repr(name) for name in group)
        label = Label("same order", group, f"machines {names} serve the jobs in the same order")
        yield Rule(label, "orders", machines=tuple(machines[name] for name in group))


def _swap_rules(problem: ScheduleProblem, index: dict[str, int]) -> Iterator[Rule]:
    jobs = [job for job in problem.jobs if job.blocking]
    if jobs and not problem.swap:
        sentence = "jobs that keep their machines do not exchange them in a cycle"
        label = Label("no swap", tuple(job.id for job in jobs), sentence)
        yield Rule(label, "swaps", tuple(index[task.id] for job in jobs for task in job.tasks))


def _disjunction_rules(problem: ScheduleProblem, index: dict[str, int]) -> Iterator[Rule]:
    for row, group in enumerate(problem.disjunctions, len(problem.resources)):
        names = ", ".join(repr(name) for name in group)
        label = Label("disjunction", group, f"no two of the tasks {names} run at the same time")
        members = tuple(index[name] for name in group)
        yield Rule(label, "disjunctions", members, row, amount=1)


def _capacity_rules(number: int, resource: Renewable) -> Iterator[Rule]:
    """Yield the largest capacity, and every stretch of time in which less is there."""
    group, name = f"resource {number}", resource.id
    starts = [0, *(step.start for step in resource.steps)]
    levels = [resource.capacity, *(step.capacity for step in resource.steps)]
    full = max(levels)
    label = Label("capacity", (name,), f"resource {name!r} has {units_in_words(full)}")
    yield Rule(label, group, resource=number, amount=full)
    ends: list[int | None] = [*starts[1:], None]
    for start, end, level in zip(starts, ends, levels, strict=True):
        if level < full:
            until = "on" if end is None else f"to {end}"
            sentence = f"resource {name!r} has only {units_in_words(level)} from {start} {until}"
            label = Label("capacity", (name,), sentence)
            yield Rule(label, group, (), number, False, start, end, level)


def _job_rules(job: Job, index: dict[str, int]) -> Iterator[Rule]:
    group = f"job {job.id}"
    members = tuple(index[task.id] for task in job.tasks)
    if job.release > 0:
        sentence = f"job {job.id!r} may not start before {job.release}"
        yield Rule(Label("release", (job.id,), sentence), group, members, amount=job.release)
    if job.deadline is not None:
        sentence = f"job {job.id!r} must be complete by {job.deadline}"
        yield Rule(Label("deadline", (job.id,), sentence), group, members, amount=job.deadline)
    for task in job.tasks:
        yield from _task_rules(task, index[task.id], group)
    for before, after, between in _steps(job) if job.chain else ():
        sentence = (
            f"in job {job.id!r} task {after.id!r} starts no earlier than task {before.id!r} "
            f"ends{unless_skipped(between)}"
        )
        label = Label("chain", (job.id, before.id, after.id), sentence)
        over = tuple(index[task.id] for task in between)
        yield Rule(label, group, (index[before.id], index[after.id]), between=over)
    yield from _whole_job_rules(job, index, group)


def _whole_job_rules(job: Job, index: dict[str, int], group: str) -> Iterator[Rule]:
    members = tuple(index[task.id] for task in job.tasks)
    for before, after, between in _steps(job) if job.no_wait else ():
        sentence = (
            f"in job {job.id!r} task {after.id!r} starts no later than task {before.id!r} "
            f"ends{unless_skipped(between)}"
        )
        label = Label("no-wait", (job.id, before.id, after.id), sentence)
        over = tuple(index[task.id] for task in between)
        pair = index[before.id], index[after.id]
        yield Rule(label, group, pair, sense="max", between=over)
    if job.blocking and len(members) > 1:
        sentence = f"job {job.id!r} keeps each machine until its next task starts"
        yield Rule(Label("blocking", (job.id,), sentence), group, members)
    if job.same_mode and len(members) > 1:
        sentence = f"all tasks of job {job.id!r} run in the mode of the same index"
        yield Rule(Label("same mode", (job.id,), sentence), group, members)


def _task_rules(task: Task, number: int, group: str) -> Iterator[Rule]:
    skip = " or is skipped" if task.optional else ""
    pauses = ", pausing in breaks" if task.interruptible else ""
    label = Label(
        "task", (task.id,), f"task {task.id!r} {modes_in_words(task.modes)}{pauses}{skip}"
    )
    yield Rule(label, group, (number,))
    if task.release > 0:
        sentence = f"task {task.id!r} may not start before {task.release}"
        yield Rule(Label("release", (task.id,), sentence), group, (number,), amount=task.release)
    if task.windows:
        spans = tuple((window.start, window.end) for window in task.windows)
        named = "; ".join(f"{start} to {end}" for start, end in spans)
        sentence = f"task {task.id!r} must run inside one of: {named}"
        yield Rule(Label("window", (task.id,), sentence), group, (number,), windows=spans)
    if task.deadline is not None:
        sentence = f"task {task.id!r} must end by {task.deadline}"
        yield Rule(Label("deadline", (task.id,), sentence), group, (number,), amount=task.deadline)


def _steps(job: Job) -> Iterator[tuple[Task, Task, tuple[Task, ...]]]:
    """Yield tasks of a chain that may be neighbours, with those that are skipped then."""
    for first, second in chain_steps(job):
        yield job.tasks[first], job.tasks[second], job.tasks[first + 1 : second]


def _choice_rules(problem: ScheduleProblem, index: dict[str, int]) -> Iterator[Rule]:
    """Yield alternatives and rules between modes."""
    for entry in problem.alternatives:
        routes = "; or ".join(", ".join(map(repr, route)) or "nothing" for route in entry.routes)
        clause = "" if entry.within is None else f" if task {entry.within!r} runs"
        members = tuple(name for route in entry.routes for name in route)
        label = Label("alternative", members, f"exactly one route runs{clause}: {routes}")
        yield Rule(
            label,
            "alternatives",
            tuple(index[name] for name in members),
            routes=tuple(tuple(index[name] for name in route) for route in entry.routes),
            within=-1 if entry.within is None else index[entry.within],
        )
    for rule in problem.mode_rules:
        modes = " or ".join(map(str, rule.modes))
        sentence = (
            f"if task {rule.task!r} runs in mode {rule.mode}, task {rule.other!r} runs in mode "
            f"{modes}"
        )
        label = Label("mode rule", (rule.task, rule.other), sentence)
        count = len(problem.tasks[index[rule.other]].modes)
        banned = tuple((rule.mode, mode) for mode in range(count) if mode not in rule.modes)
        yield Rule(label, "mode rules", (index[rule.task], index[rule.other]), pairs=banned)


def _link_rules(link: Precedence, index: dict[str, int]) -> Iterator[Rule]:
    pair = (index[link.before], index[link.after])
    sides: tuple[tuple[Sense, int | None], ...] = (("min", link.min_lag), ("max", link.max_lag))
    for sense, lag in sides:
        if lag is not None:
            sentence = relation_in_words(link, sense, lag)
            label = Label("precedence", (link.before, link.after), sentence)
            yield Rule(label, "precedences", pair, amount=lag, relation=link.kind, sense=sense)
    if link.transfer and link.min_lag is not None:
        least = link.min_lag + link.transfer
        sentence = relation_in_words(link, "min", least) + ", unless both run on the same machine"
        label = Label("transfer", (link.before, link.after), sentence)
        yield Rule(label, "precedences", pair, amount=least)
