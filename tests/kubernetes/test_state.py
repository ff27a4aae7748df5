"""The state of a cluster: indexes agree with the objects after any changes, versions rise."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.kubernetes.state import ClusterState, Key, Object, node_of, uid_of
from tests.kubernetes.clusters import bound, node, pod

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["apply", "delete", "done", "replace"]),
        st.integers(0, 3),
        st.sampled_from([None, "n1", "n2"]),
        st.integers(0, 2),
    ),
    max_size=20,
)


def changed(name: str, on: str | None, generation: int) -> Object:
    entry = pod(name, on=on)
    entry["metadata"]["uid"] = f"{name}-{generation}"
    return entry


@given(CHANGES)
def test_indexes_and_listeners_follow_every_change(
    changes: list[tuple[str, int, str | None, int]],
) -> None:
    state = ClusterState()
    mirror: dict[tuple[str, Key], Object] = {}

    def listen(kind: str, key: Key, before: Object | None, after: Object | None) -> None:
        assert mirror.get((kind, key)) == before
        if after is None:
            del mirror[kind, key]
        else:
            mirror[kind, key] = after

    state.subscribe(listen)
    for action, number, on, generation in changes:
        entry = changed(f"p{number}", on, generation)
        if action == "delete":
            state.delete("Pod", "shop", f"p{number}")
        elif action == "replace":
            state.replace("Pod", [entry])
        else:
            if action == "done":
                entry["status"]["phase"] = "Failed"
            state.apply("Pod", entry)
    pods = state.objects("Pod")
    assert list(mirror.values()) == pods
    living = [entry for entry in pods if entry["status"]["phase"] != "Failed"]
    for name in ("n1", "n2"):
        here = [entry for entry in living if node_of(entry) == name]
        assert sorted(map(uid_of, state.pods_on(name))) == sorted(map(uid_of, here))
    waiting = [uid_of(entry) for entry in living if node_of(entry) is None]
    assert sorted(map(uid_of, state.pending())) == sorted(waiting)
    assert state.n_pending == len(waiting)
    assert all(state.pod(uid_of(entry)) is entry for entry in pods)
    assert state.pod("unknown") is None


def test_only_what_matters_raises_the_version() -> None:
    beat = node("n1")
    beat["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastHeartbeatTime": 1}]
    state = ClusterState.from_snapshot([beat, pod("a")])
    before = state.version
    beat = node("n1")
    beat["status"]["conditions"] = [{"type": "Ready", "status": "True", "lastHeartbeatTime": 2}]
    assert not state.apply("Node", beat)
    nudged = pod("a")
    nudged["metadata"]["annotations"] = {"nudged": "1"}
    nudged["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    assert not state.apply("Pod", nudged)
    assert state.version == before
    stored = state.get("Pod", "shop", "a")
    assert stored is not None
    assert stored["metadata"]["annotations"] == {"nudged": "1"}
    assert "managedFields" not in stored["metadata"]
    assert state.apply("Pod", bound(nudged, "n1"))
    assert state.apply("Node", node("n1", unschedulable=True))
    assert state.version == before + 2


def test_lists_replace_a_kind_and_give_it_its_name() -> None:
    state = ClusterState()
    assert not state.synced("Pod")
    state.apply("Pod", pod("old"))
    entry = {key: value for key, value in pod("new").items() if key != "kind"}
    state.replace("Pod", [entry])
    assert state.synced("Pod")
    assert not state.synced()
    assert [found["kind"] for found in state.objects("Pod")] == ["Pod"]
    assert state.get("Pod", "shop", "old") is None


@pytest.mark.parametrize("entry", [{"kind": "Pod"}, {"metadata": {"name": "x"}}, {"kind": 3}])
def test_what_has_no_kind_or_name_is_named(entry: Any) -> None:
    with pytest.raises(InputError, match=r"nothing, expected a text|found 3"):
        ClusterState.from_snapshot([entry])


def test_writers_and_readers_of_several_threads() -> None:
    state = ClusterState.from_snapshot([node("n1"), node("n2")])

    def write(kind: int) -> None:
        for turn in range(200):
            state.apply("Pod", pod(f"{kind}", on=f"n{turn % 2 + 1}"))

    threads = [threading.Thread(target=write, args=(kind,)) for kind in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        with state.lock:
            assert len(state.pods_on("n1")) + len(state.pods_on("n2")) == state.count("Pod")
    for thread in threads:
        thread.join()
    assert state.version == 2 + 4 * 200
