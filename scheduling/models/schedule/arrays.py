"""The dense form of a scheduling problem: integer indices in numpy arrays, for solvers.

Names are for people; solvers work on these arrays. Tasks are numbered job by job in the order of
the document, modes task by task, resources as listed; behind them stands one renewable of capacity
1 for each disjunctive group. A pool of machines is a renewable that its tasks take one unit of, and
so is a machine that runs batches, of which they take their sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.objective import JOB_MEASURES, MEASURES
from scheduling.models.schedule.occupation import usage_measures
from scheduling.models.schedule.worktime import NORMAL, Run, WorkTime

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEVER = 2**60
"""Stands for «no limit» in arrays of deadlines, due dates and maximal lags."""

END_START, START_START, END_END, START_END = range(4)
MACHINE, RENEWABLE, CONSUMABLE, RESERVOIR = range(4)

_USAGE = MEASURES[len(JOB_MEASURES) :]


class Fork(NamedTuple):
    """Routes of tasks of which one is taken when ``within`` runs; -1 stands for always."""

    routes: tuple[tuple[int, ...], ...]
    within: int


@dataclass(frozen=True, eq=False)
class ScheduleArrays:
    """Arrays of one problem; ``n`` tasks, ``J`` jobs, ``M`` modes, ``R`` resources, ``L`` links.

    Attributes
    ----------
    resource_ids : names of the resources; those of disjunctive groups say what they are.
    job : (n,) job of each task; tasks of job j are ``job_ptr[j]:job_ptr[j + 1]``.
    release, deadline : (n,) windows of tasks, those of their jobs included (``NEVER``: none).
    mode_ptr : (n + 1,) modes of task i are ``mode_ptr[i]:mode_ptr[i + 1]``.
    duration, machine : (M,) of each mode; machine is a resource index or -1.
    demand_ptr, demand_resource, demand_amount : CSR over modes, positive amounts, machines apart.
    supply_ptr, supply_resource, supply_amount : CSR over modes, what reservoirs get at the end.
    absent : (M,) whether a mode stands for skipping its task: the last mode of optional tasks, of
        duration 0, without machine and demands. A skipped task starts at 0.
    local : (M,) index of each mode among those of its task in the problem.
    cost, energy : (M,) of each mode; the cost of skipping is that of the absent mode.
    banned : (K, 2) pairs of modes that do not go together.
    forks : alternatives among optional tasks.
    idle_power : (R,) energy that an idle machine takes per unit of time.
    state : (M,) state that a mode puts its machine into, an index, or -1.
    setups : machine to ``{(state before or -1, state after): time}``, for machines that have any.
    resource_type : (R,) ``MACHINE``, ``RENEWABLE``, ``CONSUMABLE`` or ``RESERVOIR``.
    capacity : (R,) most that there ever is of machines and renewables, what consumables hold, the
        first level of reservoirs.
    maximum : (R,) largest level of a reservoir, ``NEVER`` for none.
    step_ptr, step_start, step_capacity : CSR over resources: from ``step_start`` on the capacity
        is ``step_capacity``. The first step of each resource starts at 0 and consecutive
        capacities differ. Calendars of closed one-off breaks that nobody may pause in are folded
        in: there the capacity is 0. All others stand in ``worktimes``.
    worktimes : working times of modes, combined over their resources.
    work : (M,) index into ``worktimes``, -1 for a mode that no calendar of these concerns.
    pausing : (n,) whether tasks may pause in closed times.
    window_ptr, window_start, window_end : CSR over tasks, the windows in one of which they run.
    link_before, link_after, link_kind, link_min, link_max : (L,) precedences, chains included;
        ``-NEVER`` / ``NEVER`` stand for absent lags. No-wait chains have a maximal lag of 0. A link
        binds when both its tasks run; one of a chain that passes over optional tasks, when all
        tasks between are skipped too.
    link_transfer : (L,) added to ``link_min`` when the two tasks run on different machines.
    transport : (R, R) least time between chained tasks by their machines; (0, 0) without any.
    chained : (L,) whether a link belongs to a chain.
    blocking, same_mode : (J,) whether tasks keep their machine until the next one of the job
        starts, and whether all run in the mode of the same index.
    same_order : groups of machines that serve the jobs in the same order.
    swap : whether blocking jobs may exchange machines in a cycle at one moment.
    site : (M,) machine of each mode, those that run batches included, or -1.
    batching : (R,) whether a renewable is a machine that runs batches: tasks on it start together
        in the same state and for the same time, or do not overlap.
    no_idle : (R,) whether a machine never stands still between its first start and last release.
    job_release, job_due, job_weight : (J,) with ``NEVER`` for no due date.
    weights : (tiers, measures) coefficients in the order of ``MEASURES``.
    """

    task_ids: tuple[str, ...]
    resource_ids: tuple[str, ...]
    job: Ints
    job_ptr: Ints
    release: Ints
    deadline: Ints
    mode_ptr: Ints
    duration: Ints
    machine: Ints
    demand_ptr: Ints
    demand_resource: Ints
    demand_amount: Ints
    supply_ptr: Ints
    supply_resource: Ints
    supply_amount: Ints
    absent: Flags
    local: Ints
    cost: Ints
    energy: Ints
    banned: Ints
    forks: tuple[Fork, ...]
    idle_power: Ints
    state: Ints
    setups: Mapping[int, Mapping[tuple[int, int], int]]
    resource_type: Ints
    capacity: Ints
    maximum: Ints
    step_ptr: Ints
    step_start: Ints
    step_capacity: Ints
    worktimes: tuple[WorkTime, ...]
    work: Ints
    pausing: Flags
    window_ptr: Ints
    window_start: Ints
    window_end: Ints
    link_before: Ints
    link_after: Ints
    link_kind: Ints
    link_min: Ints
    link_max: Ints
    link_transfer: Ints
    transport: Ints
    chained: Flags
    blocking: Flags
    same_mode: Flags
    same_order: tuple[tuple[int, ...], ...]
    swap: bool
    no_idle: Flags
    site: Ints
    batching: Flags
    job_release: Ints
    job_due: Ints
    job_weight: Ints
    weights: Ints

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.job)

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return len(self.job_ptr) - 1

    @property
    def n_resources(self) -> int:
        """Number of resources."""
        return len(self.capacity)

    @property
    def single_mode(self) -> bool:
        """Whether every task has exactly one mode."""
        return len(self.duration) == self.n_tasks

    @property
    def features(self) -> frozenset[str]:
        """Constraints beyond tasks, modes, resources, breaks, release dates, deadlines and lags."""
        present = {
            "reservoirs": bool(np.any(self.resource_type == RESERVOIR)),
            "setups": bool(self.setups),
            "transfers": bool(np.any(self.link_transfer > 0)),
            "transports": self.transport.size > 0,
            "blocking": bool(np.any(self.blocking)),
            "same mode": bool(np.any(self.same_mode)),
            "same order": bool(self.same_order),
            "no swap": not self.swap and bool(np.any(self.blocking)),
            "no idle": bool(np.any(self.no_idle)),
            "batching": bool(np.any(self.batching)),
            "optional tasks": bool(np.any(self.absent)),
            "mode rules": bool(self.banned.size),
            **{f"{name.replace('_', ' ')} in the objective": self.weighs(name) for name in _USAGE},
            **self._hours(),
            "time windows": self.window_start.size > 0,
        }
        return frozenset(name for name, found in present.items() if found)

    def _hours(self) -> dict[str, bool]:
        """Name what working times ask of a solver: one at least of three where there are any."""
        runs = [run for run in self.runs if run is not None]
        used = {id(run.worktime): run.worktime for run in runs}.values()
        periodic = any(not time.base.constant or time.base.value[0] == 0 for time in used)
        pausing = any(run.pausing and 0 in run.worktime.speeds for run in runs)
        speeds = frozenset().union(*(time.speeds for time in used))
        varying = bool(speeds - {0, NORMAL}) or (bool(runs) and not periodic and not pausing)
        return {
            "periodic calendars": periodic,
            "efficiency": varying,
            "interruptible tasks": pausing,
        }

    @cached_property
    def optional(self) -> Flags:
        """(n,) whether each task may be skipped."""
        found: Flags = np.logical_or.reduceat(self.absent, self.mode_ptr[:-1])
        return found

    @cached_property
    def firm(self) -> Flags:
        """(L,) whether the minimal lag of each link holds in every schedule."""
        firm: Flags = ~(self.optional[self.link_before] | self.optional[self.link_after])
        return firm

    @cached_property
    def passing(self) -> Flags:
        """(L,) whether a link of a chain passes over optional tasks."""
        return self.chained & (self.link_after > self.link_before + 1)

    def weighs(self, measure: str) -> bool:
        """Whether a measure has a weight in some tier."""
        return bool(np.any(self.weights[:, MEASURES.index(measure)]))

    @cached_property
    def runs(self) -> tuple[Run | None, ...]:
        """How each mode runs by its working time; ``None`` without one."""
        if not self.worktimes:
            return (None,) * len(self.duration)
        owner = np.repeat(self.pausing, np.diff(self.mode_ptr))
        rows = zip(self.work.tolist(), self.duration.tolist(), owner.tolist(), strict=True)
        return tuple(
            None if work < 0 else self.worktimes[work].run(duration, pausing=pausing)
            for work, duration, pausing in rows
        )

    @cached_property
    def elastic(self) -> Flags:
        """(M,) whether the time from start to end depends on the start."""
        if not self.worktimes:
            return np.zeros(len(self.duration), bool)
        return np.array([run is not None and run.elastic for run in self.runs], bool)

    @cached_property
    def shortest(self) -> Ints:
        """(M,) times from start to end that no task in that mode falls below."""
        return self._spans("shortest")

    @cached_property
    def longest(self) -> Ints:
        """(M,) times from start to end that no task in that mode exceeds."""
        return self._spans("longest")

    def _spans(self, name: str) -> Ints:
        if not np.any(self.elastic):
            return self.duration
        spans = self.duration.copy()
        for mode in np.flatnonzero(self.elastic).tolist():
            spans[mode] = getattr(self.runs[mode], name)
        return spans

    def min_duration(self) -> Ints:
        """Least time from start to end of each task over its modes."""
        return np.minimum.reduceat(self.shortest, self.mode_ptr[:-1])

    def max_duration(self) -> Ints:
        """Largest time from start to end of each task over its modes."""
        return np.maximum.reduceat(self.longest, self.mode_ptr[:-1])

    def ends(self, start: Ints, mode: Ints) -> Ints:
        """When tasks end that start at ``start`` in the global modes ``mode``.

        The sum of start and duration, but for modes whose work goes slower, faster or not at all
        at times.
        """
        end: Ints = start + self.duration[mode]
        for place in np.flatnonzero(self.elastic[mode]).tolist() if self.worktimes else ():
            end[place] = self.end(int(start[place]), int(mode[place]))
        return end

    def end(self, start: int, mode: int) -> int:
        """When a task ends that starts at ``start`` in the global mode ``mode``."""
        run = self.runs[mode]
        if run is None or not run.elastic:
            return start + int(self.duration[mode])
        end = run.finish(start)
        return start + run.duration if end is None else end

    def steps(self, resource: int) -> list[tuple[int, int]]:
        """``(start, capacity)`` of one resource over time, from 0 on."""
        rows = slice(self.step_ptr[resource], self.step_ptr[resource + 1])
        starts, levels = self.step_start[rows].tolist(), self.step_capacity[rows].tolist()
        return list(zip(starts, levels, strict=True))

    def constant(self, resource: int) -> bool:
        """Whether the capacity of a resource never changes."""
        return bool(self.step_ptr[resource + 1] - self.step_ptr[resource] == 1)

    def demands(self, mode: int) -> list[tuple[int, int]]:
        """``(resource, amount)`` of a mode, its machine apart."""
        rows = slice(self.demand_ptr[mode], self.demand_ptr[mode + 1])
        resources, amounts = self.demand_resource[rows].tolist(), self.demand_amount[rows].tolist()
        return list(zip(resources, amounts, strict=True))

    def values(self, start: Ints, mode: Ints) -> tuple[int, ...]:
        """Value of each tier when task i starts at ``start[i]`` in global mode ``mode[i]``."""
        measures = [*self.job_measures(self.completions(start, mode))]
        measures += usage_measures(self, start, mode)
        return tuple(int(value) for value in self.weights @ np.array(measures, np.int64))

    def completions(self, start: Ints, mode: Ints) -> Ints:
        """Completion of each job; -1 for a job none of whose tasks runs."""
        end = self.ends(start, mode)
        found: Ints = np.maximum.reduceat(end, self.job_ptr[:-1])
        if np.any(self.absent):
            runs = np.logical_or.reduceat(~self.absent[mode], self.job_ptr[:-1])
            found = np.where(runs, found, -1)
        return found

    def held(self, start: Ints, mode: Ints) -> Ints:
        """When each task leaves its machine: its end, or in blocking jobs the next one's start."""
        held = self.ends(start, mode)
        holding = self.blocking[self.job[:-1]] & (self.job[1:] == self.job[:-1])
        held[:-1][holding] = start[1:][holding]
        return held

    def job_measures(self, completion: Ints) -> Ints:
        """Values of ``JOB_MEASURES`` from job completion times."""
        here = completion >= 0
        done = np.maximum(completion, 0)
        due = here & (self.job_due < NEVER)
        late = (completion - self.job_due)[due]
        weight = self.job_weight[due]
        tardy = np.maximum(late, 0)
        return np.array(
            [
                done.max(),
                self.job_weight @ done,
                self.job_weight @ np.where(here, completion - self.job_release, 0),
                weight @ tardy,
                tardy.max(initial=0),
                late.max() if late.size else 0,
                weight @ (late > 0),
            ],
            dtype=np.int64,
        )
