"""Disruption budgets and the health of pods: who may be evicted beside a budget."""

from __future__ import annotations

from typing import Any

import pytest

import scheduling as sch
from scheduling.kubernetes.snapshot import read_snapshot
from scheduling.solvers.placement.ordering import order_steps
from tests.kubernetes.objects import listed, node, pod

Object = dict[str, Any]


def budget(policy: str, status: Object | None, **spec: Any) -> Object:
    spec = {"selector": {}, **spec}
    spec |= {"unhealthyPodEvictionPolicy": policy} if policy else {}
    found = {"kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "shop"}}
    return {**found, "spec": spec, **({} if status is None else {"status": status})}


_READY = {"conditions": [{"type": "Ready", "status": "True"}]}
_DOWN = {"conditions": [{"type": "Initialized"}, {"type": "Ready", "status": "False"}]}


@pytest.mark.parametrize(
    ("policy", "status", "exempt"),
    [
        ("AlwaysAllow", {"disruptionsAllowed": 0}, ["down", "early"]),
        (
            "",
            {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1},
            ["down", "early"],
        ),
        (
            "IfHealthyBudget",
            {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 2},
            ["early"],
        ),
        ("", {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0}, ["early"]),
        ("Later", {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1}, ["early"]),
        ("", None, ["early"]),
        ("AlwaysAllow", None, ["down", "early"]),
    ],
)
def test_budgets_let_unhealthy_pods_go_as_the_eviction_api_does(
    policy: str, status: dict[str, Any] | None, exempt: list[str]
) -> None:
    found = {name: pod(name, node_name="n") for name in ("fine", "down", "early", "unknown")}
    found["fine"]["status"] |= _READY
    found["down"]["status"] |= _DOWN
    found["early"]["status"] = {"phase": "Pending", **_DOWN}
    held = budget(policy, status, minAvailable=3)
    snapshot = read_snapshot(listed(node("n"), *found.values(), pod("waits"), held))
    (stated,) = snapshot.problem.budgets
    assert stated.exempt == tuple(f"shop/{name}" for name in exempt)
    assert stated.allowed == 0


def test_unhealthy_pods_make_way_although_their_budget_is_used_up() -> None:
    held = budget("AlwaysAllow", {"disruptionsAllowed": 0})
    rooms = [node("small"), node("large")]
    for room, cpu in zip(rooms, ("1", "2"), strict=True):
        room["status"]["allocatable"]["cpu"] = cpu
    guest = pod("guest")
    guest["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "2"
    for state, placed in ((_DOWN, True), (_READY, False)):
        down = pod("down", node_name="large")
        down["status"] |= state
        problem = read_snapshot(listed(*rooms, down, guest, held)).problem
        solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
        assert ("shop/guest" in {entry.item for entry in solution.placements}) == placed
        assert len(order_steps(problem, solution)) == (2 if placed else 0)


def test_pods_that_have_not_started_go_whatever_budgets_mean_them() -> None:
    twice = [budget("", {"disruptionsAllowed": 0}), budget("", {"disruptionsAllowed": 0})]
    twice[1]["metadata"] = {"name": "c", "namespace": "shop"}
    early = pod("early", node_name="n")
    early["status"] = {"phase": "Pending"}
    problem = read_snapshot(listed(node("n"), early, pod("fine", node_name="n"), *twice)).problem
    assert {item.id: item.pinned for item in problem.items} == {
        "shop/early": False,
        "shop/fine": True,
    }
