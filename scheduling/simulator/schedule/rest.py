"""The rest of a run as a scheduling problem of its own: what has started is kept as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scheduling.models.schedule.objective import DUE_MEASURES, Objective, Tier, makespan
from scheduling.models.schedule.problem import Job, Mode, Precedence, ScheduleProblem, Task
from scheduling.simulator.schedule.view import View


def rest_problem(view: View) -> ScheduleProblem:
    """State what is left to schedule of the known jobs, with expected durations.

    Tasks that run, and those that ended and still matter (their machine is kept, or moves start
    from it), stand as they are. Others begin now at the earliest. A machine that has stopped is
    closed until it is expected to work again. At least one known task has not started.
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
                "resources": tuple(self.view.resources()),
                "jobs": (*jobs, *self._stops()),
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
            yield document.model_copy(update={"tasks": tuple(tasks)})

    def _task(self, task: Task, release: int) -> Task:
        number = self.number[task.id]
        placed = self.view.placement(number)
        if placed is None:
            start = max(task.release, release, self.view.now)
            return task.model_copy(update={"release": start})
        end = self.view.expected_end(number) if placed.end is None else placed.end
        return _fixed(task, task.modes[placed.mode], placed.start, end)

    def _stops(self) -> Iterator[Job]:
        """Empty machines that have stopped, each as a job that occupies it meanwhile."""
        now = self.view.now
        for number, resource in enumerate(self.view.resources()):
            open_from = self.view.works_from(number)
            if open_from > now and self.view.holder(number) is None:
                name = f"stop of {resource.id}"
                while name in self.number:
                    name += "'"
                mode = Mode(duration=open_from - now, machine=resource.id)
                task = _fixed(Task(id=name, modes=(mode,)), mode, now, open_from)
                yield Job(id=name, tasks=(task,), weight=0)


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
