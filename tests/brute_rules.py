"""Rules across tasks of tiny problems, straight from their definitions."""

from __future__ import annotations

from itertools import combinations, pairwise

from scheduling.models.schedule.problem import (
    Machine,
    Mode,
    Reservoir,
    ScheduleProblem,
)
from tests.brute_times import horizon

_Setups = dict[tuple[str | None, str | None], int]


class Placed:
    """A problem with a mode for each task, and the rules that reach across tasks.

    Attributes
    ----------
    modes
        Mode of each task; ``SKIPPED`` for those that do not run.
    ends, least
        For each task and start: its end, and the earliest end from there or later on.
    """

    modes: tuple[Mode, ...]
    ends: tuple[list[int | None], ...]
    least: tuple[list[int | None], ...]

    def __init__(self, problem: ScheduleProblem) -> None:
        self.problem = problem
        self.tasks = problem.tasks
        self.index = {task.id: number for number, task in enumerate(self.tasks)}
        self.horizon = horizon(problem)
        self.rooms = {
            resource.id: resource.batch
            for resource in problem.resources
            if isinstance(resource, Machine) and resource.batch is not None
        }
        self.reservoirs = [
            resource for resource in problem.resources if isinstance(resource, Reservoir)
        ]
        self.sequenced: list[tuple[Machine, _Setups]] = [
            (resource, {(entry.before, entry.after): entry.time for entry in resource.setups})
            for resource in problem.resources
            if isinstance(resource, Machine) and (resource.setups or resource.no_idle)
        ]
        self.groups = [{self.index[name] for name in group} for group in problem.disjunctions]
        self.next = {
            self.index[before.id]: self.index[after.id]
            for job in problem.jobs
            if job.blocking
            for before, after in pairwise(job.tasks)
        }

    def _least_end(self, task: int, low: int) -> int | None:
        """Earliest end from a start at ``low`` or later."""
        return self.least[task][low] if low <= self.horizon else None

    def _kept(self, task: int, low: list[int]) -> tuple[int, int]:
        """From when until when, at least, a task keeps its machine."""
        end = self._least_end(task, low[task]) or 0
        return low[task], max(end, low[self.next[task]]) if task in self.next else end

    def _stocks_end_well(self) -> bool:
        """Whether the last level of every reservoir is one that it may have."""
        for resource in self.reservoirs:
            level = resource.initial
            for mode in self.modes:
                level += mode.supplies.get(resource.id, 0) - mode.demands.get(resource.id, 0)
            if level < 0 or (resource.maximum is not None and level > resource.maximum):
                return False
        return True

    def _may_hold(self, start: dict[int, int], low: list[int]) -> bool:
        """Whether the placed tasks keep their machines apart and the common orders."""
        for i, j in combinations(start, 2) if self.groups else ():
            apart = any({i, j} <= group for group in self.groups)
            if apart and self._overlap(i, j, start):
                return False
        for i, j in combinations(start, 2) if self.rooms else ():
            if not self._one_batch_or_apart(i, j, start):
                return False
        for i, j in combinations(start, 2) if self.next else ():
            if self.modes[i].machine is None or self.modes[i].machine != self.modes[j].machine:
                continue
            (a, b), (c, d) = self._kept(i, low), self._kept(j, low)
            if b > a and d > c and a < d and c < b:
                return False
        return all(self._in_order(group, start) for group in self.problem.same_order)

    def _in_order(self, group: tuple[str, ...], start: dict[int, int]) -> bool:
        """Whether, of two jobs, one is nowhere later than the other."""
        visits: list[dict[str, int]] = []
        for job in self.problem.jobs:
            tasks = [self.index[task.id] for task in job.tasks]
            machines = {self.modes[i].machine: start[i] for i in tasks if i in start}
            visits.append({name: t for name, t in machines.items() if name in group and name})
        for one, other in combinations(visits, 2):
            differences = [one[name] - other[name] for name in one.keys() & other.keys()]
            if differences and min(differences) < 0 < max(differences):
                return False
        return True

    def _levels_hold(self, start: dict[int, int], low: list[int]) -> bool:
        """Whether reservoirs keep their limits as long as no task that is not placed may begin."""
        for resource in self.reservoirs:
            users = [
                (i, mode.demands.get(resource.id, 0), mode.supplies.get(resource.id, 0))
                for i, mode in enumerate(self.modes)
                if resource.id in mode.demands or resource.id in mode.supplies
            ]
            known = self._known([i for i, _, _ in users], start, low)
            ended = {i: self.ends[i][low[i]] or 0 for i, _, _ in users if i in start}
            for now in {0, *(low[i] for i in ended), *ended.values()}:
                level = resource.initial
                for i, taken, given in users if now < known else ():
                    level -= taken if low[i] <= now else 0
                    level += given if i in ended and ended[i] <= now else 0
                if level < 0 or (resource.maximum is not None and level > resource.maximum):
                    return False
        return True

    def _known(self, users: list[int], start: dict[int, int], low: list[int]) -> int:
        """Moment from which on tasks that are not placed may change what is there."""
        return min((low[i] for i in users if i not in start), default=self.horizon + 1)

    def _setups_hold(self, start: dict[int, int], low: list[int]) -> bool:
        """Whether setups and no-idle rules hold where no task that is not placed may come between.

        What keeps a machine until a task that is not placed begins may keep it longer in the end.
        """
        for machine, times in self.sequenced:
            users = [i for i, mode in enumerate(self.modes) if mode.machine == machine.id]
            known = self._known(users, start, low)
            kept = sorted((*self._kept(i, low), i) for i in users if low[i] < known)
            kept = [(a, b, i) for a, b, i in kept if b > a]
            left, before, last = 0, None, None
            for a, b, i in kept:
                state = self.modes[i].state
                stated = state is not None and (last is None or before is not None)
                setup = times.get((before, state), 0) if stated else 0
                if a < left + setup:
                    return False
                settled = last is not None and self.next.get(last, last) in start
                if machine.no_idle and settled and a > left + setup:
                    return False
                left, before, last = b, state, i
        return True

    def _one_batch_or_apart(self, i: int, j: int, start: dict[int, int]) -> bool:
        one, other = self.modes[i], self.modes[j]
        if one.machine != other.machine or one.machine not in self.rooms:
            return True
        if not self._overlap(i, j, start):
            return True
        same = (one.state, one.duration) == (other.state, other.duration)
        return same and start[i] == start[j] and self.ends[i][start[i]] == self.ends[j][start[j]]

    def _overlap(self, i: int, j: int, start: dict[int, int]) -> bool:
        """Whether some moment belongs to both tasks."""
        ends = self.ends[i][start[i]] or 0, self.ends[j][start[j]] or 0
        return max(start[i], start[j]) < min(ends)

    def _moves_hold(self, start: list[int]) -> bool:
        """Play the moves of every moment one by one, each as soon as its machine has been left."""
        if self.problem.swap:
            return True
        names = [[task.id for task in job.tasks] for job in self.problem.jobs if job.blocking]
        moving = [[self.index[name] for name in row] for row in names]
        before = {after: one for row in moving for one, after in pairwise(row)}
        for now in {start[i] for row in moving for i in row}:
            standing = {}
            for i, kept in ((i, self._kept(i, start)) for row in moving for i in row):
                if i in self.next and kept[0] < now <= kept[1]:
                    standing[self.modes[i].machine] = i
            waiting = [i for row in moving for i in row if start[i] == now]
            while waiting:
                ready = [i for i in waiting if self._enters(i, start, standing, waiting, before)]
                if not ready:
                    return False
                waiting.remove(ready[0])
                left = before.get(ready[0])
                standing = {name: i for name, i in standing.items() if i != left}
        return True

    def _enters(
        self,
        task: int,
        start: list[int],
        standing: dict[str | None, int],
        waiting: list[int],
        before: dict[int, int],
    ) -> bool:
        if before.get(task) in waiting:
            return False
        first, last = self._kept(task, start)
        other = standing.get(self.modes[task].machine)
        return first == last or other is None or other == before.get(task)
