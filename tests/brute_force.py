"""Exhaustive optimum of tiny schedule problems, straight from the definitions of the models.

It shares nothing with arrays, windows, bounds, checker or solvers of the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis.errors import UnsatisfiedAssumption

from scheduling.models.schedule.problem import (
    Consumable,
    Machine,
    Mode,
    Pool,
    Renewable,
    ScheduleProblem,
)
from tests.brute_times import SKIPPED, capacity, end_of, relations, speed
from tests.brute_values import Valued

_Table = tuple[list[int | None], list[int | None]]


PATIENCE = 60_000
"""Partial schedules that take about a second."""


class TooLargeError(UnsatisfiedAssumption):
    """More partial schedules than anybody wants to wait for: the property looks elsewhere."""


def brute_force(problem: ScheduleProblem, limit: int = PATIENCE) -> tuple[int, ...] | None:
    """Lexicographically least values of all tiers; ``None`` when no schedule exists.

    Tries all modes and all integer starts up to a horizon that some optimal schedule keeps, and
    cuts off what already costs as much as the best known. Meant for up to six short tasks. Beyond
    ``limit`` partial schedules it raises :class:`TooLargeError`.
    """
    search = _Search(problem, limit)
    _try_all(problem, search)
    return search.best


def brute_front(problem: ScheduleProblem, limit: int = PATIENCE) -> list[tuple[int, ...]]:
    """Values of the tiers that no schedule beats in all of them, in order."""
    search = _FrontSearch(problem, limit)
    _try_all(problem, search)
    return sorted(search.front)


def _try_all(problem: ScheduleProblem, search: _Search) -> None:
    ways = [[*range(len(task.modes)), *([None] if task.optional else [])] for task in problem.tasks]
    for choice in product(*ways):
        if _modes_agree(problem, choice) and _routes_agree(problem, choice):
            pairs = zip(problem.tasks, choice, strict=True)
            search.try_modes(
                tuple(SKIPPED if mode is None else task.modes[mode] for task, mode in pairs)
            )


def _modes_agree(problem: ScheduleProblem, choice: tuple[int | None, ...]) -> bool:
    """Whether the jobs with a common mode have one, and the rules between modes hold."""
    left = iter(choice)
    for job in problem.jobs:
        if len({next(left) for _ in job.tasks} - {None}) > 1 and job.same_mode:
            return False
    taken = {task.id: mode for task, mode in zip(problem.tasks, choice, strict=True)}
    return all(
        taken[rule.task] != rule.mode or taken[rule.other] in (None, *rule.modes)
        for rule in problem.mode_rules
    )


def _routes_agree(problem: ScheduleProblem, choice: tuple[int | None, ...]) -> bool:
    """Whether exactly one route of each alternative runs where one has to, and none elsewhere."""
    pairs = zip(problem.tasks, choice, strict=True)
    running = {task.id for task, mode in pairs if mode is not None}
    for entry in problem.alternatives:
        members = {name for route in entry.routes for name in route}
        wanted: list[set[str]] = [set(route) for route in entry.routes]
        if entry.within is not None and entry.within not in running:
            wanted = [set()]
        if running & members not in wanted:
            return False
    return True


class _Search(Valued):
    def __init__(self, problem: ScheduleProblem, limit: int) -> None:
        super().__init__(problem)
        self.limit = limit
        self.nodes = 0
        self.best: tuple[int, ...] | None = None
        pairs = [(job, task) for job in problem.jobs for task in job.tasks]
        self.release = [max(job.release, task.release) for job, task in pairs]
        self.deadline = [
            min(limit for limit in (job.deadline, task.deadline, self.horizon) if limit is not None)
            for job, task in pairs
        ]
        self.tables: dict[tuple[int, int], _Table] = {}
        self.capacity = {
            resource.id: [capacity(problem, resource, t) for t in range(self.horizon)]
            for resource in problem.resources
            if isinstance(resource, Machine | Pool | Renewable)
        }

    def try_modes(self, modes: tuple[Mode, ...]) -> None:
        for resource in self.problem.resources:
            if isinstance(resource, Consumable):
                used = sum(mode.demands.get(resource.id, 0) for mode in modes)
                if used > resource.capacity:
                    return
        self._choose(modes)
        skipped = {i: 0 for i, mode in enumerate(modes) if mode is SKIPPED}
        if not self._stocks_end_well():
            return
        self.relations = list(relations(self.problem, self.index, modes))
        tables = [self._table(i, mode) for i, mode in enumerate(modes)]
        self.ends, self.least = zip(*tables, strict=True)
        self.free = {name: list(levels) for name, levels in self.capacity.items()}
        self.needs = [self._needs(mode) for mode in modes]
        low = [0 if i in skipped else release for i, release in enumerate(self.release)]
        rest = [i for i in range(len(modes)) if i not in skipped]
        if any(not any(True for _ in self._fits(i, low[i])) for i in rest):
            return
        self._place(skipped, low)

    def _place(self, start: dict[int, int], low: list[int]) -> None:
        self.nodes += 1
        if self.nodes > self.limit:
            raise TooLargeError
        if not self._propagate(start, low):
            return
        values = self._values(low)
        if self._beaten(values):
            return
        if not self._may_hold(start, low):
            return
        if not (self._levels_hold(start, low) and self._setups_hold(start, low)):
            return
        if len(start) == len(low):
            if not self._moves_hold(low):
                return
            values = self._values(low, placed=True)
            if not self._beaten(values):
                self._take(values)
            return
        task = min((i for i in range(len(low)) if i not in start), key=lambda i: (low[i], i))
        for time in self._fits(task, low[task]):
            trial = list(low)
            trial[task] = time
            if self._beaten(self._values(trial)):
                return
            self._use(task, time, 1)
            self._place({**start, task: time}, trial)
            self._use(task, time, -1)

    def _table(self, task: int, mode: Mode) -> _Table:
        """When a task ends from each start, and the earliest end from there or later on.

        ``None`` stands for starts that it may not have.
        """
        key = task, id(mode)
        if key not in self.tables:
            own = self.tasks[task]
            speeds = [speed(self.problem, mode, t) for t in range(self.horizon + 1)]
            ends: list[int | None] = []
            for start in range(self.horizon + 1):
                end = end_of(speeds, start, 100 * mode.duration, pausing=own.interruptible)
                windows = () if mode is SKIPPED else own.windows
                inside = end is not None and (
                    not windows or any(w.start <= start and end <= w.end for w in windows)
                )
                ends.append(end if inside else None)
            least: list[int | None] = [None]
            for end in reversed(ends):
                least.append(least[-1] if end is None else end)
            self.tables[key] = ends, least[:0:-1]
        return self.tables[key]

    def _beaten(self, values: tuple[int, ...]) -> bool:
        return self.best is not None and values >= self.best

    def _take(self, values: tuple[int, ...]) -> None:
        self.best = values

    def _propagate(self, start: dict[int, int], low: list[int]) -> bool:
        """Raise ``low`` to the least starts by all relations; False on a contradiction."""
        changed = True
        while changed:
            changed = False
            for i, from_end, j, to_end, lag in self.relations:
                least = self._least_end(i, low[i]) if from_end else low[i]
                if least is None:
                    return False
                there = self._least_end(j, low[j]) if to_end else low[j]
                while there is not None and there < least + lag:
                    low[j] += 1
                    changed = True
                    if j in start:
                        return False
                    there = self._least_end(j, low[j]) if to_end else low[j]
                end = self._least_end(j, low[j])
                if there is None or end is None or end > self.deadline[j]:
                    return False
        return True

    def _fits(self, task: int, low: int) -> Iterator[int]:
        """Starts from ``low`` on at which the free capacity carries the task."""
        needs = self.needs[task]
        for time in range(low, self.deadline[task] + 1):
            end = self.ends[task][time]
            if end is None or end > self.deadline[task]:
                continue
            span = range(time, end)
            if all(self.free[name][t] >= amount for name, amount in needs for t in span):
                yield time

    def _use(self, task: int, time: int, sign: int) -> None:
        for name, amount in self.needs[task]:
            for t in range(time, self.ends[task][time] or 0):
                self.free[name][t] -= sign * amount

    def _needs(self, mode: Mode) -> list[tuple[str, int]]:
        """What a mode takes, moment by moment, of machines and renewables."""
        needs = [(name, n) for name, n in mode.demands.items() if n > 0 and name in self.capacity]
        if mode.machine is None:
            return needs
        return [*needs, (mode.machine, mode.size if mode.machine in self.rooms else 1)]


class _FrontSearch(_Search):
    def __init__(self, problem: ScheduleProblem, limit: int) -> None:
        super().__init__(problem, limit)
        self.front: list[tuple[int, ...]] = []

    def _beaten(self, values: tuple[int, ...]) -> bool:
        return any(_no_worse(known, values) for known in self.front)

    def _take(self, values: tuple[int, ...]) -> None:
        self.front = [known for known in self.front if not _no_worse(values, known)]
        self.front.append(values)


def _no_worse(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))
