"""The state of a run: what has happened by now, and what will happen without a decision."""

from __future__ import annotations

from bisect import bisect_right
from heapq import heapify, heappop, heappush

from scheduling.errors import PolicyError
from scheduling.models.schedule.compiling import compile_arrays
from scheduling.models.schedule.online import OnlineSchedule
from scheduling.models.schedule.problem import Machine
from scheduling.simulator.schedule.facts import Facts
from scheduling.simulator.schedule.policy import Option
from scheduling.simulator.schedule.support import check_support, fits


class World:
    """Clock, machines and tasks of one run.

    Attributes
    ----------
    now : the moment; 0 at the start.
    start, mode, end : of each task, modes by global index; -1 while it has not started.
    done : whether a task has ended.
    open : tasks that have not started and whose predecessors have ended, with their options.
    holder : task on each machine, being set up for, running or kept from leaving; -1 for none.
    last : task that started last on each machine and took time, or is about to; -1 for none.
    prepared : when the machine of a task is set up for it.
    arrived : jobs known by now, in the order of their coming.
    changes : how many stops have begun or ended.

    Raises
    ------
    UnsupportedError
        When a schedule of the problem cannot grow step by step.
    """

    def __init__(self, problem: OnlineSchedule) -> None:
        self.problem = problem
        arrays = compile_arrays(problem.truth)
        check_support(problem.truth, arrays)
        self.facts = facts = Facts(problem, arrays)
        count = arrays.n_tasks
        self.now = 0
        self.start, self.mode, self.end = [-1] * count, [-1] * count, [-1] * count
        self.done = [False] * count
        self.left = count
        self.open: dict[int, list[Option]] = {}
        self.running: list[tuple[int, int]] = []
        self.holder = [-1] * arrays.n_resources
        self.last = [-1] * arrays.n_resources
        self.prepared = [0] * count
        self.used = [0] * arrays.n_resources
        self.arrived: list[int] = []
        self.changes = 0
        self.stops = _stops(problem)
        self._fits = [fits(arrays, mode) for mode in range(len(facts.actual))]
        self._capacity: list[int] = arrays.capacity.tolist()
        self._blocking: list[bool] = arrays.blocking[arrays.job].tolist()
        self._first = {int(first) for first in arrays.job_ptr[:-1]}
        self._last = {int(stop) - 1 for stop in arrays.job_ptr[1:]}
        self._transport: list[list[int]] = arrays.transport.tolist()
        self._waits = [len(links) for links in facts.before]
        by_release = problem.arrivals == "release"
        self._coming = [
            (release if by_release else 0, job) for job, release in enumerate(facts.job_release)
        ]
        heapify(self._coming)
        self._ready: list[int] = []
        self._turns = sorted(moment for row in self.stops for stop in row for moment in stop)
        self._settle()

    def advance(self) -> bool:
        """Go on to the next event; false when nothing will ever happen again."""
        moments = [heap[0] for heap in (self._ready,) if heap]
        moments += [heap[0][0] for heap in (self.running, self._coming) if heap]
        moments += self._turns[self.changes : self.changes + 1]
        if not moments:
            return False
        self.now = min(moments)
        self._settle()
        return True

    def stopped(self, machine: int) -> tuple[int, int] | None:
        """Begin and end of the stop that a machine is in now; ``None`` when it works."""
        row = self.stops[machine]
        position = bisect_right(row, self.now, key=lambda stop: stop[0]) - 1
        return row[position] if position >= 0 and self.now < row[position][1] else None

    def worked(self, task: int) -> int:
        """Time that a started task has run by now, pauses apart."""
        begin = min(self.start[task], self.now)
        machine = self.facts.machine[self.mode[task]]
        paused = 0
        if machine >= 0:
            rows = (stop for stop in self.stops[machine] if stop[0] < self.now and stop[1] > begin)
            paused = sum(min(end, self.now) - max(first, begin) for first, end in rows)
        return self.now - begin - paused

    def setup(self, option: Option) -> int:
        """Time to set the machine of an option up for it, from the state that it is in."""
        arrays = self.facts.arrays
        table = arrays.setups.get(option.machine)
        after = int(arrays.state[self._global(option)])
        if table is None or after < 0:
            return 0
        last = self.last[option.machine]
        before = -1 if last < 0 else int(arrays.state[self.mode[last]])
        return 0 if before < 0 <= last else table.get((before, after), 0)

    def startable(self, option: Option) -> bool:
        """Whether an option of an open task can start now."""
        return (
            option.ready <= self.now
            and self._free(option)
            and all(
                self.used[resource] + amount <= self._capacity[resource]
                for resource, amount in self.facts.demands[self._global(option)]
            )
        )

    def begin(self, option: Option, who: str) -> None:
        """Start a task now, or begin to set its machine up for it.

        Raises
        ------
        PolicyError
            When it cannot start; ``who`` is the policy's name.
        """
        if option not in self.open.get(option.task, ()) or not self.startable(option):
            known = 0 <= option.task < len(self.start)
            name = self.facts.arrays.task_ids[option.task] if known else str(option.task)
            found = f"task {name!r} in mode {option.mode} at {self.now}"
            raise PolicyError(f"policy {who!r} starts {found}, which is not possible then")
        self._place(option)

    def swap(self) -> None:
        """Let every circle of finished jobs that wait for each other's machines move at once."""
        for circle in self._circles():
            for task in circle:
                self._leave(task)
            for task in circle:
                self._place(self.open[task + 1][0])

    def _settle(self) -> None:
        """Let everything happen that happens by itself by now."""
        while self.running and self.running[0][0] <= self.now:
            self._finish(heappop(self.running)[1])
        while self._coming and self._coming[0][0] <= self.now:
            self._arrive(heappop(self._coming)[1])
        while self._ready and self._ready[0] <= self.now:
            heappop(self._ready)
        while self.changes < len(self._turns) and self._turns[self.changes] <= self.now:
            self.changes += 1

    def _arrive(self, job: int) -> None:
        self.arrived.append(job)
        pointer = self.facts.arrays.job_ptr
        for task in range(int(pointer[job]), int(pointer[job + 1])):
            self._waits[task] -= 1
            self._open(task)

    def _finish(self, task: int) -> None:
        mode = self.mode[task]
        self.done[task] = True
        self.left -= 1
        for resource, amount in self.facts.demands[mode]:
            self.used[resource] -= amount
        if not self._blocking[task] or task in self._last:
            self._leave(task)
        for follower in self.facts.after[task]:
            self._waits[follower] -= 1
            self._open(follower)

    def _leave(self, task: int) -> None:
        machine = self.facts.machine[self.mode[task]]
        if machine >= 0:
            self.holder[machine] = -1

    def _open(self, task: int) -> None:
        """Offer a task once its job is known and its predecessors have ended."""
        if self._waits[task] >= 0:
            return
        facts = self.facts
        options = [
            Option(
                task,
                local,
                facts.machine[mode],
                facts.expected[mode],
                self._earliest(task, facts.machine[mode]),
            )
            for local, mode in enumerate(facts.modes(task))
            if self._fits[mode]
        ]
        self.open[task] = options
        for option in options:
            if option.ready > self.now:
                heappush(self._ready, option.ready)

    def _earliest(self, task: int, machine: int) -> int:
        moment = self.facts.release[task]
        for link in self.facts.before[task]:
            origin = self.facts.machine[self.mode[link.before]]
            way = link.lag + (link.transfer if origin != machine else 0)
            if link.chained and self._transport and min(origin, machine) >= 0:
                way = max(way, self._transport[origin][machine])
            moment = max(moment, self.end[link.before] + way)
        return moment

    def _global(self, option: Option) -> int:
        return self.facts.pointer[option.task] + option.mode

    def _free(self, option: Option) -> bool:
        """Whether the machine works and is empty, or is held by the task's own predecessor."""
        if option.machine < 0:
            return True
        holder = self.holder[option.machine]
        mine = holder >= 0 and holder == option.task - 1 and self._kept(holder)
        return (holder < 0 or mine) and self.stopped(option.machine) is None

    def _kept(self, task: int) -> bool:
        """Whether a task has ended and still holds its machine."""
        machine = self.facts.machine[self.mode[task]]
        return self.done[task] and machine >= 0 and self.holder[machine] == task

    def _place(self, option: Option) -> None:
        task, mode = option.task, self._global(option)
        del self.open[task]
        if task not in self._first and self._blocking[task] and self._kept(task - 1):
            self._leave(task - 1)
        work = self.facts.actual[mode]
        self.prepared[task] = self.now + (self.setup(option) if work else 0)
        self.mode[task] = mode
        if option.machine >= 0:
            self.holder[option.machine] = task
            self.last[option.machine] = task if work else self.last[option.machine]
        for resource, amount in self.facts.demands[mode]:
            self.used[resource] += amount
        self.start[task] = self._working(option.machine, self.prepared[task])
        self.end[task] = self._end(option.machine, self.start[task], work)
        if self.end[task] == self.now:
            self._finish(task)
        else:
            heappush(self.running, (self.end[task], task))

    def _working(self, machine: int, moment: int) -> int:
        """First moment from a given one on at which a machine works."""
        for begin, end in self.stops[machine] if machine >= 0 else ():
            if begin <= moment < end:
                return end
        return moment

    def _end(self, machine: int, moment: int, work: int) -> int:
        """End of work that begins at a moment on a machine and pauses in its stops."""
        for begin, end in self.stops[machine] if machine >= 0 else ():
            if end <= moment:
                continue
            if begin >= moment + work:
                break
            work -= begin - moment
            moment = end
        return moment + work

    def _circles(self) -> list[list[int]]:
        """Circles of kept tasks, each of which waits for the machine of the next."""
        wanted: dict[int, int] = {}
        for task, options in self.open.items():
            if not self._blocking[task] or task in self._first or not self._kept(task - 1):
                continue
            option = options[0]
            rival = self.holder[option.machine]
            if rival >= 0 and option.ready <= self.now and self.stopped(option.machine) is None:
                wanted[task - 1] = rival
        circles, seen = [], set()
        for first in wanted:
            path: list[int] = []
            task = first
            while task in wanted and task not in seen:
                seen.add(task)
                path.append(task)
                task = wanted[task]
            if task in path:
                circles.append(path[path.index(task) :])
        return circles


def _stops(problem: OnlineSchedule) -> list[list[tuple[int, int]]]:
    """Return the stops of each machine, those that touch joined; other resources have none."""
    breaks = {calendar.id: calendar.breaks for calendar in problem.truth.calendars}
    rows: list[list[tuple[int, int]]] = []
    for resource in problem.truth.resources:
        row: list[tuple[int, int]] = []
        if isinstance(resource, Machine) and resource.calendar is not None:
            for rest in sorted(breaks[resource.calendar], key=lambda rest: rest.start):
                begin, end = rest.start, rest.end
                if row and begin <= row[-1][1]:
                    begin, last = row.pop()
                    end = max(end, last)
                row.append((begin, end))
        rows.append(row)
    return rows
