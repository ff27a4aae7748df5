"""The user's own constraints on a serving fleet, and problems without some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scheduling.models.serving.problem import Limits, Pool, ServingProblem
from scheduling.solvers.explain import Label

PLENTY = 64
"""A pool that is no constraint has so many times its size, for groups of every size."""

LARGE = 1024
"""Fewest GPUs of a pool that is no constraint."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One constraint: its label, what kind it is, and which entry of the problem it concerns."""

    label: Label
    kind: str
    index: int = 0


def rules_of(problem: ServingProblem) -> list[Rule]:
    """Return every constraint, in the order of the problem's fields."""
    return [
        *_pools(problem),
        *_demands(problem),
        *_limits(problem),
        *_scenarios(problem),
    ]


def _pools(problem: ServingProblem) -> Iterator[Rule]:
    for index, pool in enumerate(problem.pools):
        size = f"{pool.nodes} nodes" if pool.nodes is not None else f"{pool.size} GPUs"
        label = Label("pool", (pool.id,), f"pool {pool.id!r} has {size}")
        yield Rule(label, "pool", index)
        if pool.kv_bytes_per_second is not None:
            sentence = (
                f"each node of pool {pool.id!r} moves {pool.kv_bytes_per_second:g} bytes of KV "
                "cache a second"
            )
            yield Rule(Label("kv_bandwidth", (pool.id,), sentence), "kv_bandwidth", index)


def _demands(problem: ServingProblem) -> Iterator[Rule]:
    for index, demand in enumerate(problem.demands):
        if demand.requests_per_second is None:
            continue
        sentence = f"demand {demand.id!r} asks for {demand.requests_per_second:g} requests a second"
        yield Rule(Label("demand", (demand.id,), sentence), "demand", index)


def _limits(problem: ServingProblem) -> Iterator[Rule]:
    words = {
        "gpus": "at most {} GPUs",
        "cost_per_hour": "at most {} dollars an hour",
        "watts": "at most {} watts",
        "templates_per_role": "at most {} templates for each model and role",
        "moves": "at most {} replicas started and stopped",
    }
    for name, text in words.items():
        value = getattr(problem.limits, name)
        if value is not None:
            yield Rule(Label("limit", (name,), text.format(f"{value:g}")), name)


def _scenarios(problem: ServingProblem) -> Iterator[Rule]:
    for index, scenario in enumerate(problem.scenarios):
        sentence = f"scenario {scenario.id!r} is served as well"
        yield Rule(Label("scenario", (scenario.id,), sentence), "scenario", index)


def without(problem: ServingProblem, rules: Iterable[Rule]) -> ServingProblem:
    """Return the problem with some constraints taken away."""
    gone = {(rule.kind, rule.index) for rule in rules}
    kinds = {kind for kind, _ in gone}
    limits = {
        name: None if name in kinds else getattr(problem.limits, name)
        for name in Limits.model_fields
    }
    demands = {
        demand.id for index, demand in enumerate(problem.demands) if ("demand", index) in gone
    }
    if len(demands) == len(problem.demands):
        # A problem has a demand; one without a template is met by none, so the last one stays
        # with a rate that is none.
        demands.discard(problem.demands[0].id)
        problem = with_rate(problem, 0, 1e-6)
    pools = tuple(
        _pool(pool, plenty=("pool", n) in gone, free=("kv_bandwidth", n) in gone)
        for n, pool in enumerate(problem.pools)
    )
    templates = tuple(
        template.model_copy(
            update={"rates": {c: r for c, r in template.rates.items() if c not in demands}}
        )
        for template in problem.templates
    )
    kept = tuple(template for template in templates if template.rates)
    names = {template.id for template in kept}
    return problem.model_copy(
        update={
            "pools": pools,
            "demands": tuple(d for d in problem.demands if d.id not in demands),
            "templates": kept,
            "running": tuple(entry for entry in problem.running if entry.template in names),
            "limits": Limits(**limits),
            "scenarios": tuple(
                scenario
                for index, scenario in enumerate(problem.scenarios)
                if ("scenario", index) not in gone
            ),
        }
    )


def with_rate(problem: ServingProblem, index: int, rate: float | None) -> ServingProblem:
    """Return the problem with another rate of one demand."""
    demands = list(problem.demands)
    demands[index] = demands[index].model_copy(update={"requests_per_second": rate})
    return problem.model_copy(update={"demands": tuple(demands)})


def with_size(problem: ServingProblem, index: int, size: int) -> ServingProblem:
    """Return the problem with another number of nodes, or of GPUs, of one pool."""
    pools = list(problem.pools)
    pool = pools[index]
    field = "gpus" if pool.nodes is None else "nodes"
    pools[index] = pool.model_copy(update={field: size})
    return problem.model_copy(update={"pools": tuple(pools)})


def _pool(pool: Pool, *, plenty: bool, free: bool) -> Pool:
    update: dict[str, object] = {"kv_bytes_per_second": None} if free else {}
    if plenty and pool.nodes is not None:
        update["nodes"] = pool.nodes * PLENTY
    elif plenty:
        update["gpus"] = max(LARGE, pool.size * PLENTY)
    return pool.model_copy(update=update)
