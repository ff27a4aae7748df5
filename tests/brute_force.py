"""Exhaustive optimum of tiny schedule problems, straight from the definitions of the models.

It shares nothing with arrays, windows, bounds, checker or solvers of the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise, product

from scheduling.models.schedule.objective import Tier
from scheduling.models.schedule.problem import (
    Consumable,
    Machine,
    Mode,
    Pool,
    Renewable,
    Reservoir,
    Resource,
    ScheduleProblem,
)

_SKIPPED = Mode(duration=0)
"""Stands for the mode of a task that is skipped; such a task is taken to start at 0."""

Distance = tuple[int, int, int]
"""``(i, j, w)``: ``start[j] >= start[i] + w``."""


class TooLargeError(Exception):
    """More partial schedules than the caller wants to wait for."""


def brute_force(problem: ScheduleProblem, limit: int | None = None) -> tuple[int, ...] | None:
    """Lexicographically least values of all tiers; ``None`` when no schedule exists.

    Tries all modes and all integer starts up to a horizon that some optimal schedule keeps, and
    cuts off what already costs as much as the best known. Meant for up to six short tasks. Beyond
    ``limit`` partial schedules it raises :class:`TooLargeError`.
    """
    search = _Search(problem, limit)
    ways = [[*range(len(task.modes)), *([None] if task.optional else [])] for task in problem.tasks]
    for choice in product(*ways):
        if _modes_agree(problem, choice) and _routes_agree(problem, choice):
            pairs = zip(problem.tasks, choice, strict=True)
            search.try_modes(
                tuple(_SKIPPED if mode is None else task.modes[mode] for task, mode in pairs)
            )
    return search.best


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


class _Search:
    def __init__(self, problem: ScheduleProblem, limit: int | None) -> None:
        self.problem = problem
        self.limit = limit
        self.nodes = 0
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
            if isinstance(resource, Machine | Pool | Renewable)
        }
        self.groups = [{self.index[name] for name in group} for group in problem.disjunctions]
        self.next = {
            self.index[before.id]: self.index[after.id]
            for job in problem.jobs
            if job.blocking
            for before, after in pairwise(job.tasks)
        }

    def try_modes(self, modes: tuple[Mode, ...]) -> None:
        for resource in self.problem.resources:
            if isinstance(resource, Consumable):
                used = sum(mode.demands.get(resource.id, 0) for mode in modes)
                if used > resource.capacity:
                    return
        self.modes = modes
        skipped = {i: 0 for i, mode in enumerate(modes) if mode is _SKIPPED}
        if not self._stocks_end_well():
            return
        self.distances = list(_distances(self.problem, self.index, modes))
        self.free = {name: list(levels) for name, levels in self.capacity.items()}
        low = [0 if i in skipped else release for i, release in enumerate(self.release)]
        rest = [i for i in range(len(modes)) if i not in skipped]
        if any(not any(True for _ in self._fits(i, low[i])) for i in rest):
            return
        self._place(skipped, low)

    def _place(self, start: dict[int, int], low: list[int]) -> None:
        self.nodes += 1
        if self.limit is not None and self.nodes > self.limit:
            raise TooLargeError
        if not self._propagate(start, low):
            return
        values = self._values(low)
        if self.best is not None and values >= self.best:
            return
        if not self._may_hold(start, low):
            return
        if len(start) == len(low) and not (self._levels_hold(low) and self._setups_hold(low)):
            return
        if len(start) == len(low) and not self._moves_hold(low):
            return
        if len(start) == len(low):
            values = self._values(low, placed=True)
            if self.best is None or values < self.best:
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

    def _stocks_end_well(self) -> bool:
        """Whether the last level of every reservoir is one that it may have."""
        for resource in self.problem.resources:
            if isinstance(resource, Reservoir):
                level = resource.initial
                for mode in self.modes:
                    level += mode.supplies.get(resource.id, 0) - mode.demands.get(resource.id, 0)
                if level < 0 or (resource.maximum is not None and level > resource.maximum):
                    return False
        return True

    def _may_hold(self, start: dict[int, int], low: list[int]) -> bool:
        """Whether the placed tasks keep their machines apart and the common orders."""
        for i, j in combinations(start, 2) if self.groups else ():
            if any({i, j} <= group for group in self.groups):
                spans = [range(start[k], start[k] + self.modes[k].duration) for k in (i, j)]
                if set(spans[0]) & set(spans[1]):
                    return False
        for i, j in combinations(start, 2) if self.next else ():
            if self.modes[i].machine is None or self.modes[i].machine != self.modes[j].machine:
                continue
            (a, b), (c, d) = self._kept(i, low), self._kept(j, low)
            if b > a and d > c and a < d and c < b:
                return False
        return all(self._in_order(group, start) for group in self.problem.same_order)

    def _kept(self, task: int, low: list[int]) -> tuple[int, int]:
        """From when until when, at least, a task keeps its machine."""
        end = low[task] + self.modes[task].duration
        return low[task], max(end, low[self.next[task]]) if task in self.next else end

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

    def _levels_hold(self, start: list[int]) -> bool:
        for resource in self.problem.resources:
            if not isinstance(resource, Reservoir):
                continue
            for now in range(self.horizon + 1):
                level = resource.initial
                for time, mode in zip(start, self.modes, strict=True):
                    level -= mode.demands.get(resource.id, 0) if time <= now else 0
                    ended = time + mode.duration <= now
                    level += mode.supplies.get(resource.id, 0) if ended else 0
                if level < 0 or (resource.maximum is not None and level > resource.maximum):
                    return False
        return True

    def _setups_hold(self, start: list[int]) -> bool:
        for machine in self.problem.resources:
            if not isinstance(machine, Machine) or not (machine.setups or machine.no_idle):
                continue
            times: dict[tuple[str | None, str | None], int] = {
                (entry.before, entry.after): entry.time for entry in machine.setups
            }
            users = [i for i, mode in enumerate(self.modes) if mode.machine == machine.id]
            kept = sorted((*self._kept(i, start), i) for i in users)
            kept = [(a, b, i) for a, b, i in kept if b > a]
            left, before, first = 0, None, True
            for a, b, i in kept:
                state = self.modes[i].state
                known = state is not None and (first or before is not None)
                setup = times.get((before, state), 0) if known else 0
                if a < left + setup or (machine.no_idle and not first and a > left + setup):
                    return False
                left, before, first = b, state, False
        return True

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

    def _values(self, start: list[int], *, placed: bool = False) -> tuple[int, ...]:
        """Values of the tiers, or bounds of them while the starts are only least ones."""
        end = [time + mode.duration for time, mode in zip(start, self.modes, strict=True)]
        return tuple(self._tier(tier, start, end, placed) for tier in self.problem.objective.tiers)

    def _tier(self, tier: Tier, start: list[int], end: list[int], placed: bool) -> int:
        total = 0
        runs = {task.id for task in self.problem.tasks if self._runs(task.id)}
        jobs = [job for job in self.problem.jobs if any(task.id in runs for task in job.tasks)]
        done = [
            max(end[self.index[task.id]] for task in job.tasks if task.id in runs) for job in jobs
        ]
        late = [(j.weight, c - j.due) for j, c in zip(jobs, done, strict=True) if j.due is not None]
        for term in tier.terms:
            match term.measure:
                case "makespan":
                    value = max(done, default=0)
                case "total_completion":
                    value = sum(job.weight * c for job, c in zip(jobs, done, strict=True))
                case "total_flow":
                    flows = zip(jobs, done, strict=True)
                    value = sum(job.weight * (c - job.release) for job, c in flows)
                case "total_tardiness":
                    value = sum(weight * max(0, lateness) for weight, lateness in late)
                case "max_tardiness":
                    value = max((max(0, lateness) for _, lateness in late), default=0)
                case "max_lateness":
                    value = max((lateness for _, lateness in late), default=0)
                case "late_jobs":
                    value = sum(weight for weight, lateness in late if lateness > 0)
                case "cost":
                    value = sum(
                        mode.cost if mode is not _SKIPPED else task.skip_cost
                        for mode, task in zip(self.modes, self.problem.tasks, strict=True)
                    )
                case "energy":
                    value = sum(mode.energy for mode in self.modes)
                    value += self._idle(start) if placed else 0
                case "total_setup":
                    value = self._setup_time(start) if placed else 0
            total += term.weight * value
        return total

    def _runs(self, name: str) -> bool:
        return self.modes[self.index[name]] is not _SKIPPED

    def _on(self, machine: str, start: list[int]) -> list[tuple[int, int, int]]:
        """From when until when which task occupies a machine, in order."""
        users = [i for i, mode in enumerate(self.modes) if mode.machine == machine]
        return sorted((a, b, i) for i in users for a, b in [self._kept(i, start)] if b > a)

    def _idle(self, start: list[int]) -> int:
        """Energy of machines that run nothing, moment by moment."""
        total = 0
        for machine in self.problem.resources:
            if isinstance(machine, Machine) and (kept := self._on(machine.id, start)):
                span = range(min(a for a, _, _ in kept), max(b for _, b, _ in kept))
                for now in span:
                    ends = ((start[i], start[i] + self.modes[i].duration) for _, _, i in kept)
                    total += machine.idle_power * (not any(a <= now < b for a, b in ends))
        return total

    def _setup_time(self, start: list[int]) -> int:
        total = 0
        for machine in self.problem.resources:
            if not isinstance(machine, Machine):
                continue
            times = {(entry.before, entry.after): entry.time for entry in machine.setups}
            states = [self.modes[i].state for _, _, i in self._on(machine.id, start)]
            for position, state in enumerate(states):
                before = states[position - 1] if position else None
                if state is not None and (before is not None or not position):
                    total += times.get((before, state), 0)
        return total


def _capacity(problem: ScheduleProblem, resource: Resource, time: int) -> int:
    assert isinstance(resource, Machine | Pool | Renewable)
    for calendar in problem.calendars:
        closed = any(rest.start <= time < rest.end for rest in calendar.breaks)
        if closed and calendar.id == resource.calendar:
            return 0
    if isinstance(resource, Machine):
        return 1
    if isinstance(resource, Pool):
        return resource.count
    level = resource.capacity
    for step in resource.steps:
        if step.start <= time:
            level = step.capacity
    return level


def _distances(
    problem: ScheduleProblem, index: dict[str, int], modes: tuple[Mode, ...]
) -> Iterator[Distance]:
    moves = {(entry.origin, entry.destination): entry.time for entry in problem.transports}
    for job in problem.jobs:
        if job.chain:
            running = [task for task in job.tasks if modes[index[task.id]] is not _SKIPPED]
            for before, after in pairwise(running):
                i, j = index[before.id], index[after.id]
                machines = modes[i].machine, modes[j].machine
                move = moves.get((machines[0] or "", machines[1] or ""), 0)
                yield i, j, modes[i].duration + move
                if job.no_wait:
                    yield j, i, -modes[i].duration
    for link in problem.precedences:
        i, j = index[link.before], index[link.after]
        if modes[i] is _SKIPPED or modes[j] is _SKIPPED:
            continue
        first, second = link.kind.split("-")
        offset = modes[i].duration if first == "end" else 0
        offset -= modes[j].duration if second == "end" else 0
        if link.min_lag is not None:
            apart = modes[i].machine != modes[j].machine
            yield i, j, offset + link.min_lag + (link.transfer if apart else 0)
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
        total += max(0, link.min_lag or 0) + max(0, -(link.max_lag or 0)) + link.transfer
    setups = [s.time for r in problem.resources if isinstance(r, Machine) for s in r.setups]
    moves = [entry.time for entry in problem.transports]
    each = max(setups, default=0) + max(moves, default=0)
    each += any(job.blocking for job in problem.jobs)
    return total + each * len(problem.tasks)
