"""The mover: order, pace, budgets, refusals, dry run; and the nudges of pending pods."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scheduling.kubernetes.client.backoff import Backoff
from scheduling.kubernetes.mover.mover import Manners, Mover
from scheduling.kubernetes.mover.nudger import Nudger
from tests.kubernetes.api_cluster import Object
from tests.kubernetes.world import World, budget, node, pod
from tests.properties import examples


def mover(world: World, **manners: Any) -> Mover:
    backoff = Backoff(first=1.0, most=8.0)
    kept = Manners(**manners)
    return Mover(world, world.state, world.room, lambda: world.plan, kept, backoff, world.note)


def turn(found: Mover | Nudger, now: float) -> None:
    asyncio.run(found.turn(now))


def fragmented(nodes: int = 3) -> list[Object]:
    """Nodes with two cores each and a pod of one core on every node but the last."""
    objects = [node(f"n{k}") for k in range(nodes)]
    objects += [pod(f"a-{k}", on=f"n{k}", owner="a") for k in range(nodes - 1)]
    return objects


def world_with_a_move() -> World:
    """One pod has to move, so that the big one finds two cores."""
    world = World(node("n0"), node("n1"), *fragmented()[3:], pod("big", "2", priority=9))
    world.solve()
    return world


def test_a_move_is_an_eviction_and_the_new_pod_goes_where_it_is_planned() -> None:
    world = world_with_a_move()
    assert world.plan is not None
    found = mover(world)
    turn(found, 0.0)
    assert len(world.evicted) == 1
    target = world.plan.steps[0].destination
    assert found.down == 1
    world.schedule()
    turn(found, 0.1)
    assert found.down == 0
    assert found.counts == {"evicted": 1, "recovered": 1}
    assert world.where()["a-new1"] == target
    assert None not in world.where().values()


def test_a_dry_run_touches_nothing() -> None:
    world = world_with_a_move()
    before = world.where()
    found = mover(world, dry_run=True)
    for now in range(5):
        turn(found, float(now))
    assert world.where() == before
    assert world.evicted == []
    assert found.counts == {"planned": 1}
    told = [entry for entry in world.notes if entry["event"] == "eviction"]
    assert [(entry["outcome"], entry["dry_run"]) for entry in told] == [("planned", True)]


def test_a_refusing_budget_is_asked_again_after_growing_waits() -> None:
    world = world_with_a_move()
    world.answers = [429, 429, 429]
    found = mover(world)
    tried = []
    for tenth in range(200):
        left = len(world.answers)
        turn(found, tenth / 10)
        if len(world.answers) < left or world.evicted:
            tried.append(tenth / 10)
        if world.evicted:
            break
    gaps = [later - sooner for sooner, later in itertools.pairwise(tried)]
    assert len(tried) == 4
    assert 0.5 <= gaps[0] <= 1.1
    assert 1.0 <= gaps[1] <= 2.1
    assert 2.0 <= gaps[2] <= 4.1
    assert found.counts["refused"] == 3


@pytest.mark.parametrize(("code", "outcome"), [(409, "refused"), (500, "failed"), (403, "failed")])
def test_conflicts_and_faults_are_tried_again(code: int, outcome: str) -> None:
    world = world_with_a_move()
    world.answers = [code]
    found = mover(world)
    turn(found, 0.0)
    assert (world.evicted, found.counts) == ([], {outcome: 1})
    turn(found, 2.0)
    assert len(world.evicted) == 1


def test_a_pod_that_is_gone_is_done_with() -> None:
    world = world_with_a_move()
    world.answers = [404]
    found = mover(world)
    turn(found, 0.0)
    assert found.counts == {"gone": 1}
    assert found.left == 0


def test_a_plan_that_changes_or_ends_stops_the_work() -> None:
    world = world_with_a_move()
    world.answers = [429]
    found = mover(world)
    turn(found, 0.0)
    assert found.left == 1
    world.plan = None
    turn(found, 10.0)
    assert (found.left, world.evicted) == (0, [])


def _changed(world: World, name: str, **spec: Any) -> None:
    kind = "Node" if name.startswith("n") else "Pod"
    obj = world.cluster.get(kind, "" if kind == "Node" else "shop", name)
    assert obj is not None
    obj["spec"].update(spec)
    world.cluster.put(obj)
    world.follow()


@pytest.mark.parametrize("what", ["target closed", "target gone", "target full", "no controller"])
def test_a_plan_that_holds_no_more_is_not_carried_out(what: str) -> None:
    world = world_with_a_move()
    assert world.plan is not None
    step = world.plan.steps[0]
    assert step.destination is not None
    if what == "target closed":
        _changed(world, step.destination, unschedulable=True)
    elif what == "target gone":
        world.cluster.remove("Node", "", step.destination)
    elif what == "target full":
        world.cluster.put(pod("foreign", "1500m", on=step.destination))
    else:
        name = step.item.split("/")[1]
        lone = world.cluster.get("Pod", "shop", name)
        assert lone is not None
        lone["metadata"]["ownerReferences"] = []
        world.cluster.put(lone)
    world.follow()
    found = mover(world)
    turn(found, 0.0)
    assert (world.evicted, found.counts) == ([], {"stale": 1})
    turn(found, 100.0)
    assert found.counts == {"stale": 1}


def test_a_pod_that_stands_elsewhere_is_left_alone() -> None:
    world = world_with_a_move()
    assert world.plan is not None
    name = world.plan.steps[0].item.split("/")[1]
    elsewhere = world.plan.steps[0].destination
    _changed(world, name, nodeName=elsewhere)
    found = mover(world)
    turn(found, 0.0)
    assert (world.evicted, found.counts) == ([], {"stale": 1})


def test_what_does_not_come_back_is_given_up_after_a_while() -> None:
    world = world_with_a_move()
    world.cluster.on_evicted = None
    found = mover(world)
    turn(found, 0.0)
    turn(found, 299.0)
    assert found.down == 1
    turn(found, 301.0)
    assert (found.down, found.counts["lost"]) == (0, 1)


def test_a_successor_that_a_later_plan_leaves_out_is_not_waited_for() -> None:
    world = world_with_a_move()
    found = mover(world, pace=6e6)
    turn(found, 0.0)
    assert found.down == 1
    # What takes the free place leaves none for the new pod.
    assert world.plan is not None
    target = world.plan.steps[0].destination
    world.cluster.put(pod("foreign", "2", on=target))
    world.follow()
    world.solve()
    turn(found, 1.0)
    assert (found.down, found.counts["displaced"]) == (0, 1)


def test_a_controller_that_wants_fewer_pods_has_recovered() -> None:
    world = world_with_a_move()
    world.cluster.on_evicted = None
    one = {"kind": "ReplicaSet", "metadata": {"name": "a", "namespace": "shop"}}
    world.cluster.put({**one, "spec": {"replicas": 1}})
    world.follow()
    found = mover(world)
    turn(found, 0.0)
    turn(found, 0.1)
    assert (found.down, found.counts["recovered"]) == (0, 1)


def test_readiness_counts_not_only_the_binding() -> None:
    world = world_with_a_move()
    found = mover(world)
    turn(found, 0.0)
    world.schedule()
    fresh = world.cluster.get("Pod", "shop", "a-new1")
    assert fresh is not None
    fresh["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    world.cluster.put(fresh)
    world.follow()
    turn(found, 1.0)
    assert found.down == 1
    fresh["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    world.cluster.put(fresh)
    world.follow()
    turn(found, 2.0)
    assert found.down == 0


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_no_more_pods_are_down_at_one_time_than_allowed(at_once: int) -> None:
    objects = [node(f"n{k}") for k in range(3)] + [node(f"spare{k}", "1") for k in range(3)]
    objects += [pod(f"a-{k}", on=f"n{k}", owner="a") for k in range(3)]
    world = World(*objects, *[pod(f"big-{k}", "2", priority=9) for k in range(3)])
    world.solve()
    found = mover(world, pace=6e6, at_once=at_once)
    for now in range(5):
        turn(found, float(now))
    assert len(world.evicted) == at_once
    world.schedule(most=1)
    turn(found, 5.0)
    assert len(world.evicted) == min(at_once + 1, 3)


def test_a_pod_that_the_state_does_not_know_to_be_gone_is_not_evicted_again() -> None:
    world = world_with_a_move()
    found = mover(world, pace=6e6, at_once=2)
    world.deaf = True
    turn(found, 0.0)
    assert len(world.evicted) == 1
    assert world.plan is not None
    world.plan = world.plan.model_copy()
    turn(found, 1.0)
    assert (len(world.evicted), found.counts) == (1, {"evicted": 1, "gone": 1})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Clusters with replica sets, budgets and pending pods of higher priority."""
    count = draw(st.integers(2, 4))
    objects = [node(f"n{k}", str(draw(st.integers(2, 4)))) for k in range(count)]
    left = {obj["metadata"]["name"]: int(obj["status"]["allocatable"]["cpu"]) for obj in objects}
    for app in "abc"[: draw(st.integers(1, 3))]:
        size = draw(st.integers(1, 2))
        placed = 0
        for number in range(draw(st.integers(1, 4))):
            host = draw(st.sampled_from(sorted(left)))
            if left[host] >= size:
                left[host] -= size
                objects.append(pod(f"{app}-{number}", str(size), on=host, owner=app))
                placed += 1
        if placed and draw(st.booleans()):
            objects.append(budget(app, draw(st.integers(0, placed - 1))))
    for number in range(draw(st.integers(1, 2))):
        wanted = str(draw(st.integers(1, 4)))
        objects.append(pod(f"z-{number}", wanted, owner="z", priority=9))
    return World(*objects)


