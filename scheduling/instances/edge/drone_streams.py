"""Streams of inference tasks from drones, with the constants of Ocularone's models.

Benefits, costs, milliseconds and deadlines are those of dream-lab/ocularone-scheduler (DEMS, arXiv
2412.20860): person and vest detection, body pose, mask, distance to the person and to objects,
crowd density.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.edge.problem import EdgeCloud, EdgeModel, EdgeTask


def _model(
    name: str, benefit: int, costs: tuple[int, int], times: tuple[int, int, int]
) -> EdgeModel:
    cloud, edge = costs
    edge_ms, cloud_ms, deadline = times
    return EdgeModel(
        id=name,
        benefit=benefit,
        cloud_cost=cloud,
        edge_cost=edge,
        edge_ms=edge_ms,
        cloud_ms=cloud_ms,
        deadline_ms=deadline,
    )


MODELS = (
    _model("HV", 125, (25, 1), (174, 398, 650)),
    _model("BP", 40, (43, 2), (244, 542, 900)),
    _model("MD", 75, (15, 1), (142, 589, 850)),
    _model("DE-VIP", 100, (26, 1), (172, 429, 750)),
    _model("DE-OBJ", 250, (210, 6), (739, 832, 950)),
    _model("CD", 175, (152, 4), (563, 878, 1000)),
)
"""The six models of the paper."""

_BATCH_MS = 1000


def drone_stream(
    *,
    drones: int = 2,
    batches: int = 10,
    models: int = 4,
    early: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> EdgeCloud:
    """Generate the tasks of drones that each send a batch a second, one task a model.

    Parameters
    ----------
    drones, batches
        Sizes; each drone starts at a time of its own within the first second.
    models
        How many of the six models each batch asks, in an order of its own.
    early
        Runs on the edge take from this share less to all of what is expected, uniformly.
    noise
        Standard deviation of the logarithm of actual over expected milliseconds in the cloud.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    asked = MODELS[:models]
    tasks = []
    for drone in range(drones):
        phase = int(rng.integers(_BATCH_MS))
        for batch in range(batches):
            for position in rng.permutation(len(asked)).tolist():
                model = asked[position]
                factor = float(np.exp(rng.normal(0.0, noise))) if noise else 1.0
                share = float(rng.uniform(1.0 - early, 1.0)) if early else 1.0
                tasks.append(
                    EdgeTask(
                        id=f"drone-{drone}-{batch:03d}-{model.id}",
                        model=model.id,
                        arrival_ms=phase + batch * _BATCH_MS,
                        edge_ms=max(1, round(model.edge_ms * share)) if early else None,
                        cloud_ms=max(1, round(model.cloud_ms * factor)) if noise else None,
                    )
                )
    tasks.sort(key=lambda task: task.arrival_ms)
    name = f"drones-{drones}x{batches}x{len(asked)}-s{seed}"
    return EdgeCloud(name=name, models=asked, tasks=tuple(tasks))
