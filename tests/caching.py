"""Random small problems of caching, and their best value by trying every content of the cache."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from scheduling.models.caching.problem import CachingProblem

Content = frozenset[str]


@st.composite
def caching_problems(
    draw: st.DrawFn, *, equal: bool = False, chains: bool = True, unit: int = 1
) -> CachingProblem:
    """Draw problems of at most five objects and eight requests.

    Parameters
    ----------
    equal
        All objects are of one size.
    chains
        Objects may continue others.
    unit
        Sizes are about so many times a small number.
    """
    count = draw(st.integers(1, 5))
    names = [f"o{number}" for number in range(count)]
    objects: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        entry: dict[str, Any] = {
            "id": name,
            "size": 2 if equal else draw(st.integers(1, 4)) * unit + number * (unit > 1),
            "cost": draw(st.integers(0, 9)),
        }
        if chains and number and draw(st.booleans()):
            entry["after"] = names[draw(st.integers(0, number - 1))]
        objects.append(entry)
    after = {entry["id"]: entry.get("after") for entry in objects}
    requests = []
    for _ in range(draw(st.integers(1, 8))):
        used: set[str] = set()
        for name in draw(st.lists(st.sampled_from(names), max_size=2)):
            above: str | None = name
            while above is not None:
                used.add(above)
                above = after[above]
        requests.append([name for name in names if name in used])
    capacity = draw(st.integers(0, 10)) * unit
    held, left = [], capacity
    for entry in objects:
        if draw(st.integers(0, 3)) == 0 and entry["size"] <= left:
            held.append(entry["id"])
            left -= entry["size"]
    room = capacity
    for entry in objects:
        free = entry.get("after") is None and draw(st.integers(0, 4)) == 0
        if free and entry["size"] <= room:
            entry["pinned"] = True
            room -= entry["size"]
    document = {"kind": "caching", "capacity": capacity, "objects": objects, "requests": requests}
    return CachingProblem.model_validate(document | {"held": held})


def best_cost(problem: CachingProblem) -> int:
    """Return the least cost, over all contents of the cache between all requests."""
    objects = {entry.id: entry for entry in problem.objects}
    states: dict[Content, int] = {}
    for content in _contents(problem, frozenset(problem.held)):
        states[content] = 0
    for names in problem.requests:
        reached: dict[Content, int] = {}
        for content, cost in states.items():
            hits: set[str] = set()
            for name in names:
                if name in content and objects[name].after in hits | {None}:
                    hits.add(name)
            paid = cost + sum(objects[name].cost for name in names if name not in hits)
            for after in _contents(problem, content | set(names)):
                reached[after] = min(paid, reached.get(after, paid))
        states = reached
    return min(states.values())


def _contents(problem: CachingProblem, there: Content) -> Iterator[Content]:
    """Yield every part of what is there that fits and has the pinned objects."""
    size = {entry.id: entry.size for entry in problem.objects}
    must = {entry.id for entry in problem.objects if entry.pinned} & there
    free = sorted(there - must)
    for count in range(len(free) + 1):
        for chosen in combinations(free, count):
            content = must | set(chosen)
            if sum(size[name] for name in content) <= problem.capacity:
                yield frozenset(content)
