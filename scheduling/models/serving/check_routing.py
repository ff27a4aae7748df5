"""Whether the flows of a serving fleet can be served: capacities, roles, KV caches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import floor

from scheduling.models.base import Violation
from scheduling.models.serving.problem import (
    KV_SCALE,
    RATE_SCALE,
    TIME_SCALE,
    Scenario,
    ServingProblem,
    Template,
)
from scheduling.models.serving.solution import Flow, ServingSolution

NOMINAL = None
"""Stands for the given rates among the names of scenarios."""


class Routing:
    """The flows of a solution, summed in the ways that its rules need."""

    def __init__(self, problem: ServingProblem, solution: ServingSolution) -> None:
        self.roles = {template.id: template.role for template in problem.templates}
        self.scenarios: list[str | None] = [NOMINAL, *(entry.id for entry in problem.scenarios)]
        self._scenario: dict[str | None, Scenario] = {NOMINAL: Scenario(id="given")}
        self._scenario |= {entry.id: entry for entry in problem.scenarios}
        self._demands = {demand.id: demand for demand in problem.demands}
        self._flows: dict[tuple[str | None, str], list[Flow]] = defaultdict(list)
        for flow in solution.flows:
            self._flows[flow.scenario, flow.demand].append(flow)

    def asked(self, demand: str, scenario: str | None) -> int | None:
        """Rate of a demand in millionths; ``None`` when anything is welcome."""
        rate = self._demands[demand].requests_per_second
        if rate is None:
            return None
        factors = self._scenario[scenario]
        factor = Fraction(str(factors.demands.get(demand, factors.all_demands)))
        return max(1, round(Fraction(str(rate)) * RATE_SCALE * factor))

    def by_role(self, demand: str, scenario: str | None, *roles: str) -> int:
        """Flow of a demand through templates of some roles."""
        flows = self._flows[scenario, demand]
        return sum(f.micro_requests_per_second for f in flows if self.roles[f.template] in roles)

    def served(self, demand: str, scenario: str | None) -> int:
        """Flow of a demand that is served."""
        return self.by_role(demand, scenario, "both", "prefill")

    def rate_factor(self, template: str, scenario: str | None) -> Fraction:
        """Return the factor of a scenario on the rates of a template."""
        factors = self._scenario[scenario]
        return Fraction(str(factors.rates.get(template, factors.all_rates)))


def routing_violations(
    problem: ServingProblem, solution: ServingSolution, routing: Routing
) -> Iterator[Violation]:
    """Yield every flow that the fleet cannot serve or that nobody asks for."""
    yield from _asked(problem, routing)
    yield from _capacities(problem, solution, routing)
    if problem.kv_affinity == "low":
        yield from _matched_on_sites(problem, solution)
    else:
        yield from _matched(problem, routing)
        yield from _bandwidths(problem, solution)


def _asked(problem: ServingProblem, routing: Routing) -> Iterator[Violation]:
    if "goodput" in problem.goals:
        return
    for demand in problem.demands:
        for scenario in routing.scenarios:
            asked, served = routing.asked(demand.id, scenario), routing.served(demand.id, scenario)
            if asked is not None and served > asked:
                where = f"more of {demand.id!r} served than asked for"
                yield Violation("demand", where, served - asked, "micro requests/s")


def _capacities(
    problem: ServingProblem, solution: ServingSolution, routing: Routing
) -> Iterator[Violation]:
    templates = {template.id: template for template in problem.templates}
    replicas = {fleet.template: fleet.replicas for fleet in solution.fleets}
    busy: dict[tuple[str, str | None, int | None], int] = defaultdict(int)
    for flow in solution.flows:
        template = templates[flow.template]
        fastest = max(Fraction(str(rate)) for rate in template.rates.values())
        each = floor(TIME_SCALE * fastest / Fraction(str(template.rates[flow.demand])))
        busy[flow.template, flow.scenario, flow.site] += flow.micro_requests_per_second * each
        paired = problem.kv_affinity == "low" and template.role != "both"
        if paired != (flow.site is not None):
            yield Violation("site", f"flow of {flow.demand!r} by {flow.template!r}")
    for (name, scenario, number), load in busy.items():
        template, factor = templates[name], routing.rate_factor(name, scenario)
        if number is None:
            count = together = replicas.get(name, 0)
        else:
            together = solution.sites[number].replicas.get(name, 0)
            count = together * len(solution.sites[number].places)
        room = TIME_SCALE * count * _share(template, together, factor)
        if load > room:
            where = f"template {name!r}" + ("" if scenario is None else f" under {scenario!r}")
            yield Violation("capacity", where, (load - room) / TIME_SCALE, "micro requests/s")


def _share(template: Template, together: int, factor: Fraction) -> int:
    """Return what one of so many replicas brings."""
    if not together:
        return 0
    ceiling = template.ceilings[min(together, len(template.ceilings)) - 1]
    fastest = max(Fraction(str(rate)) for rate in template.rates.values())
    return floor(Fraction(str(ceiling)) * fastest * RATE_SCALE * factor)


def _matched(problem: ServingProblem, routing: Routing) -> Iterator[Violation]:
    for demand in problem.demands:
        for scenario in routing.scenarios:
            first = routing.by_role(demand.id, scenario, "prefill")
            second = routing.by_role(demand.id, scenario, "decode")
            if first != second:
                where = f"{demand.id!r}: {first} prefilled, {second} decoded"
                yield Violation("roles", where, abs(first - second), "micro requests/s")


def _matched_on_sites(problem: ServingProblem, solution: ServingSolution) -> Iterator[Violation]:
    roles = {template.id: template.role for template in problem.templates}
    balance: dict[tuple[str, str | None, int], int] = defaultdict(int)
    for flow in solution.flows:
        if flow.site is not None:
            sign = 1 if roles[flow.template] == "prefill" else -1
            key = flow.demand, flow.scenario, flow.site
            balance[key] += sign * flow.micro_requests_per_second
    for (demand, _, site), difference in balance.items():
        if difference:
            where = f"{demand!r} on site {site}"
            yield Violation("roles", where, abs(difference), "micro requests/s")


def _bandwidths(problem: ServingProblem, solution: ServingSolution) -> Iterator[Violation]:
    templates = {template.id: template for template in problem.templates}
    pools = {pool.id: pool for pool in problem.pools}
    size = {d.id: -(-d.kv_bytes_per_request // KV_SCALE) for d in problem.demands}
    moved: dict[tuple[str, str, str | None], int] = defaultdict(int)
    for flow in solution.flows:
        template = templates[flow.template]
        if template.role != "both":
            key = template.pool, template.role, flow.scenario
            moved[key] += flow.micro_requests_per_second * size[flow.demand]
    for (name, role, _), amount in moved.items():
        pool = pools[name]
        if pool.kv_bytes_per_second is not None:
            room = Fraction(str(pool.kv_bytes_per_second)) * (pool.nodes or 0)
            used = Fraction(amount * KV_SCALE, RATE_SCALE)
            if used > room:
                where = f"KV caches of {role} replicas in pool {name!r}"
                yield Violation("kv_bandwidth", where, float(used - room), "bytes/s")
