"""Explanations of placements: minimal conflicts that are proven, and changes that really admit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.placement.check import check_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import Placement
from scheduling.solvers.board import Budget
from scheduling.solvers.placement.explaining.conflict import in_the_cluster
from scheduling.solvers.placement.explaining.explain import (
    explain_placement,
    explain_solution,
    left_out,
)
from scheduling.solvers.placement.explaining.explanation import Change, PlacementExplanation
from scheduling.solvers.placement.explaining.needs import Need
from scheduling.solvers.placement.explaining.table import NodeTable

Document = dict[str, Any]


def node(name: str, cpu: int = 4, **fields: Any) -> Document:
    return {"id": name, "capacity": {"cpu": cpu}, **fields}


def item(name: str, cpu: int = 2, **fields: Any) -> Document:
    return {"id": name, "demands": {"cpu": cpu}, **fields}


def stated(nodes: list[Document], items: list[Document], **fields: Any) -> PlacementProblem:
    document = {"kind": "placement", "nodes": nodes, "items": items, **fields}
    return PlacementProblem.model_validate(document)


def explained(problem: PlacementProblem) -> PlacementExplanation:
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    return explain_solution(problem, solution, Budget(time.monotonic() + 60, None, 1, 0))


def kinds(found: PlacementExplanation) -> list[str]:
    return [label.kind for label in found.left_out[0].conflict]


def change_of(found: PlacementExplanation, text: str) -> Change:
    return next(change for change in found.changes if text in change.change)


def test_what_has_a_place_needs_no_explanation() -> None:
    found = sch.explain(stated([node("n")], [item("a")]), 10.0)
    assert found.status is Status.FEASIBLE
    assert str(found) == "Every item has a place."
    assert found.record()["unplaced"] == []


@pytest.mark.parametrize(("taken", "where"), [(0, "there"), (1, "free")])
def test_resources_that_nodes_have_but_never_together_say_how_many_have_each(
    taken: int, where: str
) -> None:
    problem = stated(
        [
            {"id": "fast", "capacity": {"cpu": 6, "gpu": taken}},
            {"id": "wide", "capacity": {"cpu": 2 + 4 * taken, "gpu": 1}},
        ],
        [
            {"id": "r", "demands": {"gpu": taken}, "node": "fast", "pinned": True},
            {"id": "s", "demands": {"cpu": 4 * taken}, "node": "wide", "pinned": True},
            {"id": "p", "demands": {"cpu": 3, "gpu": 1}},
        ],
        max_moves=0,
    )
    (group,) = explained(problem).left_out
    shown = [str(label) for label in group.conflict if label.kind == "resource"]
    assert shown == [
        f"p needs 3 cpu ({where} on 1 of 2 nodes)",
        f"p needs 1 gpu ({where} on 1 of 2 nodes)",
    ]


def test_quotas_grow_by_what_their_own_items_take_and_only_where_they_bind() -> None:
    problem = stated(
        [{"id": "n", "capacity": {"cpu": 9, "gpu": 9}}],
        [
            item("other", 3, node="n", pinned=True),
            {"id": "old", "demands": {"gpu": 4}, "node": "n", "pinned": True},
            item("p", 3),
        ],
        quotas=[{"id": "q", "limits": {"gpu": 1, "cpu": 2}, "members": ["p", "old"]}],
    )
    texts = [change.change for change in explained(problem).changes if "quota" in change.change]
    assert texts == ["quota q allows 3 instead of 2 cpu"]


def test_a_label_and_a_resource_that_no_node_has_both() -> None:
    problem = stated(
        [node("small", 2, labels={"gpu": "a100"}), node("large", 8), node("medium", 4)],
        [item("p", 4, node_selector={"gpu": "a100"}), item("q", 4, node="large")],
    )
    found = explained(problem)
    assert found.status is Status.INFEASIBLE
    (group,) = found.left_out
    assert (group.items, group.proven, group.is_minimal) == (("p",), True, True)
    assert [str(label) for label in group.conflict] == [
        "p needs 4 cpu (no allowed node has more than 2)",
        "p needs a node with the label gpu=a100 (1 of 3 nodes)",
    ]
    assert {why: count for count, why in group.reasons} == {
        "no label gpu=a100": 2,
        "insufficient cpu (node too small)": 1,
    }
    assert change_of(found, "asks for 2 instead of 4 cpu").admitted == ("p",)
    assert change_of(found, "label gpu=a100 on").admitted == ("p",)
    assert group.remedy is not None


CASES: dict[str, tuple[Callable[[], PlacementProblem], set[str], str]] = {
    "taint": (
        lambda: stated([node("n", taints=[{"key": "gpu"}])], [item("p")]),
        {"taint"},
        "taint gpu taken off n",
    ),
    "cordon": (lambda: stated([node("n", closed=True)], [item("p")]), {"cordon"}, "n uncordoned"),
    "affinity": (
        lambda: stated([node("n")], [item("p", node_affinity=[{"nodes": ["m"]}])]),
        {"affinity"},
        "node affinity of p allows n too",
    ),
    "volume": (
        lambda: stated([node("n")], [item("p", volumes=[[{"nodes": ["m"]}]])]),
        {"volume"},
        "volume 0 of p reachable from n too",
    ),
    "moves": (
        lambda: stated(
            [node("a"), node("b")],
            [item("x", 2, node="a"), item("y", 2, node="b"), item("p", 4)],
            max_moves=0,
        ),
        {"resource", "moves"},
        "1 moves or evictions allowed instead of 0",
    ),
    "budget": (
        lambda: stated(
            [node("a"), node("b")],
            [
                item("x", 2, node="a", labels={"app": "w"}),
                item("y", 2, node="b", labels={"app": "w"}),
                item("p", 4),
            ],
            budgets=[{"id": "pdb", "selector": {"match": {"app": "w"}}, "allowed": 0}],
        ),
        {"resource", "budget"},
        "disruption budget pdb allows 1 instead of 0",
    ),
    "pinned": (
        lambda: stated(
            [node("a"), node("b")],
            [
                item("x", 2, node="a", pinned=True),
                item("y", 2, node="b", pinned=True),
                item("q", 4),
            ],
        ),
        {"resource", "pinned", "priority"},
        "may be moved",
    ),
    "quota": (
        lambda: stated([node("n")], [item("p", 3)], quotas=[{"id": "q", "limits": {"cpu": 2}}]),
        {"resource", "quota"},
        "quota q allows 3 instead of 2 cpu",
    ),
    "priority": (
        lambda: stated([node("n")], [item("x", 4, node="n"), item("p", 4)]),
        {"resource", "priority"},
        "p has the priority 1 instead of 0",
    ),
    "apart": (
        lambda: stated(
            [node("n", labels={"host": "n"})],
            [
                item("x", 1, node="n", labels={"app": "w"}, pinned=True),
                item(
                    "p",
                    1,
                    anti_affinity=[{"selector": {"match": {"app": "w"}}, "topology": "host"}],
                ),
            ],
        ),
        {"apart", "pinned", "priority"},
        "p no longer keeps apart from app=w by host",
    ),
    "avoided": (
        lambda: stated(
            [node("n", labels={"host": "n"})],
            [
                item(
                    "x",
                    1,
                    node="n",
                    owner="web",
                    pinned=True,
                    anti_affinity=[{"selector": {"match": {"app": "w"}}, "topology": "host"}],
                ),
                item("p", 1, labels={"app": "w"}),
            ],
        ),
        {"avoided", "pinned", "priority"},
        "default/web no longer keeps p away",
    ),
    "gang": (
        lambda: stated(
            [node("n")], [item("p", gang="g"), item("q", gang="g"), item("r", gang="g")]
        ),
        {"resource", "gang"},
        "the gang g may be placed in part",
    ),
    "port": (
        lambda: stated(
            [node("n")],
            [
                item("x", 1, node="n", ports=[{"port": 80}], pinned=True),
                item("p", 1, ports=[{"port": 80}]),
            ],
        ),
        {"port", "pinned", "priority"},
        "p no longer needs the port 80",
    ),
    "interference": (
        lambda: stated(
            [node("n")],
            [item("x", 1, node="n", pinned=True), item("p", 1, max_degradation=4)],
            interference=[{"degradation": 5}],
        ),
        {"interference", "pinned", "priority"},
        "nothing limits what items lose",
    ),
    "patience": (
        lambda: stated(
            [node("n"), node("m", 2)], [item("x", 2, node="n"), item("p", 4, preempts=False)]
        ),
        {"resource", "patience"},
        "p may make others leave",
    ),
    "together": (
        lambda: stated(
            [node("n", labels={"zone": "a"})],
            [item("p", 1, affinity=[{"selector": {"match": {"app": "w"}}, "topology": "zone"}])],
        ),
        {"together"},
        "p no longer stands with app=w in one zone",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_constraint_is_named_and_its_change_admits(name: str) -> None:
    build, conflict, text = CASES[name]
    problem = build()
    found = explained(problem)
    assert found.status is Status.INFEASIBLE
    assert set(kinds(found)) <= conflict
    assert name in kinds(found)
    assert all(group.is_minimal for group in found.left_out)
    change = change_of(found, text)
    assert check_placement(change.problem, change.solution) == []
    placed = {entry.item for entry in change.solution.placements}
    assert set(change.admitted) & placed & set(found.left_out[0].items)


def test_changes_name_who_moves_and_who_is_evicted() -> None:
    problem = stated(
        [node("a"), node("b")],
        [item("x", 2, node="a"), item("y", 2, node="b"), item("p", 4, priority=1)],
        max_moves=0,
    )
    change = change_of(explained(problem), "1 moves or evictions allowed instead of 0")
    assert change.moved in ((("x", "b"),), (("y", "a"),))
    assert (change.evicted, change.disturbed) == ((), 1)
    assert str(change).endswith((" (x moves to b)", " (y moves to a)"))
    crowded = stated([node("a")], [item("x", 4, node="a"), item("p", 4)])
    change = change_of(explained(crowded), "p has the priority 1 instead of 0")
    assert (change.admitted, change.displaced, change.evicted) == (("p",), ("x",), ("x",))
    assert str(change).endswith(" (x is evicted)")


def test_more_nodes_are_as_few_as_can_be() -> None:
    problem = stated([node("n")], [item(f"p{k}") for k in range(7)])
    change = change_of(explained(problem), "3 more nodes like n")
    assert (len(change.admitted), change.proven) == (5, True)
    assert len(change.problem.nodes) == 4


def test_equal_items_are_explained_together_and_names_the_first() -> None:
    problem = stated([node("n", 1)], [item(f"p{k}") for k in range(5)])
    (group,) = left_out(problem, sch.solve(problem, "cp-sat", work_limit=5, workers=1))
    assert len(group.items) == 5
    assert group.reasons == ((1, "insufficient cpu (node too small)"),)
    assert group.conflict == ()
    assert "p0 and 4 like it" in str(explained(problem))


def test_without_time_reasons_remain() -> None:
    problem = stated([node("n")], [item("a", 4, node="n"), item("p", 4)])
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    found = explain_solution(problem, solution, Budget(time.monotonic(), None, 1, 0))
    (group,) = found.left_out
    assert (group.conflict, group.remedy, found.changes) == ((), None, ())
    assert group.reasons == ((1, "insufficient cpu (node full)"),)
    assert group.proven


def test_without_time_most_of_many_items_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = stated([node("n")], [item(f"p{k}", 5 + k) for k in range(400)])
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    looked: list[str] = []
    reasons = NodeTable.reasons

    def counted(table: NodeTable, entry: Any, needs: list[Need]) -> Any:
        looked.append(entry.id)
        return reasons(table, entry, needs)

    monkeypatch.setattr(NodeTable, "reasons", counted)
    monkeypatch.setattr(NodeTable, "free_but_for", None)  # Nobody may ask.
    monkeypatch.setattr("scheduling.solvers.placement.explaining.conflict.needs_of", None)
    monkeypatch.setattr("scheduling.solvers.placement.explaining.pools.holds", None)
    found = explain_solution(problem, solution, Budget(time.monotonic(), None, 1, 0))
    assert len(found.left_out) == 400
    assert len(looked) < 100
    assert all(group.proven for group in found.left_out)
    assert str(found).count("no time was left to say why") == 400 - len(looked)


def test_a_time_that_is_over_is_no_fault() -> None:
    problem = stated([node("n")], [item("a", 4, node="n"), item("p", 4)])
    found = explain_placement(problem, Budget(time.monotonic(), None, 1, 0))
    assert [group.items for group in found.left_out] == [("p",)]


def test_an_equal_item_that_runs_does_not_stand_for_one_that_waits() -> None:
    """Without its own rules the waiting one equals the other, whose affinity does not bind it."""
    term = {"selector": {"match": {"app": "x"}}, "topology": "zone"}
    base = {"demands": {"cpu": 1}, "affinity": [term]}
    waits = {**base, "id": "waits", "anti_affinity": [term]}
    document = {
        "nodes": [{"id": "old", "capacity": {}}, {"id": "new", "capacity": {"cpu": 1}}],
        "items": [{**base, "id": "runs", "node": "old"}, waits],
        "goals": [],
    }
    problem = PlacementProblem.model_validate(document)
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    budget = Budget(time.monotonic() + 60, None, 1, 0)
    item = problem.items[1]
    conflict = in_the_cluster(problem, solution, item, frozenset({item.id}), budget)
    assert conflict.needs == (Need("together", (0,)),)


@pytest.mark.parametrize("swapped", [False, True])
def test_changes_leave_what_stands_where_the_plan_has_it(*, swapped: bool) -> None:
    nodes = [node("n0", 6), node("n1", 6), node("n2", 6, taints=[{"key": "t"}])]
    problem = stated(nodes, [item("p0", 4), item("p1", 4), item("p2", 5)])
    names = ("n1", "n0") if swapped else ("n0", "n1")
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    assert solution.status is Status.OPTIMAL
    places = tuple(Placement(item=f"p{k}", node=name) for k, name in enumerate(names))
    plan = solution.model_copy(update={"placements": places})
    assert not check_placement(problem, plan)
    found = explain_solution(problem, plan, Budget(time.monotonic() + 60, None, 1, 0))
    assert {change.admitted for change in found.changes} >= {("p2",)}
    for change in found.changes:
        assert not check_placement(change.problem, change.solution)
        hosts = {entry.item: entry.node for entry in change.solution.placements}
        left = {entry.item: entry.node for entry in places if entry.item not in change.displaced}
        assert left.items() <= hosts.items()
