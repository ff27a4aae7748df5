"""What is in a problem of checkpoints, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.checkpoint.family import CompiledCheckpoint


def profile(data: CompiledCheckpoint) -> dict[str, Any]:
    """Return times, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem = data.problem
    levels = problem.levels
    return {
        "levels": [level.id for level in levels],
        "step_seconds": problem.step_seconds,
        "mean_seconds_between_failures": problem.mean_seconds_between_failures,
        "stall_seconds": {level.id: level.stall_seconds for level in levels},
        "fewest_steps_between_copies": problem.least_steps,
    }
