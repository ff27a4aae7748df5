"""REFT: snapshots of a training state in the memory of the nodes, the disk only now and then.

Known by its abstract: the sharded state is copied to the hosts' memory beside the training and is
spread over nodes with an erasure code, so that a lost node is repaired from memory, and the disk is
needed only when more nodes of a group fail together than the code can replace. How often to do
either is a problem of kind ``checkpoint`` with two levels; Young's formula at each level is
measured against the least expected waste, and its own against a simulation of failures.

Inferred: 64 nodes that fail every 150 days each, 7 % of the failures too many for the code; steps
of 10 s; 8 s of stall for a snapshot, 90 s more where a checkpoint on disk follows it, 40 and 400 s
to go on.
"""

from __future__ import annotations

from scheduling.models.checkpoint.problem import CheckpointLevel, CheckpointPlan, CheckpointProblem
from scheduling.models.checkpoint.waste import expected_waste
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.checkpoint.simulate import simulate_training

DAY = 86_400.0
_STEP, _BETWEEN_FAILURES = 10.0, 150 * DAY / 64

_MEMORY = CheckpointLevel(id="memory", copy_seconds=8.0, restart_seconds=40.0, covers=0.93)
_DISK = CheckpointLevel(id="disk", copy_seconds=90.0, restart_seconds=400.0)

DISK_ALONE = CheckpointProblem(
    step_seconds=_STEP, mean_seconds_between_failures=_BETWEEN_FAILURES, levels=(_DISK,)
)
"""Every failure is repaired from disk."""

WITH_SNAPSHOTS = CheckpointProblem(
    step_seconds=_STEP, mean_seconds_between_failures=_BETWEEN_FAILURES, levels=(_MEMORY, _DISK)
)
"""Most failures are repaired from the memory of other nodes."""


def run(limits: Run) -> list[Row]:
    """Measure intervals by formula against the best plan, on disk alone and with snapshots."""
    del limits
    alone, both = (
        simulate_training(problem, "young", seed=1).runs[0]
        for problem in (DISK_ALONE, WITH_SNAPSHOTS)
    )
    daily = CheckpointPlan(round(DAY / _STEP))
    interval = both.plan.steps * _STEP
    return [
        Row(
            case="64 nodes, disk alone",
            measure="time wasted, share of the time",
            baseline="no checkpoint for a day",
            baseline_value=expected_waste(DISK_ALONE, daily),
            method="interval of Young",
            value=alone.expected,
            gap=alone.gap,
            published=None,
            verdict=f"every {alone.plan.steps * _STEP / 60:.1f} minutes",
        ),
        Row(
            case="64 nodes, snapshots in memory",
            measure="time wasted, share of the time",
            baseline="disk alone",
            baseline_value=alone.expected,
            method="intervals of Young",
            value=both.expected,
            gap=both.gap,
            published="disk rarely",
            verdict=f"snapshot every {interval / 60:.1f} minutes, disk every "
            f"{interval * both.plan.every / 3600:.1f} h; "
            f"simulated {both.run.waste:.5f}, exact {both.expected:.5f}",
        ),
    ]


SCENARIO = Scenario(
    name="reft",
    system="REFT: in-memory fault tolerance of large training (known by its abstract)",
    problem="interval of in-memory copies under failures",
    wants="nothing: rates as stated",
    run=run,
    targets=(
        Target(("^disk alone$",), at_most=1),
        Target(("snapshots in memory|disk alone",), of="gap", at_most=0.02),
    ),
)
