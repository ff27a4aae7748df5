"""Random training runs: steps, failures of nodes, copies in memory and in storage."""

from __future__ import annotations

import numpy as np

from scheduling.models.checkpoint.problem import CheckpointLevel, CheckpointProblem

_DAY = 86_400.0


def training_run(*, nodes: int = 64, days: float = 150.0, seed: int = 0) -> CheckpointProblem:
    """Generate a training run whose state is copied to memory and, now and then, to storage.

    Parameters
    ----------
    nodes
        Nodes that fail independently.
    days
        Mean days between two failures of a node.
    seed
        Seed of the draws: steps of 5 to 30 s, copies in memory of 1 to 10 s that cover 80 to 99 %
        of the failures, copies in storage of 20 to 200 s.
    """
    rng = np.random.default_rng(seed)

    def between(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 3)

    memory = CheckpointLevel(
        id="memory",
        copy_seconds=between(1.0, 10.0),
        restart_seconds=between(20.0, 120.0),
        covers=between(0.8, 0.99),
    )
    storage = CheckpointLevel(
        id="storage", copy_seconds=between(20.0, 200.0), restart_seconds=between(200.0, 900.0)
    )
    return CheckpointProblem(
        name=f"run-{nodes}-s{seed}",
        step_seconds=between(5.0, 30.0),
        mean_seconds_between_failures=days * _DAY / nodes,
        levels=(memory, storage),
    )
