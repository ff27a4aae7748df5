"""Selectors that are empty, missing or negative mean what Kubernetes says they mean."""

from __future__ import annotations

from typing import Any

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.kubernetes.goals import with_goals
from scheduling.kubernetes.snapshot import read_snapshot
from scheduling.models.placement.check import check_placement
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.rules import Selector
from tests.kubernetes.objects import listed, node, pod

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def item_of(*objects: dict[str, Any], **spec: Any) -> Item:
    return read_snapshot(listed(node("n1"), node("n2"), pod("p", **spec), *objects)).problem.items[
        0
    ]


def on_nodes(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


def near_pods(**term: Any) -> dict[str, Any]:
    return {"podAffinity": {REQUIRED: [{"topologyKey": "zone", **term}]}}


def placed(problem: PlacementProblem) -> dict[str, str]:
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    return {entry.item: entry.node for entry in solution.placements}


def test_match_fields_name_and_exclude_nodes() -> None:
    def field(operator: str, *names: str) -> dict[str, Any]:
        return {"key": "metadata.name", "operator": operator, "values": list(names)}

    term = {"matchFields": [field("NotIn", "n1")]}
    item = item_of(affinity=on_nodes(term))
    assert item.node_affinity[0].excluded == ("n1",)
    assert item.node_affinity[0].nodes is None
    stated = read_snapshot(listed(node("n1"), node("n2"), pod("p", affinity=on_nodes(term))))
    assert placed(stated.problem) == {"shop/p": "n2"}
    both = {"matchFields": [field("In", "n1", "n2"), field("In", "n2")]}
    assert item_of(affinity=on_nodes(both)).node_affinity[0].nodes == ("n2",)


def test_empty_node_terms_meet_no_node() -> None:
    item = item_of(affinity=on_nodes({}))
    assert item.node_affinity[0].nodes == ()
    stated = read_snapshot(listed(node("n1"), pod("p", affinity=on_nodes({})))).problem
    assert placed(stated) == {}
    one = on_nodes({}, {"matchExpressions": [{"key": "gpu", "operator": "DoesNotExist"}]})
    stated = read_snapshot(listed(node("n1"), pod("p", affinity=one))).problem
    assert placed(stated) == {"shop/p": "n1"}


def test_a_budget_without_selector_means_no_pods_and_an_empty_one_all() -> None:
    def budget(name: str, **spec: Any) -> dict[str, Any]:
        return {
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": spec,
            "status": {"disruptionsAllowed": 0},
        }

    objects = (node("n1"), budget("none", maxUnavailable=0), budget("all", selector={}))
    budgets = read_snapshot(listed(*objects)).problem.budgets
    assert [(entry.id, entry.selector) for entry in budgets] == [("shop/all", Selector())]


def test_an_empty_selector_of_namespaces_means_all_that_are_seen() -> None:
    other = pod("other")
    other["metadata"]["namespace"] = "lab"
    third = {"kind": "Namespace", "metadata": {"name": "empty", "labels": {"team": "x"}}}
    every = near_pods(labelSelector={}, namespaceSelector={})
    assert set(item_of(other, third, affinity=every).affinity[0].namespaces) == {
        "shop",
        "lab",
        "empty",
    }
    team = near_pods(labelSelector={}, namespaceSelector={"matchLabels": {"team": "x"}})
    assert item_of(other, third, affinity=team).affinity[0].namespaces == ("empty",)
    nobody = near_pods(labelSelector={}, namespaceSelector={"matchLabels": {"team": "y"}})
    assert "shop" not in item_of(other, third, affinity=nobody).affinity[0].namespaces
    own = near_pods(labelSelector={})
    assert item_of(other, third, affinity=own).affinity[0].namespaces == ()


def test_a_problem_without_items_and_goals_has_an_answer() -> None:
    empty = PlacementProblem.model_validate(
        {"kind": "placement", "nodes": [{"id": "n", "capacity": {}}], "goals": []}
    )
    solution = sch.solve(empty, work_limit=1, workers=1)
    assert (solution.status, solution.objective) == ("optimal", 0)
    assert check_placement(empty, solution) == []


def test_preferred_terms_between_pods_are_wishes() -> None:
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    affinity = {"podAntiAffinity": {preferred: [{"weight": 30, "podAffinityTerm": term}]}}
    item = item_of(affinity=affinity)
    assert [(wish.weight, wish.apart) for wish in item.item_preferences] == [(30, True)]
    running = pod("r", node_name="n1")
    stated = read_snapshot(listed(node("n1"), node("n2"), running, pod("p", affinity=affinity)))
    wanted = with_goals(stated.problem, ["moves", "preferences"])
    assert placed(wanted) == {"shop/r": "n1", "shop/p": "n2"}
    near = {"podAffinity": affinity["podAntiAffinity"]}
    stated = read_snapshot(listed(node("n1"), node("n2"), running, pod("p", affinity=near)))
    assert placed(with_goals(stated.problem, ["moves", "preferences"]))["shop/p"] == "n1"
    for wrong in (["moves", "moves"], ["beauty"], ["balance"], ["balance:gold"]):
        with pytest.raises(InputError, match="--goal"):
            with_goals(stated.problem, wrong)


def test_goals_of_an_operator_are_measured() -> None:
    busy = pod("r", node_name="n1")
    stated = read_snapshot(listed(node("n1"), node("n2"), busy, pod("p"))).problem
    for name in ("balance:cpu", "spread:kubernetes.io/hostname"):
        owned = tuple(item.model_copy(update={"owner": "web"}) for item in stated.items)
        wanted = with_goals(stated.model_copy(update={"items": owned}), ["moves", name])
        assert placed(wanted) == {"shop/r": "n1", "shop/p": "n2"}
    # Each pod asks for half a core and one gibibyte: two more fit on either node.
    wanted = with_goals(stated, ["moves", "fragmentation:cpu"])
    assert sch.solve(wanted, "cp-sat", work_limit=5, workers=1).tiers[-1].objective == 0
