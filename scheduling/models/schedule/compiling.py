"""From typed problems to arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_END,
    END_START,
    MACHINE,
    NEVER,
    RENEWABLE,
    RESERVOIR,
    START_END,
    START_START,
    Fork,
    Ints,
    ScheduleArrays,
)
from scheduling.models.schedule.chains import chain_steps
from scheduling.models.schedule.hours import capacity_profile, unfolded_calendars, working_times
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.problem import (
    Consumable,
    Machine,
    Mode,
    Pool,
    Reservoir,
    ScheduleProblem,
    Window,
)

Fields = dict[str, Any]

_KINDS = {
    "end-start": END_START,
    "start-start": START_START,
    "end-end": END_END,
    "start-end": START_END,
}


def compile_arrays(problem: ScheduleProblem) -> ScheduleArrays:
    """Translate a problem into arrays."""
    kept = unfolded_calendars(problem)
    work, worktimes = working_times(problem, kept)
    return ScheduleArrays(
        task_ids=tuple(task.id for task in problem.tasks),
        resource_ids=tuple(_resource_names(problem)),
        **_task_arrays(problem),
        **_mode_arrays(problem),
        setups=_setups(problem),
        **_resource_arrays(problem, kept),
        work=_ints(work),
        worktimes=worktimes,
        **_link_arrays(problem),
        **_job_arrays(problem),
        transport=_transport(problem),
        **_flags(problem),
        same_order=_same_order(problem),
        swap=problem.swap,
        banned=_banned(problem),
        forks=_forks(problem),
        weights=_weights(problem),
    )


def _ints(values: object) -> Ints:
    return np.fromiter(values, dtype=np.int64)  # type: ignore[call-overload, no-any-return]


def _pointer(counts: list[int]) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _limit(value: int | None) -> int:
    return NEVER if value is None else value


def _task_arrays(problem: ScheduleProblem) -> Fields:
    sizes = [len(job.tasks) for job in problem.jobs]
    pairs = [(job, task) for job in problem.jobs for task in job.tasks]
    return {
        "job": np.repeat(np.arange(len(sizes), dtype=np.int64), sizes),
        "job_ptr": _pointer(sizes),
        "release": _ints(
            max(job.release, task.release, *(window.start for window in task.windows[:1]))
            for job, task in pairs
        ),
        "deadline": _ints(
            min(
                _limit(job.deadline),
                _limit(task.deadline),
                *(window.end for window in task.windows[-1:]),
            )
            for job, task in pairs
        ),
        "pausing": np.array([task.interruptible for _, task in pairs], bool),
        **_windows([task.windows if len(task.windows) > 1 else () for _, task in pairs]),
    }


def _windows(windows: list[tuple[Window, ...]]) -> Fields:
    """Windows of the tasks that have several; a single one is a release and a deadline."""
    return {
        "window_ptr": _pointer([len(entry) for entry in windows]),
        "window_start": _ints(window.start for entry in windows for window in entry),
        "window_end": _ints(window.end for entry in windows for window in entry),
    }


def _mode_arrays(problem: ScheduleProblem) -> Fields:
    index = {resource.id: number for number, resource in enumerate(problem.resources)}
    modes, counts = [], []
    for task in problem.tasks:
        own = list(task.modes)
        if task.optional:
            own.append(Mode(duration=0, cost=task.skip_cost))
        modes += own
        counts.append(len(own))
    pointer = _pointer(counts)
    absent = np.zeros(len(modes), np.bool_)
    absent[pointer[1:][[task.optional for task in problem.tasks]] - 1] = True
    pools = {resource.id for resource in problem.resources if isinstance(resource, Pool)}
    batches = {r.id for r in problem.resources if isinstance(r, Machine) and r.batch is not None}
    demands = _demands(problem, index, pools, batches)
    sites = [None if mode.machine in pools else mode.machine for mode in modes]
    machines = [None if name in batches else name for name in sites]
    supplies = [
        [(index[name], amount) for name, amount in mode.supplies.items() if amount > 0]
        for mode in modes
    ]
    states = _states(problem)
    return {
        "supply_ptr": _pointer([len(entry) for entry in supplies]),
        "supply_resource": _ints(resource for entry in supplies for resource, _ in entry),
        "supply_amount": _ints(amount for entry in supplies for _, amount in entry),
        "state": _ints(-1 if mode.state is None else states[mode.state] for mode in modes),
        "mode_ptr": pointer,
        "absent": absent,
        "local": np.arange(len(modes)) - np.repeat(pointer[:-1], counts),
        "cost": _ints(mode.cost for mode in modes),
        "energy": _ints(mode.energy for mode in modes),
        "duration": _ints(mode.duration for mode in modes),
        "machine": _ints(-1 if name is None else index[name] for name in machines),
        "site": _ints(-1 if name is None else index[name] for name in sites),
        "demand_ptr": _pointer([len(entry) for entry in demands]),
        "demand_resource": _ints(resource for entry in demands for resource, _ in entry),
        "demand_amount": _ints(amount for entry in demands for _, amount in entry),
    }


def _banned(problem: ScheduleProblem) -> Ints:
    """Pairs of modes that a rule excludes; skipping a task goes with everything."""
    if not problem.mode_rules:
        return np.zeros((0, 2), np.int64)
    index, base = {}, 0
    for task in problem.tasks:
        index[task.id] = (base, len(task.modes))
        base += len(task.modes) + task.optional
    pairs = {
        (index[rule.task][0] + rule.mode, index[rule.other][0] + mode)
        for rule in problem.mode_rules
        for mode in range(index[rule.other][1])
        if mode not in rule.modes
    }
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def _forks(problem: ScheduleProblem) -> tuple[Fork, ...]:
    index = {task.id: number for number, task in enumerate(problem.tasks)}
    return tuple(
        Fork(
            tuple(tuple(index[name] for name in route) for route in entry.routes),
            -1 if entry.within is None else index[entry.within],
        )
        for entry in problem.alternatives
    )


def _demands(
    problem: ScheduleProblem, index: dict[str, int], pools: set[str], batches: set[str]
) -> list[list[tuple[int, int]]]:
    """Return what each mode takes: its demands, its pool and the disjunctions of its task."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for row, group in enumerate(problem.disjunctions, len(problem.resources)):
        for name in group:
            groups.setdefault(name, []).append((row, 1))

    def taken(mode: Mode) -> list[tuple[int, int]]:
        rows = [(index[name], amount) for name, amount in mode.demands.items() if amount > 0]
        if mode.machine in pools:
            rows.append((index[mode.machine], 1))
        elif mode.machine in batches:
            rows.append((index[mode.machine], mode.size))
        return rows

    rows: list[list[tuple[int, int]]] = []
    for task in problem.tasks:
        rows += [[*taken(mode), *groups.get(task.id, ())] for mode in task.modes]
        rows += [[]] if task.optional else []
    return rows


