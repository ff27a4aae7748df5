"""What is in a problem of offloading, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.offload.family import CompiledOffload


def profile(data: CompiledOffload) -> dict[str, Any]:
    """Return sizes and works, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem = data.problem
    offers = [offer for task in problem.tasks for offer in task.offers]
    return {
        "tasks": len(problem.tasks),
        "servers": len(problem.servers),
        "offers": len(offers),
        "last_arrival_seconds": max(task.arrival_seconds for task in problem.tasks),
        "mean_work_seconds": sum(offer.work_seconds for offer in offers) / len(offers),
        "mean_joules": sum(offer.joules for offer in offers) / len(offers),
        "max_delay_seconds": problem.max_delay_seconds,
        "max_joules": problem.max_joules,
    }
