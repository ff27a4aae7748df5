"""Independent check of flows over spines: what each link carries, link by link."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.spines.problem import LeafSpine
from scheduling.models.spines.solution import LeafSpineSolution

_MISSING = 1e-9
"""Share of a flow that may be missing or too much."""


def check_spines(problem: LeafSpine, solution: LeafSpineSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "places flows" if solution.parts else None
        why = "every flow may go over one spine"
        return list(claims_without_answer(solution, does, "parts", why))
    violations = list(_parts(problem, solution))
    if not violations:
        values = (_congestion(problem, solution), len(solution.parts) - len(problem.flows))
        violations += certificate_violations(("congestion", "splits"), values, solution)
    return violations


def _parts(problem: LeafSpine, solution: LeafSpineSolution) -> Iterator[Violation]:
    sizes: dict[int, list[float]] = defaultdict(list)
    for part in solution.parts:
        sizes[part.flow].append(part.size)
        if part.flow >= len(problem.flows):
            yield Violation("flow", f"unknown flow {part.flow}")
        if part.spine >= problem.spines:
            yield Violation("spine", f"unknown spine {part.spine}")
    for (flow, spine), count in Counter((x.flow, x.spine) for x in solution.parts).items():
        if count > 1:
            yield Violation("part", f"{count} parts of flow {flow} on spine {spine}")
    for number, whole in enumerate(problem.flows):
        off = abs(math.fsum(sizes[number]) - whole.size)
        if off > _MISSING * whole.size:
            yield Violation("flow", f"{math.fsum(sizes[number])} of flow {number}", off, "size")


def _congestion(problem: LeafSpine, solution: LeafSpineSolution) -> float:
    """Return the load of the busiest link, to the nearest step."""
    links: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for part in solution.parts:
        flow = problem.flows[part.flow]
        links["up", flow.source, part.spine].append(part.size)
        links["down", flow.target, part.spine].append(part.size)
    step, _ = problem.steps
    busiest = max(map(math.fsum, links.values()))
    return float(round(Fraction(busiest) / step) * step)
