"""The verbs on small clusters: plans followed, promises kept, stale entries passed over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.kubernetes.extender import verbs, wire
from scheduling.kubernetes.extender.ledger import Ledger
from scheduling.kubernetes.extender.plan import Plan, PlannedPod
from scheduling.kubernetes.extender.room import Room
from scheduling.kubernetes.extender.service import StateBinder
from scheduling.kubernetes.extender.verbs import Answer, View
from scheduling.kubernetes.state import ClusterState, Object, node_of
from scheduling.models.base import Status
from tests.kubernetes.clusters import bound, node, pod
from tests.kubernetes.extender.conftest import entry
from tests.kubernetes.extender.replies import check_reply

NAMES = ["n1", "n2", "n3"]


def view(objects: list[Object], *entries: PlannedPod) -> View:
    state = ClusterState.from_snapshot(objects)
    plan = Plan(version=state.version, status=Status.OPTIMAL, pods=entries)
    return View(state, Room(state), Ledger(plan, state))


def ask_filter(found: View, asked: Object, names: list[str] = NAMES) -> tuple[list[str], Answer]:
    request = {"Pod": asked, "Nodes": None, "NodeNames": names}
    answer = verbs.filter_nodes(wire.read_filter(request), found)
    check_reply("filter", request, answer.result)
    return answer.result["NodeNames"], answer


def ask_preempt(found: View, asked: Object, victims: dict[str, list[str]]) -> dict[str, set[str]]:
    meta = {
        name: {"Pods": [{"UID": uid} for uid in uids], "NumPDBViolations": 0}
        for name, uids in victims.items()
    }
    request = {"Pod": asked, "NodeNameToVictims": None, "NodeNameToMetaVictims": meta}
    result = verbs.preempt(wire.read_preempt(request), found).result
    chosen = result["NodeNameToMetaVictims"]
    return {name: {entry["UID"] for entry in value["Pods"]} for name, value in chosen.items()}


def test_the_planned_node_alone_is_passed() -> None:
    web = pod("web")
    found = view([*map(node, NAMES), web], entry(web, "n2"))
    kept, answer = ask_filter(found, web)
    assert kept == ["n2"]
    assert answer.reason == "planned"
    assert answer.result["FailedAndUnresolvableNodes"]["n1"] == "planned on n2"


def test_nodes_come_back_as_they_were_sent() -> None:
    web = pod("web")
    nodes = [node(name) for name in NAMES]
    request = {"Pod": web, "Nodes": {"metadata": {}, "items": nodes}, "NodeNames": None}
    found = view([*nodes, web], entry(web, "n3"))
    answer = verbs.filter_nodes(wire.read_filter(request), found)
    check_reply("filter", request, answer.result)
    assert answer.result["Nodes"]["items"] == [nodes[2]]


def test_a_pod_waits_while_its_room_is_not_free() -> None:
    low, high = pod("low", on="n1", cpu="2"), pod("high", cpu="2", priority=9)
    found = view([*map(node, NAMES), low, high], entry(high, "n1", low, cpu=2000))
    # n1 is not offered while the other pod stands there.
    kept, answer = ask_filter(found, high, ["n2", "n3"])
    assert (kept, answer.reason) == ([], "waiting")
    found.state.delete("Pod", "shop", "low")
    kept, answer = ask_filter(found, high, ["n2", "n3"])
    # It is free, and yet the scheduler does not offer it: it knows something that the plan did not.
    assert (kept, answer.reason) == (["n2", "n3"], "unoffered")


def test_resources_that_only_the_extender_looks_at_are_waited_for() -> None:
    def gpus(name: str, **kinds: Any) -> Object:
        made = pod(name, **kinds)
        made["spec"]["containers"][0]["resources"]["requests"]["example.com/gpu"] = 2
        return made

    card = node("n1")
    card["status"]["allocatable"]["example.com/gpu"] = "2"
    low, high = gpus("low", on="n1"), gpus("high", priority=9)
    found = view([card, *map(node, NAMES[1:]), low, high], entry(high, "n1", low))
    assert ask_filter(found, high)[1].reason == "waiting"
    found.state.delete("Pod", "shop", "low")
    assert ask_filter(found, high)[0] == ["n1"]
    # Without a plan, too: the other nodes have no such resource, and unknown ones may have none.
    assert ask_filter(view([card, node("n2"), high]), high)[0] == ["n1"]


@pytest.mark.parametrize("change", ["gone", "cordoned", "full", "relabelled"])
def test_a_stale_entry_is_passed_over(change: str) -> None:
    web = pod("web", nodeSelector={"disk": "ssd"}, cpu="2")
    nodes = [node(name) for name in NAMES]
    for one in nodes:
        one["metadata"]["labels"]["disk"] = "ssd"
    found = view([*nodes, web], entry(web, "n1", cpu=2000))
    assert ask_filter(found, web)[0] == ["n1"]
    if change == "gone":
        found.state.delete("Node", "", "n1")
    elif change == "cordoned":
        found.state.apply("Node", {**nodes[0], "spec": {"unschedulable": True}})
    elif change == "full":
        found.state.apply("Pod", pod("other", on="n1"))
    else:
        found.state.apply("Node", node("n1"))
    kept, answer = ask_filter(found, web, ["n2", "n3"])
    assert (kept, answer.reason) == (["n2", "n3"], "stale")
    assert ask_preempt(found, web, {"n1": ["uid-other"]}) == {}


def test_what_is_promised_to_others_is_not_given_away() -> None:
    high, same, low = pod("high", priority=9), pod("same", priority=9), pod("low", priority=1)
    higher = pod("higher", priority=10)
    big = [pod(f"big-{name}", on=name, cpu="1500m") for name in NAMES]
    objects = [*map(node, NAMES), *big, high, same, low, higher]
    found = view(objects, entry(high, "n2"))
    for asked, kept in ((same, ["n1", "n3"]), (low, ["n1", "n3"]), (higher, NAMES)):
        assert ask_filter(found, asked)[0] == kept
    found.state.apply("Pod", bound(high, "n3"))
    # It went elsewhere: nothing is promised any more, and n3 is full.
    assert ask_filter(found, low)[0] == ["n1", "n2"]


def test_pods_that_come_back_follow_the_entry_of_their_controller() -> None:
    old = [pod(f"web-{k}", on="n1", owner="web") for k in range(2)]
    found = view([*map(node, NAMES), *old], entry(old[0], "n2"), entry(old[1], "n3"))
    new = [pod(f"web-{k}", owner="web") for k in range(2, 5)]
    assert ask_filter(found, new[0])[1].reason == "unplanned"
    found.state.delete("Pod", "shop", "web-0")
    found.state.apply("Pod", new[0])
    assert ask_filter(found, new[0])[0] == ["n2"]
    # The entry is taken, also when it is asked again.
    found.state.apply("Pod", new[1])
    assert ask_filter(found, new[1])[1].reason == "unplanned"
    assert ask_filter(found, new[0])[0] == ["n2"]
    # One that is being deleted has left its entry free.
    leaving = {**old[1], "metadata": {**old[1]["metadata"], "deletionTimestamp": "now"}}
    found.state.apply("Pod", leaving)
    assert ask_filter(found, new[1])[0] == ["n3"]
    # Who claimed an entry and is gone leaves it to the next.
    found.state.delete("Pod", "shop", "web-2")
    found.state.apply("Pod", new[2])
    assert ask_filter(found, new[2])[0] == ["n2"]
    stranger = pod("other", owner="other")
    assert ask_filter(found, stranger)[1].reason == "unplanned"


def test_preempt_names_planned_victims_alone() -> None:
    low = [pod(f"low-{k}", on="n1", cpu="1") for k in range(2)]
    high = pod("high", cpu="1", priority=9)
    found = view([*map(node, NAMES), *low, high], entry(high, "n1", low[1], cpu=1000))
    assert ask_preempt(found, high, {"n1": ["uid-low-1"], "n2": ["x"]}) == {"n1": {"uid-low-1"}}
    # The scheduler chose another one: the planned one may stand in for it.
    assert ask_preempt(found, high, {"n1": ["uid-low-0"]}) == {"n1": {"uid-low-1"}}
    assert ask_preempt(found, high, {"n2": ["uid-low-1"]}) == {}
    assert ask_preempt(found, pod("nobody"), {"n1": ["uid-low-1"]}) == {}
    found.state.delete("Pod", "shop", "low-1")
    assert ask_preempt(found, high, {"n1": ["uid-low-0"]}) == {}


def test_an_equal_replica_may_go_instead() -> None:
    low = [pod(f"low-{k}", on="n1", cpu="1", owner="low") for k in range(2)]
    high = pod("high", cpu="1", priority=9)
    found = view([*map(node, NAMES), *low, high], entry(high, "n1", low[1], cpu=1000))
    assert ask_preempt(found, high, {"n1": ["uid-low-0"]}) == {"n1": {"uid-low-0"}}


def test_nobody_of_equal_priority_is_preempted() -> None:
    peer, high = pod("peer", on="n1", cpu="2", priority=9), pod("high", cpu="2", priority=9)
    found = view([*map(node, NAMES), peer, high], entry(high, "n1", peer, cpu=2000))
    assert ask_preempt(found, high, {"n1": ["uid-peer"]}) == {}


def test_binding_in_a_state_alone() -> None:
    web, runs = pod("web"), pod("runs", on="n1")
    found = view([*map(node, NAMES), web, runs])

    def bind(**fields: str) -> str:
        request = {"PodName": "web", "PodNamespace": "shop", "PodUID": "", "Node": "n2", **fields}
        answer = asyncio.run(verbs.bind(wire.read_bind(request), found, StateBinder(found.state)))
        check_reply("bind", request, answer.result)
        return str(answer.result["Error"])

    assert "not there" in bind(Node="n9")
    assert "UID" in bind(PodUID="other")
    assert "runs on 'n1'" in bind(PodName="runs")
    assert "expected a pod" in bind(PodName="nobody")
    assert bind(PodUID="uid-web") == ""
    stored = found.state.get("Pod", "shop", "web")
    assert stored is not None
    assert node_of(stored) == "n2"


@pytest.mark.parametrize(
    "request_",
    [
        [],
        {},
        {"Pod": None, "NodeNames": []},
        {"Pod": {"metadata": {}}, "NodeNames": []},
        {"Pod": pod("p")},
        {"Pod": pod("p"), "NodeNames": "n1"},
        {"Pod": pod("p"), "NodeNames": [1]},
        {"Pod": pod("p"), "Nodes": {"items": {}}},
        {"Pod": pod("p"), "Nodes": {"items": [{}]}},
        {"Pod": {"metadata": {"name": "p", "ownerReferences": [1]}}, "NodeNames": []},
    ],
)
def test_bad_arguments_are_named(request_: Any) -> None:
    with pytest.raises(InputError, match="ExtenderArgs"):
        wire.read_filter(request_)


@pytest.mark.parametrize(
    "victims",
    [
        None,
        [],
        {"n": {"Pods": [{}]}},
        {"n": {"Pods": [1]}},
        {"n": 3},
        {"n": {"Pods": [{"UID": 1}]}},
    ],
)
def test_bad_victims_are_named(victims: Any) -> None:
    request = {"Pod": pod("p"), "NodeNameToVictims": None, "NodeNameToMetaVictims": victims}
    with pytest.raises(InputError, match=r"[vV]ictims"):
        wire.read_preempt(request).victims("n")


@given(st.data())
def test_free_choice_is_what_fits(data: st.DataObject) -> None:
    sizes = st.integers(1, 8)
    rooms = data.draw(st.lists(sizes, min_size=1, max_size=4))
    nodes = [node(f"n{k}", cpu=str(room)) for k, room in enumerate(rooms)]
    used = [0] * len(rooms)
    state = ClusterState.from_snapshot(nodes)
    found = View(state, Room(state), Ledger(None, state))
    for number, size in enumerate(data.draw(st.lists(sizes, max_size=8))):
        place = data.draw(st.integers(0, len(rooms) - 1))
        state.apply("Pod", pod(f"p{number}", on=f"n{place}", cpu=str(size)))
        used[place] += size
        if data.draw(st.booleans()):
            state.delete("Pod", "shop", f"p{number}")
            used[place] -= size
    wanted = data.draw(sizes)
    kept, _ = ask_filter(found, pod("new", cpu=str(wanted)), [f"n{k}" for k in range(len(rooms))])
    free = [room - taken for room, taken in zip(rooms, used, strict=True)]
    assert kept == [f"n{k}" for k, left in enumerate(free) if left >= wanted]


@pytest.mark.parametrize("cpu", ["8E", "9e200"])
def test_a_pod_beyond_all_nodes_keeps_nobody_from_its_answer(cpu: str) -> None:
    huge, web = pod("huge", cpu=cpu), pod("web", cpu="1")
    found = view([*map(node, NAMES), pod("runs", on="n1", cpu=cpu), huge, web])
    assert ask_filter(found, huge)[0] == []
    assert ask_filter(found, web)[0] == ["n2", "n3"]
