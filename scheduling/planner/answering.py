"""Turns the answer to a serving problem into the plan of a fleet, with predictions."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from scheduling.models.base import Status, TierValue
from scheduling.models.serving import problem as serving
from scheduling.models.serving.plan import (
    Component,
    NodeShare,
    Prediction,
    Route,
    ServingPlan,
)
from scheduling.models.serving.solution import Fleet as Replicas
from scheduling.models.serving.solution import Flow, ServingSolution
from scheduling.models.serving.units import natural
from scheduling.planner.candidates import Candidate, slug
from scheduling.planner.resolve import Resolved

_NAME = 63
"""Longest name in Kubernetes."""

_SPARE_TOKENS = 256
"""Longest sequences are rounded up to a multiple of this."""


def shown_tier(solution: ServingSolution) -> TierValue | None:
    """Return the tier whose objective, bound and gap are the answer's."""
    tiers = solution.tiers
    return next((tier for tier in tiers if not tier.closed), tiers[0] if tiers else None)


def outcome(solution: ServingSolution) -> Status:
    """Return what is known of the plan that a solution stands for.

    Replicas that serve nothing are no plan: it is proven that there is none where the most that
    can be served is proven to be nothing.
    """
    if solution.objective is None or solution.fleets:
        return solution.status
    most = solution.tiers[0]
    return Status.INFEASIBLE if most.name == "goodput" and most.closed else Status.UNKNOWN


def planned(
    resolved: Resolved, kept: Sequence[Candidate], solution: ServingSolution
) -> ServingPlan | None:
    """Return the plan that a solution stands for; ``None`` when it has none, or serves nothing."""
    if not solution.fleets:
        return None
    known = {one.id: one for one in kept}
    names = _names([known[fleet.template] for fleet in solution.fleets])
    components = [
        _component(names[fleet.template], known[fleet.template], fleet, solution)
        for fleet in solution.fleets
    ]
    routes = [
        Route(
            demand=flow.demand,
            component=names[flow.template],
            requests_per_second=flow.micro_requests_per_second / serving.RATE_SCALE,
        )
        for flow in _merged(solution)
    ]
    tier = shown_tier(solution)
    name = tier.name if tier else resolved.fleet.goals[0]
    return ServingPlan(
        name=resolved.fleet.name or "fleet",
        components=tuple(components),
        routes=tuple(routes),
        gpus=sum(component.gpus for component in components),
        cost_per_hour=_cost(resolved, components),
        watts=sum(c.prediction.watts or 0.0 for c in components),
        objective_name=name,
        status=solution.status.value,
        objective=natural(name, solution.objective),
        bound=natural(name, solution.bound),
        gap=solution.gap,
    )


def _cost(resolved: Resolved, components: Sequence[Component]) -> float | None:
    prices = {pool.name: pool.price_per_hour for pool in resolved.pools}
    known = [(prices[component.pool], component.gpus) for component in components]
    if any(price is None for price, _ in known):
        return None
    return sum(price * gpus for price, gpus in known if price is not None)


def _merged(solution: ServingSolution) -> list[Flow]:
    """Flows at the given rates, one for each demand and template."""
    total: dict[tuple[str, str], int] = {}
    for flow in solution.flows:
        if flow.scenario is None:
            key = flow.demand, flow.template
            total[key] = total.get(key, 0) + flow.micro_requests_per_second
    return [
        Flow(demand=demand, template=template, micro_requests_per_second=rate)
        for (demand, template), rate in total.items()
    ]


def _names(chosen: Sequence[Candidate]) -> dict[str, str]:
    """Name components after model, role and, where needed, pool and number."""
    names: dict[str, str] = {}
    for one in chosen:
        base = slug(f"{one.model.name}-{one.role}")[: _NAME - 24].rstrip("-")
        same = [c for c in chosen if c.model is one.model and c.role == one.role]
        if len(same) > 1:
            base = f"{base}-{slug(one.pool.name)[:18]}".rstrip("-")
        name, number = base, 2
        while name in names.values():
            name, number = f"{base}-{number}", number + 1
        names[one.id] = name
    return names


def _component(name: str, one: Candidate, fleet: Replicas, solution: ServingSolution) -> Component:
    layout, llm = one.layout, one.model.llm
    longest = max(
        load.requests.prompt.quantile(0.999) + load.requests.output.quantile(0.999)
        for load in one.loads
    )
    tokens = ceil(longest / _SPARE_TOKENS) * _SPARE_TOKENS
    return Component(
        name=name,
        model=one.model.name,
        huggingface=llm.huggingface,
        role=one.role,
        pool=one.pool.name,
        gpu=one.pool.gpu.name,
        replicas=fleet.replicas,
        layout=layout,
        precision=one.precision,
        attention=llm.attention.kind,
        nodes_per_replica=one.pool.nodes_for(layout) or 1,
        max_sequences=one.sized.sequences,
        token_budget=one.sized.token_budget,
        max_tokens=tokens if llm.max_tokens is None else min(tokens, llm.max_tokens),
        memory_share=one.memory_share,
        places=tuple(
            tuple(NodeShare(node=f"{one.pool.name}-{use.node}", gpus=use.gpus) for use in place)
            for place in fleet.places
        ),
        prediction=_prediction(one, fleet.replicas, solution),
    )


def _prediction(one: Candidate, replicas: int, solution: ServingSolution) -> Prediction:
    """Expect at the planned rates; percentiles are those of the targets."""
    served = {
        flow.demand: flow.micro_requests_per_second / serving.RATE_SCALE
        for flow in _merged(solution)
        if flow.template == one.id
    }
    busy = sum(rate / one.sized.rates[demand] for demand, rate in served.items()) / replicas
    return Prediction(
        requests_per_second=sum(served.values()),
        ttft_seconds=one.sized.first_token(replicas, busy, served.keys()),
        tpot_seconds=one.sized.tpot_seconds,
        utilisation=busy,
        watts=one.watts * replicas,
        provenance=one.sized.provenance.name.lower(),
    )
