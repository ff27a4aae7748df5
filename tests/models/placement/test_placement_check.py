"""The checker of placements: every rule broken once, and certificates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.placement.check_nodes import meets
from scheduling.models.placement.eligibility import holds
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.rules import Requirement
from scheduling.models.placement.solution import PlacementSolution
from tests.models.placement.rules import broken, problem
from tests.placements import placement_problems


@pytest.mark.parametrize(
    ("new", "placed", "constraint"),
    [
        ({}, {"run": "a", "pin": "d", "new": "d"}, None),
        ({}, {"run": "a", "pin": "d", "new": "a"}, "capacity"),
        ({}, {"run": "a", "pin": "d", "new": "b"}, "node"),
        ({}, {"run": "a", "pin": "d", "new": "c"}, "node"),
        ({"node_selector": {"disk": "ssd"}}, {"run": "a", "pin": "d", "new": "d"}, "node"),
        ({}, {"run": "a", "new": "d"}, "pinned"),
        ({}, {"run": "d", "pin": "d"}, "budget"),
        ({"demands": {"cpu": 3}}, {"run": "a", "pin": "d", "new": "d"}, "quota"),
        ({"gang": "g", "node": "a"}, {"run": "a", "pin": "d"}, "budget"),
        (
            {"anti_affinity": [{"selector": {"match": {"app": "web"}}, "topology": "zone"}]},
            {"run": "a", "pin": "d", "new": "a"},
            "anti-affinity",
        ),
        (
            {"affinity": [{"selector": {"match": {"app": "web"}}, "topology": "zone"}]},
            {"run": "a", "pin": "d", "new": "d"},
            "affinity",
        ),
        (
            {"spread": [{"selector": {"match": {"app": "db"}}, "topology": "rack"}]},
            {"run": "a", "pin": "d", "new": "d"},
            "spread",
        ),
    ],
)
def test_each_rule_is_checked(
    new: dict[str, Any], placed: dict[str, str], constraint: str | None
) -> None:
    found = broken(problem(new=new), **placed)
    assert (constraint in found) if constraint else not found


def test_unknown_names_and_repeated_items_are_named() -> None:
    assert broken(problem(), run="a", pin="d", ghost="d") == {"item"}
    assert "node" in broken(problem(), run="a", pin="d", new="z")


@given(
    value=st.text("0159-+_ \u0661", max_size=3),
    operator=st.sampled_from(["Gt", "Lt", "In", "NotIn", "Exists", "DoesNotExist"]),
)
def test_solvers_and_checker_read_the_same_numbers(value: str, operator: Any) -> None:
    """Some texts are numbers for Python, but none of a label."""
    values = () if "xist" in operator else ("1",)
    asked = Requirement(key="k", operator=operator, values=values)
    for labels in ({}, {"k": value}):
        assert holds(asked, labels) == meets(asked, labels)


def test_an_overcommitted_node_keeps_what_runs_or_takes_what_fits_without_it() -> None:
    stated = problem(
        items=[
            {"id": "big", "demands": {"cpu": 9}, "node": "a"},
            {"id": "new", "demands": {"cpu": 1}},
        ],
        budgets=[],
        quotas=[],
    )
    assert broken(stated, big="a") == set()
    assert broken(stated, big="a", new="a") == {"capacity"}
    assert broken(stated, new="a") == set()


def test_room_and_ports_are_shared_in_turns() -> None:
    def reserved(first: tuple[int, int], second: tuple[int, int], **more: Any) -> PlacementProblem:
        windows = [{"start": start, "end": end} for start, end in (first, second)]
        items = [
            {"id": name, "demands": {"cpu": 3}, "window": window, **more}
            for name, window in zip(("one", "two"), windows, strict=True)
        ]
        return problem(items=items, budgets=[], quotas=[])

    assert broken(reserved((0, 5), (5, 9)), one="a", two="a") == set()
    assert broken(reserved((0, 6), (5, 9)), one="a", two="a") == {"capacity"}
    small = {"demands": {"cpu": 1}, "ports": [{"port": 80}]}
    assert broken(reserved((0, 5), (5, 9), **small), one="a", two="a") == set()
    assert broken(reserved((0, 6), (5, 9), **small), one="a", two="a") == {"port"}


def test_a_part_of_a_gang_is_no_placement() -> None:
    gang = [{"id": name, "demands": {"cpu": 1}, "gang": "g"} for name in ("one", "two")]
    stated = problem(items=gang, budgets=[], quotas=[])
    assert broken(stated, one="d") == {"gang"}
    assert broken(stated, one="d", two="d") == set()


def test_most_moves() -> None:
    assert broken(problem(budgets=[], max_moves=0), run="d", pin="d") == {"max_moves"}


@given(placement_problems(max_items=4), st.data())
def test_a_changed_certificate_is_caught(stated: PlacementProblem, data: st.DataObject) -> None:
    solution = sch.solve(stated, "best-fit", work_limit=1, workers=1)
    assert sch.check(stated, solution) == []
    index = data.draw(st.integers(0, len(solution.tiers) - 1))
    tiers = list(solution.tiers)
    value = int(tiers[index].objective or 0) + 1
    tiers[index] = tiers[index].model_copy(update={"objective": value})
    assert sch.check(stated, solution.model_copy(update={"tiers": tuple(tiers)}))


def stated_goal(stated: PlacementProblem, goal: str, value: int, **placed: str) -> bool:
    """Tell whether the checker takes a value of the only goal behind the unplaced items."""
    only = stated.model_copy(update={"goals": (goal,)})
    entries = [{"item": item, "node": node} for item, node in placed.items()]
    missing = len(stated.items) - len(placed)
    tiers = [
        {"name": only.tier_names[0], "objective": missing, "bound": 0, "gap": None},
        {"name": goal, "objective": value, "bound": 0, "gap": None},
    ]
    document = {"kind": "placement", "status": "feasible", "placements": entries, "tiers": tiers}
    found = sch.check(only, PlacementSolution.model_validate(document))
    return not any(f"{goal}: stated" in entry.where for entry in found)


def near(app: str, **more: Any) -> dict[str, Any]:
    return {"weight": 5, "term": {"selector": {"match": {"app": app}}, "topology": "zone"}, **more}


@pytest.mark.parametrize(
    ("wishes", "lost"),
    [
        ({"preferences": [{"weight": 7, "term": {"nodes": ["d"]}}]}, 0),
        ({"preferences": [{"weight": 7, "term": {"nodes": ["a"]}}]}, 7),
        ({"item_preferences": [near("web")]}, 5),
        ({"item_preferences": [near("db")]}, 0),
        ({"item_preferences": [near("db", apart=True)]}, 5),
        ({"item_preferences": [near("web", apart=True)]}, 0),
    ],
)
def test_wishes_that_are_not_met_are_counted(wishes: dict[str, Any], lost: int) -> None:
    stated = problem(new=wishes)
    pin = stated.items[1].model_copy(update={"labels": {"app": "db"}})
    stated = stated.model_copy(update={"items": (stated.items[0], pin, stated.items[2])})
    assert stated_goal(stated, "preferences", lost, run="a", pin="d", new="d")
    assert not stated_goal(stated, "preferences", lost + 1, run="a", pin="d", new="d")


@pytest.mark.parametrize(
    ("goal", "value", "changes"),
    [
        ("balance", 750_000, {"balance": {"resource": "cpu"}}),
        ("spread", 2, {}),
        ("spread", 3, {"spread_topology": "disk"}),
        ("interference", 14, {}),
    ],
)
def test_measures_are_recomputed(goal: str, value: int, changes: dict[str, Any]) -> None:
    web, rest = {"match": {"app": "web"}}, {"match": {"app": "rest"}}
    labels = [{"app": "web"}, {"app": "rest"}, {"app": "rest"}]
    base = problem(budgets=[], quotas=[], **changes)
    items = tuple(
        item.model_copy(update={"labels": label, "owner": "o", "namespace": space})
        for item, label, space in zip(base.items, labels, ("n", "n", "m"), strict=True)
    )
    rules = [
        {"victim": web, "neighbour": rest, "degradation": 5},
        {"victim": rest, "neighbour": rest, "degradation": 7},
    ]
    document = base.model_dump() | {"interference": rules}
    stated = PlacementProblem.model_validate(document | {"items": [i.model_dump() for i in items]})
    where = {"run": "a", "pin": "d", "new": "d"}
    if goal == "spread":
        # The two of one owner on two nodes, then on one.
        assert stated_goal(stated, "spread", 2, **where)
        assert stated_goal(stated, "spread", 3, run="d", pin="d", new="a")
    else:
        assert stated_goal(stated, goal, value, **where)
    assert not stated_goal(stated, goal, value + 1, **where)


def test_what_requests_cannot_use_is_counted_on_nodes_and_parts() -> None:
    gpus = [{"id": f"g{k}", "kind": "gpu", "capacity": {"milli": 1000}} for k in range(3)]
    half = [{"kind": "gpu", "options": [{"milli": 500}]}]
    requests = [
        {"weight": 1, "shares": [{"kind": "gpu", "options": [{"milli": 600}]}]},
        {"weight": 10, "shares": [{"kind": "gpu", "count": 3, "options": [{"milli": 1000}]}]},
        {"weight": 100, "demands": {"cpu": 1}},
    ]
    stated = PlacementProblem.model_validate(
        {
            "nodes": [{"id": "n", "capacity": {"cpu": 2}, "parts": gpus}],
            "items": [{"id": "i", "shares": half}],
            "goals": ["fragmentation"],
            "workload": {"resource": "milli", "kind": "gpu", "requests": requests},
        }
    )
    # Half a GPU is too small for the first; the second finds two whole ones; the third asks none.
    placements = [{"item": "i", "node": "n", "parts": [{"part": "g0"}]}]
    document = {"kind": "placement", "status": "feasible", "placements": placements}
    tiers = [
        {"name": stated.tier_names[0], "objective": 0, "bound": 0, "gap": 0.0},
        {"name": "fragmentation", "objective": 275_500, "bound": 0, "gap": 1.0},
    ]
    found = sch.check(stated, PlacementSolution.model_validate(document | {"tiers": tiers}))
    assert not any("fragmentation: stated" in entry.where for entry in found)
    tiers[1]["objective"] = 275_499
    found = sch.check(stated, PlacementSolution.model_validate(document | {"tiers": tiers}))
    assert any("fragmentation: stated" in entry.where for entry in found)


def test_what_arrives_may_neither_lose_nor_cost_too_much() -> None:
    web = {"match": {"app": "web"}}
    rule = {"victim": web, "neighbour": web, "degradation": 3}

    def limited(name: str, most: int) -> PlacementProblem:
        stated = problem(budgets=[], quotas=[], interference=[rule])
        items = tuple(
            item.model_copy(update={"max_degradation": most if item.id == name else None})
            for item in stated.items
        )
        return stated.model_copy(update={"items": items})

    moved = {"run": "d", "pin": "d", "new": "d"}
    for name in ("run", "new"):
        assert broken(limited(name, 3), **moved) == set()
        assert broken(limited(name, 2), **moved) == {"interference"}
    # Beside each other already: they may stay.
    stated = limited("run", 2)
    items = tuple(
        item.model_copy(update={"node": "a", "demands": {"cpu": 1}, "pinned": False})
        for item in stated.items
    )
    assert broken(stated.model_copy(update={"items": items}), run="a", pin="a", new="a") == set()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"nodes": []}, "items[0].node"),
        ({"nodes": [{"id": "a", "capacity": {"cpu": -1}}]}, "nodes[0].capacity.cpu"),
        ({"items": [{"id": "x"}, {"id": "x"}]}, "items"),
        ({"items": [{"id": "x", "pinned": True}]}, "items[0].pinned"),
        ({"goals": ["moves", "moves"]}, "goals"),
        ({"goals": ["balance"]}, "balance"),
        ({"goals": ["fragmentation"]}, "workload"),
        (
            {
                "new": {"window": {"start": 0, "end": 4}},
                "goals": ["fragmentation"],
                "workload": {"resource": "cpu", "requests": []},
            },
            "goals[0]",
        ),
        (
            {"interference": [{"victim": {"requirements": [{"key": "k"}]}, "degradation": 1}]},
            "interference[0].victim.requirements[0].values",
        ),
        ({"new": {"window": {"start": 4, "end": 4}}}, "items[2].window"),
        (
            {"items": [{"id": "x", "node_affinity": [{"labels": [{"key": "k"}]}]}]},
            "items[0].node_affinity[0].labels[0].values",
        ),
        (
            {
                "nodes": [{"id": f"n{k}", "capacity": {"cpu": 2**50}} for k in range(2049)],
                "items": [],
            },
            "nodes",
        ),
        (
            {
                "nodes": [{"id": "n", "capacity": {"cpu": 2**42}}],
                "items": [],
                "workload": {"resource": "cpu", "requests": [{"weight": 10**6}]},
            },
            "workload",
        ),
    ],
)
def test_faults_are_named_with_their_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as error:
        problem(**change)
    assert place in {fault.place for fault in error.value.faults}


def test_pods_that_preempt_nothing_need_room_beside_what_runs() -> None:
    """What leaves makes no room for them: neither its resources nor its ports."""
    nodes = [{"id": name, "capacity": {"cpu": 4}, "labels": {"zone": "1"}} for name in ("a", "b")]
    items: list[dict[str, Any]] = [
        {"id": "run", "demands": {"cpu": 3}, "node": "a", "ports": [{"port": 80}]},
        {"id": "new", "demands": {"cpu": 2}, "preempts": False},
    ]
    stated = PlacementProblem.model_validate({"nodes": nodes, "items": items})
    assert broken(stated, run="b", new="a") == {"preemption"}
    assert broken(stated, run="a", new="b") == set()
    items[1] |= {"demands": {"cpu": 1}}
    assert broken(PlacementProblem.model_validate({"nodes": nodes, "items": items})) == set()
    items[1] |= {"ports": [{"port": 80}]}
    stated = PlacementProblem.model_validate({"nodes": nodes, "items": items})
    assert broken(stated, run="b", new="a") == {"preemption"}
    items[1] |= {"preempts": True}
    stated = PlacementProblem.model_validate({"nodes": nodes, "items": items})
    assert broken(stated, run="b", new="a") == set()


def test_an_answer_to_other_goals_is_told_as_that() -> None:
    document = problem().model_dump(mode="json")
    asked = PlacementProblem.model_validate({**document, "goals": ["cost", "nodes"]})
    solution = sch.solve(asked, "greedy", work_limit=2, workers=1)
    (found,) = sch.check(problem(goals=("evictions", "moves")), solution)
    assert found.constraint == "objective"
    assert "cost, nodes; the problem asks for" in found.where
    assert sch.check(asked, solution) == []
