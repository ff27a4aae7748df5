"""Independent check of serving fleets, in exact fractions of the numbers as they are written.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)
from scheduling.models.serving.check_places import place_violations
from scheduling.models.serving.check_routing import NOMINAL, Routing, routing_violations
from scheduling.models.serving.problem import (
    COST_SCALE,
    GOODPUT_SCALE,
    MAXIMISED,
    RATE_UNIT,
    ServingProblem,
)
from scheduling.models.serving.solution import ServingSolution


def check_serving(problem: ServingProblem, solution: ServingSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "has a fleet" if solution.fleets or solution.flows else None
        return list(claims_without_answer(solution, does, "a fleet"))
    unknown = list(_unknown(problem, solution))
    if unknown:
        return unknown
    replicas = {fleet.template: fleet.replicas for fleet in solution.fleets}
    routing = Routing(problem, solution)
    violations = [
        *_limits(problem, replicas),
        *_types(problem, replicas),
        *place_violations(problem, solution),
        *routing_violations(problem, solution, routing),
        *_met(problem, routing),
    ]
    if not violations:
        values = [_value(goal, problem, replicas, routing) for goal in problem.goals]
        senses = ["max" if goal in MAXIMISED else "min" for goal in problem.goals]
        violations += certificate_violations(problem.goals, values, solution, senses)
    return violations


def _unknown(problem: ServingProblem, solution: ServingSolution) -> Iterator[Violation]:
    templates = {template.id: template for template in problem.templates}
    demands = {demand.id for demand in problem.demands}
    scenarios = {scenario.id for scenario in problem.scenarios}
    listed = (fleet.template for fleet in solution.fleets)
    yield from listing_violations("template", listed, templates, "listed", None)
    for site in solution.sites:
        for name in set(site.replicas) - set(templates):
            yield Violation("template", f"unknown template {name!r}")
    for flow in solution.flows:
        if flow.template not in templates:
            yield Violation("template", f"unknown template {flow.template!r}")
        elif flow.demand not in templates[flow.template].rates:
            where = f"template {flow.template!r} does not serve {flow.demand!r}"
            yield Violation("demand", where)
        if flow.demand not in demands:
            yield Violation("demand", f"unknown demand {flow.demand!r}")
        if flow.scenario is not None and flow.scenario not in scenarios:
            yield Violation("scenario", f"unknown scenario {flow.scenario!r}")
        if flow.site is not None and flow.site >= len(solution.sites):
            yield Violation("site", f"unknown site {flow.site}")
    keys = Counter((f.demand, f.template, f.scenario, f.site) for f in solution.flows)
    for key, count in keys.items():
        if count > 1:
            yield Violation("flow", f"{key[0]!r} by {key[1]!r} listed {count} times")


def totals_of(problem: ServingProblem, replicas: Mapping[str, int]) -> dict[str, int]:
    """Return GPUs, cost, watts and moves of a fleet; 0 for what is not known."""
    pools = {pool.id: pool for pool in problem.pools}
    running = {entry.template: entry.replicas for entry in problem.running}
    found = dict.fromkeys(("gpus", "cost", "watts", "moves"), 0)
    for template in problem.templates:
        count, pool = replicas.get(template.id, 0), pools[template.pool]
        size = template.layout.tp * template.layout.pp * template.layout.dp
        watts = Fraction(0)
        if template.watts is not None:
            watts = Fraction(str(template.watts))
        elif pool.watts is not None:
            watts = Fraction(str(pool.watts)) * size
        price = 0 if pool.price_per_hour is None else Fraction(str(pool.price_per_hour))
        found["gpus"] += count * size
        found["cost"] += count * size * round(price * COST_SCALE)
        found["watts"] += count * ceil(watts)
        found["moves"] += abs(count - running.get(template.id, 0))
    return found


def _limits(problem: ServingProblem, replicas: Mapping[str, int]) -> Iterator[Violation]:
    totals, limits = totals_of(problem, replicas), problem.limits
    stated: dict[str, tuple[float | None, int]] = {
        "gpus": (limits.gpus, 1),
        "cost": (limits.cost_per_hour, COST_SCALE),
        "watts": (limits.watts, 1),
        "moves": (limits.moves, 1),
    }
    for name, (limit, scale) in stated.items():
        if limit is not None and totals[name] > Fraction(str(limit)) * scale:
            excess = float(totals[name] - Fraction(str(limit)) * scale)
            yield Violation(name, f"{totals[name]} in all", excess, "units")


def _types(problem: ServingProblem, replicas: Mapping[str, int]) -> Iterator[Violation]:
    most = problem.limits.templates_per_role
    if most is None:
        return
    used = Counter((t.model, t.role) for t in problem.templates if replicas.get(t.id, 0))
    for (model, role), count in used.items():
        if count > most:
            where = f"{count} templates of model {model!r} in role {role}"
            yield Violation("templates_per_role", where, count - most, "templates")


def _met(problem: ServingProblem, routing: Routing) -> Iterator[Violation]:
    if {"unserved", "goodput", "rate"} & set(problem.goals):
        return
    for scenario in routing.scenarios:
        missing = _missing(problem, routing, scenario)
        if _nearest(missing) > 0:
            where = f"scenario {scenario!r}" if scenario != NOMINAL else "the given rates"
            yield Violation("demand", f"not all served under {where}", missing, "micro requests/s")


def _missing(problem: ServingProblem, routing: Routing, scenario: str | None) -> int:
    return sum(
        max(0, (routing.asked(demand.id, scenario) or 0) - routing.served(demand.id, scenario))
        for demand in problem.demands
    )


def _nearest(micro: int) -> int:
    return floor(Fraction(micro, RATE_UNIT) + Fraction(1, 2))


def _value(
    goal: str, problem: ServingProblem, replicas: Mapping[str, int], routing: Routing
) -> int:
    scenarios = routing.scenarios
    if goal == "unserved":
        return max(_nearest(_missing(problem, routing, scenario)) for scenario in scenarios)
    if goal == "rate":
        return min(
            _nearest(sum(routing.served(demand.id, scenario) for demand in problem.demands))
            for scenario in scenarios
        )
    if goal == "goodput":
        return min(
            floor(
                Fraction(routing.served(demand.id, scenario) * GOODPUT_SCALE)
                / (routing.asked(demand.id, scenario) or 1)
                + Fraction(1, 2)
            )
            for demand in problem.demands
            for scenario in scenarios
        )
    return totals_of(problem, replicas)[goal]
