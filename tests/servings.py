"""Random small serving fleets, and their best values by trying every fleet and every packing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import ceil, floor, inf
from typing import Any

import numpy as np
from hypothesis import strategies as st

from scheduling.models.serving.problem import Scenario, ServingProblem
from scheduling.solvers.linear.highs import relax
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits, Outcome

RATES = (0.5, 1.0, 1.5, 2.0, 3.0, 0.7)
CEILINGS = [[1.0], [0.5, 1.0], [0.0, 0.6, 0.8], [0.9]]
GOALS = (
    ["cost"],
    ["gpus", "cost"],
    ["unserved", "cost"],
    ["rate"],
    ["rate", "gpus"],
    ["goodput", "cost"],
    ["goodput"],
    ["watts", "moves"],
    ["unserved", "moves", "gpus"],
)


@st.composite
def serving_problems(draw: st.DrawFn, *, affinity: str = "high") -> ServingProblem:
    """Draw problems of at most two models, three demands, four templates and ten GPUs."""
    goals = draw(st.sampled_from(GOALS))
    models = ["m", "k"][: draw(st.integers(1, 2))]
    demands: list[dict[str, Any]] = [
        {
            "id": f"c{number}",
            "model": draw(st.sampled_from(models)),
            "requests_per_second": draw(st.sampled_from(RATES)),
            "kv_bytes_per_request": draw(st.sampled_from([0, 1500, 10**6])),
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    low = affinity == "low"
    count = 1 if low else draw(st.integers(1, 2))
    pools = [_pool(draw, name, low=low) for name in ("a", "b")[:count]]
    templates = []
    for number in range(draw(st.integers(2, 4))):
        model = draw(st.sampled_from(sorted({d["model"] for d in demands})))
        pool = draw(st.sampled_from(pools))
        templates.append(_template(draw, number, model, pool, demands, low=low))
    document: dict[str, Any] = {
        "kind": "serving",
        "kv_affinity": affinity,
        "pools": pools,
        "demands": demands,
        "templates": templates,
        "goals": goals,
        "limits": draw(
            st.sampled_from(
                [
                    {},
                    {},
                    {"gpus": 4},
                    {"cost_per_hour": 7.5},
                    {"watts": 900},
                    {"moves": 2},
                    {"templates_per_role": 1},
                ]
            )
        ),
    }
    if draw(st.booleans()):
        document["running"] = [{"template": "t0", "replicas": draw(st.integers(0, 2))}]
    if draw(st.integers(0, 2)) == 0:
        factors = st.sampled_from([0.5, 1.0, 1.5])
        document["scenarios"] = [
            {
                "id": "peak",
                "all_demands": draw(factors),
                "rates": {"t0": draw(factors)},
                "demands": {"c0": draw(factors)},
            }
        ]
    return ServingProblem.model_validate(document)


def _pool(draw: st.DrawFn, name: str, *, low: bool) -> dict[str, Any]:
    pool: dict[str, Any] = {
        "id": name,
        "gpu": name.upper(),
        "price_per_hour": draw(st.sampled_from([1.0, 2.5, 0.7])),
        "watts": draw(st.sampled_from([100, 350.5])),
    }
    if not low and draw(st.booleans()):
        return pool | {"gpus": draw(st.integers(0, 5))}
    node = draw(st.sampled_from([2, 4, 3]))
    domain = node if low else draw(st.sampled_from([node, node, 1, 2 * node]))
    pool |= {"nodes": 2, "gpus_per_node": node, "domain_gpus": domain}
    if draw(st.booleans()):
        pool["kv_bytes_per_second"] = draw(st.sampled_from([10**6, 3 * 10**5]))
    return pool


def _template(
    draw: st.DrawFn, number: int, model: str, pool: dict[str, Any], demands: Any, *, low: bool
) -> dict[str, Any]:
    mine = [demand["id"] for demand in demands if demand["model"] == model]
    served = draw(st.lists(st.sampled_from(mine), min_size=1, unique=True))
    node, domain = pool.get("gpus_per_node", 8), pool.get("domain_gpus", 8)
    sizes = [tp for tp in (1, 2, 3, 4, 6, 8) if tp <= (node if low else domain)]
    tp = draw(st.sampled_from([size for size in sizes if size <= node or size % node == 0]))
    role = draw(st.sampled_from(["both", "prefill", "decode"]))
    return {
        "id": f"t{number}",
        "model": model,
        "role": role,
        "pool": pool["id"],
        "layout": {"tp": tp, "pp": 1 if low else draw(st.sampled_from([1, 1, 2]))},
        "rates": {name: draw(st.sampled_from(RATES)) for name in served},
        "ceilings": draw(st.sampled_from([[1.0], [0.9]] if low else CEILINGS)),
    }


def best_values(problem: ServingProblem) -> tuple[float, ...] | None:
    """Return the lexicographically best values, those to maximise with the sign turned."""
    if problem.kv_affinity == "low":
        found = [_values(problem, blocks) for blocks in _node_contents(problem)]
    else:
        fleets = (counts for counts in _fleets(problem) if _fit(problem, counts))
        found = [_values(problem, [counts]) for counts in fleets]
    return min((values for values in found if values is not None), default=None)


def _node_contents(problem: ServingProblem) -> Iterator[list[dict[str, int]]]:
    """Yield what may stand on the two nodes of the only pool, for templates of one group."""
    node = problem.pools[0].gpus_per_node or 0
    names = [template.id for template in problem.templates]
    sizes = [template.gpus for template in problem.templates]
    ranges = [range(node // size + 1) for size in sizes]
    contents = [
        dict(zip(names, numbers, strict=True))
        for numbers in product(*ranges)
        if sum(n * size for n, size in zip(numbers, sizes, strict=True)) <= node
    ]
    for blocks in combinations_with_replacement(contents, 2):
        if _kept(problem, _sum(blocks)):
            yield list(blocks)


def _sum(blocks: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for block in blocks:
        total.update(block)
    return total


def _fleets(problem: ServingProblem) -> Iterator[dict[str, int]]:
    sizes = {pool.id: pool.size for pool in problem.pools}
    ranges = [range(sizes[t.pool] // t.gpus + 1) for t in problem.templates]
    for numbers in product(*ranges):
        counts = dict(zip((t.id for t in problem.templates), numbers, strict=True))
        used: Counter[str] = Counter()
        for template in problem.templates:
            used[template.pool] += counts[template.id] * template.gpus
        if all(used[name] <= size for name, size in sizes.items()) and _kept(problem, counts):
            yield counts


def _totals(problem: ServingProblem, counts: dict[str, int]) -> dict[str, float]:
    pools = {pool.id: pool for pool in problem.pools}
    running = {entry.template: entry.replicas for entry in problem.running}
    rows = [(t, counts[t.id], pools[t.pool]) for t in problem.templates]
    return {
        "gpus": sum(n * t.gpus for t, n, _ in rows),
        "cost": sum(n * t.gpus * round((p.price_per_hour or 0) * 10**4) for t, n, p in rows),
        "watts": sum(n * ceil(Fraction(str(p.watts)) * t.gpus) for t, n, p in rows),
        "moves": sum(abs(n - running.get(t.id, 0)) for t, n, _ in rows),
    }


def _kept(problem: ServingProblem, counts: dict[str, int]) -> bool:
    found, limits = _totals(problem, counts), problem.limits
    cost = None if limits.cost_per_hour is None else limits.cost_per_hour * 10**4
    asked = {"gpus": limits.gpus, "cost": cost, "watts": limits.watts, "moves": limits.moves}
    if any(limit is not None and found[name] > limit for name, limit in asked.items()):
        return False
    used = Counter((t.model, t.role) for t in problem.templates if counts[t.id])
    return max(used.values(), default=0) <= (limits.templates_per_role or 99)


def _fit(problem: ServingProblem, counts: dict[str, int]) -> bool:
    """Tell whether all groups find room, trying every way."""
    return all(_pool_fits(problem, pool, counts) for pool in problem.pools if pool.nodes)


def _pool_fits(problem: ServingProblem, pool: Any, counts: dict[str, int]) -> bool:
    node = pool.gpus_per_node
    domain = pool.domain_gpus or node
    size = min(node, domain)
    sizes = sorted(
        (
            t.group
            for t in problem.templates
            if t.pool == pool.id
            for _ in range(counts[t.id] * t.groups)
        ),
        reverse=True,
    )

    def fill(position: int, rooms: tuple[int, ...]) -> bool:
        if position == len(sizes):
            return True
        group = sizes[position]
        for first, room in enumerate(rooms):
            if group <= size:
                where, taken = [first], group
            else:
                where, taken = list(range(first, first + group // node)), node
                last = where[-1]
                if last >= len(rooms) or first * node // domain != last * node // domain:
                    continue
            if room >= taken and all(rooms[number] >= taken for number in where):
                after = tuple(r - taken if n in where else r for n, r in enumerate(rooms))
                if fill(position + 1, after):
                    return True
        return False

    return fill(0, (size,) * (pool.nodes * node // size))


def _values(problem: ServingProblem, blocks: list[dict[str, int]]) -> tuple[float, ...] | None:
    totals = _totals(problem, _sum(blocks))
    kinds = {"unserved", "rate", "goodput"} & set(problem.goals)
    kind = next(iter(kinds), "unserved")
    scenarios = [Scenario(id="given"), *problem.scenarios]
    best = min(_routed(problem, blocks, scenario, kind) for scenario in scenarios)
    if not kinds and best <= -0.5:
        return None
    totals[kind] = max(0, floor(0.5 - best)) if kind == "unserved" else -floor(best + 0.5)
    return tuple(totals[goal] for goal in problem.goals)


def _routed(
    problem: ServingProblem, blocks: list[dict[str, int]], scenario: Scenario, kind: str
) -> float:
    """Largest value of a tier of rates under a scenario, by linear programming."""
    model = LinearModel()
    served: dict[str, list[tuple[int, float]]] = {d.id: [] for d in problem.demands}
    moved: dict[tuple[str, str], list[tuple[int, float]]] = {}
    size = {d.id: ceil(d.kv_bytes_per_request / 1000) for d in problem.demands}
    for block in blocks:
        pairs: dict[str, list[tuple[int, float]]] = {d.id: [] for d in problem.demands}
        for template in problem.templates:
            if not block[template.id]:
                continue
            together = min(block[template.id], len(template.ceilings))
            factor = scenario.rates.get(template.id, scenario.all_rates)
            busy = block[template.id] * template.ceilings[together - 1] * factor
            names = list(template.rates)
            columns = model.add_columns("f", len(names)).tolist()
            _row(
                model,
                [(c, 1 / template.rates[n]) for c, n in zip(columns, names, strict=True)],
                -inf,
                busy,
            )
            for column, name in zip(columns, names, strict=True):
                if template.role != "decode":
                    served[name].append((column, 1.0))
                if template.role != "both":
                    pairs[name].append((column, 1.0 if template.role == "prefill" else -1.0))
                    key = template.pool, template.role
                    moved.setdefault(key, []).append((column, float(size[name])))
        for terms in pairs.values():
            _row(model, terms, 0, 0)
    if problem.kv_affinity == "high":
        for (name, _), terms in moved.items():
            pool = next(pool for pool in problem.pools if pool.id == name)
            if pool.kv_bytes_per_second is not None:
                _row(model, terms, -inf, pool.kv_bytes_per_second * (pool.nodes or 0) / 1000)
    scale = int(model.add_columns("scale", 1, cost=-1e4 if kind == "goodput" else 0.0)[0])
    asked_in_all = 0.0
    for demand in problem.demands:
        factor = scenario.demands.get(demand.id, scenario.all_demands)
        asked = (demand.requests_per_second or 0) * factor
        asked_in_all += asked
        terms = served[demand.id]
        if kind == "goodput":
            _row(model, [*terms, (scale, -asked)], 0, inf)
        else:
            _row(model, terms, -inf, asked)
            model.add_costs([column for column, _ in terms], -1e4)
    result = relax(model, Limits())
    assert result.outcome is Outcome.OPTIMAL
    assert result.objective is not None
    best = -result.objective
    return best - asked_in_all * 1e4 if kind == "unserved" else best


def _row(model: LinearModel, terms: list[tuple[int, float]], low: float, high: float) -> None:
    columns = np.array([column for column, _ in terms], np.int64)
    model.add_rows("r", 1, 0, columns, [value for _, value in terms], lower=low, upper=high)