@examples(20)
@given(
    world=worlds(),
    pace=st.sampled_from([6.0, 30.0, 60.0]),
    at_once=st.integers(1, 3),
    slow=st.integers(0, 2),
    anew=st.booleans(),
    answers=st.lists(st.sampled_from([429, 409, 500]), max_size=3),
)
def test_pace_budget_and_disruption_budgets_hold_at_every_step(
    world: World, pace: float, at_once: int, slow: int, anew: bool, answers: list[int]
) -> None:
    plan = world.solve()
    pending = {entry.item for entry in plan.pods if entry.origin is None}
    assume(any(step.origin is not None for step in plan.steps))
    world.answers = answers
    found = mover(world, pace=pace, at_once=at_once)
    times: list[float] = []
    version = world.state.version
    for second in range(400):
        before = len(world.evicted)
        turn(found, float(second))
        times += [float(second)] * (len(world.evicted) - before)
        assert found.down <= at_once
        for held in world.cluster.all("PodDisruptionBudget"):
            assert _ready(world, held) >= held["spec"]["minAvailable"]
        if second % (slow + 1) == slow:
            world.schedule(most=1)
        if anew and world.state.version != version and second % 3 == 0:
            world.solve()
            version = world.state.version
    for first, later in itertools.pairwise(times):
        assert later - first >= 60.0 / pace - 1e-9
    standing = {f"shop/{name}" for name, host in world.where().items() if host}
    assert pending <= standing
    assert found.down == 0


