"""Recognising flow lines in arrays, and schedules as orders of jobs.

A flow line serves all jobs on the same machines in the same order, without overtaking. A job has
one task, or a chain of tasks, that visits the machines of one line; where its tasks have a common
mode, that mode chooses one of several lines (the factories of a distributed flow shop, or, with one
task a job, parallel machines). Jobs without waiting are single blocks: their line is seen as one
machine with setups between blocks, which may be negative. A hybrid flow shop, with several
identical machines at a stage, is taken as a line too: an order says who is first at the first
stage, and at each later one the jobs are served as they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush

import numpy as np

from scheduling.models.schedule.arrays import (
    END_START,
    MACHINE,
    NEVER,
    RENEWABLE,
    Ints,
    ScheduleArrays,
)
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.windows import horizon
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.features import SAME_MODE, SAME_ORDER, SETUPS, feature_refusal

_MAXIMA = ("makespan", "max_tardiness", "max_lateness")
_LARGEST_TABLE = 30_000_000
_LARGEST_VALUE = 2**60


def line_refusal(arrays: ScheduleArrays) -> str | None:
    """Tell why a problem is no flow line; ``None`` when it is one."""
    reason = feature_refusal(arrays, frozenset((SETUPS, SAME_MODE, SAME_ORDER)))
    if reason is not None:
        return reason
    if np.any(arrays.deadline < NEVER) or len(arrays.step_start) > arrays.n_resources:
        return "takes neither deadlines nor breaks; use lns or cp-sat"
    if not on_machines(arrays):
        if _pools(arrays) is None:
            return "takes machines, or equal ones at each stage of a flow shop; use lns or cp-sat"
        return _goal_refusal(arrays)
    machines = _machines(arrays)
    if machines is None:
        return "takes jobs that visit the same machines in the same order only; use lns or cp-sat"
    return _rule_refusal(arrays, machines)


def _rule_refusal(arrays: ScheduleArrays, machines: Ints) -> str | None:
    """Tell which rule between the jobs of a line is missing or too large to hold."""
    stages, lines = machines.shape
    waits = _waits(arrays, stages)
    if waits is None:
        return "takes chains that all wait at will, or all not at all; use lns or cp-sat"
    if stages > 1 and lines > 1 and not np.all(arrays.same_mode):
        return "takes alternative machines in flow shops as common modes only; use lns or cp-sat"
    groups = [frozenset(group) for group in arrays.same_order]
    lanes = [frozenset(machines[:, line].tolist()) for line in range(lines)]
    if stages > 1 and waits and not all(any(lane <= g for g in groups) for lane in lanes):
        return "takes flow shops with the same order of jobs on all machines only; use tabu or lns"
    table = arrays.n_jobs**2 * (stages if waits else 1) * lines
    if (arrays.setups or not waits) and table > _LARGEST_TABLE:
        return f"takes at most {_LARGEST_TABLE:,} setup times between jobs; use lns"
    if arrays.setups and np.any(arrays.duration == 0):
        return "takes no tasks without duration beside setups; use lns or cp-sat"
    if _moments(arrays, machines.shape, waits=waits):
        return "takes no tasks without duration that could run inside another; use lns or cp-sat"
    return _goal_refusal(arrays)


def _moments(arrays: ScheduleArrays, shape: tuple[int, int], *, waits: bool) -> bool:
    """Whether a task without duration could gain by running in the middle of another.

    No order says that. Tasks of jobs that wait lose nothing at the end of the other one, which is
    before their next stage begins; only where they complete their job, and that is measured, they
    do, unless all may go first.
    """
    stages, lines = shape
    if stages == 1 and not np.any(arrays.release):
        return False
    length = arrays.duration.reshape(arrays.n_jobs, stages, lines)
    if not waits:
        return bool(np.any(length == 0))
    measured = np.any(np.delete(arrays.weights, MEASURES.index("makespan"), axis=1))
    return bool(measured and np.any(length[:, -1] == 0))


def _goal_refusal(arrays: ScheduleArrays) -> str | None:
    """Tell why an objective cannot be searched for."""
    kinds = [
        np.flatnonzero(row[[MEASURES.index(name) for name in _MAXIMA]]) for row in arrays.weights
    ]
    if any(len(kind) > 1 for kind in kinds):
        return "minimises at most one of makespan, max_tardiness and max_lateness; use lns"
    heaviest = int(arrays.weights.sum()) * (int(arrays.job_weight.sum()) + 1)
    if heaviest * horizon(arrays) >= _LARGEST_VALUE:
        return "takes values below 2**60 only; use a coarser unit of time"
    return None


def on_machines(arrays: ScheduleArrays) -> bool:
    """Whether each stage of a line has machines by name, not a number of equal ones."""
    return not len(arrays.demand_resource) and bool(np.all(arrays.machine >= 0))


def line_shape(arrays: ScheduleArrays) -> tuple[int, int]:
    """Return the machines of a line, 1 for blocks, and the number of lines of a flow line."""
    stages, lines = _shape(arrays) or (0, 0)
    return (stages if _waits(arrays, stages) else 1), lines


def _shape(arrays: ScheduleArrays) -> tuple[int, int] | None:
    """Tasks per job and modes per task, where all have as many."""
    sizes, counts = np.diff(arrays.job_ptr), np.diff(arrays.mode_ptr)
    if sizes.min() < sizes.max() or counts.min() < counts.max():
        return None
    return int(sizes[0]), int(counts[0])


def _modes(arrays: ScheduleArrays, shape: tuple[int, int]) -> Ints:
    """Modes by job, stage and line; lines by their first machine."""
    stages, lines = shape
    modes = np.arange(len(arrays.machine)).reshape(arrays.n_jobs, stages, lines)
    rank = np.argsort(arrays.machine[modes[:, :1]], axis=2, kind="stable")
    return np.take_along_axis(modes, np.broadcast_to(rank, modes.shape), axis=2)


def _machines(arrays: ScheduleArrays) -> Ints | None:
    """Machine by stage and line, where all jobs agree and chains lead from each to the next."""
    shape = _shape(arrays)
    if shape is None:
        return None
    machines: Ints = arrays.machine[_modes(arrays, shape)]
    first = machines[0]
    if not _chained(arrays) or np.any(machines != first):
        return None
    return first if len(np.unique(first)) == first.size else None


def _pools(arrays: ScheduleArrays) -> tuple[Ints, Ints] | None:
    """Resource of each stage of a hybrid flow shop and its machines; ``None`` for others."""
    shape = _shape(arrays)
    counts = np.diff(arrays.demand_ptr)
    single = shape is not None and shape[1] == 1
    if not single or arrays.features or np.any(counts > 1) or np.any(arrays.demand_amount != 1):
        return None
    used = arrays.machine.copy()
    if np.any((used >= 0) == (counts > 0)):
        return None
    used[counts > 0] = arrays.demand_resource
    stages: Ints = used.reshape(arrays.n_jobs, -1)
    first = stages[0]
    plain = _chained(arrays) and np.all(arrays.link_max == NEVER)
    if not plain or np.any(stages != first) or len(np.unique(first)) < first.size:
        return None
    kinds, units = arrays.resource_type[first], arrays.capacity[first]
    lasting = np.all((kinds == MACHINE) | (kinds == RENEWABLE)) and units.min() > 0
    return (first, np.minimum(units, arrays.n_jobs)) if lasting and units.max() > 1 else None


def _chained(arrays: ScheduleArrays) -> bool:
    """Whether every job is a chain and nothing else relates tasks."""
    inner = np.flatnonzero(arrays.job[:-1] == arrays.job[1:])
    order = np.argsort(arrays.link_before, kind="stable")
    before, after = arrays.link_before[order], arrays.link_after[order]
    plain = np.array_equal(before, inner) and np.array_equal(after, inner + 1)
    relaxed = np.all((arrays.link_kind == END_START) & (arrays.link_min == 0))
    return bool(plain and relaxed)


def _waits(arrays: ScheduleArrays, stages: int) -> bool | None:
    """Whether jobs may wait between tasks; ``None`` when some may and others may not."""
    if stages == 1 or np.all(arrays.link_max == NEVER):
        return True
    return False if np.all(arrays.link_max == 0) else None


@dataclass(frozen=True, eq=False)
class Line:
    """Flow lines as a search over orders sees them: F lines, n jobs, K machines each.

    Attributes
    ----------
    duration : (F, n, K)
        On each machine; of whole blocks with K = 1 where jobs do not wait.
    release : (F, n, K)
        Earliest starts.
    setup : (F, n + 1, n, K)
        Times from job to job, row n before the first job; (0, 0, 0, 0) without any.
    due, linear, tardy, late, tail : (n,)
        A job that completes at C costs ``linear C + tardy max(0, C - due) + late [C > due]``, and
        its C + tail enters the maximum.
    peak : int
        What the maximum costs a unit.
    floor : int
        Least value of the maximum.
    mode : (n, stages, F)
        Modes of the tasks of each job on each line.
    offset : (F, n, stages) or None
        Starts of the tasks of blocks; ``None`` where jobs may wait.
    units : (K,)
        Identical machines at each stage of a hybrid flow shop; empty otherwise.
    """

    duration: Ints
    release: Ints
    setup: Ints
    due: Ints
    linear: Ints
    tardy: Ints
    late: Ints
    tail: Ints
    peak: int
    floor: int
    mode: Ints
    offset: Ints | None
    units: Ints

    @classmethod
    def of(cls, arrays: ScheduleArrays, tier: int) -> Line:
        """Read a problem that :func:`line_refusal` accepts, with one tier of its objective."""
        shape = _shape(arrays)
        if shape is None:
            raise ValueError("the problem is no flow line")
        modes = _modes(arrays, shape)
        duration = np.ascontiguousarray(np.moveaxis(arrays.duration[modes], 2, 0))
        earliest = arrays.release.reshape(arrays.n_jobs, shape[0])
        release = np.broadcast_to(earliest, duration.shape).copy()
        setup = _setups(arrays, modes)
        offset = None
        if not _waits(arrays, shape[0]):
            offset = np.cumsum(duration, axis=2) - duration
            setup = _gaps(duration, offset, setup)
            release = (release - offset).max(axis=2, keepdims=True)
            duration = duration.sum(axis=2, keepdims=True)
        pools = _pools(arrays) if np.any(arrays.machine < 0) else None
        units = np.zeros(0, np.int64) if pools is None else pools[1]
        return cls(duration, release, setup, *_costs(arrays, tier), modes, offset, units)

    @property
    def lines(self) -> int:
        """Number of lines."""
        return int(self.duration.shape[0])

    @property
    def jobs(self) -> int:
        """Number of jobs."""
        return int(self.duration.shape[1])

    @property
    def stages(self) -> int:
        """Number of machines of a line; 1 for blocks."""
        return int(self.duration.shape[2])

    @property
    def sums(self) -> bool:
        """Whether the objective holds sums over jobs, not only a maximum."""
        return bool(np.any(self.linear) or np.any(self.tardy) or np.any(self.late))

    @cached_property
    def work(self) -> Ints:
        """Least total duration of each job over the lines."""
        least: Ints = self.duration.sum(axis=2).min(axis=0)
        return least

    def candidate(self, orders: list[list[int]]) -> Candidate:
        """Schedule with the jobs of each line in this order, each as early as possible."""
        jobs, stages, _ = self.mode.shape
        start = np.zeros((jobs, stages), np.int64)
        mode = np.zeros((jobs, stages), np.int64)
        for line, order in enumerate(orders):
            if order:
                starts = self._pooled(order) if self.units.size else self._starts(line, order)
                if self.offset is not None:
                    starts = starts + self.offset[line, order]
                start[order] = starts
                mode[order] = self.mode[order, :, line]
        return Candidate(start.ravel(), mode.ravel())

    def orders(self, candidate: Candidate) -> list[list[int]]:
        """Jobs of each line of a schedule in the order of their first starts."""
        jobs, stages, _ = self.mode.shape
        first = candidate.start.reshape(jobs, stages).min(axis=1)
        chosen = candidate.mode.reshape(jobs, stages)[:, :1] == self.mode[:, 0, :]
        line = np.argmax(chosen, axis=1)
        ranked = np.lexsort((np.arange(jobs), candidate.start.reshape(jobs, stages)[:, -1], first))
        found: list[list[int]] = [[] for _ in range(self.lines)]
        for job in ranked.tolist():
            found[int(line[job])].append(job)
        return found

    def _pooled(self, order: list[int]) -> Ints:
        """Return the starts by stage of a hybrid flow shop, job by job as given."""
        ready = [0] * self.jobs
        rows = np.zeros((self.jobs, self.stages), np.int64)
        served = order
        for stage, units in enumerate(self.units.tolist()):
            free = [0] * units
            for job in served:
                start = max(heappop(free), ready[job], int(self.release[0, job, stage]))
                ready[job] = start + int(self.duration[0, job, stage])
                rows[job, stage] = start
                heappush(free, ready[job])
            served = sorted(served, key=ready.__getitem__)
        return rows[order]

    def _starts(self, line: int, order: list[int]) -> Ints:
        duration, release = self.duration[line], self.release[line]
        free = [0] * self.stages
        rows = []
        before = self.jobs
        for job in order:
            lengths, earliest = duration[job].tolist(), release[job].tolist()
            between = self.setup[line, before, job].tolist() if self.setup.size else [0] * len(free)
            now, row = 0, []
            for stage, length in enumerate(lengths):
                now = max(now, free[stage] + between[stage], earliest[stage])
                row.append(now)
                now += length
                free[stage] = now
            rows.append(row)
            before = job
        return np.array(rows, np.int64)


def _setups(arrays: ScheduleArrays, modes: Ints) -> Ints:
    """Return setup times by line, job before, job after and stage."""
    if not arrays.setups:
        return np.zeros((0, 0, 0, 0), np.int64)
    jobs, stages, lines = modes.shape
    found = np.zeros((lines, jobs + 1, jobs, stages), np.int64)
    for line in range(lines):
        for stage in range(stages):
            column = modes[:, stage, line]
            table = arrays.setups.get(int(arrays.machine[column[0]]))
            if table:
                found[line, :, :, stage] = _setup_table(arrays.state[column], dict(table))
    return found


def _setup_table(state: Ints, table: dict[tuple[int, int], int]) -> Ints:
    """Return setup times from job to job on one machine; the last row is before the first."""
    known, place = np.unique(state, return_inverse=True)
    index = {int(value): number for number, value in enumerate(known)}
    small = np.zeros((len(known) + 1, len(known)), np.int64)
    for (before, after), time in table.items():
        if after in index and (before == -1 or before in index):
            small[len(known) if before == -1 else index[before], index[after]] = time
    if -1 in index:
        small[index[-1], :] = 0
    rows = np.append(place, len(known))
    found: Ints = small[np.ix_(rows, place)]
    return found


def _gaps(duration: Ints, offset: Ints, setup: Ints) -> Ints:
    """Setups between blocks: least difference of the starts less the length of the first."""
    lines, jobs, stages = duration.shape
    found = np.full((lines, jobs + 1, jobs, 1), -NEVER, np.int64)
    length = duration.sum(axis=2)
    for line in range(lines):
        for stage in range(stages):
            end = np.append(offset[line, :, stage] + duration[line, :, stage], 0)
            between = setup[line, :, :, stage] if setup.size else 0
            least = end[:, None] - offset[line, None, :, stage] + between
            np.maximum(found[line, :, :, 0], least, out=found[line, :, :, 0])
        found[line, :-1, :, 0] -= length[line][:, None]
        np.maximum(found[line, -1], 0, out=found[line, -1])
    return found


def _costs(arrays: ScheduleArrays, tier: int) -> tuple[Ints, Ints, Ints, Ints, Ints, int, int]:
    """Due dates, costs and tails of the jobs, and the price and floor of the maximum."""
    weight = dict(zip(MEASURES, arrays.weights[tier].tolist(), strict=True))
    dated = arrays.job_due < NEVER
    linear = arrays.job_weight * (weight["total_completion"] + weight["total_flow"])
    tardy = np.where(dated, arrays.job_weight * weight["total_tardiness"], 0)
    late = np.where(dated, arrays.job_weight * weight["late_jobs"], 0)
    kind = next((name for name in _MAXIMA if weight[name]), "makespan")
    if kind == "makespan":
        tail = np.zeros(arrays.n_jobs, np.int64)
    else:
        never = -2 * horizon(arrays) - int(arrays.job_due[dated].max()) - 1
        tail = np.where(dated, -arrays.job_due, never)
    floor = -NEVER if kind == "max_lateness" else 0
    return arrays.job_due, linear, tardy, late, tail, weight[kind], floor
