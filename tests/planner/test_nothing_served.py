"""Fleets within whose limits nothing can be served have no plan, and the limit is named."""

from __future__ import annotations

import pytest

from scheduling.errors import InputError
from scheduling.models.base import Status
from scheduling.models.serving.solution import ServingSolution
from scheduling.planner.answering import outcome
from scheduling.planner.explain import explain_plan
from scheduling.planner.front import plan_front
from scheduling.planner.plan import plan
from tests.planner.fleets import fleet

SMALL = {"max_pp": 1, "token_budgets": [2048], "max_tp": 2}
MOST = ["goodput", "cost"]


@pytest.mark.parametrize(
    ("limit", "least"),
    [("gpus", 1), ("cost_per_hour", 2.5), ("watts", 350.0)],
)
def test_a_limit_below_one_replica_rules_every_plan_out_and_is_named(
    limit: str, least: float
) -> None:
    pools = [{"name": "h100", "gpu": "h100-sxm", "nodes": 1, "price_per_hour": 2.5, "watts": 350.0}]
    below = {limit: 0 if limit == "gpus" else 0.9 * least}
    for goals in (MOST, ["cost"]):
        asked = fleet(options=SMALL, pools=pools, limits=below, goals=goals)
        result = plan(asked, time_limit=300)
        assert (result.plan, result.status, result.replays) == (None, Status.INFEASIBLE, ())
        assert result.record()["status"] == "infeasible"
        found = explain_plan(asked, time_limit=300, brief=True)
        assert [fault.split(":")[0] for fault in found.faults] == [f"limits.{limit}"]
        assert f"expected at least {least:,.4g}" in found.faults[0]
    enough = fleet(options=SMALL, pools=pools, limits={limit: least}, goals=MOST)
    assert plan(enough, time_limit=300).status is Status.OPTIMAL


def test_replicas_for_one_phase_count_together() -> None:
    options = {**SMALL, "modes": ["disaggregated"]}
    asked = fleet(options=options, limits={"gpus": 1}, goals=MOST)
    assert plan(asked, time_limit=300).status is Status.INFEASIBLE
    faults = explain_plan(asked, time_limit=300, brief=True).faults
    assert "limits.gpus: found 1 GPUs, expected at least 2" in faults[0]
    enough = fleet(options=options, limits={"gpus": 2}, goals=MOST)
    assert plan(enough, time_limit=300).plan is not None


def test_a_change_after_which_nothing_is_served_is_none() -> None:
    asked = fleet(options=SMALL, limits={"cost_per_hour": 0.1, "gpus": 1}, goals=MOST)
    found = explain_plan(asked, time_limit=300)
    assert len(found.relaxations) == 1
    assert found.relaxations[0].plan.components
    assert "limit of cost" in found.relaxations[0].constraint


def test_goals_that_are_best_kept_by_serving_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="cost before goodput"):
        plan(fleet(options=SMALL, goals=["cost", "goodput"]), time_limit=300)


def test_a_front_under_too_small_a_limit_is_proven_empty() -> None:
    asked = fleet(options=SMALL, limits={"gpus": 0})
    front = plan_front(asked, ("gpus", "goodput"), time_limit=300)
    assert (front.points, front.status) == ((), Status.INFEASIBLE)


def test_nothing_found_to_serve_is_no_proof_while_the_bound_allows_more() -> None:
    def answer(bound: float | None, gap: float | None, status: str) -> ServingSolution:
        tiers = [
            {"name": "goodput", "sense": "max", "objective": 0, "bound": bound, "gap": gap},
            {"name": "cost", "sense": "min", "objective": 0, "bound": 0, "gap": 0},
        ]
        record = {
            "kind": "serving",
            "problem": "small",
            "status": status,
            "objective": 0,
            "bound": bound,
            "gap": gap,
            "solver": "greedy",
            "seconds": 0.1,
            "tiers": tiers,
        }
        return ServingSolution.model_validate(record)

    assert outcome(answer(0, 0, "optimal")) is Status.INFEASIBLE
    assert outcome(answer(7, 1, "feasible")) is Status.UNKNOWN
    assert outcome(answer(None, None, "feasible")) is Status.UNKNOWN
