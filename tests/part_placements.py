"""Random small placements on parts of nodes, and their best values by trying everything.

What is valid and what it is worth is written down here again from the definitions.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from scheduling.models.placement.problem import Item, Node, PlacementProblem

Spot = tuple[str, tuple[tuple[str, int], ...]]
"""A node and the parts taken there, each with its option."""

MOST = 1500
"""Most combinations that are tried."""

_SHARES: list[list[dict[str, Any]]] = [
    [],
    [{"kind": "gpu", "options": [{"milli": 4}]}],
    [{"kind": "gpu", "options": [{"milli": 2}]}],
    [{"kind": "gpu", "options": [{"milli": 3}]}],
    [{"kind": "gpu", "count": 2, "options": [{"milli": 2}]}],
    [{"kind": "gpu", "count": 2, "options": [{"milli": 4}, {"milli": 1, "low": 1}]}],
    [{"kind": "gpu", "options": [{"low": 1}, {"high": 1}]}],
    [{"kind": "gpu", "options": [{"low": 1, "high": 1, "milli": 1}]}],
    [{"kind": "numa", "count": 2, "options": [{"memory": 1}]}],
    [{"kind": "numa", "options": [{"memory": 2}]}, {"kind": "gpu", "options": [{"milli": 2}]}],
    [{"kind": "gpu", "options": [{}]}],
    [{"kind": "gpu", "options": [{"milli": 1}, {"milli": 3}]}],
]


@st.composite
def part_problems(draw: st.DrawFn, *, max_items: int = 4, max_nodes: int = 2) -> PlacementProblem:
    """Draw problems whose items take parts, small enough to try all placements."""
    menu = draw(st.lists(st.sampled_from(_SHARES), min_size=1, max_size=2))
    kinds = sorted({share["kind"] for shares in menu for share in shares})
    nodes = [draw(_nodes(number, kinds)) for number in range(draw(st.integers(1, max_nodes)))]
    items = [draw(_items(number, menu)) for number in range(draw(st.integers(1, max_items)))]
    document: dict[str, Any] = {"kind": "placement", "nodes": nodes, "items": items}
    bare = PlacementProblem.model_validate(document)
    choices = [_spots(bare, item) for item in bare.items]
    sizes = 1
    for found in choices:
        sizes *= len(found) + 1
    assume(sizes <= MOST)
    for item, found in zip(items, choices, strict=True):
        if len(found) > 0 and draw(st.booleans()):
            node, uses = draw(st.sampled_from(found))
            item["node"] = node
            item["parts"] = [{"part": part, "option": option} for part, option in uses]
            item["pinned"] = draw(st.sampled_from([False, False, False, True]))
    if draw(st.booleans()):
        document["max_moves"] = draw(st.integers(0, 2))
    measured = [("cpu", None), ("milli", "gpu"), ("memory", "numa")]
    resource, kind = draw(st.sampled_from(measured))
    unit = draw(st.integers(1, 4))
    document["fragment"] = {"resource": resource, "unit": unit, "kind": kind}
    timed = any(item["window"] for item in items)
    document["balance"] = {"resource": resource, "kind": kind}
    measures = ["evictions", "moves", "nodes", "cost", "balance"]
    measures += [] if timed else ["fragments", "fragmentation"]
    requests = draw(st.lists(_requests(), min_size=1, max_size=2))
    document["workload"] = {"resource": resource, "kind": kind, "requests": requests}
    goals = draw(st.permutations(measures))
    document["goals"] = goals[: draw(st.integers(0, len(goals)))]
    return PlacementProblem.model_validate(document)


@st.composite
def _nodes(draw: st.DrawFn, number: int, kinds: list[str]) -> dict[str, Any]:
    capacity = {"milli": draw(st.integers(2, 4)), "low": 1, "high": draw(st.integers(0, 1))}
    parts = [
        {"id": f"g{index}", "kind": "gpu", "capacity": capacity, "groups": draw(_groups())}
        for index in range(draw(st.integers(0, 3)) if "gpu" in kinds else 0)
    ]
    parts += [
        {
            "id": f"n{index}",
            "kind": "numa",
            "capacity": {"memory": draw(st.integers(1, 3))},
            "groups": {"numa": str(index)},
        }
        for index in range(draw(st.integers(1, 2)) if "numa" in kinds else 0)
    ]
    return {
        "id": f"n{number}",
        "capacity": {"cpu": draw(st.integers(1, 6))},
        "closed": draw(st.sampled_from([False, False, False, True])),
        "cost": draw(st.integers(0, 2)),
        "parts": draw(st.permutations(parts)),
    }


def _groups() -> st.SearchStrategy[dict[str, str]]:
    return st.sampled_from([{"numa": "0"}, {"numa": "0"}, {"numa": "1"}, {}])


@st.composite
def _items(draw: st.DrawFn, number: int, menu: list[list[dict[str, Any]]]) -> dict[str, Any]:
    # Few different values, so that equal items are common.
    shares = draw(st.sampled_from(menu))
    return {
        "id": f"i{number}",
        "demands": {"cpu": draw(st.sampled_from([0, 1, 1, 2]))},
        "priority": draw(st.sampled_from([0, 0, 1])),
        "window": draw(_windows()),
        "shares": shares,
        "together": draw(st.sampled_from([None, "numa"])) if shares else None,
        "move_cost": draw(st.sampled_from([1, 1, 2, 0])),
        "eviction_cost": draw(st.sampled_from([1, 1, 3, 0])),
        "preempts": draw(st.sampled_from([True, True, False])),
    }


def _requests() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "weight": st.integers(1, 3),
            "demands": st.sampled_from([{}, {"cpu": 1}, {"cpu": 3}]),
            "shares": st.sampled_from(_SHARES),
        }
    )


def _windows() -> st.SearchStrategy[dict[str, int] | None]:
    windows = [{"start": 0, "end": 2}, {"start": 1, "end": 3}, {"start": 2, "end": 4}]
    return st.sampled_from([None, None, None, *windows])


def _spots(problem: PlacementProblem, item: Item) -> list[Spot]:
    """All nodes with all ways to take the right number of parts there."""
    found = []
    for node in problem.nodes:
        ways: list[list[tuple[tuple[str, int], ...]]] = []
        for share in item.shares:
            mine = [part.id for part in node.parts if part.kind == share.kind]
            numbers = range(len(share.options))
            ways.append(
                [
                    tuple(zip(chosen, options, strict=True))
                    for chosen in combinations(mine, share.count)
                    for options in product(numbers, repeat=share.count)
                ]
            )
        found += [(node.id, sum(way, ())) for way in product(*ways)]
    return found


def _now(item: Item) -> Spot | None:
    if item.node is None:
        return None
    return item.node, tuple((use.part, use.option) for use in item.parts)


def _same(first: Spot | None, second: Spot | None) -> bool:
    if first is None or second is None:
        return first is second
    return first[0] == second[0] and sorted(first[1]) == sorted(second[1])


def _loads(node: Node, item: Item, spot: Spot) -> dict[tuple[str | None, str], int]:
    """What an item takes of its node (part ``None``) and of the node's parts."""
    loads: dict[tuple[str | None, str], int] = {(None, r): n for r, n in item.demands.items()}
    kinds = {part.id: part.kind for part in node.parts}
    options = {share.kind: share.options for share in item.shares}
    for part, option in spot[1]:
        loads |= {(part, r): n for r, n in options[kinds[part]][option].items()}
    return loads


