"""Faults of batching problems that fields alone do not show."""

from __future__ import annotations

from scheduling.errors import Fault
from scheduling.models.batching.problem import BatchingProblem
from scheduling.models.faults import repeated


def find_faults(problem: BatchingProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    faults = list(repeated("requests", (request.id for request in problem.requests)))
    for index, request in enumerate(problem.requests):
        tokens = request.prompt + request.output
        if tokens > problem.memory:
            found = f"{tokens} tokens with its answer ({request.id!r})"
            expected = f"at most the memory, {problem.memory}"
            faults.append(Fault(f"requests[{index}].prompt", found, expected))
    return faults
