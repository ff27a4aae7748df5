"""What is in a problem of federated training, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.models.federated.problem import FederatedProblem
from scheduling.solvers.federated.family import FAMILY, CompiledFederated


def profile(problem: FederatedProblem) -> dict[str, Any]:
    """Return sizes, speeds, bounds by formula and solvers, as plain values ready for JSON.

    Parameters
    ----------
    problem
        Any problem of the family.
    """
    data = CompiledFederated(problem)
    seconds = [client.seconds_per_step for client in problem.clients]
    return {
        "kind": problem.kind,
        "objective": list(data.tiers),
        "clients": len(seconds),
        "min_steps": problem.min_steps,
        "max_steps": problem.max_steps,
        "fastest_seconds_per_step": min(seconds),
        "slowest_seconds_per_step": max(seconds),
        "noisy_clients": sum(client.noise > 0 for client in problem.clients),
        "bounds_by_formula": data.stated_bounds(),
        "solvers": FAMILY.takers(data),
    }
