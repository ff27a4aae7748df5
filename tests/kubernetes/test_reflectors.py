"""Reflectors: whatever goes wrong on the way, the state becomes what the server holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from scheduling.errors import SchedulingError
from scheduling.kubernetes.client.backoff import Backoff
from scheduling.kubernetes.client.live import LiveCluster
from scheduling.kubernetes.client.resources import WATCHED
from scheduling.kubernetes.client.server import ApiError, ApiServer
from tests.kubernetes import api_server
from tests.kubernetes.api_cluster import Cluster, Fault
from tests.kubernetes.api_server import serving
from tests.properties import examples

Object = dict[str, Any]
_KEPT = {entry.kind for entry in WATCHED}


class Mirror:
    """A store that keeps what it is told."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[tuple[str, str], Object]] = {kind: {} for kind in _KEPT}
        self.replaced: list[str] = []

    def replace(self, kind: str, objects: Any) -> None:
        self.replaced.append(kind)
        self.objects[kind] = {_key(obj): obj for obj in objects}

    def apply(self, kind: str, obj: Object) -> None:
        self.objects[kind][_key(obj)] = obj

    def delete(self, kind: str, namespace: str, name: str) -> None:
        self.objects[kind].pop((namespace, name), None)


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def pod(name: str, **spec: Any) -> Object:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"}},
        "spec": spec,
        "status": {"phase": "Pending"},
    }


