"""Rows of the systems that save the state of training: what a better copy is worth.

The systems are known here by their abstracts. Their copies are stated by what they change: how long
a copy stalls training, what it is hidden behind, what it recovers and how fast. The run is one of a
model with 70 billion parameters; sizes and rates are inferred and stand in this module.
"""

from __future__ import annotations

from typing import Any

from scheduling.models.checkpoint.problem import CheckpointProblem
from scheduling.scenarios.scenario import Row
from scheduling.simulator.checkpoint.simulate import PlanRun, simulate_training

PARAMETERS = 70e9
BYTES = 14.0
"""Bytes of state a parameter: weights in 2, master copy and two moments in 4 each (inferred)."""

GPUS = 256
STEP_SECONDS = 15.0
"""Time of a step; inferred."""

PCIE, STORAGE = 20e9, 10e9
"""Bytes a second: of a GPU to its host's memory, and of all to shared storage; inferred."""

HOURS = 8.0
"""Mean hours between failures of the run: one of a GPU in about 85 days; inferred."""

RESTART_SECONDS = 600.0


def to_storage(**changes: Any) -> dict[str, Any]:
    """Return the level that writes to shared storage while training stands still."""
    seconds = PARAMETERS * BYTES / STORAGE
    return {
        "id": "storage",
        "copy_seconds": seconds,
        "restart_seconds": RESTART_SECONDS + seconds,
        **changes,
    }


def training(*levels: dict[str, Any]) -> CheckpointProblem:
    """Return the run with these levels of copies."""
    return CheckpointProblem.model_validate(
        {
            "step_seconds": STEP_SECONDS,
            "mean_seconds_between_failures": HOURS * 3600.0,
            "levels": list(levels),
        }
    )


def rows(
    method: str, published: str, base: CheckpointProblem, better: CheckpointProblem
) -> list[Row]:
    """Compare the best plans of two kinds of copies, and Young's plan of the better one.

    Parameters
    ----------
    method
        What the better copies are.
    published
        The paper's figure.
    base, better
        The run with each.
    """
    known = simulate_training(base, "best").runs[0]
    found = simulate_training(better, ("young", "best"))
    return [_row(method, published, known, one) for one in found.runs]


def _row(method: str, published: str, base: PlanRun, one: PlanRun) -> Row:
    off = abs(one.run.waste / one.expected - 1.0)
    every = f", storage every {one.plan.every}th" if one.plan.every > 1 else ""
    return Row(
        case=f"70B parameters, {GPUS} GPUs, a failure in {HOURS:g} h (inferred)",
        measure="% of time wasted, simulated",
        baseline="blocking copies to storage, best interval",
        baseline_value=100.0 * base.run.waste,
        method=f"{method}, {one.name} interval",
        value=100.0 * one.run.waste,
        gap=one.gap,
        published=published,
        verdict=f"every {one.plan.steps} steps{every}; {off:.1%} off the expectation",
    )
