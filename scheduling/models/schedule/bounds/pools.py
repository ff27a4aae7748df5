"""Groups of tasks that compete for one supply: machines, machine sets, renewable resources.

Every pool is a relaxation: whatever the modes, its tasks need at least the stated work from a
supply that delivers at most the stated capacity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import RENEWABLE, Ints, ScheduleArrays
from scheduling.models.schedule.bounds.supply import Supply, WorkSupply, total
from scheduling.models.schedule.worktime import NORMAL, WorkTime

_MAX_SETS = 64
_MAX_SPLITS = 3


@dataclass(frozen=True)
class Pool:
    """Tasks with positive ``work`` that one supply must do.

    Parameters
    ----------
    supply
        What does the work.
    tasks
        Their indices.
    work
        Least work of each of them.
    elastic
        Whether a task may spread its work over a longer mode or a longer time; otherwise the work
        is done within the shortest duration after the start.
    setup
        Least time that passes after each task before the supply can do another; empty where none
        does. The last task needs none.
    """

    supply: Supply
    tasks: list[int]
    work: list[int]
    elastic: bool = False
    setup: tuple[int, ...] = ()

    def exhausted(self, release: list[int]) -> bool:
        """Whether the supply ends for good before the work, released so, can be done."""
        limit = self.supply.limit()
        if limit is None:
            return False
        now = 0
        for begin, work in sorted(zip(self.supply.work(release), self.work, strict=True)):
            now = max(now, begin) + work
        return now > limit


def pools(arrays: ScheduleArrays) -> list[Pool]:
    """Return the pools of a problem."""
    return [*_machine_pools(arrays), *_renewable_pools(arrays)]


def _machine_pools(arrays: ScheduleArrays) -> list[Pool]:
    """Tasks whose eligible machines lie inside a set of machines; singletons are the machines."""
    low = arrays.min_duration()
    least, most = (
        f.reduceat(arrays.machine, arrays.mode_ptr[:-1]) for f in (np.minimum, np.maximum)
    )
    bound = (least >= 0) & (low > 0)
    groups: dict[frozenset[int], list[int]] = {}
    fixed = np.flatnonzero(bound & (least == most))
    for machine, task in zip(least[fixed].tolist(), fixed.tolist(), strict=True):
        groups.setdefault(frozenset((machine,)), []).append(task)
    for task in np.flatnonzero(bound & (least != most)).tolist():
        modes = slice(arrays.mode_ptr[task], arrays.mode_ptr[task + 1])
        groups.setdefault(frozenset(arrays.machine[modes].tolist()), []).append(task)
    return [_set_pool(arrays, low, machines_, groups) for machines_ in _sets(groups)]


def _sets(groups: dict[frozenset[int], list[int]]) -> list[frozenset[int]]:
    """Single machines, eligible sets, and unions of those that overlap, ``_MAX_SETS`` at most."""
    wide = sorted((s for s in groups if len(s) > 1), key=lambda s: (len(s), sorted(s)))
    single = sorted((s for s in groups if len(s) == 1), key=sorted)
    if not wide:
        return single
    unions = list(wide)
    known = set(unions)
    for position, first in enumerate(wide):
        for second in wide[:position]:
            union = first | second
            if len(unions) < _MAX_SETS and first & second and union not in known:
                known.add(union)
                unions.append(union)
    everything = frozenset().union(*groups)
    chosen = unions[:_MAX_SETS]
    return [*single, *chosen, *([] if everything in chosen else [everything])]


def _set_pool(
    arrays: ScheduleArrays,
    low: Ints,
    machines: frozenset[int],
    groups: dict[frozenset[int], list[int]],
) -> Pool:
    if len(machines) == 1:
        tasks = groups[machines]
        (machine,) = machines
        worktime = _common_worktime(arrays, machine)
        if worktime is not None:
            least = np.minimum.reduceat(arrays.duration, arrays.mode_ptr[:-1])
            work = (NORMAL * least[tasks]).tolist()
            # By the hours a task may take longer than it does at best.
            return Pool(WorkSupply(worktime), tasks, work, elastic=True)
    else:
        tasks = [task for eligible, own in groups.items() if eligible <= machines for task in own]
    supply = Supply(total([arrays.steps(machine) for machine in sorted(machines)]))
    return Pool(supply, tasks, low[tasks].tolist(), setup=_setup_after(arrays, machines, tasks))


def _setup_after(
    arrays: ScheduleArrays, machines: frozenset[int], tasks: list[int]
) -> tuple[int, ...]:
    """Least setup after each of some tasks of one machine, whatever task comes next on it."""
    (machine,) = machines if len(machines) == 1 else (-1,)
    if machine not in arrays.setups or not arrays.constant(machine):
        return ()
    table = arrays.setups[machine]
    owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
    users: dict[int, set[int]] = {}
    for mode in np.flatnonzero(arrays.machine == machine).tolist():
        users.setdefault(int(arrays.state[mode]), set()).add(int(owner[mode]))
    found = []
    for task in tasks:
        modes = range(int(arrays.mode_ptr[task]), int(arrays.mode_ptr[task + 1]))
        before = {int(arrays.state[mode]) for mode in modes}
        after = [state for state, owners in users.items() if owners - {task}]
        times = (setup_between(table, one, other) for one in before for other in after)
        found.append(min(times, default=0))
    return tuple(found)


def setup_between(table: Mapping[tuple[int, int], int], before: int, after: int) -> int:
    """Return the setup from one task's state to the next one's; -1 is that of tasks without one.

    In the table -1 stands for a machine that has done nothing yet, which is another matter.
    """
    if before < 0 or after < 0:
        return 0
    return table.get((before, after), 0)


def _common_worktime(arrays: ScheduleArrays, machine: int) -> WorkTime | None:
    """Return the working time of all modes of a machine, if they share one."""
    works = np.unique(arrays.work[(arrays.machine == machine) & (arrays.duration > 0)])
    if len(works) != 1 or works[0] < 0 or not arrays.constant(machine):
        return None
    return arrays.worktimes[int(works[0])]


def _renewable_pools(arrays: ScheduleArrays) -> list[Pool]:
    found = []
    for resource in np.flatnonzero(arrays.resource_type == RENEWABLE).tolist():
        energy, demand = _least_energy(arrays, resource)
        found += _pool(arrays.steps(resource), energy, elastic=not arrays.single_mode)
        if arrays.constant(resource):
            found += _split_pools(int(arrays.capacity[resource]), demand, arrays.min_duration())
    return found


def _pool(steps: list[tuple[int, int]], work: list[int], *, elastic: bool = False) -> list[Pool]:
    tasks = [task for task, amount in enumerate(work) if amount > 0]
    if not tasks:
        return []
    return [Pool(Supply(steps), tasks, [work[task] for task in tasks], elastic)]


def _least_energy(arrays: ScheduleArrays, resource: int) -> tuple[list[int], list[int]]:
    """Least duration times demand, and least demand, of each task over its modes."""
    amount = [0] * len(arrays.duration)
    mine = np.flatnonzero(arrays.demand_resource == resource)
    owners = (np.searchsorted(arrays.demand_ptr, mine, side="right") - 1).tolist()
    for mode, value in zip(owners, arrays.demand_amount[mine].tolist(), strict=True):
        amount[mode] = value
    energy = [a * d for a, d in zip(amount, arrays.shortest.tolist(), strict=True)]
    if arrays.single_mode:
        return energy, amount
    spans = list(zip(arrays.mode_ptr[:-1].tolist(), arrays.mode_ptr[1:].tolist(), strict=True))
    return [min(energy[a:b]) for a, b in spans], [min(amount[a:b]) for a, b in spans]


def _split_pools(capacity: int, demand: list[int], low: Ints) -> list[Pool]:
    """Pools of k units in which a task with more than ``m/(k+1)`` of the capacity takes m units.

    The dual feasible functions of Fekete and Schepers (2001): at most k units fit side by side. A
    demand of exactly ``m/(k+1)`` takes ``m k/(k+1)`` units; all is scaled by ``k + 1``.
    """
    if capacity == 0:
        return []
    found = []
    for k in range(1, _MAX_SPLITS + 1):
        units = [_split(amount, capacity, k) for amount in demand]
        work = [u * p for u, p in zip(units, low.tolist(), strict=True)]
        found += _pool([(0, k * (k + 1))], work)
    return found


def _split(amount: int, capacity: int, k: int) -> int:
    whole, rest = divmod(amount * (k + 1), capacity)
    return whole * (k + 1) if rest else whole * k
