"""Random clients with speeds spread evenly over the logarithm."""

from __future__ import annotations

import numpy as np

from scheduling.models.federated.problem import Client, FederatedProblem

_FASTEST, _SLOWEST = 0.1, 0.8


def federated_clients(
    *,
    clients: int = 20,
    fewest: int = 20,
    most: int = 100,
    noise: float = 0.0,
    seed: int = 0,
) -> FederatedProblem:
    """Generate clients that take 0.1 to 0.8 s for a step.

    Parameters
    ----------
    clients
        Number of clients.
    fewest, most
        Local steps of a round.
    noise
        Standard deviation of the logarithm of a round's speed.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    speeds = np.exp(rng.uniform(np.log(_FASTEST), np.log(_SLOWEST), clients)).round(4).tolist()
    return FederatedProblem(
        name=f"clients-{clients}-s{seed}",
        min_steps=fewest,
        max_steps=most,
        clients=tuple(
            Client(id=f"client {k}", seconds_per_step=speed, noise=noise)
            for k, speed in enumerate(speeds)
        ),
    )
