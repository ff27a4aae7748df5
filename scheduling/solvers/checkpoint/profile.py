"""What is in a problem of checkpoints, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.checkpoint.problem import CheckpointProblem
from scheduling.solvers.checkpoint.family import FAMILY, CompiledCheckpoint


def profile(problem: CheckpointProblem) -> dict[str, Any]:
    """Return times, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledCheckpoint(problem)
    levels = problem.levels
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "levels": [level.id for level in levels],
        "step_seconds": problem.step_seconds,
        "mean_seconds_between_failures": problem.mean_seconds_between_failures,
        "stall_seconds": {level.id: level.stall_seconds for level in levels},
        "fewest_steps_between_copies": problem.least_steps,
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