def _room(node: Node, key: tuple[str | None, str]) -> int:
    part, resource = key
    if part is None:
        return node.capacity.get(resource, 0)
    return next(p for p in node.parts if p.id == part).capacity.get(resource, 0)


def _times(item: Item) -> range:
    """All moments at which an item is there."""
    return range(4) if item.window is None else range(item.window.start, item.window.end)


def _aligned(node: Node, item: Item, spot: Spot) -> bool:
    """Tell whether the parts of a spot have one value of the item's group."""
    if item.together is None:
        return True
    values = [p.groups.get(item.together) for p in node.parts if p.id in dict(spot[1])]
    return None not in values and len(set(values)) == 1


def _valid(problem: PlacementProblem, placed: list[Spot | None]) -> bool:
    nodes = {node.id: node for node in problem.nodes}
    used: Counter[Any] = Counter()
    before: Counter[Any] = Counter()
    coming: Counter[Any] = Counter()
    waiting: Counter[Any] = Counter()
    disturbed = 0
    for item, spot in zip(problem.items, placed, strict=True):
        now = _now(item)
        moved = not _same(now, spot)
        disturbed += moved and now is not None
        if item.pinned and moved:
            return False
        if now is not None:
            for key, need in _loads(nodes[now[0]], item, now).items():
                for time in _times(item):
                    before[now[0], key, time] += need
        if spot is None:
            continue
        node = nodes[spot[0]]
        if moved and node.closed:
            return False
        if moved and not _aligned(node, item, spot):
            return False
        for key, need in _loads(node, item, spot).items():
            for time in _times(item):
                used[spot[0], key, time] += need
                coming[spot[0], key, time] += need * moved
                waiting[spot[0], key, time] += need * (now is None and not item.preempts)
    for (name, key, time), need in used.items():
        room = _room(nodes[name], key)
        if need > max(room, before[name, key, time]):
            return False
        if before[name, key, time] > room and coming[name, key, time]:
            return False
        asked = waiting[name, key, time]
        if asked and before[name, key, time] + asked > room:
            return False
    return problem.max_moves is None or disturbed <= problem.max_moves