def _resource_names(problem: ScheduleProblem) -> list[str]:
    names = [resource.id for resource in problem.resources]
    return names + [disjunction_name(number) for number in range(len(problem.disjunctions))]


def disjunction_name(number: int) -> str:
    """Name of the disjunctive group with that index, as charts and explanations call it."""
    return f"disjunction {number + 1}"


def _states(problem: ScheduleProblem) -> dict[str, int]:
    names = (mode.state for task in problem.tasks for mode in task.modes)
    known = dict.fromkeys(name for name in names if name is not None)
    return {name: number for number, name in enumerate(known)}


def _setups(problem: ScheduleProblem) -> dict[int, dict[tuple[int, int], int]]:
    """Positive setup times of each machine; states that no mode has cannot occur."""
    states = _states(problem)
    tables: dict[int, dict[tuple[int, int], int]] = {}
    for number, machine in enumerate(problem.resources):
        if isinstance(machine, Machine):
            table = {
                (-1 if entry.before is None else states[entry.before], states[entry.after]): (
                    entry.time
                )
                for entry in machine.setups
                if entry.after in states and (entry.before is None or entry.before in states)
            }
            tables[number] = {pair: time for pair, time in table.items() if time > 0}
    return {number: table for number, table in tables.items() if table}


def _transport(problem: ScheduleProblem) -> Ints:
    if not problem.transports:
        return np.zeros((0, 0), np.int64)
    index = {resource.id: number for number, resource in enumerate(problem.resources)}
    table = np.zeros((len(index), len(index)), np.int64)
    for entry in problem.transports:
        table[index[entry.origin], index[entry.destination]] = entry.time
    return table


def _flags(problem: ScheduleProblem) -> Fields:
    return {
        "blocking": np.array([job.blocking for job in problem.jobs]),
        "same_mode": np.array([job.same_mode for job in problem.jobs]),
    }


def _same_order(problem: ScheduleProblem) -> tuple[tuple[int, ...], ...]:
    index = {resource.id: number for number, resource in enumerate(problem.resources)}
    return tuple(tuple(index[name] for name in group) for group in problem.same_order)