def _ready(world: World, held: Object) -> int:
    wanted = held["spec"]["selector"]["matchLabels"]
    return sum(
        wanted.items() <= obj["metadata"]["labels"].items()
        for obj in world.cluster.all("Pod")
        if obj["status"]["phase"] == "Running"
    )


def nudger(world: World) -> Nudger:
    backoff = Backoff(first=1.0, most=8.0)
    return Nudger(world, world.state, lambda: world.plan, backoff, world.note)


def test_a_pending_pod_is_nudged_once_for_its_node_and_once_when_it_is_free() -> None:
    world = world_with_a_move()
    assert world.plan is not None
    target = next(entry.node for entry in world.plan.pods if entry.origin is None)
    nudges, moves = nudger(world), mover(world)
    for now in range(3):
        turn(nudges, float(now))
    assert [name for name, _ in world.patched] == ["big"]
    assert world.patched[0][1].split()[0] == target
    turn(moves, 3.0)
    for now in range(4, 7):
        turn(nudges, float(now))
    assert [name for name, _ in world.patched] == ["big", "big"]
    assert len({value for _, value in world.patched}) == 2
    world.schedule()
    world.solve()
    turn(nudges, 8.0)
    assert len(world.patched) == 2


def test_nudges_are_few_at_a_time_and_the_important_first() -> None:
    crowd = [pod(f"p{k:02}", "100m", priority=k) for k in range(12)]
    world = World(node("n0", "8"), *crowd)
    world.solve()
    nudges = nudger(world)
    turn(nudges, 0.0)
    assert [name for name, _ in world.patched] == ["p11", "p10", "p09", "p08", "p07"]
    turn(nudges, 0.1)
    turn(nudges, 0.2)
    turn(nudges, 0.3)
    assert len(world.patched) == 12


def test_a_pod_that_is_gone_is_not_nudged_again_and_faults_wait() -> None:
    world = world_with_a_move()
    big = world.cluster.remove("Pod", "shop", "big")
    nudges = nudger(world)
    turn(nudges, 0.0)
    assert (world.patched, nudges.counts["failed"]) == ([], 0)
    assert big is not None
    world.cluster.put(big)
    turn(nudges, 1.0)
    assert world.patched == []
