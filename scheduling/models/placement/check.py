"""Independent check of placements: recomputes everything from the problem's definition.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.placement.check_gangs import gang_violations
from scheduling.models.placement.check_goals import Outcome, goal_value
from scheduling.models.placement.check_interference import interference_violations
from scheduling.models.placement.check_neighbours import neighbour_violations, selects
from scheduling.models.placement.check_nodes import node_violations
from scheduling.models.placement.check_parts import Uses, part_violations, same_parts
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution

Placed = dict[str, str]
"""Node of each placed item."""


def check_placement(problem: PlacementProblem, solution: PlacementSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "places items" if solution.placements else None
        return list(claims_without_answer(solution, does, "a placement"))
    placed, uses, violations = _place(problem, solution)
    arrivals = _arrivals(problem, placed, uses)
    inside = list(part_violations(problem, placed, uses, arrivals))
    violations += node_violations(problem, placed, arrivals)
    violations += neighbour_violations(problem, placed, arrivals)
    violations += interference_violations(problem, placed, arrivals)
    violations += inside
    violations += gang_violations(problem, placed, arrivals)
    violations += _disturbed(problem, placed, arrivals)
    violations += _quotas(problem, placed)
    if any(entry.constraint == "parts" for entry in inside):
        return violations
    values = _tier_values(problem, placed, uses, arrivals)
    violations += certificate_violations(problem.tier_names, values, solution)
    return violations


def _place(
    problem: PlacementProblem, solution: PlacementSolution
) -> tuple[Placed, Uses, list[Violation]]:
    items = {item.id for item in problem.items}
    nodes = {node.id for node in problem.nodes}
    placed: Placed = {}
    uses: Uses = {}
    violations: list[Violation] = []
    for entry in solution.placements:
        if entry.item not in items:
            violations.append(Violation("item", f"unknown item {entry.item!r}"))
        elif entry.node not in nodes:
            violations.append(Violation("node", f"unknown node {entry.node!r}"))
        elif entry.item in placed:
            violations.append(Violation("item", f"item {entry.item!r} placed more than once"))
        else:
            placed[entry.item] = entry.node
            uses[entry.item] = entry.parts
    return placed, uses, violations


def _arrivals(problem: PlacementProblem, placed: Placed, uses: Uses) -> frozenset[str]:
    """Return the placed items that do not simply stay: pending ones, and those that move."""
    return frozenset(
        item.id
        for item in problem.items
        if item.id in placed
        and not (placed[item.id] == item.node and same_parts(uses[item.id], item.parts))
    )


def _disturbed(
    problem: PlacementProblem, placed: Placed, arrivals: frozenset[str]
) -> Iterator[Violation]:
    running = [item for item in problem.items if item.node is not None]
    disturbed = [item for item in running if item.id in arrivals or item.id not in placed]
    if problem.max_moves is not None and len(disturbed) > problem.max_moves:
        excess = len(disturbed) - problem.max_moves
        yield Violation("max_moves", f"{len(disturbed)} items disturbed", excess, "items")
    for budget in problem.budgets:
        exempt = set(budget.exempt)
        hit = sum(
            item.namespace == budget.namespace
            and selects(budget.selector, item.labels)
            and item.id not in exempt
            for item in disturbed
        )
        if hit > budget.allowed:
            yield Violation("budget", f"budget {budget.id!r}", hit - budget.allowed, "items")


def _quotas(problem: PlacementProblem, placed: Placed) -> Iterator[Violation]:
    for quota in problem.quotas:
        named = None if quota.members is None else set(quota.members)
        members = [
            item
            for item in problem.items
            if item.namespace == quota.namespace and (named is None or item.id in named)
        ]
        for resource, limit in quota.limits.items():
            now = sum(i.demands.get(resource, 0) for i in members if i.node is not None)
            then = sum(i.demands.get(resource, 0) for i in members if i.id in placed)
            if then > max(limit, now):
                where = f"quota {quota.id!r}, {resource!r}"
                yield Violation("quota", where, then - max(limit, now), "units")


def _tier_values(
    problem: PlacementProblem, placed: Placed, uses: Uses, arrivals: frozenset[str]
) -> list[int]:
    missing = Counter(item.priority for item in problem.items if item.id not in placed)
    at = Outcome(placed, uses, arrivals)
    values = [missing[priority] for priority in problem.priorities]
    return values + [goal_value(problem, at, goal) for goal in problem.goals] or [0]
