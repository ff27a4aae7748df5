"""The bound of the time-indexed LP for sums over jobs, by Lagrangian relaxation of capacities.

With a price for each unit of a resource at each time the jobs no longer meet: each finds its
cheapest starts and modes by dynamic programming along its chain of tasks, and any prices give a
bound; the best ones give that of the time-indexed LP (Fisher, 1973; Christofides, Alvarez-Valdes
and Tamarit, 1987). They are sought by subgradient steps. In a job that is no chain only the task
with the latest possible completion bears the job's cost, and the others only pay prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, isfinite

import numpy as np

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_START,
    NEVER,
    Ints,
    ScheduleArrays,
)
from scheduling.models.schedule.bounds.tails import Tails
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.windows import difference_edges
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.model import Floats
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.mip.frame import Frame
from scheduling.solvers.schedule.mip.kernels.pricing import price_chains
from scheduling.solvers.schedule.mip.stating import known_end

MAX_CELLS = 20_000_000
"""Largest number of job-time and resource-time pairs."""

_SUMS = ("total_completion", "total_flow", "total_tardiness", "late_jobs")
_NAME = "relaxation"
_PATIENCE = 60
_DEFLECTION = 0.95
_SMALLEST_STEP = 1e-3
_ITERATIONS_PER_UNIT = 100
_HOPE = 0.01


def lp_bound(data: CompiledSchedule, board: Board[Candidate], budget: Budget) -> None:
    """Raise the bound of a tier that sums over jobs, until prices no longer improve.

    Does nothing for tiers with other measures, without any capacity, or too large for memory. One
    unit of work is a hundred iterations.
    """
    arrays = data.arrays
    row = arrays.weights[board.tier]
    if sum(row[MEASURES.index(name)] for name in _SUMS) != row.sum():
        return
    frame = Frame.of(arrays, known_end(arrays, board))
    cells = 0 if frame is None else (frame.horizon + 1) * (arrays.n_tasks + arrays.n_resources)
    if frame is None or not 0 < cells <= MAX_CELLS:
        return
    pricing = _Pricing.of(frame, board.tier)
    limit = inf if budget.work is None else max(1.0, budget.work * _ITERATIONS_PER_UNIT)
    _ascend(pricing, board, budget, limit)


def _ascend(pricing: _Pricing, board: Board[Candidate], budget: Budget, limit: float) -> None:
    """Deflected subgradient steps towards the best value known (Camerini and others, 1975)."""
    prices = np.zeros_like(pricing.capacity)
    direction = np.zeros_like(prices)
    best, best_prices = -inf, prices
    scale, stale, count = 1.0, 0, 0
    hope = _HOPE * float(np.median(pricing.costs, axis=1).sum()) + 1
    while scale > _SMALLEST_STEP and count < limit:
        if board.stopped or budget.remaining() == 0:
            return
        value, excess = pricing.evaluate(prices)
        count += 1
        if not isfinite(value):
            return
        stale += 1
        if value > best:
            stale = stale if value < best + 1e-4 * abs(best) else 0
            best, best_prices = value, prices
            board.raise_bound(ceil(value - 1e-4 - 1e-7 * abs(value)), _NAME)
        if stale >= _PATIENCE:
            scale, stale, prices = scale / 2, 0, best_prices
            direction[:] = 0
            continue
        direction = excess + _DEFLECTION * direction
        norm = float((direction * direction).sum())
        if norm == 0:
            return
        target = board.objective if board.objective is not None else best + hope + 0.05 * abs(best)
        step = scale * max(target - value, 1e-3 * abs(best) + 1e-3) / norm
        prices = np.maximum(prices + step * direction, 0)


@dataclass(frozen=True, eq=False)
class _Pricing:
    """Chains with their costs, and capacities over time, ready for the kernel."""

    frame: Frame
    capacity: Floats
    costs: Floats
    chains: tuple[Ints, Ints, Ints]
    uses: tuple[Ints, Ints, Floats]

    @classmethod
    def of(cls, frame: Frame, tier: int) -> _Pricing:
        arrays = frame.arrays
        pointer, tasks, lags, jobs = _chains(frame)
        costs = _costs(arrays, jobs, tier, frame.horizon)
        return cls(frame, _capacities(frame), costs, (pointer, tasks, lags), _uses(arrays))

    def evaluate(self, prices: Floats) -> tuple[float, Floats]:
        """Value of the relaxation at some prices, and use minus capacity where it is attained."""
        frame = self.frame
        sums = np.zeros((len(prices), frame.horizon + 1))
        np.cumsum(prices, axis=1, out=sums[:, 1:])
        load = np.zeros_like(sums)
        value = price_chains(
            sums,
            self.costs,
            *self.chains,
            frame.first,
            frame.arrays.mode_ptr,
            frame.arrays.duration,
            frame.last,
            *self.uses,
            load,
        )
        used = np.cumsum(load, axis=1)[:, :-1]
        return value - float((prices * self.capacity).sum()), used - self.capacity


def _capacities(frame: Frame) -> Floats:
    arrays, times = frame.arrays, np.arange(frame.horizon)
    rows = []
    for resource in range(arrays.n_resources):
        starts, levels = (np.array(part) for part in zip(*arrays.steps(resource), strict=True))
        rows.append(levels[np.searchsorted(starts, times, side="right") - 1])
    return np.array(rows, np.float64).reshape(arrays.n_resources, frame.horizon)


def _uses(arrays: ScheduleArrays) -> tuple[Ints, Ints, Floats]:
    """Units that each mode holds: its machine and its renewables."""
    pointer, resources, amounts = [0], [], []
    for mode, machine in enumerate(arrays.machine.tolist()):
        held = [(r, a) for r, a in arrays.demands(mode) if arrays.resource_type[r] != CONSUMABLE]
        held += [(machine, 1)] if machine >= 0 else []
        resources += [resource for resource, _ in held]
        amounts += [amount for _, amount in held]
        pointer.append(len(resources))
    return (
        np.array(pointer, np.int64),
        np.array(resources, np.int64),
        np.array(amounts, np.float64),
    )


def _chains(frame: Frame) -> tuple[Ints, Ints, Ints, list[int]]:
    """Chains of tasks: pointer, tasks, lag after each task, and the job that each one ends.

    The lag after the last task of a chain is the least time from its end to the job's completion.
    A task outside a job's main chain is a chain of its own that ends no job (-1).
    """
    arrays = frame.arrays
    edges = difference_edges(arrays)
    tails = Tails.of(arrays, edges, arrays.min_duration(), inside_jobs=True)
    direct = (arrays.link_kind == END_START) & (arrays.link_min > -NEVER)
    direct &= arrays.link_after == arrays.link_before + 1
    direct &= arrays.job[arrays.link_before] == arrays.job[arrays.link_after]
    lag = dict(
        zip(arrays.link_before[direct].tolist(), arrays.link_min[direct].tolist(), strict=True)
    )
    pointer, tasks, lags, jobs = [0], [], [], []
    for job in range(arrays.n_jobs):
        mine = list(range(arrays.job_ptr[job], arrays.job_ptr[job + 1]))
        if all(task in lag for task in mine[:-1]):
            groups = [mine]
        else:
            reach = frame.first[mine] + tails.start[mine]
            main = mine[int(np.argmax(reach))]
            groups = [[main], *([task] for task in mine if task != main)]
        for number, group in enumerate(groups):
            tasks += group
            lags += [lag[task] for task in group[:-1]] + [max(tails.end[group[-1]], 0)]
            jobs.append(-1 if number else job)
            pointer.append(len(tasks))
    return np.array(pointer), np.array(tasks), np.array(lags, np.int64), jobs


def _costs(arrays: ScheduleArrays, jobs: list[int], tier: int, horizon: int) -> Floats:
    """Cost of each chain by the completion of its job."""
    times = np.arange(horizon + 1, dtype=np.float64)
    weight = dict(zip(MEASURES, arrays.weights[tier].tolist(), strict=True))
    costs = np.zeros((len(jobs), horizon + 1))
    for row, job in enumerate(jobs):
        if job < 0:
            continue
        release, due = int(arrays.job_release[job]), int(arrays.job_due[job])
        cost = weight["total_completion"] * times + weight["total_flow"] * (times - release)
        if due < NEVER:
            late = times - due
            cost += weight["total_tardiness"] * np.maximum(late, 0)
            cost += weight["late_jobs"] * (late > 0)
        costs[row] = int(arrays.job_weight[job]) * cost
    return costs
