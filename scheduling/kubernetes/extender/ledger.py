"""Which pod follows which entry of a plan, also when its controller has made it anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from scheduling.kubernetes.extender.plan import Plan, PlannedPod, Victim, owner_of
from scheduling.kubernetes.state import (
    ClusterState,
    Object,
    is_done,
    is_leaving,
    item_of,
    node_of,
    uid_of,
)


class Ledger:
    """A plan and who claims its entries.

    A pod that was evicted comes back under a new name and UID. It follows an entry of its
    controller whose own pod is gone, and keeps it until the next plan.

    Parameters
    ----------
    plan
        The plan; ``None`` before the first.
    state
        The cluster.
    """

    def __init__(self, plan: Plan | None, state: ClusterState) -> None:
        self.plan = plan
        self._state = state
        self._entries = () if plan is None else plan.pods
        self._by_uid = {entry.uid: entry for entry in self._entries}
        self._by_owner: dict[str, list[PlannedPod]] = defaultdict(list)
        for entry in self._entries:
            if entry.owner is not None:
                self._by_owner[entry.owner].append(entry)
        self._claims: dict[str, str] = {}
        self._claimed: dict[str, PlannedPod] = {}

    def entry(self, pod: Object) -> PlannedPod | None:
        """Return what is planned for a pending pod; ``None`` when it is not in the plan."""
        uid = uid_of(pod)
        found = self._by_uid.get(uid)
        if found is not None:
            return found
        claimed = self._claimed.get(uid)
        if claimed is not None and self._claims.get(claimed.uid) == uid:
            return claimed
        owner = owner_of(pod)
        slots = [slot for slot in self._by_owner.get(owner or "", ()) if self._is_open(slot)]
        if not slots:
            return None
        name = item_of(pod)
        chosen = next((slot for slot in slots if slot.item == name), slots[0])
        self._claims[chosen.uid] = uid
        self._claimed[uid] = chosen
        return chosen

    def leavers(self, entry: PlannedPod) -> Iterator[tuple[Victim, Object]]:
        """Yield the planned victims of an entry that still stand on its node."""
        for victim in entry.victims:
            pod = self._state.pod(victim.uid)
            if pod is not None and node_of(pod) == entry.node and not is_done(pod):
                yield victim, pod

    def waiting(self, priority: int) -> Iterator[PlannedPod]:
        """Yield the entries of at least a priority whose pods are not where they shall be yet."""
        for entry in self._entries:
            if entry.priority >= priority and not self._settled(entry):
                yield entry

    def _is_open(self, entry: PlannedPod) -> bool:
        if not self._gone(entry.uid):
            return False
        claimant = self._claims.get(entry.uid)
        return claimant is None or self._gone(claimant)

    def _gone(self, uid: str) -> bool:
        pod = self._state.pod(uid)
        return pod is None or is_leaving(pod) or is_done(pod)

    def _settled(self, entry: PlannedPod) -> bool:
        uid = self._claims.get(entry.uid, entry.uid)
        if self._gone(uid):
            return entry.owner is None
        pod = self._state.pod(uid)
        node = None if pod is None else node_of(pod)
        return node is not None and node != entry.origin
