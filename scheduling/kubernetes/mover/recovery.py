"""Whether what was evicted stands again: replicas of each controller that are ready."""

from __future__ import annotations

from collections import defaultdict

from scheduling.kubernetes.extender.plan import owner_of
from scheduling.kubernetes.state import (
    ClusterState,
    Key,
    Object,
    is_done,
    is_leaving,
    node_of,
)

_REPLICA_SET = "ReplicaSet"


def is_ready(pod: Object) -> bool:
    """Tell whether a pod is bound, stays, and is ready as its kubelet says.

    A pod without conditions, as in files written by hand, is ready when it runs.
    """
    if node_of(pod) is None or is_done(pod) or is_leaving(pod):
        return False
    status = pod.get("status") or {}
    conditions = status.get("conditions") or ()
    for entry in conditions:
        if entry.get("type") == "Ready":
            return bool(entry.get("status") == "True")
    return status.get("phase") == "Running"


class Replicas:
    """Pods by controller, kept up to date with every change of the cluster.

    Parameters
    ----------
    state
        The cluster; its changes are followed.
    """

    def __init__(self, state: ClusterState) -> None:
        self._state = state
        self._keys: dict[str, set[Key]] = defaultdict(set)
        state.subscribe(self._change)

    def ready(self, owner: str) -> int:
        """Return the number of a controller's pods that are ready."""
        return sum(map(is_ready, self.pods(owner)))

    def pods(self, owner: str) -> list[Object]:
        """Return a controller's pods."""
        with self._state.lock:
            keys = list(self._keys.get(owner, ()))
        found = (self._state.get("Pod", *key) for key in keys)
        return [pod for pod in found if pod is not None]

    def wanted(self, owner: str) -> int | None:
        """Return how many pods a controller wants; ``None`` when it does not say.

        Parameters
        ----------
        owner
            ``namespace/kind/name``.
        """
        space, kind, name = owner.split("/", 2)
        found = self._state.get(kind, space, name) if kind == _REPLICA_SET else None
        number = None if found is None else (found.get("spec") or {}).get("replicas")
        return number if isinstance(number, int) else None

    def _change(self, kind: str, key: Key, before: Object | None, after: Object | None) -> None:
        if kind != "Pod":
            return
        old = None if before is None else owner_of(before)
        new = None if after is None else owner_of(after)
        if old is not None and old != new:
            self._keys[old].discard(key)
            if not self._keys[old]:
                del self._keys[old]
        if new is not None:
            self._keys[new].add(key)
