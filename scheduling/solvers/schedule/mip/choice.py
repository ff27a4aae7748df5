"""Which formulation a problem gets, by its features and size."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import RENEWABLE
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.schedule.mip.disjunctive import Disjunctive
from scheduling.solvers.schedule.mip.frame import Frame
from scheduling.solvers.schedule.mip.time_indexed import TimeIndexed

MAX_STEPS = 150_000
"""Largest number of mode-time pairs that the time-indexed formulation takes."""

MAX_PAIRS = 20_000
"""Largest number of pairs of tasks on a machine that the disjunctive formulation takes."""

MAX_HORIZON = 10**6
"""Largest horizon of the disjunctive formulation, whose rows hold constants of that size."""

_SMALL_STEPS = 20_000
_SUMS = ("total_completion", "total_flow", "total_tardiness", "late_jobs")

Formulation = TimeIndexed | Disjunctive


def count_steps(frame: Frame) -> int:
    """Mode-time pairs of the time-indexed formulation."""
    modes = frame.modes
    return int((frame.last[modes] - frame.first[frame.owner[modes]] + 1).sum())


def count_pairs(frame: Frame) -> int:
    """Pairs of tasks that share a machine, counted once per machine."""
    arrays, modes = frame.arrays, frame.modes
    used = modes[(arrays.machine[modes] >= 0) & (arrays.duration[modes] > 0)]
    uses = np.unique(np.stack([arrays.machine[used], frame.owner[used]]), axis=1)
    counts = np.bincount(uses[0]) if uses.size else np.zeros(1, np.int64)
    return int((counts * (counts - 1) // 2).sum())


def choose(frame: Frame, tier: int) -> type[Formulation] | None:
    """Return the formulation for one tier; ``None`` when neither can hold the problem.

    Renewable resources need the time-indexed one. It also has far better bounds for sums over
    jobs, and is taken for them when it is small; machines alone go to the disjunctive one.
    """
    steps = count_steps(frame)
    disjunctive = (
        not _uses_renewables(frame)
        and frame.horizon <= MAX_HORIZON
        and count_pairs(frame) <= MAX_PAIRS
    )
    sums = any(frame.arrays.weights[tier, MEASURES.index(name)] for name in _SUMS)
    if disjunctive and not (sums and steps <= _SMALL_STEPS):
        return Disjunctive
    return TimeIndexed if steps <= MAX_STEPS else None


def too_large(frame: Frame) -> str:
    """Say why no formulation holds a problem, and the way out."""
    reason = f"{count_steps(frame)} mode-time pairs are more than {MAX_STEPS}"
    if not _uses_renewables(frame):
        reason += (
            f", and the disjunctive model would have {count_pairs(frame)} pairs on machines (at "
            f"most {MAX_PAIRS}) and a horizon of {frame.horizon} (at most {MAX_HORIZON})"
        )
    return f"{reason}; use the solver auto or cp-sat, or a coarser unit of time"


def _uses_renewables(frame: Frame) -> bool:
    arrays = frame.arrays
    return bool(np.any(arrays.resource_type[arrays.demand_resource] == RENEWABLE))
