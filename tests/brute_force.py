"""Exhaustive optimum of tiny schedule problems, straight from the definitions of the models.

It shares nothing with arrays, windows, bounds, checker or solvers of the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise, product
from math import lcm

from hypothesis.errors import UnsatisfiedAssumption

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

Relation = tuple[int, bool, int, bool, int]
"""``(i, x, j, y, lag)``: ``y(j) >= x(i) + lag``, where a true x or y is an end, a false a start."""

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
                tuple(_SKIPPED if mode is None else task.modes[mode] for task, mode in pairs)
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


class _Search:
    def __init__(self, problem: ScheduleProblem, limit: int) -> None:
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
        self.tables: dict[tuple[int, int], _Table] = {}
        self.capacity = {
            resource.id: [_capacity(problem, resource, t) for t in range(self.horizon)]
            for resource in problem.resources
            if isinstance(resource, Machine | Pool | Renewable)
        }
        self.rooms = {
            resource.id: resource.batch
            for resource in problem.resources
            if isinstance(resource, Machine) and resource.batch is not None
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
        self.relations = list(_relations(self.problem, self.index, modes))
        tables = [self._table(i, mode) for i, mode in enumerate(modes)]
        self.ends, self.least = zip(*tables, strict=True)
        self.free = {name: list(levels) for name, levels in self.capacity.items()}
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
        if len(start) == len(low) and not (self._levels_hold(low) and self._setups_hold(low)):
            return
        if len(start) == len(low) and not self._moves_hold(low):
            return
        if len(start) == len(low):
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
            own = self.problem.tasks[task]
            speeds = [_speed(self.problem, mode, t) for t in range(self.horizon + 1)]
            ends: list[int | None] = []
            for start in range(self.horizon + 1):
                end = _end(speeds, start, 100 * mode.duration, pausing=own.interruptible)
                windows = () if mode is _SKIPPED else own.windows
                inside = end is not None and (
                    not windows or any(w.start <= start and end <= w.end for w in windows)
                )
                ends.append(end if inside else None)
            least: list[int | None] = [None]
            for end in reversed(ends):
                least.append(least[-1] if end is None else end)
            self.tables[key] = ends, least[:0:-1]
        return self.tables[key]

    def _least_end(self, task: int, low: int) -> int | None:
        """Earliest end from a start at ``low`` or later."""
        return self.least[task][low] if low <= self.horizon else None

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
                spans = [range(start[k], self.ends[k][start[k]] or 0) for k in (i, j)]
                if set(spans[0]) & set(spans[1]):
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

    def _kept(self, task: int, low: list[int]) -> tuple[int, int]:
        """From when until when, at least, a task keeps its machine."""
        end = self._least_end(task, low[task]) or 0
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
                for task, (time, mode) in enumerate(zip(start, self.modes, strict=True)):
                    level -= mode.demands.get(resource.id, 0) if time <= now else 0
                    ended = (self.ends[task][time] or 0) <= now
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

    def _one_batch_or_apart(self, i: int, j: int, start: dict[int, int]) -> bool:
        one, other = self.modes[i], self.modes[j]
        if one.machine != other.machine or one.machine not in self.rooms:
            return True
        spans = [(start[k], self.ends[k][start[k]] or 0) for k in (i, j)]
        if not set(range(*spans[0])) & set(range(*spans[1])):
            return True
        same = (one.state, one.duration) == (other.state, other.duration)
        return same and spans[0] == spans[1]

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
        needs = self._needs(self.modes[task])
        for time in range(low, self.deadline[task] + 1):
            end = self.ends[task][time]
            if end is None or end > self.deadline[task]:
                continue
            span = range(time, end)
            if all(self.free[name][t] >= amount for name, amount in needs for t in span):
                yield time

    def _use(self, task: int, time: int, sign: int) -> None:
        mode = self.modes[task]
        for name, amount in self._needs(mode):
            for t in range(time, self.ends[task][time] or 0):
                self.free[name][t] -= sign * amount

    def _needs(self, mode: Mode) -> list[tuple[str, int]]:
        """What a mode takes, moment by moment, of machines and renewables."""
        needs = [(name, n) for name, n in mode.demands.items() if n > 0 and name in self.capacity]
        if mode.machine is None:
            return needs
        return [*needs, (mode.machine, mode.size if mode.machine in self.rooms else 1)]

    def _values(self, start: list[int], *, placed: bool = False) -> tuple[int, ...]:
        """Values of the tiers, or bounds of them while the starts are only least ones."""
        end = [self._least_end(task, time) or 0 for task, time in enumerate(start)]
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
                    ends = ((start[i], self._least_end(i, start[i]) or 0) for _, _, i in kept)
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


def _speed(problem: ScheduleProblem, mode: Mode, time: int) -> int:
    """Work that a mode does in the unit of time from ``time`` on."""
    names = {name for name, amount in mode.demands.items() if amount > 0} | {mode.machine}
    calendars = {
        resource.calendar
        for resource in problem.resources
        if isinstance(resource, Machine | Pool | Renewable) and resource.id in names
    }
    speed = 10**9
    for calendar in problem.calendars:
        if calendar.id not in calendars:
            continue
        covering = [rest for rest in calendar.breaks if rest.start <= time < rest.end]
        residue = time % (calendar.period or 1)
        covering += [rest for rest in calendar.periodic if rest.start <= residue < rest.end]
        speed = min(speed, min((rest.efficiency for rest in covering), default=100))
    return 100 if speed == 10**9 else speed


def _end(speeds: list[int], start: int, work: int, *, pausing: bool) -> int | None:
    """When some work is done that starts at a moment; ``None`` if it may not."""
    if work == 0:
        return start
    if speeds[start] == 0:
        return None
    for time in range(start, len(speeds)):
        if speeds[time] == 0 and not pausing:
            return None
        work -= speeds[time]
        if work <= 0:
            return time + 1
    return None


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


def _capacity(problem: ScheduleProblem, resource: Resource, time: int) -> int:
    assert isinstance(resource, Machine | Pool | Renewable)
    if isinstance(resource, Machine):
        return resource.batch or 1
    if isinstance(resource, Pool):
        return resource.count
    level = resource.capacity
    for step in resource.steps:
        if step.start <= time:
            level = step.capacity
    return level


def _relations(
    problem: ScheduleProblem, index: dict[str, int], modes: tuple[Mode, ...]
) -> Iterator[Relation]:
    moves = {(entry.origin, entry.destination): entry.time for entry in problem.transports}
    for job in problem.jobs:
        if job.chain:
            running = [task for task in job.tasks if modes[index[task.id]] is not _SKIPPED]
            for before, after in pairwise(running):
                i, j = index[before.id], index[after.id]
                machines = modes[i].machine, modes[j].machine
                yield i, True, j, False, moves.get((machines[0] or "", machines[1] or ""), 0)
                if job.no_wait:
                    yield j, False, i, True, 0
    for link in problem.precedences:
        i, j = index[link.before], index[link.after]
        if modes[i] is _SKIPPED or modes[j] is _SKIPPED:
            continue
        x, y = (side == "end" for side in link.kind.split("-"))
        if link.min_lag is not None:
            apart = modes[i].machine != modes[j].machine
            yield i, x, j, y, link.min_lag + (link.transfer if apart else 0)
        if link.max_lag is not None:
            yield j, y, i, x, -link.max_lag


def _horizon(problem: ScheduleProblem) -> int:
    """Everything is open after the last event; then at worst tasks and lags run one by one.

    With periodic calendars each task may have to wait for a whole common period, and takes at most
    so many periods as it has units of work at the slowest speed.
    """
    events = [max(job.release, task.release) for job in problem.jobs for task in job.tasks]
    events += [window.start for task in problem.tasks for window in task.windows]
    events += [rest.end for calendar in problem.calendars for rest in calendar.breaks]
    for resource in problem.resources:
        if isinstance(resource, Renewable):
            events += [step.start for step in resource.steps]
    total = max(events)
    slowest = min(
        (r.efficiency for c in problem.calendars for r in (*c.breaks, *c.periodic) if r.efficiency),
        default=100,
    )
    period = lcm(*(calendar.period or 1 for calendar in problem.calendars if calendar.periodic))
    stretched = period * -(-100 // min(100, slowest)) if problem.calendars else 1
    work = sum(max(mode.duration for mode in task.modes) for task in problem.tasks)
    total += work * stretched + (period > 1) * period * len(problem.tasks)
    for link in problem.precedences:
        total += max(0, link.min_lag or 0) + max(0, -(link.max_lag or 0)) + link.transfer
    setups = [s.time for r in problem.resources if isinstance(r, Machine) for s in r.setups]
    moves = [entry.time for entry in problem.transports]
    each = max(setups, default=0) + max(moves, default=0)
    each += any(job.blocking for job in problem.jobs)
    return total + each * len(problem.tasks)
