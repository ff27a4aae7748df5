"""Which constraints a solver takes: one refusal for all solvers."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.windows import horizon

RESERVOIRS = "reservoirs"
SETUPS = "setups"
TRANSFERS = "transfers"
TRANSPORTS = "transports"
BLOCKING = "blocking"
SAME_MODE = "same mode"
SAME_ORDER = "same order"
NO_SWAP = "no swap"
NO_IDLE = "no idle"
BATCHING = "batching"
OPTIONAL_TASKS = "optional tasks"
MODE_RULES = "mode rules"
COST = "cost in the objective"
ENERGY = "energy in the objective"
TOTAL_SETUP = "total setup in the objective"

PERIODIC = "periodic calendars"
EFFICIENCY = "efficiency"
INTERRUPTIBLE = "interruptible tasks"
TIME_WINDOWS = "time windows"

WORKING_TIMES = frozenset((PERIODIC, EFFICIENCY, INTERRUPTIBLE, TIME_WINDOWS))
"""What concerns each task alone: when it may run, and for how long."""

_WEIGHTED = ("total_completion", "total_flow", "total_tardiness", "late_jobs")
"""Measures in which each job has its weight."""

EVERYTHING = WORKING_TIMES | {
    RESERVOIRS,
    SETUPS,
    TRANSFERS,
    TRANSPORTS,
    BLOCKING,
    SAME_MODE,
    SAME_ORDER,
    NO_SWAP,
    NO_IDLE,
    BATCHING,
    OPTIONAL_TASKS,
    MODE_RULES,
    COST,
    ENERGY,
    TOTAL_SETUP,
}
"""Every name in :attr:`ScheduleArrays.features`."""


def feature_refusal(arrays: ScheduleArrays, handled: frozenset[str] = frozenset()) -> str | None:
    """Tell which constraints of a problem a solver cannot take; ``None`` when it takes all.

    Parameters
    ----------
    arrays
        The problem.
    handled
        Names, as in :attr:`ScheduleArrays.features`, that the solver takes.
    """
    missing = sorted(arrays.features - handled)
    return f"takes no {' and no '.join(missing)}; use cp-sat, lns or insertion" if missing else None


def largest_value(arrays: ScheduleArrays) -> int:
    """Return what no tier of the objective exceeds in a schedule within the horizon."""
    end = horizon(arrays)
    factor = np.array([name in _WEIGHTED for name in MEASURES]) * int(arrays.job_weight.sum())
    objective = max(int(row) for row in (arrays.weights @ np.maximum(factor, 1)).tolist())
    prices = int(np.maximum(arrays.cost, arrays.energy).sum()) + int(arrays.idle_power.sum()) * end
    reach = end + int(arrays.job_release.max(initial=0))
    return max(reach * objective, prices * int(arrays.weights.max()))
