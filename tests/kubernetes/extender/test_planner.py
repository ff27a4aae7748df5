"""Planning: what a plan says, the solver's process, its end in mid-solve, and stale plans."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from scheduling.errors import SchedulingError
from scheduling.kubernetes.extender.plan import Plan
from scheduling.kubernetes.extender.planner import Planner
from scheduling.kubernetes.extender.reading import Reader
from scheduling.kubernetes.extender.worker import Settings, plan_for
from scheduling.kubernetes.state import ClusterState
from tests.kubernetes.clusters import bound, node, pod
from tests.kubernetes.extender.served import PATIENCE

SETTINGS = Settings(time_limit=600.0, workers=1)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def planners() -> Iterator[Callable[[ClusterState, Settings], Planner]]:
    started = []

    def start(state: ClusterState, settings: Settings) -> Planner:
        started.append(Planner(state, settings))
        started[-1].start()
        return started[-1]

    yield start
    for planner in started:
        planner.stop()


def made(planner: Planner) -> Plan:
    assert planner.plan is not None
    return planner.plan


def test_a_plan_says_who_goes_where_and_who_leaves() -> None:
    low = pod("low", on="n1", cpu="1", owner="low")
    high, none = pod("high", cpu="2", priority=9), pod("none", cpu="8")
    objects = [node("n1"), node("n2"), low, pod("runs", on="n2", cpu="1"), high, none]
    plan, solution = plan_for(7, objects, SETTINGS)
    assert (plan.version, plan.status, plan.gap) == (7, "optimal", 0.0)
    entries = {entry.item: entry for entry in plan.pods}
    chosen = entries["shop/high"]
    assert (chosen.uid, chosen.origin, chosen.demands["cpu"]) == ("uid-high", None, 2000)
    assert [victim.item for victim in chosen.victims] == (
        ["shop/low"] if chosen.node == "n1" else ["shop/runs"]
    )
    assert plan.unplaced == ("shop/none",)
    assert [step.action for step in plan.steps] == ["move", "start"]
    assert set(plan.uids) == {step.item for step in plan.steps}
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    # The next search starts from what still holds; pods and nodes that are gone are no fault.
    again, _ = plan_for(8, [entry for entry in objects if entry is not low], SETTINGS, solution)
    assert {entry.item for entry in again.pods} == {"shop/high"}


def test_where_nothing_waits_or_no_node_is_there_the_plan_is_empty() -> None:
    plan, _ = plan_for(1, [node("n1"), pod("runs", on="n1")], SETTINGS)
    assert (plan.pods, plan.steps, plan.gap) == ((), (), 0.0)
    plan, _ = plan_for(2, [pod("waits")], SETTINGS)
    assert (plan.pods, plan.unplaced) == ((), ("shop/waits",))


def test_a_solver_that_finds_nothing_makes_no_plan() -> None:
    nothing = Settings(solver="cp-sat", time_limit=1e-6, workers=1)
    with pytest.raises(SchedulingError, match="no placement found"):
        plan_for(1, [node("n1"), pod("web")], nothing)


def test_an_interrupt_of_the_server_passes_by_the_solver_that_just_starts(
    planners: Callable[[ClusterState, Settings], Planner],
) -> None:
    planner = planners(ClusterState.from_snapshot([node("n1"), pod("web")]), SETTINGS)
    until(lambda: planner.pid is not None)
    assert planner.pid is not None
    os.kill(planner.pid, signal.SIGINT)
    until(lambda: planner.plan is not None)
    assert planner.restarts == 0


def test_plans_follow_the_state(planners: Callable[[ClusterState, Settings], Planner]) -> None:
    state = ClusterState()
    planner = planners(state, SETTINGS)
    state.apply("Node", node("n1"))
    state.apply("Pod", pod("web"))
    assert planner.plan is None
    synced = ClusterState.from_snapshot(state.objects())
    planner = planners(synced, SETTINGS)
    until(lambda: planner.plan is not None)
    assert [entry.node for entry in made(planner).pods] == ["n1"]
    synced.apply("Node", node("n2", cpu="16"))
    synced.apply("Node", node("n1", unschedulable=True))
    until(lambda: made(planner).version == synced.version)
    assert [entry.node for entry in made(planner).pods] == ["n2"]
    synced.apply("Pod", bound(pod("web"), "n2"))
    until(lambda: made(planner).version == synced.version)
    assert made(planner).pods == ()
    assert planner.restarts == 0


def test_pods_that_cannot_be_read_are_left_out_and_their_nodes_take_no_more() -> None:
    reader = Reader()
    bad, runs = pod("bad", cpu="much"), pod("runs", on="n1", cpu="many")
    objects = [node("n1", cpu="16"), node("n2"), bad, pod("web"), runs, pod("app")]
    for _ in range(2):
        plan, _ = plan_for(1, objects, SETTINGS, reader=reader)
        assert {(entry.item, entry.node) for entry in plan.pods} == {
            ("shop/web", "n2"),
            ("shop/app", "n2"),
        }
        notes = "\n".join(plan.notes)
        assert "shop/bad: left out" in notes
        assert "'many'" in notes
    # They are looked at again when they change.
    objects[2], objects[4] = pod("bad"), pod("runs", on="n1")
    plan, _ = plan_for(2, objects, SETTINGS, reader=reader)
    assert len(plan.pods) == 3
    assert plan.notes == ()


def test_a_cluster_that_cannot_be_read_leaves_the_last_plan(
    planners: Callable[[ClusterState, Settings], Planner],
) -> None:
    state = ClusterState.from_snapshot([node("n1"), pod("web")])
    planner = planners(state, SETTINGS)
    until(lambda: planner.plan is not None)
    state.apply("Node", node("n2", cpu="much"))
    until(lambda: planner.failures > 0)
    assert planner.error is not None
    assert "much" in planner.error
    assert [entry.item for entry in made(planner).pods] == ["shop/web"]
    state.delete("Node", "", "n2")
    until(lambda: planner.error is None)
    assert made(planner).version == state.version


def test_a_solver_that_is_killed_in_mid_solve_is_followed_by_another(
    planners: Callable[[ClusterState, Settings], Planner],
) -> None:
    draw = random.Random(1)
    state = ClusterState.from_snapshot([node(f"n{k}", cpu="10") for k in range(20)])
    planner = planners(state, Settings(time_limit=600.0, workers=1))
    until(lambda: planner.plan is not None)
    before = made(planner)
    # Too much to prove in the time: the solver is in mid-solve for as long as it lives.
    state.replace("Pod", [pod(f"p{k}", cpu=f"{draw.randint(1100, 4900)}m") for k in range(100)])
    until(lambda: planner.solving)
    time.sleep(0.5)
    first = planner.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: planner.restarts == 1 and planner.pid not in (None, first))
    assert planner.plan is before
    # What is left is quick to solve, and the next process is told all of it.
    state.replace("Pod", [pod("web")])
    second = planner.pid
    assert second is not None
    os.kill(second, signal.SIGKILL)
    until(lambda: planner.plan is not before)
    assert made(planner).version == state.version
    assert [entry.item for entry in made(planner).pods] == ["shop/web"]


def test_pods_without_a_controller_stay_where_plans_are_carried_out() -> None:
    objects = [node("n1"), node("n2"), pod("bare", on="n1", cpu="800m")]
    objects += [pod("full", on="n2", cpu="2", priority=9), pod("big", cpu="1500m", priority=9)]
    plan, _ = plan_for(1, objects, SETTINGS)
    assert [step.item for step in plan.steps] == ["shop/bare", "shop/big"]
    plan, _ = plan_for(1, objects, replace(SETTINGS, keep_bare=True))
    assert plan.steps == ()
    assert plan.unplaced == ("shop/big",)
