"""Affinity between items: exact solvers against brute force, with terms over several labels."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.placement.problem import PlacementProblem
from tests.placements import best_values
from tests.properties import examples
from tests.solvers.placement.definitions import (
    carried_out,
    exact,
    no_better_than_the_optimum,
)

LABELS = ("zone", "rack")


@st.composite
def gatherings(draw: st.DrawFn) -> PlacementProblem:
    """Draw problems in which most items want to stand with others, or with their own."""
    nodes = [
        {
            "id": f"n{number}",
            "capacity": {"cpu": draw(st.integers(1, 6))},
            "labels": draw(st.fixed_dictionaries({}, optional=dict.fromkeys(LABELS, _ab))),
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    names = [node["id"] for node in nodes]
    items: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        node = draw(st.sampled_from([None, None, *names]))
        items.append(
            {
                "id": f"i{number}",
                "demands": {"cpu": draw(st.integers(1, 3))},
                "labels": {"app": draw(_ab), "tier": draw(_ab)},
                "node": node,
                "pinned": node is not None and draw(st.booleans()),
                "affinity": draw(st.lists(_terms, max_size=2)),
            }
        )
    if draw(st.booleans()):
        items[-1] = {**items[0], "id": items[-1]["id"], "node": None, "pinned": False}
    goals = ["evictions", "moves"]
    return PlacementProblem.model_validate({"nodes": nodes, "items": items, "goals": goals})


_ab = st.sampled_from("ab")
_selectors = st.sampled_from([{}, {"match": {"app": "a"}}, {"match": {"tier": "a"}}])
_terms = st.fixed_dictionaries({"selector": _selectors, "topology": st.sampled_from(LABELS)})


@given(gatherings())
@examples(40)
def test_solvers_agree_with_brute_force_on_who_follows_whom(problem: PlacementProblem) -> None:
    best = best_values(problem)
    carried_out(problem, exact(problem, best, "cp-sat"))
    exact(problem, best, "mip")
    for solver in ("greedy", "default-scheduler"):
        no_better_than_the_optimum(problem, best, solver)


def test_pairs_in_several_zones_do_not_hold_each_other_up() -> None:
    nodes = [
        {"id": name, "capacity": {"cpu": 2}, "labels": {"zone": name, "region": "r"}}
        for name in ("a", "b")
    ]
    own = [{"selector": {"match": {"app": "x"}}, "topology": "zone"}]
    item = {"demands": {"cpu": 1}, "labels": {"app": "x"}, "affinity": own}
    items = [{**item, "id": f"i{number}"} for number in range(4)]
    problem = PlacementProblem.model_validate({"nodes": nodes, "items": items})
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    assert len(solution.placements) == 2
    where = {f"i{number}": "a" if number < 2 else "b" for number in range(4)}
    entries = [{"item": item, "node": node} for item, node in where.items()]
    stated = solution.model_copy(update={"placements": ()}).model_dump(mode="json")
    found = sch.check(problem, type(solution).model_validate({**stated, "placements": entries}))
    assert {entry.constraint for entry in found if "i2" in entry.where} == {"affinity"}
