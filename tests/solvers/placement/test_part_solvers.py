"""Solvers of placements on parts of nodes against brute force."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.instances.placement.random_clusters import random_cluster, with_running
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.goals import Standing
from scheduling.models.placement.parts import PartUse
from scheduling.models.placement.problem import PlacementProblem
from scheduling.solvers.board import Budget
from scheduling.solvers.placement.explaining.explain import explain_solution
from scheduling.solvers.placement.explaining.explanation import PlacementExplanation
from scheduling.solvers.placement.growth import Growth
from scheduling.solvers.placement.state import State
from tests.part_placements import best_part_values, part_problems
from tests.properties import examples
from tests.solvers.placement.definitions import (
    bounded_by_formula,
    carried_out,
    exact,
    no_better_than_the_optimum,
    values_of,
)


@given(part_problems())
@examples(60)
def test_cp_sat_finds_what_brute_force_finds(problem: PlacementProblem) -> None:
    exact(problem, best_part_values(problem) or (0,), "cp-sat")


@pytest.mark.parametrize("solver", ["best-fit", "default-scheduler", "greedy", "lns"])
@given(problem=part_problems())
@examples(25)
def test_heuristics_answer_validly_and_never_better_than_the_best(
    solver: str, problem: PlacementProblem
) -> None:
    no_better_than_the_optimum(problem, best_part_values(problem), solver)


@given(part_problems())
@examples(15)
def test_auto_is_optimal_on_small_problems(problem: PlacementProblem) -> None:
    exact(problem, best_part_values(problem), "auto")


@given(part_problems())
@examples(40)
def test_formula_bound_is_below_the_best_of_each_priority(problem: PlacementProblem) -> None:
    bounded_by_formula(problem, best_part_values(problem))


@given(part_problems())
@examples(40)
def test_steps_lead_to_the_placement_with_room_at_every_step(problem: PlacementProblem) -> None:
    solution = sch.solve(problem, "cp-sat", work_limit=20, workers=1)
    carried_out(problem, solution)


@given(part_problems(), st.data())
@examples(30)
def test_changed_parts_are_caught(problem: PlacementProblem, data: st.DataObject) -> None:
    solution = sch.solve(problem, "best-fit", work_limit=1, workers=1)
    taking = [entry for entry in solution.placements if entry.parts]
    if not taking:
        return
    entry = data.draw(st.sampled_from(taking))
    wrong = data.draw(
        st.sampled_from(
            [
                entry.parts[1:],
                (*entry.parts, entry.parts[0]),
                (entry.parts[0].model_copy(update={"option": 9}), *entry.parts[1:]),
                (PartUse(part="ghost"), *entry.parts[1:]),
            ]
        )
    )
    changed = entry.model_copy(update={"parts": wrong})
    entries = tuple(changed if e is entry else e for e in solution.placements)
    found = sch.check(problem, solution.model_copy(update={"placements": entries}))
    assert "parts" in {violation.constraint for violation in found}


GPUS = [{"id": name, "kind": "gpu", "capacity": {"milli": 1000}} for name in ("g0", "g1")]


@pytest.mark.parametrize(
    ("rule", "asked", "node", "part"),
    [
        # Rooms in the parts: a has 1000 and 1000, b 1000 and 500, c 1000 and 400; c has more cpu.
        ("best-fit", 400, "b", "g1"),
        ("dot-product", 400, "b", "g1"),
        ("gpu-packing", 400, "c", "g1"),
        ("gpu-packing", 1000, "b", "g0"),
        ("gpu-clustering", 500, "b", "g1"),
        ("gpu-clustering", 300, "a", "g0"),
        # Requests of 500 cannot use the 400 that c has left.
        ("fgd", 400, "c", "g1"),
        ("fgd", 500, "b", "g1"),
    ],
)
def test_greedy_rules_choose_as_they_say(rule: str, asked: int, node: str, part: str) -> None:
    used = [("b", 500), ("c", 600)]
    problem = PlacementProblem.model_validate(
        {
            "nodes": [
                {"id": "a", "capacity": {"cpu": 1}, "parts": GPUS},
                {"id": "b", "capacity": {"cpu": 1}, "parts": GPUS},
                {"id": "c", "capacity": {"cpu": 9}, "parts": GPUS},
            ],
            "items": [
                *(
                    {
                        "id": f"on-{name}",
                        "node": name,
                        "shares": [{"kind": "gpu", "options": [{"milli": milli}]}],
                        "parts": [{"part": "g1"}],
                    }
                    for name, milli in used
                ),
                {
                    "id": "new",
                    "demands": {"cpu": 1},
                    "shares": [{"kind": "gpu", "options": [{"milli": asked}]}],
                },
            ],
        }
    )
    half = {"shares": [{"kind": "gpu", "options": [{"milli": 500}]}]}
    workload = {"resource": "milli", "kind": "gpu", "requests": [half]}
    problem = PlacementProblem.model_validate({**problem.model_dump(), "workload": workload})
    solution = sch.solve(problem, f"greedy:{rule}")
    placed = {entry.item: entry for entry in solution.placements}
    assert (placed["new"].node, placed["new"].parts[0].part) == (node, part)


def test_greedy_rules_take_clusters_without_nodes_or_parts() -> None:
    item = {"id": "x", "shares": [{"kind": "gpu", "options": [{"milli": 1}]}]}
    for nodes in ([], [{"id": "a", "capacity": {}}]):
        problem = PlacementProblem.model_validate({"nodes": nodes, "items": [item]})
        assert sch.solve(problem, "greedy").placements == ()


@given(part_problems())
@examples(40)
def test_growth_is_what_an_item_adds_to_fragmentation(problem: PlacementProblem) -> None:
    arrays = compile_placement(problem)
    assert arrays.workload is not None
    state = State(arrays, arrays.now)
    growth = Growth(arrays, arrays.workload, state)
    before = Standing(arrays, arrays.now).value("fragmentation")
    for item in np.flatnonzero(arrays.now < 0).tolist():
        k = int(arrays.of_class[item])
        for node in np.flatnonzero(state.options(item)).tolist():
            after = arrays.now.copy()
            after[item] = growth.place(k, node)
            assert state.fits(item, int(after[item]))
            value = Standing(arrays, after).value("fragmentation")
            assert growth.of(k, np.array([node])).tolist() == [value - before]


def test_fgd_needs_a_workload() -> None:
    with pytest.raises(UnsupportedError, match="workload"):
        sch.solve(PlacementProblem(nodes=()), "greedy:fgd")


def test_unknown_greedy_rules_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="gpu-packing"):
        sch.solve(PlacementProblem(nodes=()), "greedy:worst")


@given(seed=st.integers(0, 99), usage=st.sampled_from([0.8, 1.0, 1.1]))
@examples(5)
def test_generated_clusters_ask_for_no_more_gpus_than_said(seed: int, usage: float) -> None:
    problem = random_cluster(nodes=2, pods_per_node=5, usage=usage, gpus=4, seed=seed)
    asked = sum(
        share.count * share.options[0]["gpu-milli"]
        for item in problem.items
        for share in item.shares
    )
    assert asked <= usage * 2 * 4 * 1000
    default = sch.solve(problem, "default-scheduler", work_limit=1, workers=1)
    running = with_running(problem, default)
    again = sch.solve(running, "auto", work_limit=0.5, workers=1)
    assert values_of(again)[:4] <= values_of(default)[:4]


def test_generated_clusters_ask_for_fractions_and_for_several_gpus() -> None:
    problem = random_cluster(nodes=8, pods_per_node=8, gpus=8, seed=1)
    asked = {(s.count, s.options[0]["gpu-milli"]) for item in problem.items for s in item.shares}
    assert {(1, 500), (1, 1000)} <= asked
    assert max(count for count, _ in asked) > 1


def explained(problem: PlacementProblem) -> PlacementExplanation:
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    return explain_solution(problem, solution, Budget(time.monotonic() + 60, None, 1, 0))


@given(part_problems())
@examples(25)
def test_changes_of_explanations_hold(problem: PlacementProblem) -> None:
    found = explained(problem)
    for group in found.left_out:
        assert group.is_minimal
        assert group.conflict
        # Every node is excluded by one reason at least, or by other rules.
        assert sum(count for count, _ in group.reasons) >= len(problem.nodes)
    for change in found.changes:
        assert sch.check(change.problem, change.solution) == []


def _with_links(item: dict[str, Any], **others: Any) -> PlacementProblem:
    parts = [{**part, "groups": {"link": str(n)}} for n, part in enumerate(GPUS)]
    items = [{"id": "new", **item}, *others.get("items", [])]
    return PlacementProblem.model_validate(
        {"nodes": [{"id": "a", "capacity": {}, "parts": parts}], "items": items}
    )


def test_explanations_name_parts_and_their_domains() -> None:
    pair = [{"kind": "gpu", "count": 2, "options": [{"milli": 1000}]}]
    found = explained(_with_links({"shares": pair, "together": "link"}))
    group = found.left_out[0]
    assert [label.kind for label in group.conflict] == ["aligned"]
    assert group.reasons == ((1, "insufficient for its parts in one link (node too small)"),)
    assert any("parts of more than one link" in change.change for change in found.changes)
    triple = [{"kind": "gpu", "count": 3, "options": [{"milli": 1000}]}]
    found = explained(_with_links({"shares": triple}))
    assert [label.kind for label in found.left_out[0].conflict] == ["parts"]
    assert any("asks for 2 instead of 3 gpu" in change.change for change in found.changes)


def test_full_parts_are_told_from_missing_ones() -> None:
    whole = [{"kind": "gpu", "options": [{"milli": 1000}]}]
    runs = {"node": "a", "pinned": True, "shares": whole}
    running = [{"id": f"r{n}", **runs, "parts": [{"part": f"g{n}"}]} for n in range(2)]
    found = explained(_with_links({"shares": whole}, items=running))
    assert found.left_out[0].reasons == ((1, "insufficient gpu (node full)"),)
    assert "parts" in {label.kind for label in found.left_out[0].conflict}
    assert any("1 more node like a" in change.change for change in found.changes)
