"""Steps: rules about neighbours and budgets hold at each, or the step says it is forced."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.placement.check_arrivals import Arrivals
from scheduling.models.placement.check_neighbours import neighbour_violations
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import Placement, PlacementSolution
from scheduling.models.placement.steps import Step, replay
from scheduling.solvers.placement.ordering import order_steps
from tests.placements import placement_problems
from tests.properties import examples


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[PlacementProblem, dict[str, str], str, str]:
    """Draw a problem, what stands where, and an item that comes to a node."""
    problem = draw(placement_problems(max_items=5, max_nodes=3))
    names = [node.id for node in problem.nodes]
    standing = {
        item.id: draw(st.sampled_from(names)) for item in problem.items if draw(st.booleans())
    }
    item = draw(st.sampled_from([item.id for item in problem.items]))
    node = draw(st.sampled_from(names))
    assume(standing.get(item) != node)
    return problem, standing, item, node


@given(arrivals())
@examples(150)
def test_an_arrival_is_judged_as_the_checker_judges_it_beside_its_old_copy(
    drawn: tuple[PlacementProblem, dict[str, str], str, str],
) -> None:
    problem, standing, name, node = drawn
    counted = Arrivals(problem, [name])
    for other, host in standing.items():
        counted.come(other, host)
    item = next(item for item in problem.items if item.id == name)
    found = list(counted.breaches(item, node))
    placed = {**standing, name: node}
    whole = problem
    if name in standing:
        twin = item.model_copy(update={"id": "old copy"})
        whole = problem.model_copy(update={"items": (*problem.items, twin)})
        placed["old copy"] = standing[name]
    expected = list(neighbour_violations(whole, placed, frozenset({name})))
    assert bool(found) == bool(expected), (found, expected)


@given(arrivals(), st.booleans())
@examples(50)
def test_what_comes_and_leaves_again_leaves_no_trace(
    drawn: tuple[PlacementProblem, dict[str, str], str, str], first: bool
) -> None:
    problem, standing, name, node = drawn
    item = next(item for item in problem.items if item.id == name)
    plain, busy = Arrivals(problem, [name]), Arrivals(problem, [name])
    for other, host in standing.items():
        plain.come(other, host)
        busy.come(other, host)
        busy.come(other, node)
        busy.come(other, node, -1)
    assert list(plain.breaches(item, node)) == list(busy.breaches(item, node))


@given(placement_problems(max_items=5, max_nodes=3))
@examples(60)
def test_steps_keep_every_rule_on_the_way(problem: PlacementProblem) -> None:
    solution = sch.solve(problem, "cp-sat", work_limit=20, workers=1)
    assume(solution.status is Status.OPTIMAL)
    steps = order_steps(problem, solution)
    assert list(replay(problem, solution, steps)) == []


def _problem(nodes: list[dict[str, Any]], items: list[dict[str, Any]], **more: Any) -> Any:
    for entry in nodes:
        entry.setdefault("capacity", {"cpu": 4})
        entry.setdefault("labels", {"host": entry["id"]})
    for entry in items:
        entry.setdefault("demands", {"cpu": 1})
    return PlacementProblem.model_validate({"nodes": nodes, "items": items, **more})


def _solution(**where: str) -> PlacementSolution:
    placements = tuple(Placement(item=item, node=node) for item, node in where.items())
    return PlacementSolution(status=Status.FEASIBLE, placements=placements)


WEB: dict[str, Any] = {"match": {"app": "web"}}
APART: dict[str, Any] = {
    "labels": {"app": "web"},
    "anti_affinity": [{"selector": WEB, "topology": "zone"}],
}
HOSTS: list[dict[str, Any]] = [
    {"id": name, "labels": {"host": name, "zone": "z"}} for name in ("a", "b")
]


def test_a_replica_that_may_not_stand_beside_itself_leaves_first() -> None:
    problem = _problem(HOSTS, [{"id": "x", "node": "a", **APART}])
    solution = _solution(x="b")
    steps = order_steps(problem, solution)
    assert [(step.action, step.forced) for step in steps] == [("evict", False), ("start", False)]
    assert "while it stands" in steps[0].reason
    surge = [Step(action="move", item="x", origin="a", destination="b")]
    faults = [str(fault) for fault in replay(problem, solution, surge)]
    assert any("anti-affinity" in fault for fault in faults)


def test_who_is_avoided_leaves_before_the_other_comes() -> None:
    nodes = [{"id": "a", "labels": {"zone": "y"}}, {"id": "b", "labels": {"zone": "z"}}]
    new: dict[str, Any] = {"id": "new", **APART, "priority": 5}
    items: list[dict[str, Any]] = [new, {"id": "old", "node": "a", **APART}]
    steps = order_steps(_problem(nodes, items), _solution(new="a", old="b"))
    assert [(step.item, step.action) for step in steps] == [("old", "move"), ("new", "start")]
    steps = order_steps(_problem(nodes, items), _solution(new="a"))
    assert [(step.item, step.action) for step in steps] == [("old", "evict"), ("new", "start")]


def test_even_numbers_grow_evenly() -> None:
    nodes = [{"id": name, "labels": {"zone": name}, "capacity": {"cpu": 9}} for name in "ab"]
    spread = {"labels": {"app": "web"}, "spread": [{"selector": WEB, "topology": "zone"}]}
    items = [{"id": f"x{k}", **spread} for k in range(6)]
    where = {f"x{k}": "a" if k < 3 else "b" for k in range(6)}
    steps = order_steps(_problem(nodes, items), _solution(**where))
    numbers = {"a": 0, "b": 0}
    for step in steps:
        numbers[step.destination or ""] += 1
        assert abs(numbers["a"] - numbers["b"]) <= 1
    assert not any(step.forced for step in steps)


def test_two_that_need_each_other_are_named_as_forced() -> None:
    def needs(label: str) -> list[dict[str, Any]]:
        return [{"selector": {"match": {"app": label}}, "topology": "host"}]

    items = [
        {"id": "x", "labels": {"app": "x"}, "affinity": needs("y")},
        {"id": "y", "labels": {"app": "y"}, "affinity": needs("x")},
    ]
    problem, solution = _problem([{"id": "a"}], items), _solution(x="a", y="a")
    steps = order_steps(problem, solution)
    assert [step.forced for step in steps] == [True, False]
    assert "no order" in steps[0].reason
    told = [step.model_copy(update={"forced": False}) for step in steps]
    assert any("affinity" in str(fault) for fault in replay(problem, solution, told))


@pytest.mark.parametrize(("allowed", "faults"), [(2, 0), (1, 1), (0, 2)])
def test_a_budget_counts_who_is_down_at_the_moment(allowed: int, faults: int) -> None:
    items = [{"id": name, "node": "a", "labels": {"app": "web"}} for name in "xyz"]
    budget = {"id": "pdb", "selector": WEB, "allowed": allowed}
    problem = _problem([{"id": "a"}, {"id": "b"}], items, budgets=[budget])
    steps = [
        Step(action="evict", item="x", origin="a"),
        Step(action="evict", item="y", origin="a"),
        Step(action="start", item="x", destination="b"),
        Step(action="start", item="y", destination="b"),
        Step(action="move", item="z", origin="a", destination="b"),
    ]
    found = [str(fault) for fault in replay(problem, _solution(x="b", y="b", z="b"), steps)]
    assert sum("budget 'pdb'" in fault for fault in found) == faults
