"""Random small placement problems, and their best values by trying everything."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import product
from typing import Any, get_args

from hypothesis import strategies as st

from scheduling.models.base import Status
from scheduling.models.placement.check import check_placement
from scheduling.models.placement.problem import Goal, Item, PlacementProblem
from scheduling.models.placement.solution import Placement, PlacementSolution

ZONES = ("a", "b")
APPS = ("x", "y")


@st.composite
def placement_problems(
    draw: st.DrawFn, *, max_items: int = 5, max_nodes: int = 3, rules: bool = True
) -> PlacementProblem:
    """Draw problems that brute force can still solve."""
    nodes = [draw(_nodes(number)) for number in range(draw(st.integers(1, max_nodes)))]
    names = [node["id"] for node in nodes]
    count = draw(st.integers(1, max_items))
    items = [draw(_items(number, names, rules=rules)) for number in range(count)]
    if draw(st.booleans()):
        # One that waits beside an equal one that may run, for which it can stand in.
        items[-1] = {**items[0], "id": items[-1]["id"], "node": None, "pinned": False}
    document: dict[str, Any] = {"kind": "placement", "nodes": nodes, "items": items}
    if rules and draw(st.booleans()):
        document["budgets"] = [
            {
                "id": "pdb",
                "selector": {"match": {"app": draw(st.sampled_from(APPS))}},
                "allowed": draw(st.integers(0, 2)),
                "exempt": draw(st.sampled_from([[], [], ["i0"], ["i1", "i2"]])),
            }
        ]
    if rules and draw(st.booleans()):
        document["quotas"] = [{"id": "quota", "limits": {"cpu": draw(st.integers(0, 12))}}]
    if any("gang" in item for item in items) and draw(st.booleans()):
        gang = {"id": "g", "least": draw(st.sampled_from([None, 1, 2, 3]))}
        document["gangs"] = [{**gang, "topology": draw(st.sampled_from([None, "zone"]))}]
    if draw(st.booleans()):
        document["max_moves"] = draw(st.integers(0, 2))
    goals = draw(st.permutations([goal for goal in get_args(Goal) if goal != "fragments"]))
    timed = any("window" in item for item in items)
    goals = [goal for goal in goals if not (timed and goal == "fragmentation")]
    document["goals"] = goals[: draw(st.integers(0, 4))]
    document["balance"] = {"resource": draw(st.sampled_from(["cpu", "memory"]))}
    document["workload"] = {"resource": "cpu", "requests": draw(_requests())}
    document["spread_topology"] = draw(st.sampled_from([None, "zone"]))
    if rules and draw(st.booleans()):
        document["interference"] = draw(st.lists(_interference(), min_size=1, max_size=2))
    return PlacementProblem.model_validate(document)


def _nodes(number: int) -> st.SearchStrategy[dict[str, Any]]:
    taints = st.sampled_from([[], [], [{"key": "gpu"}], [{"key": "old", "effect": "NoExecute"}]])
    return st.fixed_dictionaries(
        {
            "id": st.just(f"n{number}"),
            "capacity": st.fixed_dictionaries(
                {"cpu": st.integers(0, 8), "memory": st.integers(0, 8)}
            ),
            "labels": st.one_of(
                st.just({}), st.fixed_dictionaries({"zone": st.sampled_from(ZONES)})
            ),
            "taints": taints,
            "closed": st.sampled_from([False, False, False, True]),
            "cost": st.integers(0, 3),
        }
    )


@st.composite
def _items(draw: st.DrawFn, number: int, names: list[str], *, rules: bool) -> dict[str, Any]:
    # Few different values, so that equal items are common.
    item: dict[str, Any] = {
        "id": f"i{number}",
        "demands": {"cpu": draw(st.sampled_from([1, 2, 4])), "memory": draw(st.integers(0, 2))},
        "priority": draw(st.integers(0, 1)),
        "node": draw(st.sampled_from([None, *names])),
        "labels": {"app": draw(st.sampled_from(APPS))},
        "owner": draw(st.sampled_from([None, "o", "p"])),
        "move_cost": draw(st.sampled_from([1, 1, 2, 0])),
        "eviction_cost": draw(st.sampled_from([1, 1, 3, 0])),
    }
    if item["node"] is not None:
        item["pinned"] = draw(st.sampled_from([False, False, True]))
    if not rules:
        return item
    if draw(st.integers(0, 2)) == 0:
        start = draw(st.integers(0, 3))
        item["window"] = {"start": start, "end": start + draw(st.integers(1, 3))}
    if draw(st.booleans()):
        item["tolerations"] = [{"key": "gpu", "operator": "Exists"}]
    if draw(st.integers(0, 3)) == 0:
        item["node_selector"] = {"zone": draw(st.sampled_from(ZONES))}
    if draw(st.integers(0, 3)) == 0:
        item["ports"] = [{"port": 80}]
    if draw(st.integers(0, 3)) == 0:
        item["gang"] = "g"
    item["preempts"] = draw(st.sampled_from([True, True, False]))
    if draw(st.booleans()):
        term = draw(_node_terms(names))
        item["preferences"] = [{"weight": draw(st.integers(1, 3)), "term": term}]
    if draw(st.booleans()):
        item["item_preferences"] = [draw(_wishes())]
    if draw(st.integers(0, 3)) == 0:
        item["max_degradation"] = draw(st.integers(0, 4))
    for name in ("affinity", "anti_affinity", "spread"):
        if draw(st.integers(0, 4)) == 0:
            selector = {"match": {"app": draw(st.sampled_from(APPS))}}
            item[name] = [{"selector": selector, "topology": "zone"}]
    for entry in item.get("spread", ()):
        entry["honor_affinity"] = draw(st.booleans())
        entry["honor_taints"] = draw(st.booleans())
    return item


def _requests() -> st.SearchStrategy[list[dict[str, Any]]]:
    zone = {"key": "zone", "operator": "In", "values": ["a"]}
    request = st.fixed_dictionaries(
        {
            "weight": st.integers(1, 3),
            "demands": st.sampled_from([{}, {"cpu": 2}, {"cpu": 4, "memory": 1}, {"memory": 3}]),
            "node_affinity": st.sampled_from([[], [], [{"labels": [zone]}]]),
        }
    )
    return st.lists(request, min_size=1, max_size=2)


@st.composite
def _interference(draw: st.DrawFn) -> dict[str, Any]:
    selectors = st.sampled_from([{}, {"match": {"app": "x"}}, {"match": {"app": "y"}}])
    return {
        "victim": draw(selectors),
        "neighbour": draw(selectors),
        "degradation": draw(st.integers(1, 3)),
    }


def _node_terms(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    zone = {"key": "zone", "operator": "In", "values": ["a"]}
    return st.sampled_from([{"labels": [zone]}, {"nodes": [names[0]]}, {"excluded": [names[0]]}])


@st.composite
def _wishes(draw: st.DrawFn) -> dict[str, Any]:
    selector = {"match": {"app": draw(st.sampled_from(APPS))}}
    return {
        "weight": draw(st.integers(1, 3)),
        "term": {"selector": selector, "topology": "zone"},
        "apart": draw(st.booleans()),
    }


def is_valid(problem: PlacementProblem, placed: dict[str, str]) -> bool:
    """Tell whether a placement keeps all rules."""
    entries = tuple(Placement(item=item, node=node) for item, node in placed.items())
    solution = PlacementSolution(status=Status.FEASIBLE, placements=entries)
    found = check_placement(problem, solution)
    return all(entry.constraint in ("objective", "status") for entry in found)


def best_values(problem: PlacementProblem) -> tuple[int, ...]:
    """Return the lexicographically least values over all placements, by trying each.

    What runs now keeps all rules, because rules bind what changes.
    """
    choices = [None, *(node.id for node in problem.nodes)]
    running = {item.id: item.node for item in problem.items if item.node is not None}
    assert is_valid(problem, running)
    best = _values(problem, running)
    for combination in product(choices, repeat=len(problem.items)):
        pairs = zip(problem.items, combination, strict=True)
        placed = {item.id: node for item, node in pairs if node is not None}
        values = _values(problem, placed)
        if values < best and is_valid(problem, placed):
            best = values
    return best


def _values(problem: PlacementProblem, placed: dict[str, str]) -> tuple[int, ...]:
    """Evaluate a placement from the definitions, on its own."""
    values: list[int] = []
    for priority in sorted({item.priority for item in problem.items}, reverse=True):
        group = [item for item in problem.items if item.priority == priority]
        values.append(len([item for item in group if item.id not in placed]))
    used = set(placed.values())
    for goal in problem.goals:
        total = 0
        for item in problem.items:
            if goal == "evictions" and item.node and item.id not in placed:
                total += item.eviction_cost
            if goal == "moves" and item.node and placed.get(item.id) not in (None, item.node):
                total += item.move_cost
        if goal == "nodes":
            total = len(used)
        if goal == "cost":
            total = sum(node.cost for node in problem.nodes if node.id in used)
        if goal == "balance":
            total = _fullest(problem, placed)
        if goal == "fragmentation":
            total = _unusable(problem, placed)
        if goal == "spread":
            total = _crowds(problem, placed)
        if goal == "interference":
            total = _slowed(problem, placed)
        if goal == "preferences":
            total = sum(_lost(problem, placed, item) for item in problem.items if item.id in placed)
        values.append(total)
    return tuple(values)


def _fullest(problem: PlacementProblem, placed: dict[str, str]) -> int:
    """Share of the fullest node at any time, in millionths."""
    assert problem.balance is not None
    name, worst = problem.balance.resource, 0
    for node in problem.nodes:
        for time in range(7):
            used = 0
            for item in problem.items:
                window = item.window
                there = window is None or window.start <= time < window.end
                if there and placed.get(item.id) == node.id:
                    used += item.demands.get(name, 0)
            if not node.capacity[name]:
                continue
            worst = max(worst, math.ceil(Fraction(10**6 * used, node.capacity[name])))
    return worst


def _unusable(problem: PlacementProblem, placed: dict[str, str]) -> int:
    """Free processors that requests cannot use, by weight."""
    assert problem.workload is not None
    total = 0
    for node in problem.nodes:
        here = [item for item in problem.items if placed.get(item.id) == node.id]
        cpu, memory = (
            max(0, node.capacity[name] - sum(item.demands.get(name, 0) for item in here))
            for name in ("cpu", "memory")
        )
        for request in problem.workload.requests:
            asked = request.demands.get("cpu", 0)
            right = not request.node_affinity or node.labels.get("zone") == "a"
            fits = asked <= cpu and request.demands.get("memory", 0) <= memory
            total += 0 if right and fits and asked else request.weight * cpu
    return total


def _crowds(problem: PlacementProblem, placed: dict[str, str]) -> int:
    total = 0
    for owner in ("o", "p"):
        mine = [i.id for i in problem.items if i.owner == owner and i.id in placed]
        counts = Counter[str]()
        for node in problem.nodes:
            zone = node.labels.get("zone") if problem.spread_topology else None
            counts[f"node {node.id}" if zone is None else zone] += sum(
                placed[name] == node.id for name in mine
            )
        total += max(counts.values())
    return total


def _slowed(problem: PlacementProblem, placed: dict[str, str]) -> int:
    total = 0
    for rule in problem.interference:
        for one in problem.items:
            for other in problem.items:
                if one.id != other.id and placed.get(one.id, "-") == placed.get(other.id, "+"):
                    meant = [
                        selector.match.get("app", item.labels["app"]) == item.labels["app"]
                        for selector, item in ((rule.victim, one), (rule.neighbour, other))
                    ]
                    total += rule.degradation * all(meant)
    return total


def _lost(problem: PlacementProblem, placed: dict[str, str], item: Item) -> int:
    """Weights of an item's wishes that are not met."""
    zones = {node.id: node.labels.get("zone") for node in problem.nodes}
    home = placed[item.id]
    lost = 0
    for wish in item.preferences:
        named = wish.term.nodes is None or home in wish.term.nodes
        right = named and home not in wish.term.excluded
        if not right or (wish.term.labels and zones[home] != "a"):
            lost += wish.weight
    for claim in item.item_preferences:
        app = claim.term.selector.match["app"]
        near = [
            other
            for other in problem.items
            if other.labels["app"] == app
            and other.id in placed
            and other.id != item.id
            and zones[home] is not None
            and zones[placed[other.id]] == zones[home]
        ]
        if bool(near) is claim.apart:
            lost += claim.weight
    return lost
