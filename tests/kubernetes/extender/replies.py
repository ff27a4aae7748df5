"""What the scheduler demands of every reply: the wire type, and agreement with the request."""

from __future__ import annotations

from typing import Any


def check_reply(verb: str, request: dict[str, Any], reply: Any) -> None:
    """Fail when kube-scheduler could not take a reply to a request."""
    _CHECKS[verb](request, reply)


def offered(request: dict[str, Any]) -> list[str]:
    if request.get("Nodes") is not None:
        return [node["metadata"]["name"] for node in request["Nodes"]["items"]]
    return list(request["NodeNames"])


def _filter(request: dict[str, Any], reply: Any) -> None:
    fields = {"Nodes", "NodeNames", "FailedNodes", "FailedAndUnresolvableNodes", "Error"}
    assert set(reply) == fields
    names = offered(request)
    if request.get("Nodes") is not None:
        assert reply["NodeNames"] is None
        kept = [] if reply["Nodes"] is None else reply["Nodes"]["items"]
        assert all(node in request["Nodes"]["items"] for node in kept)
        kept = [node["metadata"]["name"] for node in kept]
    else:
        assert reply["Nodes"] is None
        kept = reply["NodeNames"]
    assert type(reply["Error"]) is str
    # Failed nodes would be offered for preemption, where none of ours may be without victims.
    assert reply["FailedNodes"] == {}
    failed = reply["FailedAndUnresolvableNodes"]
    assert all(type(message) is str and message for message in failed.values())
    assert not set(kept) & set(failed)
    if not reply["Error"]:
        assert sorted([*kept, *failed]) == sorted(names)


def _prioritize(request: dict[str, Any], reply: Any) -> None:
    assert type(reply) is list
    assert [entry["Host"] for entry in reply] == offered(request)
    for entry in reply:
        assert set(entry) == {"Host", "Score"}
        assert type(entry["Score"]) is int
        assert 0 <= entry["Score"] <= 10


def _preempt(request: dict[str, Any], reply: Any) -> None:
    assert set(reply) == {"NodeNameToMetaVictims"}
    asked = request.get("NodeNameToVictims") or request.get("NodeNameToMetaVictims") or {}
    full = bool(request.get("NodeNameToVictims"))
    for node, victims in reply["NodeNameToMetaVictims"].items():
        assert set(victims) == {"Pods", "NumPDBViolations"}
        assert victims["Pods"], "a node without victims stops the scheduler"
        assert 0 <= victims["NumPDBViolations"] <= len(victims["Pods"])
        there = asked[node]["Pods"] or []
        uids = {pod["metadata"]["uid"] if full else pod["UID"] for pod in there}
        for pod in victims["Pods"]:
            assert set(pod) == {"UID"}
            assert pod["UID"] in uids


def _bind(request: dict[str, Any], reply: Any) -> None:
    assert set(reply) == {"Error"}
    assert type(reply["Error"]) is str


_CHECKS = {"filter": _filter, "prioritize": _prioritize, "preempt": _preempt, "bind": _bind}
