"""Explanations of serving fleets that cannot serve everything."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.serving.problem import ServingProblem
from scheduling.solvers.serving.constraints import rules_of, without
from tests.properties import examples
from tests.servings import best_values, serving_problems


def problem(**changes: Any) -> ServingProblem:
    document: dict[str, Any] = {
        "pools": [
            {"id": "h", "gpu": "H100", "nodes": 2, "gpus_per_node": 8, "price_per_hour": 2.5},
            {"id": "l", "gpu": "L40S", "gpus": 4, "price_per_hour": 1.0},
        ],
        "demands": [
            {"id": "chat", "model": "m", "requests_per_second": 12.0},
            {"id": "code", "model": "k", "requests_per_second": 1.0},
        ],
        "templates": [
            {"id": "m4", "model": "m", "pool": "h", "layout": {"tp": 4}, "rates": {"chat": 2.0}},
            {"id": "k1", "model": "k", "pool": "l", "rates": {"code": 0.5}},
        ],
    }
    return ServingProblem.model_validate(document | changes)


def test_a_pool_that_is_too_small_is_named_with_the_nodes_that_suffice() -> None:
    found = sch.explain(problem(), time_limit=1e6)
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    assert [label.entities for label in found.conflict] == [("h",), ("chat",)]
    changes = {change.label.entities[0]: (change.now, change.needed) for change in found.changes}
    assert changes == {"h": (2.0, 3.0), "chat": (12.0, 8.0)}
    assert "chat" in str(found)
    assert found.record()["changes"][0]["now"] in (2.0, 12.0)


def test_an_empty_pool_needs_as_much_as_its_replicas() -> None:
    templates = [
        {"id": "m4", "model": "m", "pool": "h", "layout": {"tp": 4}, "rates": {"chat": 6.0}},
        {"id": "k16", "model": "k", "pool": "l", "layout": {"tp": 16}, "rates": {"code": 0.5}},
    ]
    pools = [
        {"id": "h", "gpu": "H100", "nodes": 2, "gpus_per_node": 8, "price_per_hour": 2.5},
        {"id": "l", "gpu": "L40S", "gpus": 0, "price_per_hour": 1.0},
    ]
    found = sch.explain(problem(templates=templates, pools=pools), time_limit=1e6)
    assert {change.label.kind: change.needed for change in found.changes}["pool"] == 32.0


def test_a_limit_is_named_with_the_least_that_suffices() -> None:
    limited = problem(limits={"cost_per_hour": 30.0}, demands=[
        {"id": "chat", "model": "m", "requests_per_second": 6.0},
        {"id": "code", "model": "k", "requests_per_second": 1.0},
    ])  # fmt: skip
    found = sch.explain(limited, time_limit=1e6)
    assert {change.label.kind: change.needed for change in found.changes}["limit"] == 32.0


def test_what_can_be_served_has_a_solution() -> None:
    fine = problem(goals=["unserved", "cost"])
    found = sch.explain(fine, time_limit=1e6)
    assert found.status is Status.FEASIBLE
    assert found.solution is not None


@examples(8, suppress_health_check=list(HealthCheck))
@given(drawn=serving_problems())
def test_conflicts_are_minimal_by_brute_force(drawn: ServingProblem) -> None:
    assume(drawn.demands_are_met and best_values(drawn) is None)
    found = sch.explain(drawn, time_limit=1e6, workers=1)
    assert found.status is Status.INFEASIBLE
    rules = rules_of(drawn)
    inside = [rule for rule in rules if rule.label in found.conflict]
    outside = [rule for rule in rules if rule.label not in found.conflict]
    # Enlarged pools are too large to try everything, so those stay.
    gone = [rule for rule in outside if rule.kind != "pool"]
    assert best_values(without(drawn, gone)) is None
    for rule in found.relaxations:
        entry = next(other for other in inside if other.label == rule)
        if entry.kind != "pool":
            assert best_values(without(drawn, [entry])) is not None
