"""What is in a scheduling problem, as facts for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.models.schedule.arrays import CONSUMABLE, NEVER, RESERVOIR
from scheduling.models.schedule.windows import horizon
from scheduling.solvers.schedule.family import CompiledSchedule


def profile(data: CompiledSchedule) -> dict[str, Any]:
    """Return sizes and features.

    Parameters
    ----------
    data
        Any problem of the family, compiled.

    Returns
    -------
    dict
        Plain values, ready for JSON; times in the instance's unit.
    """
    problem, arrays = data.problem, data.arrays
    types = arrays.resource_type
    return {
        "jobs": arrays.n_jobs,
        "tasks": arrays.n_tasks,
        "modes": len(arrays.duration),
        "machines": sum(resource.type == "machine" for resource in problem.resources),
        "pools": sum(resource.type == "pool" for resource in problem.resources),
        "renewables": sum(resource.type == "renewable" for resource in problem.resources),
        "disjunctions": len(problem.disjunctions),
        "consumables": int(np.sum(types == CONSUMABLE)),
        "reservoirs": int(np.sum(types == RESERVOIR)),
        "precedences": len(arrays.link_before),
        "maximal_lags": int(np.sum(arrays.link_max < NEVER)),
        "deadlines": int(np.sum(arrays.deadline < NEVER)),
        "due_dates": int(np.sum(arrays.job_due < NEVER)),
        "capacity_changes": len(arrays.step_start) - arrays.n_resources,
        "durations": {"from": int(arrays.duration.min()), "to": int(arrays.duration.max())},
        "horizon": horizon(arrays),
    }
