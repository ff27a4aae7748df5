"""Random small problems of expert placement, and their best values by trying everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import ceil
from typing import Any

from hypothesis import strategies as st

from scheduling.models.experts.problem import ExpertProblem

Fillings = tuple[tuple[str, ...], ...]


@st.composite
def expert_problems(draw: st.DrawFn, *, limits: bool = True) -> ExpertProblem:
    """Draw problems of at most four experts and six slots."""
    hierarchical = draw(st.booleans())
    devices = 2 if hierarchical else draw(st.integers(1, 3))
    slots = [draw(st.integers(1, 3 if devices < 3 else 2)) for _ in range(devices)]
    count = draw(st.integers(2 if hierarchical else 1, min(4, sum(slots))))
    names = [f"e{number}" for number in range(count)]
    held = st.lists(st.sampled_from(names), unique=True, max_size=3)
    document: dict[str, Any] = {
        "kind": "experts",
        "hierarchical": hierarchical,
        "experts": [
            {
                "id": name,
                "load": draw(st.integers(0, 20)),
                "size": draw(st.integers(1, 3)),
                "group": f"g{number % 2}",
            }
            for number, name in enumerate(names)
        ],
        "devices": [
            {"id": f"d{number}", "slots": room, "node": f"n{number}", "holds": draw(held)}
            for number, room in enumerate(slots)
        ],
        "goals": draw(st.sampled_from([["load"], ["bytes"], ["load", "bytes"], ["bytes", "load"]])),
    }
    if limits and draw(st.integers(0, 3)) == 0:
        document["max_load"] = draw(st.sampled_from([5.0, 10.5, 20.0]))
    return ExpertProblem.model_validate(document)


def best_values(problem: ExpertProblem) -> tuple[int, ...] | None:
    """Return the lexicographically least values, by trying all; ``None`` without any."""
    return min(
        (
            values(problem, fillings)
            for fillings in _fillings(problem)
            if _allowed(problem, fillings)
        ),
        default=None,
    )


def _fillings(problem: ExpertProblem) -> Iterator[Fillings]:
    names = [expert.id for expert in problem.experts]
    choices = [combinations_with_replacement(names, device.slots) for device in problem.devices]
    yield from product(*choices)


def _loads(problem: ExpertProblem, fillings: Fillings) -> list[Fraction]:
    copies = Counter(name for filling in fillings for name in filling)
    share = {e.id: Fraction(e.load, max(copies[e.id], 1)) for e in problem.experts}
    return [sum((share[name] for name in filling), Fraction(0)) for filling in fillings]


def _allowed(problem: ExpertProblem, fillings: Fillings) -> bool:
    if {name for filling in fillings for name in filling} != {e.id for e in problem.experts}:
        return False
    if problem.max_load is not None and max(_loads(problem, fillings)) > Fraction(problem.max_load):
        return False
    if not problem.hierarchical:
        return True
    group = {expert.id: expert.group for expert in problem.experts}
    present: dict[str | None, set[str | None]] = {device.node: set() for device in problem.devices}
    for device, filling in zip(problem.devices, fillings, strict=True):
        present[device.node] |= {group[name] for name in filling}
    shared = [
        one & other for one in present.values() for other in present.values() if one is not other
    ]
    return not any(shared) and len({len(groups) for groups in present.values()}) == 1


def values(problem: ExpertProblem, fillings: Fillings) -> tuple[int, ...]:
    """Evaluate a placement from the definitions, on its own."""
    size = {expert.id: expert.size for expert in problem.experts}
    found = {
        "load": ceil(1000 * max(_loads(problem, fillings))),
        "bytes": sum(
            size[name]
            for device, filling in zip(problem.devices, fillings, strict=True)
            for name in set(filling) - set(device.holds)
        ),
    }
    return tuple(found[goal] for goal in problem.goals)