def _resource_arrays(problem: ScheduleProblem, kept: dict[str, str]) -> Fields:
    breaks = {c.id: [(rest.start, rest.end) for rest in c.breaks] for c in problem.calendars}
    types, capacities, profiles = [], [], []
    for resource in problem.resources:
        steps: list[tuple[int, int]] = []
        closed: list[tuple[int, int]] = []
        if isinstance(resource, Consumable):
            types.append(CONSUMABLE)
            base = resource.capacity
        elif isinstance(resource, Reservoir):
            types.append(RESERVOIR)
            base = resource.initial
        else:
            closed = [] if resource.id in kept else breaks.get(resource.calendar or "", [])
            if isinstance(resource, Machine):
                types.append(MACHINE if resource.batch is None else RENEWABLE)
                base = resource.batch or 1
            elif isinstance(resource, Pool):
                types.append(RENEWABLE)
                base = resource.count
            else:
                types.append(RENEWABLE)
                base = resource.capacity
                steps = [(step.start, step.capacity) for step in resource.steps]
        profiles.append(capacity_profile(base, steps, closed))
        levels = [level for _, level in profiles[-1]]
        capacities.append(max(levels) if types[-1] in (MACHINE, RENEWABLE) else base)
    groups = len(problem.disjunctions)
    types += [RENEWABLE] * groups
    capacities += [1] * groups
    profiles += [[(0, 1)]] * groups
    largest = [
        _limit(resource.maximum) if isinstance(resource, Reservoir) else NEVER
        for resource in problem.resources
    ]
    return {
        "resource_type": _ints(types),
        "capacity": _ints(capacities),
        "idle_power": _ints(
            [
                *(r.idle_power if isinstance(r, Machine) else 0 for r in problem.resources),
                *[0] * groups,
            ]
        ),
        "maximum": _ints([*largest, *[NEVER] * groups]),
        "batching": np.array(
            [
                *(isinstance(r, Machine) and r.batch is not None for r in problem.resources),
                *[False] * groups,
            ],
            np.bool_,
        ),
        "no_idle": np.array(
            [
                *(isinstance(r, Machine) and r.no_idle for r in problem.resources),
                *[False] * groups,
            ],
            np.bool_,
        ),
        "step_ptr": _pointer([len(profile) for profile in profiles]),
        "step_start": _ints(start for profile in profiles for start, _ in profile),
        "step_capacity": _ints(level for profile in profiles for _, level in profile),
    }


def _link_arrays(problem: ScheduleProblem) -> Fields:
    index = {task.id: number for number, task in enumerate(problem.tasks)}
    before, after, upper = _chains(problem)
    links = problem.precedences
    fixed = np.zeros(len(before), np.int64)
    return {
        "chained": np.arange(len(before) + len(links)) < len(before),
        "link_before": np.concatenate([before, _ints(index[link.before] for link in links)]),
        "link_after": np.concatenate([after, _ints(index[link.after] for link in links)]),
        "link_kind": np.concatenate([fixed, _ints(_KINDS[link.kind] for link in links)]),
        "link_min": np.concatenate(
            [fixed, _ints(-NEVER if link.min_lag is None else link.min_lag for link in links)]
        ),
        "link_max": np.concatenate([upper, _ints(_limit(link.max_lag) for link in links)]),
        "link_transfer": np.concatenate([fixed, _ints(link.transfer for link in links)]),
    }


def _chains(problem: ScheduleProblem) -> tuple[Ints, Ints, Ints]:
    """Tasks before and after of the links of all chains, and their largest lags."""
    pointer = _pointer([len(job.tasks) for job in problem.jobs])
    found = [np.zeros((3, 0), np.int64)]
    for number, job in enumerate(problem.jobs):
        if job.chain:
            first = int(pointer[number])
            upper = 0 if job.no_wait else NEVER
            if any(task.optional for task in job.tasks):
                rows = [(first + i, first + j, upper) for i, j in chain_steps(job)]
                found.append(np.array(rows, np.int64).reshape(-1, 3).T)
            else:
                before = np.arange(first, first + len(job.tasks) - 1)
                found.append(np.stack([before, before + 1, np.full(len(before), upper)]))
    before, after, most = np.concatenate(found, axis=1)
    return before, after, most


def _job_arrays(problem: ScheduleProblem) -> Fields:
    return {
        "job_release": _ints(job.release for job in problem.jobs),
        "job_due": _ints(_limit(job.due) for job in problem.jobs),
        "job_weight": _ints(job.weight for job in problem.jobs),
    }


def _weights(problem: ScheduleProblem) -> Ints:
    tiers = problem.objective.tiers
    table = np.zeros((len(tiers), len(MEASURES)), np.int64)
    for row, tier in enumerate(tiers):
        for term in tier.terms:
            table[row, MEASURES.index(term.measure)] = term.weight
    return table
