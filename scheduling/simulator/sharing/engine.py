"""The events of a shared cluster: jobs come, tasks end, free cores take the next task."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from scheduling.models.schedule.solution import ScheduledTask
from scheduling.models.sharing.offline import barrier_name, task_name
from scheduling.models.sharing.problem import MICROSECONDS, SharedCluster, microseconds
from scheduling.simulator.sharing.policy import Rank, ReadyStage, SharingPolicy


@dataclass(slots=True)
class _Progress:
    """A stage that has come: what waits in it and what has run."""

    ready: ReadyStage
    stage: int
    durations: list[int]
    left: int


@dataclass(slots=True, eq=False)
class _Queue:
    """Stages of one user, or of all, by rank; entries whose rank has changed are passed over."""

    entries: list[tuple[Rank, int]] = field(default_factory=list)
    running: int = 0
    waiting: int = 0


class Engine:
    """One run.

    Events come by time; at one time, tasks that end come before jobs that arrive, and then all free
    cores choose, one after the other.

    Parameters
    ----------
    problem
        The cluster and its jobs.
    policy
        Ranks the stages that wait.
    """

    def __init__(self, problem: SharedCluster, policy: SharingPolicy) -> None:
        self._problem = problem
        self._policy = policy
        self._free = problem.cores
        self._ends: list[tuple[int, int, int]] = []
        self._queues: dict[str, _Queue] = defaultdict(_Queue)
        self._stages: list[_Progress] = []
        self._started: list[tuple[int, int, int, int]] = []
        self.completed = [0] * len(problem.jobs)

    @property
    def started(self) -> tuple[ScheduledTask, ...]:
        """The tasks of the offline problem that have begun, with their times in microseconds."""
        return tuple(self._scheduled(*entry) for entry in self._started)

    def _scheduled(self, number: int, position: int, start: int, end: int) -> ScheduledTask:
        progress = self._stages[number]
        job = self._problem.jobs[progress.ready.job]
        if position == len(progress.durations):
            name = barrier_name(job.id, progress.stage + 1)
        else:
            name = task_name(job.id, progress.stage + 1, position + 1)
        return ScheduledTask(task=name, start=start, end=end)

    def run(self) -> None:
        """Let all jobs pass; afterwards ``completed`` has their completions in microseconds."""
        jobs = self._problem.jobs
        self._policy.begin(self._problem.cores)
        arrivals = [microseconds(job.arrival_seconds) for job in jobs]
        order = sorted(range(len(jobs)), key=arrivals.__getitem__)
        position = 0
        while position < len(order) or self._ends:
            times = [self._ends[0][0]] if self._ends else []
            if position < len(order):
                times.append(arrivals[order[position]])
            now = min(times)
            while self._ends and self._ends[0][0] == now:
                _, number, _ = heappop(self._ends)
                self._end(number, now)
            while position < len(order) and arrivals[order[position]] == now:
                self._arrive(order[position], now)
                position += 1
            self._fill(now)

    def _arrive(self, job: int, now: int) -> None:
        entry = self._problem.jobs[job]
        changed = self._policy.submit(job, entry, now / MICROSECONDS)
        for stage in range(1 if entry.chain else len(entry.stages)):
            self._submit(job, stage, now)
        if changed:
            for queue in self._queues.values():
                listed = {number for _, number in queue.entries}
                queue.entries = [(self._rank(number), number) for number in sorted(listed)]
                heapify(queue.entries)

    def _submit(self, job: int, stage: int, now: int) -> None:
        entry = self._problem.jobs[job]
        durations = self._problem.durations(entry.stages[stage])
        number = len(self._stages)
        ready = ReadyStage(number, job, entry.user, now, len(durations))
        self._stages.append(_Progress(ready, stage, durations, len(durations)))
        queue = self._queue(ready)
        queue.waiting += len(durations)
        heappush(queue.entries, (self._rank(number), number))

    def _end(self, number: int, now: int) -> None:
        """Free the core of a task, and begin what waits for the end of its stage."""
        self._free += 1
        progress = self._stages[number]
        ready = progress.ready
        ready.running -= 1
        queue = self._queue(ready)
        queue.running -= 1
        if ready.waiting:
            heappush(queue.entries, (self._rank(number), number))
        progress.left -= 1
        self.completed[ready.job] = now
        entry = self._problem.jobs[ready.job]
        if progress.left == 0 and entry.chain and progress.stage + 1 < len(entry.stages):
            self._started.append((number, len(progress.durations), now, now))
            self._submit(ready.job, progress.stage + 1, now)

    def _fill(self, now: int) -> None:
        """Give free cores to the stages of least rank."""
        waiting = [queue for queue in self._queues.values() if queue.waiting]
        while self._free and waiting:
            queue = waiting[0]
            if len(waiting) > 1:
                least = min(queue.running for queue in waiting)
                queue = min((q for q in waiting if q.running == least), key=self._top)
            else:
                self._top(queue)
            self._start(queue, now)
            if not queue.waiting:
                waiting.remove(queue)

    def _top(self, queue: _Queue) -> tuple[Rank, int]:
        """Return the entry that a queue serves next; entries that no longer hold go."""
        entries = queue.entries
        while True:
            rank, number = entries[0]
            if self._stages[number].ready.waiting and rank == self._rank(number):
                return entries[0]
            heappop(entries)

    def _start(self, queue: _Queue, now: int) -> None:
        rank, number = queue.entries[0]
        progress = self._stages[number]
        ready = progress.ready
        position = len(progress.durations) - ready.waiting
        end = now + progress.durations[position]
        self._started.append((number, position, now, end))
        heappush(self._ends, (end, number, position))
        ready.waiting -= 1
        ready.running += 1
        queue.waiting -= 1
        queue.running += 1
        self._free -= 1
        if ready.waiting and self._rank(number) != rank:
            heappush(queue.entries, (self._rank(number), number))

    def _rank(self, number: int) -> Rank:
        return self._policy.rank(self._stages[number].ready)

    def _queue(self, stage: ReadyStage) -> _Queue:
        return self._queues[stage.user if self._policy.by_user else ""]
