"""Independent check of expert placements, in exact fractions.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)
from scheduling.models.experts.problem import LOAD_SCALE, ExpertProblem
from scheduling.models.experts.solution import ExpertSolution

Filled = dict[str, Counter[str]]
"""For each device, how many copies of each expert it has."""


def check_experts(problem: ExpertProblem, solution: ExpertSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "places experts" if solution.fillings else None
        free = problem.max_load is None and not problem.hierarchical
        why = "there is a slot for each expert and no limit" if free else None
        return list(claims_without_answer(solution, does, "a placement", why))
    unknown = list(_unknown(problem, solution))
    if unknown:
        return unknown
    filled = fillings_of(solution)
    violations = [*_slots(problem, filled), *_copies(problem, filled)]
    if problem.hierarchical:
        violations += _groups(problem, filled)
    if not violations:
        violations += _largest(problem, filled)
        values = _tier_values(problem, filled)
        violations += certificate_violations(problem.goals, values, solution)
    return violations


def fillings_of(solution: ExpertSolution) -> Filled:
    """Count the copies on every device of a solution."""
    return {entry.device: Counter(entry.experts) for entry in solution.fillings}


def device_loads(problem: ExpertProblem, filled: Filled) -> dict[str, Fraction]:
    """Return the exact load of every device."""
    copies: Counter[str] = Counter()
    for counts in filled.values():
        copies.update(counts)
    share = {e.id: Fraction(e.load, copies[e.id]) for e in problem.experts if copies[e.id]}
    return {
        name: sum((share[expert] * count for expert, count in counts.items()), Fraction(0))
        for name, counts in filled.items()
    }


def _unknown(problem: ExpertProblem, solution: ExpertSolution) -> Iterator[Violation]:
    experts = {expert.id for expert in problem.experts}
    devices = {device.id for device in problem.devices}
    listed = (entry.device for entry in solution.fillings)
    yield from listing_violations("device", listed, devices, "listed", None)
    for entry in solution.fillings:
        for name in set(entry.experts) - experts:
            yield Violation("expert", f"unknown expert {name!r}")


def _slots(problem: ExpertProblem, filled: Filled) -> Iterator[Violation]:
    for device in problem.devices:
        count = filled.get(device.id, Counter()).total()
        if count != device.slots:
            amount = abs(count - device.slots)
            yield Violation("slots", f"{count} copies on {device.id!r}", amount, "copies")


def _copies(problem: ExpertProblem, filled: Filled) -> Iterator[Violation]:
    present = {name for counts in filled.values() for name in counts}
    for expert in problem.experts:
        if expert.id not in present:
            yield Violation("copies", f"expert {expert.id!r} stands nowhere", 1, "copies")


def _groups(problem: ExpertProblem, filled: Filled) -> Iterator[Violation]:
    group = {expert.id: expert.group for expert in problem.experts}
    nodes_of: dict[str | None, set[str | None]] = defaultdict(set)
    for device in problem.devices:
        for name in filled.get(device.id, ()):
            nodes_of[group[name]].add(device.node)
    for label, nodes in nodes_of.items():
        if len(nodes) > 1:
            yield Violation("group", f"group {label!r} on {len(nodes)} nodes")
    held = Counter(node for nodes in nodes_of.values() for node in nodes)
    each = len(set(group.values())) // len({device.node for device in problem.devices})
    for machine, count in held.items():
        if count != each:
            yield Violation("group", f"{count} groups on node {machine!r}", abs(count - each))


def _largest(problem: ExpertProblem, filled: Filled) -> Iterator[Violation]:
    if problem.max_load is None:
        return
    for name, load in device_loads(problem, filled).items():
        if load > Fraction(problem.max_load):
            excess = float(load - Fraction(problem.max_load))
            yield Violation("max_load", f"device {name!r}", excess, "load")


def _tier_values(problem: ExpertProblem, filled: Filled) -> list[int]:
    size = {expert.id: expert.size for expert in problem.experts}
    values = {
        "load": ceil(LOAD_SCALE * max(device_loads(problem, filled).values())),
        "bytes": sum(
            size[name]
            for device in problem.devices
            for name in filled[device.id]
            if name not in device.holds
        ),
    }
    return [values[goal] for goal in problem.goals]
