"""What both formulations start from: windows of modes within a horizon, and linear expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_START,
    NEVER,
    Ints,
    ScheduleArrays,
)
from scheduling.models.schedule.bounds.pruning import fitting_modes, open_starts
from scheduling.models.schedule.bounds.tails import Tails
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.windows import difference_edges, horizon
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.schedule.family import Candidate


@dataclass(frozen=True, eq=False)
class Expression:
    """``constant + sum(values * x[columns])``."""

    columns: Ints
    values: Floats
    constant: float = 0.0


def combine(parts: list[tuple[float, Expression]]) -> Expression:
    """Weighted sum of expressions."""
    return Expression(
        np.concatenate([np.zeros(0, np.int64), *(part.columns for _, part in parts)]),
        np.concatenate([np.zeros(0), *(weight * part.values for weight, part in parts)]),
        sum(weight * part.constant for weight, part in parts),
    )


@dataclass(frozen=True, eq=False)
class Frame:
    """Windows of every mode in schedules that end by ``horizon``.

    Attributes
    ----------
    first : (n,) earliest start of each task.
    last : (M,) latest start of each mode, below ``first`` where the mode cannot be used.
    """

    arrays: ScheduleArrays
    horizon: int
    first: Ints
    last: Ints

    @classmethod
    def of(cls, arrays: ScheduleArrays, limit: int | None = None) -> Frame | None:
        """Compute the windows.

        Parameters
        ----------
        arrays
            The problem.
        limit
            A known end of some optimal schedule; default: the horizon by formula.

        Returns
        -------
        Frame or None
            ``None`` when no schedule fits.
        """
        end = horizon(arrays) if limit is None else min(limit, horizon(arrays))
        edges = difference_edges(arrays)
        first = open_starts(arrays, edges)
        if first is None:
            return None
        due = np.minimum(arrays.deadline, end)
        latest = -Tails.of(arrays, edges, arrays.min_duration() - due).start
        owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
        last = np.minimum(latest[owner], due[owner] - arrays.duration)
        last = np.where(fitting_modes(arrays), last, -1)
        usable = np.maximum.reduceat(last, arrays.mode_ptr[:-1])
        return None if np.any(usable < first) else cls(arrays, end, first, last)

    @cached_property
    def owner(self) -> Ints:
        """Task of each mode."""
        return np.repeat(np.arange(self.arrays.n_tasks), np.diff(self.arrays.mode_ptr))

    @cached_property
    def modes(self) -> Ints:
        """Modes that can be used, ascending."""
        return np.flatnonzero(self.last >= self.first[self.owner])

    @cached_property
    def completion(self) -> tuple[Ints, Ints]:
        """Earliest and latest end of each task."""
        low = np.full(self.arrays.n_tasks, NEVER)
        high = np.zeros(self.arrays.n_tasks, np.int64)
        task, length = self.owner[self.modes], self.arrays.duration[self.modes]
        np.minimum.at(low, task, self.first[task] + length)
        np.maximum.at(high, task, self.last[self.modes] + length)
        return low, high

    def ends(self, jobs: bool) -> NDArray[np.bool_]:
        """Tell which tasks may be the last to end, of their job or of all."""
        arrays = self.arrays
        ordered = (arrays.link_kind == END_START) & (arrays.link_min >= 0)
        if jobs:
            ordered &= arrays.job[arrays.link_before] == arrays.job[arrays.link_after]
        free = np.ones(arrays.n_tasks, np.bool_)
        free[arrays.link_before[ordered]] = False
        return free

    def clipped(self, candidate: Candidate) -> Candidate:
        """Return the candidate with unusable modes replaced and starts moved into the windows."""
        mode = candidate.mode.copy()
        usable = np.zeros(len(self.owner), np.bool_)
        usable[self.modes] = True
        for task in np.flatnonzero(~usable[mode]).tolist():
            span = np.arange(self.arrays.mode_ptr[task], self.arrays.mode_ptr[task + 1])
            mode[task] = span[usable[span]][0]
        return Candidate(np.clip(candidate.start, self.first, self.last[mode]), mode)


def add_consumables(model: LinearModel, frame: Frame, choice: Callable[[Ints], Expression]) -> None:
    """Limit the use of each stock; ``choice`` is 1 for the chosen ones of an array of modes.

    The values of its expression belong to the modes one by one.
    """
    arrays = frame.arrays
    owner = np.repeat(np.arange(len(arrays.duration)), np.diff(arrays.demand_ptr))
    usable = np.isin(owner, frame.modes)
    for stock in np.flatnonzero(arrays.resource_type == CONSUMABLE).tolist():
        mine = np.flatnonzero((arrays.demand_resource == stock) & usable)
        chosen = choice(owner[mine])
        model.add_rows(
            f"stock {stock}",
            1,
            0,
            chosen.columns,
            chosen.values * arrays.demand_amount[mine],
            upper=int(arrays.capacity[stock]),
        )


def add_objective(
    model: LinearModel,
    arrays: ScheduleArrays,
    measures: dict[str, Expression],
    tier: int,
    caps: tuple[int, ...],
) -> None:
    """Minimise one tier and keep the tiers before it within ``caps``."""
    for index, cap in enumerate(caps):
        value = tier_expression(arrays, measures, index)
        model.add_rows(
            f"tier {index}", 1, 0, value.columns, value.values, upper=cap - value.constant
        )
    value = tier_expression(arrays, measures, tier)
    model.add_costs(value.columns, value.values)
    model.offset += value.constant


def tier_expression(
    arrays: ScheduleArrays, measures: dict[str, Expression], tier: int
) -> Expression:
    """Return the weighted sum of measures of one tier."""
    row = arrays.weights[tier].tolist()
    pairs = [(weight, name) for weight, name in zip(row, MEASURES, strict=True) if weight]
    return combine([(float(weight), measures[name]) for weight, name in pairs])


def needed_measures(arrays: ScheduleArrays, tier: int) -> list[str]:
    """Names of the measures in the tiers up to ``tier``."""
    used = arrays.weights[: tier + 1].sum(axis=0).tolist()
    return [name for name, weight in zip(MEASURES, used, strict=True) if weight]
