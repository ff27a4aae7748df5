"""Exhaustive optimum of tiny schedule problems, straight from the definitions of the models.

It shares nothing with arrays, windows, bounds, checker or solvers of the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from scheduling.models.schedule.objective import Tier
from scheduling.models.schedule.problem import (
    Consumable,
    Machine,
    Mode,
    Renewable,
    Resource,
    ScheduleProblem,
)

Distance = tuple[int, int, int]
"""``(i, j, w)``: ``start[j] >= start[i] + w``."""


def brute_force(problem: ScheduleProblem) -> tuple[int, ...] | None:
    """Lexicographically least values of all tiers; ``None`` when no schedule exists.

    Tries all modes and all integer starts up to a horizon that some optimal schedule keeps, and
    cuts off what already costs as much as the best known. Meant for up to six short tasks.
    """
    search = _Search(problem)
    for modes in product(*(task.modes for task in problem.tasks)):
        search.try_modes(modes)
    return search.best


class _Search:
    def __init__(self, problem: ScheduleProblem) -> None:
        self.problem = problem
        self.best: tuple[int, ...] | None = None
        self.index = {task.id: number for number, task in enumerate(problem.tasks)}
        pairs = [(job, task) for job in problem.jobs for task in job.tasks]
        self.release = [max(job.release, task.release) for job, task in pairs]
        self.horizon = _horizon(problem)
        self.deadline = [
            min(limit for limit in (job.deadline, task.deadline, self.horizon) if limit is not None)
            for job, task in pairs
        ]
        self.capacity = {
            resource.id: [_capacity(problem, resource, t) for t in range(self.horizon)]
            for resource in problem.resources
            if not isinstance(resource, Consumable)
        }

    def try_modes(self, modes: tuple[Mode, ...]) -> None:
        for resource in self.problem.resources:
            if isinstance(resource, Consumable):
                used = sum(mode.demands.get(resource.id, 0) for mode in modes)
                if used > resource.capacity:
                    return
        self.modes = modes
        self.distances = list(_distances(self.problem, self.index, modes))
        self.free = {name: list(levels) for name, levels in self.capacity.items()}
        if any(not any(True for _ in self._fits(i, self.release[i])) for i in range(len(modes))):
            return
        self._place({}, list(self.release))

    def _place(self, start: dict[int, int], low: list[int]) -> None:
        if not self._propagate(start, low):
            return
        values = self._values(low)
        if self.best is not None and values >= self.best:
            return
        if len(start) == len(low):
            self.best = values
            return
        task = min((i for i in range(len(low)) if i not in start), key=lambda i: (low[i], i))
        for time in self._fits(task, low[task]):
            trial = list(low)
            trial[task] = time
            if self.best is not None and self._values(trial) >= self.best:
                return
            self._use(task, time, 1)
            self._place({**start, task: time}, trial)
            self._use(task, time, -1)

    def _propagate(self, start: dict[int, int], low: list[int]) -> bool:
        """Raise ``low`` to the least starts by all distances; False on a contradiction."""
        changed = True
        while changed:
            changed = False
            for i, j, weight in self.distances:
                if low[i] + weight > low[j]:
                    low[j] = low[i] + weight
                    changed = True
                    if j in start or low[j] + self.modes[j].duration > self.deadline[j]:
                        return False
        return True

    def _fits(self, task: int, low: int) -> Iterator[int]:
        """Starts from ``low`` on at which the free capacity carries the task."""
        mode = self.modes[task]
        needs = self._needs(mode)
        for time in range(low, self.deadline[task] - mode.duration + 1):
            span = range(time, time + mode.duration)
            if all(self.free[name][t] >= amount for name, amount in needs for t in span):
                yield time

    def _use(self, task: int, time: int, sign: int) -> None:
        mode = self.modes[task]
        for name, amount in self._needs(mode):
            for t in range(time, time + mode.duration):
                self.free[name][t] -= sign * amount

    def _needs(self, mode: Mode) -> list[tuple[str, int]]:
        """What a mode takes, moment by moment, of machines and renewables."""
        needs = [(name, n) for name, n in mode.demands.items() if n > 0 and name in self.capacity]
        return needs if mode.machine is None else [*needs, (mode.machine, 1)]

    def _values(self, start: list[int]) -> tuple[int, ...]:
        end = [time + mode.duration for time, mode in zip(start, self.modes, strict=True)]
        return tuple(self._tier(tier, end) for tier in self.problem.objective.tiers)

    def _tier(self, tier: Tier, end: list[int]) -> int:
        total = 0
        jobs = self.problem.jobs
        done = [max(end[self.index[task.id]] for task in job.tasks) for job in jobs]
        late = [(j.weight, c - j.due) for j, c in zip(jobs, done, strict=True) if j.due is not None]
        for term in tier.terms:
            match term.measure:
                case "makespan":
                    value = max(done)
                case "total_completion":
                    value = sum(job.weight * c for job, c in zip(jobs, done, strict=True))
                case "total_flow":
                    flows = zip(jobs, done, strict=True)
                    value = sum(job.weight * (c - job.release) for job, c in flows)
                case "total_tardiness":
                    value = sum(weight * max(0, lateness) for weight, lateness in late)
                case "max_tardiness":
                    value = max(max(0, lateness) for _, lateness in late)
                case "max_lateness":
                    value = max(lateness for _, lateness in late)
                case "late_jobs":
                    value = sum(weight for weight, lateness in late if lateness > 0)
            total += term.weight * value
        return total


def _capacity(problem: ScheduleProblem, resource: Resource, time: int) -> int:
    assert isinstance(resource, Machine | Renewable)
    for calendar in problem.calendars:
        closed = any(rest.start <= time < rest.end for rest in calendar.breaks)
        if closed and calendar.id == resource.calendar:
            return 0
    if isinstance(resource, Machine):
        return 1
    level = resource.capacity
    for step in resource.steps:
        if step.start <= time:
            level = step.capacity
    return level


def _distances(
    problem: ScheduleProblem, index: dict[str, int], modes: tuple[Mode, ...]
) -> Iterator[Distance]:
    for job in problem.jobs:
        if job.chain:
            for before, after in zip(job.tasks, job.tasks[1:], strict=False):
                i, j = index[before.id], index[after.id]
                yield i, j, modes[i].duration
    for link in problem.precedences:
        i, j = index[link.before], index[link.after]
        first, second = link.kind.split("-")
        offset = modes[i].duration if first == "end" else 0
        offset -= modes[j].duration if second == "end" else 0
        if link.min_lag is not None:
            yield i, j, offset + link.min_lag
        if link.max_lag is not None:
            yield j, i, -offset - link.max_lag


def _horizon(problem: ScheduleProblem) -> int:
    """Everything is open after the last event; then at worst tasks and lags run one by one."""
    events = [max(job.release, task.release) for job in problem.jobs for task in job.tasks]
    events += [rest.end for calendar in problem.calendars for rest in calendar.breaks]
    for resource in problem.resources:
        if isinstance(resource, Renewable):
            events += [step.start for step in resource.steps]
    total = max(events)
    total += sum(max(mode.duration for mode in task.modes) for task in problem.tasks)
    for link in problem.precedences:
        total += max(0, link.min_lag or 0) + max(0, -(link.max_lag or 0))
    return total
