"""Reading the state of a cluster although some pods in it cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scheduling.errors import InputError
from scheduling.kubernetes.snapshot import Snapshot, snapshot_of
from scheduling.kubernetes.state import Object, item_of, node_of, uid_of


class Reader:
    """Turns objects into placement problems, again and again.

    One pod that breaks a limit of the models must not keep all others from being planned for. It is
    left out and named in the notes, and its node takes no further pods, as nobody knows what it
    has left.
    """

    def __init__(self) -> None:
        self._faulty: dict[str, tuple[Object, str]] = {}

    def read(self, objects: Sequence[Object]) -> Snapshot:
        """Return the problem of a state.

        Raises
        ------
        InputError
            When something other than a pod cannot be read.
        """
        pods = [entry for entry in objects if entry["kind"] == "Pod"]
        others = [entry for entry in objects if entry["kind"] != "Pod"]
        known = {
            uid: self._faulty[uid]
            for pod in pods
            if (uid := uid_of(pod)) in self._faulty and self._faulty[uid][0] == pod
        }
        good = [pod for pod in pods if uid_of(pod) not in known]
        try:
            snapshot = snapshot_of([*_closed(others, known), *good])
        except InputError:
            snapshot_of(others)
            known |= _search(others, good)
            good = [pod for pod in good if uid_of(pod) not in known]
            snapshot = snapshot_of([*_closed(others, known), *good])
        self._faulty = known
        notes = (f"{item_of(pod)}: left out, {fault}" for pod, fault in known.values())
        return replace(snapshot, notes=(*snapshot.notes, *notes))


def _search(others: list[Object], pods: list[Object]) -> dict[str, tuple[Object, str]]:
    """Find the pods that cannot be read by halves, with their faults."""
    try:
        snapshot_of([*others, *pods])
    except InputError as error:
        if len(pods) == 1:
            return {uid_of(pods[0]): (pods[0], str(error.faults[0]))}
        half = len(pods) // 2
        return _search(others, pods[:half]) | _search(others, pods[half:])
    return {}


def _closed(others: list[Object], faulty: dict[str, tuple[Object, str]]) -> list[Object]:
    """Return objects with the nodes of pods that cannot be read cordoned."""
    names = {node_of(pod) for pod, _ in faulty.values()}
    return [
        {**entry, "spec": {**(entry.get("spec") or {}), "unschedulable": True}}
        if entry["kind"] == "Node" and entry["metadata"]["name"] in names
        else entry
        for entry in others
    ]
