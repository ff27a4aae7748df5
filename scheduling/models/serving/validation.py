"""Faults of serving problems that fields alone do not show."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.errors import Fault
from scheduling.models.faults import repeated
from scheduling.models.serving.problem import Pool, ServingProblem, Template


def find_faults(problem: ServingProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    return [
        *repeated("pools", (pool.id for pool in problem.pools)),
        *repeated("demands", (demand.id for demand in problem.demands)),
        *repeated("templates", (template.id for template in problem.templates)),
        *repeated("scenarios", (scenario.id for scenario in problem.scenarios)),
        *repeated("running", (entry.template for entry in problem.running)),
        *repeated("goals", problem.goals),
        *(fault for index, pool in enumerate(problem.pools) for fault in _pool(index, pool)),
        *_templates(problem),
        *_references(problem),
        *_open_demands(problem),
        *_goals(problem),
    ]


def _pool(index: int, pool: Pool) -> Iterator[Fault]:
    place = f"pools[{index}]"
    if pool.gpus is not None:
        for name in ("nodes", "gpus_per_node", "domain_gpus", "kv_bytes_per_second"):
            if getattr(pool, name) is not None:
                yield Fault(f"{place}.{name}", "given beside gpus", "either nodes or gpus")
        return
    if pool.nodes is None or pool.gpus_per_node is None:
        yield Fault(place, "no size", "nodes and gpus_per_node, or gpus")
        return
    domain, node = pool.domain or 1, pool.gpus_per_node
    if node % domain and domain % node:
        expected = f"a divisor or a multiple of the {node} GPUs of a node"
        yield Fault(f"{place}.domain_gpus", str(domain), expected)
    elif domain > node * pool.nodes:
        expected = f"at most the {node * pool.nodes} GPUs of the pool"
        yield Fault(f"{place}.domain_gpus", str(domain), expected)
    elif domain > node and (node * pool.nodes) % domain:
        expected = f"a divisor of the {node * pool.nodes} GPUs of the pool"
        yield Fault(f"{place}.domain_gpus", str(domain), expected)


def _templates(problem: ServingProblem) -> Iterator[Fault]:
    pools = {pool.id: pool for pool in problem.pools}
    demands = {demand.id: demand for demand in problem.demands}
    for index, template in enumerate(problem.templates):
        place = f"templates[{index}]"
        for name in template.rates:
            if name not in demands:
                yield Fault(f"{place}.rates", repr(name), "the id of a demand")
            elif demands[name].model != template.model:
                found = f"{name!r} of model {demands[name].model!r}"
                yield Fault(f"{place}.rates", found, f"a demand of model {template.model!r}")
        if list(template.ceilings) != sorted(template.ceilings):
            yield Fault(f"{place}.ceilings", "falling values", "values that never fall")
        if template.gpus % template.group:
            expected = f"a divisor of the {template.gpus} GPUs of a replica"
            yield Fault(f"{place}.domain_gpus", str(template.group), expected)
        if template.pool not in pools:
            yield Fault(f"{place}.pool", repr(template.pool), "the id of a pool")
        else:
            yield from _fits(place, template, pools[template.pool], problem.kv_affinity)


def _fits(place: str, template: Template, pool: Pool, affinity: str) -> Iterator[Fault]:
    node, domain = pool.gpus_per_node, pool.domain
    paired = affinity == "low" and template.role != "both"
    if node is None or domain is None:
        if paired:
            yield Fault(f"{place}.pool", "a pool without nodes", "nodes, as kv_affinity low asks")
        return
    if template.group > domain:
        expected = f"at most the {domain} GPUs of a domain of pool {pool.id!r}"
        yield Fault(f"{place}.domain_gpus", str(template.group), expected)
    elif template.group > node and template.group % node:
        expected = f"at most {node} or whole nodes of pool {pool.id!r}"
        yield Fault(f"{place}.domain_gpus", str(template.group), expected)
    elif paired and template.group > node:
        expected = f"at most the {node} GPUs of a node, as kv_affinity low asks"
        yield Fault(f"{place}.domain_gpus", str(template.group), expected)
    elif paired and domain < node:
        expected = f"domains of whole nodes in pool {pool.id!r}, as kv_affinity low asks"
        yield Fault(f"{place}.pool", f"domains of {domain} GPUs", expected)


def _references(problem: ServingProblem) -> Iterator[Fault]:
    demands = {demand.id for demand in problem.demands}
    templates = {template.id for template in problem.templates}
    for index, scenario in enumerate(problem.scenarios):
        for name in scenario.demands:
            if name not in demands:
                yield Fault(f"scenarios[{index}].demands", repr(name), "the id of a demand")
        for name in scenario.rates:
            if name not in templates:
                yield Fault(f"scenarios[{index}].rates", repr(name), "the id of a template")
    for index, entry in enumerate(problem.running):
        if entry.template not in templates:
            place = f"running[{index}].template"
            yield Fault(place, repr(entry.template), "the id of a template")


def _open_demands(problem: ServingProblem) -> Iterator[Fault]:
    if "rate" in problem.goals:
        return
    for index, demand in enumerate(problem.demands):
        if demand.requests_per_second is None:
            place = f"demands[{index}].requests_per_second"
            yield Fault(place, "nothing", "a rate, unless the goals have rate")


def _goals(problem: ServingProblem) -> Iterator[Fault]:
    if {"goodput", "rate"} <= set(problem.goals):
        yield Fault("goals", "goodput and rate", "one of the two")
    pools = {pool.id: pool for pool in problem.pools}
    used = [pools[template.pool] for template in problem.templates if template.pool in pools]
    priced = "cost" in problem.goals or problem.limits.cost_per_hour is not None
    powered = "watts" in problem.goals or problem.limits.watts is not None
    for index, pool in enumerate(problem.pools):
        if priced and pool in used and pool.price_per_hour is None:
            expected = "a price, as a goal or limit asks for"
            yield Fault(f"pools[{index}].price_per_hour", "nothing", expected)
    for index, template in enumerate(problem.templates):
        known = pools.get(template.pool)
        if powered and known is not None and template.watts is None and known.watts is None:
            expected = "watts of the template or its pool, as a goal or limit asks for"
            yield Fault(f"templates[{index}].watts", "nothing", expected)
