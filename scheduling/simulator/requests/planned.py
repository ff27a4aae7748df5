"""A serving plan as a deployment that can be simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scheduling.errors import Fault, InputError
from scheduling.models.cost.protocol import CostModel
from scheduling.models.serving.plan import Component, ServingPlan
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.policies.composition import Sarathi

DEFAULT_SEQUENCES = 128
DEFAULT_BUDGET = 2048
"""What vLLM takes where a plan says nothing: requests in a batch, tokens of an iteration."""


def planned_deployment(
    plan: ServingPlan,
    costs: Mapping[str, CostModel],
    kv_tokens: Mapping[str, int],
    link: Callable[[Component, Component], Link] | None = None,
) -> Deployment:
    """Return the fleet of a plan, with Sarathi-Serve's batches on every replica.

    A demand whose routes name prefill components goes on to the decode components of its routes,
    from each to all in proportion to their rates.

    Parameters
    ----------
    plan
        The plan; its routes say who serves whom, by rate.
    costs
        Cost model of one replica, by component.
    kv_tokens
        Tokens of KV cache that one replica holds, by component.
    link
        How KV gets from a prefill component to a decode component; needed when there are any.

    Raises
    ------
    InputError
        When a component has no cost model or KV capacity, routes name no component, a demand has
        prefill without decode or decode without prefill, or ``link`` is missing.
    """
    faults = [
        Fault(f"{place}[{component.name!r}]", "nothing", "an entry of every component")
        for component in plan.components
        for place, known in (("costs", costs), ("kv_tokens", kv_tokens))
        if component.name not in known
    ]
    named = {component.name: component for component in plan.components}
    faults += [
        Fault(f"routes[{row}].component", route.component, "a component of the plan")
        for row, route in enumerate(plan.routes)
        if route.component not in named
    ]
    if faults:
        raise InputError(faults)
    groups = tuple(
        Group(
            name=component.name,
            cost=costs[component.name],
            kv_tokens=kv_tokens[component.name],
            role=component.role,
            replicas=component.replicas,
            max_sequences=component.max_sequences or DEFAULT_SEQUENCES,
            composition=Sarathi(component.token_budget or DEFAULT_BUDGET),
        )
        for component in plan.components
    )
    flows: list[Flow] = []
    for demand in dict.fromkeys(route.demand for route in plan.routes):
        flows += _demand_flows(plan, demand, named, link)
    return Deployment(groups, tuple(flows))


def _demand_flows(
    plan: ServingPlan,
    demand: str,
    named: Mapping[str, Component],
    link: Callable[[Component, Component], Link] | None,
) -> list[Flow]:
    rates: dict[str, list[tuple[Component, float]]] = {"both": [], "prefill": [], "decode": []}
    for route in plan.routes:
        if route.demand == demand and route.requests_per_second > 0:
            component = named[route.component]
            rates[component.role].append((component, route.requests_per_second))
    if bool(rates["prefill"]) != bool(rates["decode"]):
        found = "prefill alone" if rates["prefill"] else "decode alone"
        raise InputError.single(f"routes of demand {demand!r}", found, "both or neither")
    flows = [Flow(demand, component.name, weight=rate) for component, rate in rates["both"]]
    decoded = sum(rate for _, rate in rates["decode"])
    for first, rate in rates["prefill"]:
        for second, share in rates["decode"]:
            if link is None:
                found = f"nothing from {first.name} to {second.name}"
                raise InputError.single("link", found, "how KV moves")
            weight = rate * share / decoded
            flows.append(Flow(demand, first.name, second.name, weight, link(first, second)))
    return flows
