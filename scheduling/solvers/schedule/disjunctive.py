"""Shops as the compiled kernels take them: machines that are always open, and no deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.schedule.shop import chain_delays, shop_refusal

if TYPE_CHECKING:
    from scheduling.solvers.schedule.kernels.jobshop import Shop


def open_shop_refusal(arrays: ScheduleArrays) -> str | None:
    """Tell why a problem is no shop without breaks and deadlines; ``None`` when it is one."""
    reason = shop_refusal(arrays)
    if reason is not None:
        return reason
    if len(arrays.step_start) > arrays.n_resources:
        return "takes machines without breaks only; use lns"
    if np.any(arrays.deadline < NEVER):
        return "takes no deadlines; use lns"
    return None


def job_shop_refusal(arrays: ScheduleArrays) -> str | None:
    """Tell why a problem is no job shop that minimises the makespan; ``None`` when it is one."""
    reason = open_shop_refusal(arrays)
    if reason is not None:
        return reason
    if not whole_chains(arrays):
        return "takes jobs that are one chain of tasks, and one mode a task; use tabu"
    if np.flatnonzero(arrays.weights[0]).tolist() != [MEASURES.index("makespan")]:
        return "minimises the makespan only; use dispatch with the rule of a due date"
    return None


def whole_chains(arrays: ScheduleArrays) -> bool:
    """Whether every job is one chain of tasks with one mode each."""
    return arrays.single_mode and chain_delays(arrays) is not None


def machines_of(arrays: ScheduleArrays) -> Ints:
    """Machine of each mode; what occupies none gets a machine of its own."""
    idle = (arrays.machine < 0) | (arrays.duration == 0)
    own = arrays.n_resources + np.arange(len(arrays.machine))
    machine = np.where(idle, own, arrays.machine)
    return np.unique(machine, return_inverse=True)[1].astype(np.int64)


def job_shop(arrays: ScheduleArrays, tails: Ints | None = None) -> Shop:
    """Build the kernels' form of a job shop, with delivery times if they are given."""
    from scheduling.solvers.schedule.kernels.jobshop import make_shop

    return make_shop(
        arrays.job_ptr,
        machines_of(arrays),
        arrays.duration,
        chain_delays(arrays),
        arrays.release,
        tails,
    )
