"""What a policy sees of a run: everything that is revealed by now, and nothing else."""

from __future__ import annotations

from typing import NamedTuple

from scheduling.models.schedule.objective import Objective
from scheduling.models.schedule.problem import Job, Mode, Precedence, Resource, Transport
from scheduling.simulator.schedule.policy import Option
from scheduling.simulator.schedule.world import World
from scheduling.solvers.schedule.dispatch_rules import Waiting


class Placement(NamedTuple):
    """A task that has started, or for which its machine is being set up.

    ``mode`` counts among the task's modes; ``end`` is ``None`` while it runs. While the machine is
    being set up, ``start`` is the moment at which the task starts as expected.
    """

    task: int
    mode: int
    machine: int
    start: int
    end: int | None


class View:
    """Window of a policy on one run.

    Tasks, jobs and resources are indices in the order of the document; those of jobs that have
    not come yet are never shown. Durations of tasks that have not ended are the expected ones.

    Examples
    --------
    A policy that starts whatever can start, in the order of the document:

    >>> class Eager:
    ...     name = "eager"
    ...     summary = "starts what can start"
    ...     relaxation = "it only starts tasks, as the offline problem may"
    ...
    ...     def begin(self, view):
    ...         pass
    ...
    ...     def decide(self, view):
    ...         return view.startable()[:1]
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._facts = world.facts
        self._seen_jobs = 0
        self._work = self._modes = 0

    @property
    def now(self) -> int:
        """The moment, in the instance's unit of time."""
        return self._world.now

    @property
    def jobs(self) -> tuple[int, ...]:
        """Jobs that are known, in the order in which they came."""
        return tuple(self._world.arrived)

    @property
    def changes(self) -> int:
        """How many times a machine has stopped or gone on."""
        return self._world.changes

    def tasks(self, job: int) -> range:
        """Tasks of a known job."""
        pointer = self._facts.arrays.job_ptr
        return range(int(pointer[job]), int(pointer[job + 1]))

    def open(self) -> dict[int, list[Option]]:
        """Tasks that wait and whose predecessors have ended, with every way to start them."""
        return {task: self._world.open[task] for task in sorted(self._world.open)}

    def startable(self) -> list[Option]:
        """Ways to start a task now, by task and mode."""
        return [o for options in self.open().values() for o in options if self._world.startable(o)]

    def can_start(self, option: Option) -> bool:
        """Whether a task that is open can start now in this way."""
        return self._world.startable(option)

    def placement(self, task: int) -> Placement | None:
        """Where and when a task runs or ran; ``None`` while it has not started."""
        world = self._world
        if world.start[task] < 0:
            return None
        mode = world.mode[task]
        machine = self._facts.machine[mode]
        start = world.start[task]
        if start > self.now:
            start = max(world.prepared[task], self.works_from(machine))
        return Placement(
            task=task,
            mode=mode - self._facts.pointer[task],
            machine=machine,
            start=start,
            end=world.end[task] if world.done[task] else None,
        )

    def running(self) -> list[Placement]:
        """Tasks that have started and not ended, in the order of the document."""
        found = (self.placement(task) for _, task in self._world.running)
        return sorted(entry for entry in found if entry is not None)

    def holder(self, machine: int) -> int | None:
        """Task that occupies a machine, running or kept from leaving; ``None`` for none."""
        task = self._world.holder[machine]
        return None if task < 0 else task

    def last(self, machine: int) -> int | None:
        """Task after which a machine is, or is being, set up: the last; ``None`` for none."""
        task = self._world.last[machine]
        return None if task < 0 else task

    def setup(self, option: Option) -> int:
        """Time to set the machine of an option up for it, from the state that it is in."""
        return self._world.setup(option)

    def expected(self, task: int) -> tuple[int, ...]:
        """Return the expected duration of each mode of a task."""
        return tuple(self._facts.expected[mode] for mode in self._facts.modes(task))

    def expected_end(self, task: int) -> int:
        """When a running task ends as expected: now plus the work that is left, and the stop.

        A task that has run longer than expected is expected to end in one unit of time.
        """
        world, mode = self._world, self._world.mode[task]
        left = max(1, self._facts.expected[mode] - world.worked(task))
        machine = self._facts.machine[mode]
        free = self.now if machine < 0 else self.works_from(machine)
        return left + max(free, world.prepared[task])

    def works_from(self, machine: int) -> int:
        """Now for a machine that works, otherwise the known or expected end of its stop.

        An unknown end is expected after the mean length of the stops that have ended so far, and
        in one unit of time at the earliest.
        """
        stop = self._world.stopped(machine)
        if stop is None:
            return self.now
        if self._world.problem.repairs == "begin":
            return stop[1]
        lengths = [e - b for row in self._world.stops for b, e in row if e <= self.now]
        mean = sum(lengths) // len(lengths) if lengths else 0
        return max(self.now + 1, stop[0] + mean)

    def free_from(self, machine: int) -> int:
        """When a machine is expected to be empty and to work."""
        holder = self.holder(machine)
        if holder is None or self._world.done[holder]:
            return self.works_from(machine)
        return self.expected_end(holder)

    def rank(self, task: int) -> float:
        """Upward rank of a task within its job, as HEFT has it, from expected durations."""
        return self._facts.rank[task]

    def position(self, task: int) -> int:
        """Place of a task in an order that agrees with all precedences."""
        return self._facts.position[task]

    def needs(self, task: int, mode: int) -> list[int]:
        """Resources that a task takes in one of its modes: its machine and what it demands."""
        number = self._facts.pointer[task] + mode
        machine = self._facts.machine[number]
        needs = [resource for resource, _ in self._facts.demands[number]]
        return needs if machine < 0 else [machine, *needs]

    def work_left(self, task: int) -> int:
        """Sum up the work of what has not ended of the task's job, as expected in fastest modes."""
        job = self._facts.job[task]
        rest = (other for other in self.tasks(job) if not self._world.done[other])
        return sum(min(self.expected(other)) for other in rest)

    def waiting(self, option: Option) -> Waiting:
        """Return what a dispatching rule sees of a way to start a task.

        Jobs that come later may have any due date, so tightness and spread are as without any.
        """
        facts, job = self._facts, self._facts.job[option.task]
        return Waiting(
            task=option.task,
            job=job,
            ready=option.ready,
            now=self.now,
            duration=option.duration,
            remaining=facts.remaining[option.task],
            following=facts.following[option.task],
            release=facts.job_release[job],
            due=facts.due[job],
            weight=facts.weight[job],
            mean=self._mean(),
            setup=self._world.setup(option),
            mean_setup=facts.mean_setup.get(option.machine, 0.0),
        )

    def job_document(self, job: int) -> Job:
        """Return a known job as the document has it, with expected durations."""
        truth = self._world.problem.truth.jobs[job]
        tasks = []
        for index, task in zip(self.tasks(job), truth.tasks, strict=True):
            modes: list[Mode] = [
                mode.model_copy(update={"duration": duration})
                for mode, duration in zip(task.modes, self.expected(index), strict=True)
            ]
            tasks.append(task.model_copy(update={"modes": tuple(modes)}))
        return truth.model_copy(update={"tasks": tuple(tasks)})

    def links(self) -> list[Precedence]:
        """Precedences between tasks of known jobs, chains apart."""
        names = {self.name(task) for job in self.jobs for task in self.tasks(job)}
        links = self._world.problem.truth.precedences
        return [link for link in links if link.before in names and link.after in names]

    def disjunctions(self) -> list[tuple[str, ...]]:
        """Return the groups of known tasks of which no two run at the same time."""
        names = {self.name(task) for job in self.jobs for task in self.tasks(job)}
        groups = self._world.problem.truth.disjunctions
        return [tuple(name for name in group if name in names) for group in groups]

    def resources(self) -> list[Resource]:
        """Return all resources, without the calendars of machines."""
        return [
            resource.model_copy(update={"calendar": None})
            if resource.type == "machine"
            else resource
            for resource in self._world.problem.truth.resources
        ]

    def objective(self) -> Objective:
        """Return what is minimised."""
        return self._world.problem.truth.objective

    def transports(self) -> tuple[Transport, ...]:
        """Return the times of moves between machines."""
        return self._world.problem.truth.transports

    def name(self, task: int) -> str:
        """Id of a task in the document."""
        return self._facts.arrays.task_ids[task]

    def job_name(self, job: int) -> str:
        """Id of a known job in the document."""
        return self._world.problem.truth.jobs[job].id

    def _mean(self) -> float:
        """Mean expected duration of the tasks of known jobs, over all modes."""
        pointer = self._facts.pointer
        for job in self._world.arrived[self._seen_jobs :]:
            tasks = self.tasks(job)
            durations = self._facts.expected[pointer[tasks[0]] : pointer[tasks[-1] + 1]]
            self._work += sum(durations)
            self._modes += len(durations)
        self._seen_jobs = len(self._world.arrived)
        return self._work / max(1, self._modes)
