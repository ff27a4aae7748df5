"""Independent check of packings."""

from __future__ import annotations

from collections import Counter

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations
from scheduling.models.packing.problem import PackingProblem
from scheduling.models.packing.solution import PackingSolution


def check_packing(problem: PackingProblem, solution: PackingSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status is Status.INFEASIBLE:
        return [Violation("status", "infeasible although a chunk for each sequence will do")]
    if solution.status is Status.UNKNOWN:
        stated = solution.chunks or solution.objective is not None
        return [Violation("status", "unknown although something is stated")] if stated else []
    violations = []
    size = problem.chunk_tokens
    count = Counter(sequence for chunk in solution.chunks for sequence in chunk)
    for sequence, times in count.items():
        if sequence >= len(problem.lengths):
            violations.append(Violation("sequence", f"unknown sequence {sequence}"))
        elif problem.lengths[sequence] > size:
            violations.append(Violation("sequence", f"{sequence} is too long for a shared chunk"))
        elif times > 1:
            violations.append(Violation("sequence", f"{sequence} packed {times} times"))
    for sequence, length in enumerate(problem.lengths):
        if length <= size and sequence not in count:
            violations.append(Violation("sequence", f"{sequence} is not packed"))
    if violations:
        return violations
    for number, chunk in enumerate(solution.chunks):
        tokens = sum(problem.lengths[sequence] for sequence in chunk)
        if tokens > size:
            where = f"{tokens} tokens in chunk {number}"
            violations.append(Violation("chunk", where, tokens - size, "tokens"))
        if not chunk:
            violations.append(Violation("chunk", f"chunk {number} is empty"))
    if violations:
        return violations
    long = sum(-(-length // size) for length in problem.lengths if length > size)
    return list(certificate_violations(("chunks",), (len(solution.chunks) + long,), solution))