def _values(problem: PlacementProblem, placed: list[Spot | None]) -> tuple[int, ...]:
    pairs = list(zip(problem.items, placed, strict=True))
    values = [
        sum(item.priority == priority and spot is None for item, spot in pairs)
        for priority in sorted({item.priority for item in problem.items}, reverse=True)
    ]
    used = {spot[0] for spot in placed if spot is not None}
    for goal in problem.goals:
        if goal == "evictions":
            values.append(sum(i.eviction_cost for i, s in pairs if i.node and s is None))
        elif goal == "moves":
            moved = [i for i, s in pairs if i.node and s is not None and not _same(_now(i), s)]
            values.append(sum(item.move_cost for item in moved))
        elif goal == "nodes":
            values.append(len(used))
        elif goal == "cost":
            values.append(sum(node.cost for node in problem.nodes if node.id in used))
        elif goal == "balance":
            values.append(_fullest(problem, pairs))
        elif goal == "fragmentation":
            values.append(_unusable(problem, pairs))
        else:
            values.append(_fragments(problem, pairs))
    return tuple(values)


def _fragments(problem: PlacementProblem, pairs: list[tuple[Item, Spot | None]]) -> int:
    measure = problem.fragment
    assert measure is not None
    total = 0
    for node in problem.nodes:
        kind = measure.kind
        names = [None] if kind is None else [part.id for part in node.parts if part.kind == kind]
        for name in names:
            key = name, measure.resource
            used = [_loads(node, i, s).get(key, 0) for i, s in pairs if s and s[0] == node.id]
            total += max(0, _room(node, key) - sum(used)) % measure.unit
    return total


def _unusable(problem: PlacementProblem, pairs: list[tuple[Item, Spot | None]]) -> int:
    """Free amounts that requests cannot use, by weight."""
    workload = problem.workload
    assert workload is not None
    name, kind, total = workload.resource, workload.kind, 0
    for node in problem.nodes:
        used = Counter[tuple[str | None, str]]()
        for item, spot in pairs:
            if spot and spot[0] == node.id:
                used.update(_loads(node, item, spot))

        def free(
            key: tuple[str | None, str],
            at: Node = node,
            by: Counter[tuple[str | None, str]] = used,
        ) -> int:
            return max(0, _room(at, key) - by[key])

        pieces = [free((part.id, name)) for part in node.parts if part.kind == kind]
        whole = free((None, name)) if kind is None else sum(pieces)
        for request in workload.requests:
            asked = request.demands.get(name, 0) if kind is None else 0
            runs = all(need <= free((None, r)) for r, need in request.demands.items())
            for share in request.shares:
                if share.kind == kind:
                    asked = min(option.get(name, 0) for option in share.options)
                roomy = [
                    part
                    for part in node.parts
                    if part.kind == share.kind
                    and any(
                        all(need <= free((part.id, r)) for r, need in option.items())
                        for option in share.options
                    )
                ]
                runs = runs and len(roomy) >= share.count
            small = sum(piece for piece in pieces if piece < asked)
            total += request.weight * (small if runs and asked else whole)
    return total


def _fullest(problem: PlacementProblem, pairs: list[tuple[Item, Spot | None]]) -> int:
    """Share of the fullest node, or part of the kind, at any time, in millionths."""
    measure = problem.balance
    assert measure is not None
    worst = 0
    for node in problem.nodes:
        parts = [part.id for part in node.parts if part.kind == measure.kind]
        names: list[str | None] = [None] if measure.kind is None else [*parts]
        for name in names:
            key = name, measure.resource
            room = _room(node, key)
            for time in range(4):
                used = sum(
                    _loads(node, item, spot).get(key, 0)
                    for item, spot in pairs
                    if spot and spot[0] == node.id and time in _times(item)
                )
                if room:
                    worst = max(worst, -(-(10**6) * used // room))
    return worst


def best_part_values(problem: PlacementProblem) -> tuple[int, ...]:
    """Return the lexicographically least values over all placements, by trying each."""
    choices = [[None, *_spots(problem, item)] for item in problem.items]
    # What runs now stays valid, in whatever order its parts are named.
    best = _values(problem, [_now(item) for item in problem.items])
    for combination in product(*choices):
        values = _values(problem, list(combination))
        if values < best and _valid(problem, list(combination)):
            best = values
    return best
