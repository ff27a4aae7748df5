"""Nudges: pending pods are touched when their plan changes, so that they are tried at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from scheduling.kubernetes.client.backoff import Backoff
from scheduling.kubernetes.client.reflector import Note
from scheduling.kubernetes.client.server import ApiError
from scheduling.kubernetes.extender.plan import Plan, PlannedPod
from scheduling.kubernetes.mover.follower import NOT_FOUND, Follower
from scheduling.kubernetes.state import ClusterState, Object, is_leaving, node_of

ANNOTATION = "scheduling/planned-node"
"""Annotation that is patched; any change of it makes kube-scheduler try the pod again."""

_AT_ONCE = 5
"""Nudges in one turn."""

_Sign = tuple[str, bool]
"""Planned node, and whether its planned victims are gone."""


class Annotator(Protocol):
    """Who patches pods."""

    async def annotate(self, namespace: str, name: str, annotations: dict[str, str]) -> None:
        """Set annotations.

        Raises
        ------
        ApiError
            When they were not.
        """


class Nudger(Follower):
    """Touches a pending pod when its planned node changes or becomes free.

    kube-scheduler tries a pod that an extender rejected again only after some event or five
    minutes. Each pod is touched once for a planned node and once when that has become free, those
    of high priority first, twenty in a second at most.

    Parameters
    ----------
    annotator
        Usually the API server.
    state
        The newest state of the cluster.
    plan
        Returns the plan to follow; ``None``: there is none that holds.
    backoff
        Waits after failures.
    note
        Told of every nudge.

    Attributes
    ----------
    counts
        Number of nudges by outcome: ``nudged`` and ``failed``.
    """

    def __init__(
        self,
        annotator: Annotator,
        state: ClusterState,
        plan: Callable[[], Plan | None],
        backoff: Backoff,
        note: Note,
    ) -> None:
        super().__init__(state, plan, backoff, note)
        self._annotator = annotator
        self._told: dict[str, _Sign] = {}

    async def turn(self, now: float) -> None:
        """Nudge some of those whose plan has changed."""
        plan = self._newest()
        if plan is None or now < self._earliest:
            return
        known = {entry.uid for entry in plan.pods}
        self._told = {uid: sign for uid, sign in self._told.items() if uid in known}
        changed = sorted(self._changed(plan), key=lambda found: -found[0].priority)
        for entry, pod, sign in changed[:_AT_ONCE]:
            if not await self._nudge(entry, pod, sign):
                self._earliest = now + self._backoff.next()
                return
        if changed:
            self._backoff.reset()

    def _changed(self, plan: Plan) -> Iterator[tuple[PlannedPod, Object, _Sign]]:
        for entry in plan.pods:
            pod = self._state.pod(entry.uid)
            if pod is None or node_of(pod) is not None or is_leaving(pod):
                continue
            free = all(self._state.pod(victim.uid) is None for victim in entry.victims)
            sign = entry.node, free
            if self._told.get(entry.uid) != sign:
                yield entry, pod, sign

    async def _nudge(self, entry: PlannedPod, pod: Object, sign: _Sign) -> bool:
        space, name = entry.item.split("/", 1)
        # The version makes every value new: a patch that changes nothing is no event.
        value = f"{entry.node} {pod['metadata'].get('resourceVersion', '')}"
        fields: dict[str, object] = {"pod": entry.item, "node": entry.node, "free": sign[1]}
        try:
            await self._annotator.annotate(space, name, {ANNOTATION: value})
        except ApiError as error:
            if error.code != NOT_FOUND:
                self.counts["failed"] += 1
                self._note("nudge", level="warning", outcome="failed", **fields, error=str(error))
                return False
        else:
            self.counts["nudged"] += 1
            self._note("nudge", outcome="nudged", **fields)
        self._told[entry.uid] = sign
        return True
