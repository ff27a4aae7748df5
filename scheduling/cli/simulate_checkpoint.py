"""``scheduling simulate`` on checkpoints of a training run: the table and the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduling.cli.output import emit_json, table
from scheduling.report.words import percent

if TYPE_CHECKING:
    from scheduling.models.checkpoint.problem import CheckpointProblem


def simulate_run(
    problem: CheckpointProblem, file: str, policies: Sequence[str], *, seed: int, json: bool
) -> None:
    """Run plans of checkpoints and print them side by side."""
    from scheduling.simulator.checkpoint.simulate import PLANS, simulate_training

    found = simulate_training(problem, policies or tuple(PLANS), seed=seed)
    if json:
        runs = [
            {
                "plan": one.name,
                "steps": one.plan.steps,
                "every": one.plan.every,
                "expected_waste": one.expected,
                "simulated_waste": one.run.waste,
                "failures": one.run.failures,
                "gap": one.gap,
            }
            for one in found.runs
        ]
        emit_json(
            "simulation-checkpoint",
            {"problem": problem.name, "least_waste": found.least, "runs": runs},
        )
        return
    rows = [
        [
            one.name,
            f"{one.plan.steps} ({one.plan.steps * problem.step_seconds:g} s)",
            str(one.plan.every),
            percent(one.expected),
            percent(one.run.waste),
            percent(one.gap),
        ]
        for one in found.runs
    ]
    headers = ["plan", "steps between copies", "last level every", "waste", "simulated", "gap"]
    table(headers, rows, f"{problem.name or file}: share of time that is wasted")
    print(f"  no plan wastes less than {percent(found.least)} of the time in expectation")
