"""Independent check of placements in tiers: the program is run step by step.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.tiers.problem import Tensor, TieredProblem
from scheduling.models.tiers.solution import Residence, TieredSolution

Where = dict[str, list[str | None]]
"""Memory of each tensor in each step; ``None`` where it is not live."""


def check_tiers(problem: TieredProblem, solution: TieredSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "places tensors" if solution.residences else None
        return list(claims_without_answer(solution, does, "a placement"))
    violations = list(_listed(problem, solution))
    if violations:
        return violations
    where, violations = _located(problem, solution)
    if violations:
        return violations
    violations = [*_copies(problem, where), *_capacities(problem, where)]
    if not violations:
        value = sum(step_times(problem, where))
        violations += certificate_violations(("time",), (value,), solution)
    return violations


def step_times(problem: TieredProblem, where: Where) -> list[int]:
    """Return the ticks of each step."""
    copied = [0] * len(problem.compute)
    for _, size, step, _ in _moves(problem, where):
        copied[step] += size
    used: dict[tuple[str | None, int], int] = defaultdict(int)
    for tensor in problem.tensors:
        for use in tensor.uses:
            used[where[tensor.id][use.step], use.step] += use.bytes
    found = []
    for step, compute in enumerate(problem.compute):
        times = [compute]
        times += [-(-used[m.id, step] // m.bandwidth) for m in problem.memories]
        if problem.link is not None:
            times.append(-(-copied[step] // problem.link))
        found.append(max(times))
    return found


def _listed(problem: TieredProblem, solution: TieredSolution) -> Iterator[Violation]:
    tensors = {tensor.id: tensor for tensor in problem.tensors}
    memories = {memory.id for memory in problem.memories}
    for entry in solution.residences:
        if entry.tensor not in tensors:
            yield Violation("tensor", f"unknown tensor {entry.tensor!r}")
        elif entry.memory not in memories:
            yield Violation("memory", f"unknown memory {entry.memory!r}")
        else:
            yield from _span(problem, tensors[entry.tensor], entry)


def _span(problem: TieredProblem, tensor: Tensor, entry: Residence) -> Iterator[Violation]:
    end = len(problem.compute) if tensor.end is None else tensor.end
    if not tensor.start <= entry.since < entry.until <= end:
        yield Violation("residence", f"{tensor.id!r} in steps {entry.since} to {entry.until}")


def _located(problem: TieredProblem, solution: TieredSolution) -> tuple[Where, list[Violation]]:
    steps = len(problem.compute)
    where: Where = {tensor.id: [None] * steps for tensor in problem.tensors}
    violations = []
    for entry in solution.residences:
        row = where[entry.tensor]
        if any(row[step] is not None for step in range(entry.since, entry.until)):
            violations.append(Violation("residence", f"{entry.tensor!r} in two places at once"))
        row[entry.since : entry.until] = [entry.memory] * (entry.until - entry.since)
    for tensor in problem.tensors:
        row = where[tensor.id]
        for step in range(tensor.start, steps if tensor.end is None else tensor.end):
            if row[step] is None and tensor.home is None:
                violations.append(Violation("residence", f"{tensor.id!r} nowhere in step {step}"))
                break
            row[step] = row[step] or tensor.home
    return where, violations


def _moves(problem: TieredProblem, where: Where) -> Iterator[tuple[str, int, int, str]]:
    """Yield tensor, size, step and destination of each copy; step -1: there is none before."""
    for tensor in problem.tensors:
        row = where[tensor.id]
        end = len(row) if tensor.end is None else tensor.end
        first = row[tensor.start]
        if tensor.home is not None and first is not None and first != tensor.home:
            yield tensor.id, tensor.size, tensor.start - 1, first
        for step in range(tensor.start + 1, end):
            there = row[step]
            if there is not None and there not in (row[step - 1], tensor.home):
                yield tensor.id, tensor.size, step - 1, there


def _copies(problem: TieredProblem, where: Where) -> Iterator[Violation]:
    for name, _, step, there in _moves(problem, where):
        if step < 0:
            yield Violation("copy", f"{name!r} in {there!r} before any step could copy it")
        elif problem.link is None:
            yield Violation("copy", f"{name!r} to {there!r} in step {step} without a link")


def _capacities(problem: TieredProblem, where: Where) -> Iterator[Violation]:
    taken: dict[tuple[str, int], int] = defaultdict(int)
    homes: dict[str, int] = defaultdict(int)
    for tensor in problem.tensors:
        row = where[tensor.id]
        if tensor.home is not None:
            homes[tensor.home] += tensor.size
        for step in range(tensor.start, len(row) if tensor.end is None else tensor.end):
            there = row[step]
            if there is not None and there != tensor.home:
                taken[there, step] += tensor.size
    for _, size, step, there in _moves(problem, where):
        taken[there, step] += size
    for memory in problem.memories:
        for step in range(len(problem.compute)):
            held = taken[memory.id, step] + homes[memory.id]
            excess = held - (memory.capacity or held)
            if excess > 0:
                yield Violation("capacity", f"{memory.id!r} in step {step}", excess, "bytes")
