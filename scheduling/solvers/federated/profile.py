"""What is in a problem of federated training, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.federated.family import CompiledFederated


def profile(data: CompiledFederated) -> dict[str, Any]:
    """Return sizes and speeds, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem = data.problem
    seconds = [client.seconds_per_step for client in problem.clients]
    return {
        "clients": len(seconds),
        "min_steps": problem.min_steps,
        "max_steps": problem.max_steps,
        "fastest_seconds_per_step": min(seconds),
        "slowest_seconds_per_step": max(seconds),
        "noisy_clients": sum(client.noise > 0 for client in problem.clients),
    }
