"""The rest of a run as a scheduling problem of its own: what has started is kept as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scheduling.models.schedule.objective import DUE_MEASURES, Objective, Tier, makespan
from scheduling.models.schedule.problem import (
    Job,
    Machine,
    Mode,
    Precedence,
    Resource,
    ScheduleProblem,
    Task,
)
from scheduling.simulator.schedule.view import Placement, View


def rest_problem(view: View) -> ScheduleProblem:
    """State what is left to schedule of the known jobs, with expected durations.

    Tasks that run, and those that ended and still matter (their machine is kept, or moves start
    from it), stand as they are. Others begin now at the earliest. A machine that has stopped is
    closed until it is expected to work again, and one with setups is in the state that it is in:
    setups begin now at the earliest. Deadlines that are lost are left out. At least one known task
    has not started.
    """
    return _Rest(view).problem()


class _Rest:
    def __init__(self, view: View) -> None:
        self.view = view
        self.number = {view.name(task): task for job in view.jobs for task in view.tasks(job)}
        self.links = view.links()
        self.moves = bool(view.transports())
        self.jobs = {job: view.job_document(job) for job in view.jobs}
        self.kept = {name for name, task in self.number.items() if self._unfinished(task)}
        self.kept |= set(self._still_mattering())
        self.anchored = {number for number, _ in self._anchors()}
        self.kept |= {view.name(task) for task in self._holding()}
        self.releases = self._releases()

    def problem(self) -> ScheduleProblem:
        """Put it together."""
        jobs = [entry for job in self.view.jobs for entry in self._job(job)]
        groups = [
            tuple(name for name in group if name in self.kept) for group in self.view.disjunctions()
        ]
        links = [link for link in self.links if {link.before, link.after} <= self.kept]
        return ScheduleProblem.model_validate(
            {
                "resources": tuple(self._resources()),
                "jobs": (*jobs, *(job for _, job in self._anchors())),
                "precedences": tuple(links),
                "disjunctions": tuple(group for group in groups if len(group) > 1),
                "transports": self.view.transports(),
                "objective": _objective(self.view.objective(), jobs),
            }
        )

    def _unfinished(self, task: int) -> bool:
        placed = self.view.placement(task)
        return placed is None or placed.end is None

    def _waits(self, name: str) -> bool:
        return self.view.placement(self.number[name]) is None

    def _pairs(self) -> Iterator[tuple[str, str, bool, Precedence | None]]:
        """Relations as ``(before, after, moving, link)``; ``moving`` ones depend on machines."""
        for link in self.links:
            yield link.before, link.after, link.transfer > 0, link
        for job in self.jobs.values():
            if job.chain:
                for before, after in zip(job.tasks, job.tasks[1:], strict=False):
                    yield before.id, after.id, job.blocking or self.moves, None

    def _still_mattering(self) -> Iterator[str]:
        """Tasks that ended and whose machine matters to a task that waits."""
        for before, after, moving, _ in self._pairs():
            if moving and self._waits(after) and not self._unfinished(self.number[before]):
                yield before

    def _releases(self) -> dict[str, int]:
        """Earliest start of tasks that wait, by predecessors that are not kept."""
        found: dict[str, int] = {}
        for before, after, _, link in self._pairs():
            if before not in self.kept and self._waits(after):
                placed = self.view.placement(self.number[before])
                lag = 0 if link is None else link.min_lag or 0
                end = 0 if placed is None or placed.end is None else placed.end
                found[after] = max(found.get(after, 0), end + lag)
        return found

    def _job(self, job: int) -> Iterator[Job]:
        document = self.jobs[job]
        tasks = [
            self._task(task, self.releases.get(task.id, 0))
            for task in document.tasks
            if task.id in self.kept
        ]
        if tasks:
            update: dict[str, Any] = {"tasks": tuple(tasks)}
            if any(_lost(task, document.deadline) for task in tasks):
                update["deadline"] = None
            yield document.model_copy(update=update)

    def _task(self, task: Task, release: int) -> Task:
        number = self.number[task.id]
        placed = self.view.placement(number)
        if placed is None:
            start = max(task.release, release, self.view.now)
            moved = task.model_copy(update={"release": start})
            lost = _lost(moved, task.deadline)
            return moved.model_copy(update={"deadline": None}) if lost else moved
        end = self.view.expected_end(number) if placed.end is None else placed.end
        mode = task.modes[placed.mode]
        if placed.machine >= 0 and self._state_is_elsewhere(number, placed.machine):
            mode = mode.model_copy(update={"state": None})
        return _fixed(task, mode, placed.start, end)

    def _state_is_elsewhere(self, task: int, machine: int) -> bool:
        """Whether something later than a task says what state its machine is in."""
        return machine in self.anchored or self.view.last(machine) != task

    def _holding(self) -> Iterator[int]:
        """Tasks that left a machine with setups just now: they say what state it is in."""
        for number, resource in enumerate(self.view.resources()):
            if isinstance(resource, Machine) and resource.setups and number not in self.anchored:
                last = self.view.last(number)
                if last is not None:
                    yield last

    def _resources(self) -> Iterator[Resource]:
        """Machines with setups that are in some state begin with it, not with none."""
        for number, resource in enumerate(self.view.resources()):
            last = self.view.last(number) if isinstance(resource, Machine) else None
            if not isinstance(resource, Machine) or not resource.setups:
                yield resource
            elif number in self.anchored or last is not None:
                unused = self._unused(resource)
                setups = [
                    entry.model_copy(update={"before": unused}) if entry.before is None else entry
                    for entry in resource.setups
                ]
                yield resource.model_copy(update={"setups": tuple(setups)})
            else:
                yield resource

    def _unused(self, machine: Machine) -> str:
        """Name of a machine's state before its first task, unlike all others."""
        name = "unused"
        states = {entry.before for entry in machine.setups}
        states |= {mode.state for job in self.jobs.values() for t in job.tasks for mode in t.modes}
        while name in states:
            name += "'"
        return name

    def _anchors(self) -> Iterator[tuple[int, Job]]:
        """Empty machines that have stopped or are in some state, each with a job that says so.

        It occupies the machine while it is stopped, or in the last moment before now if no task has
        left it just now.
        """
        now = self.view.now
        for number, resource in enumerate(self.view.resources()):
            if self.view.holder(number) is not None:
                continue
            begin, open_from = now, self.view.works_from(number)
            machine = resource if isinstance(resource, Machine) and resource.setups else None
            last = None if machine is None else self.view.last(number)
            placed = None if last is None else self.view.placement(last)
            left = -1 if placed is None or placed.end is None else placed.end
            if open_from == now and (machine is None or not now or left == now):
                continue
            if open_from == now:
                begin = now - 1
            name = f"stop of {resource.id}"
            while name in self.number:
                name += "'"
            mode = Mode(
                duration=open_from - begin,
                machine=resource.id,
                state=None if machine is None else self._state(machine, placed),
            )
            task = _fixed(Task(id=name, modes=(mode,)), mode, begin, open_from)
            yield number, Job(id=name, tasks=(task,), weight=0)

    def _state(self, machine: Machine, last: Placement | None) -> str | None:
        """State of a machine with setups after its last task."""
        if last is None:
            return self._unused(machine)
        job = next(job for job in self.view.jobs if last.task in self.view.tasks(job))
        task = self.jobs[job].tasks[last.task - self.view.tasks(job)[0]]
        return task.modes[last.mode].state


def _lost(task: Task, deadline: int | None) -> bool:
    """Whether a deadline is missed whatever happens."""
    least = min(mode.duration for mode in task.modes)
    return deadline is not None and task.release + least > deadline


def _fixed(task: Task, mode: Mode, start: int, end: int) -> Task:
    """Return a task that can only run in ``[start, end)``, in one mode."""
    update: dict[str, Any] = {
        "modes": (mode.model_copy(update={"duration": end - start}),),
        "release": start,
        "deadline": end,
    }
    return task.model_copy(update=update)


def _objective(objective: Objective, jobs: list[Job]) -> Objective:
    """Leave out measures of due dates while no known job has one."""
    if any(job.due is not None for job in jobs):
        return objective
    tiers = [
        Tier(terms=tuple(term for term in tier.terms if term.measure not in DUE_MEASURES))
        for tier in objective.tiers
    ]
    tiers = [tier for tier in tiers if tier.terms]
    return Objective(tiers=tuple(tiers)) if tiers else makespan()