def node(name: str) -> Object:
    return {"kind": "Node", "metadata": {"name": name}, "spec": {}, "status": {}}


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that is bound to happen."""
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail(f"did not happen: {what}")


def same(mirror: Mirror, cluster: Cluster) -> bool:
    """Tell whether a mirror holds what the server serves."""
    for kind in ("Pod", "Node", "PriorityClass"):
        there = {
            _key(obj): obj
            for obj in cluster.all(kind)
            if kind != "Pod" or obj["status"]["phase"] not in ("Succeeded", "Failed")
        }
        if mirror.objects[kind] != there:
            return False
    return True


def connected(server: api_server.ApiServer) -> ApiServer:
    return ApiServer(httpx2.AsyncClient(base_url=server.url, timeout=2.0, verify=False))


class Mirrored:
    """A live cluster with a mirror, as a context."""

    def __init__(self, server: api_server.ApiServer) -> None:
        self.mirror = Mirror()
        self.notes: list[str] = []
        self.live = LiveCluster(connected(server), self.mirror, self.note, first_wait=0.002)

    def note(self, event: str, **fields: object) -> None:
        self.notes.append(event)

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()
        assert not self.live.alive


def test_lists_come_in_pages_and_watches_follow() -> None:
    cluster = Cluster()
    for number in range(7):
        cluster.put(pod(f"p{number}"))
    with serving(cluster, page=3) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced, "the first list")
        assert same(seen.mirror, cluster)
        cluster.put(node("n1"))
        cluster.put(pod("p3", nodeName="n1"))
        cluster.remove("Pod", "shop", "p0")
        done = pod("p1")
        done["status"]["phase"] = "Succeeded"
        cluster.put(done)
        until(lambda: same(seen.mirror, cluster), "the watch brings all")
        assert ("shop", "p1") not in seen.mirror.objects["Pod"]
        assert seen.live.restarts["pods"] == 0
        assert seen.live.failures == {}


def test_what_a_server_does_not_serve_counts_as_empty() -> None:
    with serving(Cluster()) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced, "every kind is listed")
        assert seen.mirror.replaced.count("ResourceClaim") == 1
        assert seen.mirror.objects["ResourceClaim"] == {}


def test_a_watch_goes_on_from_a_bookmark_when_older_versions_are_gone() -> None:
    cluster = Cluster()
    with serving(cluster) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced, "the first list")
        for number in range(5):
            cluster.put(node(f"n{number}"))
        cluster.bookmark_watches()
        until(lambda: len(seen.mirror.objects["Node"]) == 5, "the nodes")
        cluster.put(node("last"))
        until(lambda: len(seen.mirror.objects["Node"]) == 6, "the last node")
        # A bookmark follows in the same order as events: the pods' watch is past every version.
        cluster.bookmark_watches()
        cluster.put(pod("mark"))
        until(lambda: bool(seen.mirror.objects["Pod"]), "an event after the bookmark")
        with cluster.changed:
            cluster.kept_from = cluster.version - 1
        cluster.cut_watches()
        cluster.put(pod("after"))
        until(lambda: same(seen.mirror, cluster), "the watch goes on")
        assert seen.live.restarts["pods"] == 0


def test_a_broken_watch_catches_up_without_a_list() -> None:
    cluster = Cluster()
    with serving(cluster) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced, "the first list")
        for _ in range(40):
            cluster.faults.append(Fault("drop", part="watch=true"))
        cluster.cut_watches()
        cluster.put(pod("p"))
        cluster.put(node("n"))
        until(lambda: bool(seen.live.failures), "the failure is told")
        assert not same(seen.mirror, cluster)
        cluster.calm()
        until(lambda: same(seen.mirror, cluster), "caught up")
        until(lambda: not seen.live.failures, "no failure any more")
        assert set(seen.live.restarts.values()) == {0}


def test_versions_that_are_gone_are_listed_anew() -> None:
    cluster = Cluster()
    with serving(cluster) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced, "the first list")
        cluster.put(pod("p"))
        until(lambda: same(seen.mirror, cluster), "the pod")
        cluster.remove("Pod", "shop", "p")
        cluster.put(pod("q"))
        cluster.cut_watches()
        cluster.forget_history()
        until(lambda: same(seen.mirror, cluster) and seen.live.restarts["pods"] > 0, "a new list")


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[]",
        b'{"type": "ADDED"}',
        b'{"type": "ADDED", "object": {"metadata": {"name": 5}}}',
        b'{"type": "ADDED", "object": {"metadata": {"name": "a"}, "spec": 5}}',
        b'{"type": "NEW", "object": {"metadata": {"name": "a"}}}',
        b'{"type": "ADDED", "object": {"metadata": {"name": "a"',
    ],
)
def test_an_event_that_cannot_be_read_is_named_and_made_good(line: bytes) -> None:
    cluster = Cluster()
    with serving(cluster) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced, "the first list")
        cluster.babble(line)
        cluster.put(pod("after"))
        until(lambda: seen.live.restarts["pods"] > 0, "a new list")
        until(lambda: same(seen.mirror, cluster), "the pod after it")
        assert "skipped what is no object" in seen.notes


def test_names_with_line_separators_of_unicode_are_one_line() -> None:
    cluster = Cluster()
    with serving(cluster) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced, "the first list")
        odd = pod("p")
        odd["metadata"]["annotations"] = {"note": "one\u2028two\x85three\x0bfour"}
        cluster.put(odd)
        until(lambda: same(seen.mirror, cluster), "the pod")
        assert seen.live.restarts["pods"] == 0


@pytest.mark.parametrize("what", ["drop", "garbage", 500, 503, 403, 410, 429])
def test_a_server_that_fails_at_first_is_asked_again(what: str | int) -> None:
    cluster = Cluster()
    cluster.put(pod("p"))
    cluster.faults.extend([Fault(what, "GET")] * 15)
    with serving(cluster) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced and same(seen.mirror, cluster), "the list after all")


CHANGES = st.one_of(
    st.tuples(st.just("pod"), st.integers(0, 4), st.sampled_from(["Pending", "Running", "Failed"])),
    st.tuples(st.just("node"), st.integers(0, 2), st.just("")),
    st.tuples(st.just("remove"), st.integers(0, 4), st.just("")),
    st.tuples(
        st.just("fault"),
        st.integers(1, 3),
        st.sampled_from(["drop", "garbage", "500", "410", "cut", "gone", "bookmark", "babble"]),
    ),
)


@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, max_size=25), page=st.integers(1, 3))
def test_the_state_becomes_that_of_the_server(
    changes: list[tuple[str, int, str]], page: int
) -> None:
    cluster = Cluster()
    with serving(cluster, page=page) as server, Mirrored(server) as seen:
        for what, number, detail in changes:
            _change(cluster, what, number, detail)
        cluster.calm()
        until(lambda: seen.live.synced and same(seen.mirror, cluster), "the same state")


def _change(cluster: Cluster, what: str, number: int, detail: str) -> None:
    if what == "pod":
        changed = pod(f"p{number}")
        changed["status"]["phase"] = detail
        cluster.put(changed)
    elif what == "node":
        cluster.put(node(f"n{number}"))
    elif what == "remove":
        cluster.remove("Pod", "shop", f"p{number}")
    elif detail == "cut":
        cluster.cut_watches()
    elif detail == "gone":
        cluster.forget_history()
    elif detail == "bookmark":
        cluster.bookmark_watches()
    elif detail == "babble":
        cluster.babble(b'{"type": "ADDED", "object": 1}')
    else:
        fault = int(detail) if detail.isdigit() else detail
        cluster.faults.extend([Fault(fault, "GET")] * number)


def test_the_end_is_clean_while_the_server_is_silent() -> None:
    cluster = Cluster()
    cluster.faults.extend([Fault("pause", "GET")] * len(WATCHED))
    with serving(cluster) as server:
        with Mirrored(server) as seen:
            until(lambda: not cluster.faults, "every kind waits for its list")
            assert not seen.live.synced
        with pytest.raises(SchedulingError, match="has ended"):
            seen.live.submit(seen.live.server.evict("shop", "p", "u"))


def test_waits_grow_to_a_limit_and_begin_anew() -> None:
    waits = Backoff(first=1.0, most=8.0, seed=3)
    found = [waits.next() for _ in range(6)]
    for wait, most in zip(found, (1, 2, 4, 8, 8, 8), strict=True):
        assert most / 2 <= wait <= most
    other = Backoff(first=1.0, most=8.0, seed=3)
    assert [other.next() for _ in range(6)] == found
    waits.reset()
    assert waits.next() <= 1.0


def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduling.kubernetes.client.server.MAX_LINE", 1000)
    cluster = Cluster()
    with serving(cluster) as server, Mirrored(server) as seen:
        until(lambda: seen.live.synced, "the first list")
        cluster.babble(b"x" * 100_000)
        until(lambda: "longer than 1000 bytes" in str(seen.live.failures), "it is named")


def test_errors_say_what_the_server_said() -> None:
    assert str(ApiError(403, "nodes is forbidden")) == "403: nodes is forbidden"
    assert ApiError(410, "old").gone
    assert not ApiError(None, "no answer").gone
