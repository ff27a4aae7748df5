"""The mover: carries a plan's moves and evictions out through the eviction subresource."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from scheduling.kubernetes.client.backoff import Backoff
from scheduling.kubernetes.client.reflector import Note
from scheduling.kubernetes.client.server import ApiError
from scheduling.kubernetes.evictions import Eviction, evictions
from scheduling.kubernetes.extender.plan import Plan, owner_of
from scheduling.kubernetes.extender.room import Room, as_item
from scheduling.kubernetes.mover.follower import NOT_FOUND, Follower
from scheduling.kubernetes.mover.recovery import Replicas, is_ready
from scheduling.kubernetes.state import (
    ClusterState,
    Object,
    is_leaving,
    item_of,
    node_of,
    uid_of,
)
from scheduling.models.placement.check_nodes import obstacles

_RECOVERY_SECONDS = 300.0
_CONFLICT, _TOO_MANY = 409, 429

OUTCOMES = (
    "evicted",
    "planned",
    "refused",
    "failed",
    "gone",
    "stale",
    "recovered",
    "displaced",
    "lost",
)
"""What may come of an eviction.

``planned`` is that of a dry run; of evicted pods the successors are ready (``recovered``), or find
no place in a later plan (``displaced``), or are not ready after five minutes (``lost``).
"""

Verdict = Literal["go", "gone", "wait", "stale"]


class Evictor(Protocol):
    """Who carries evictions out."""

    async def evict(self, namespace: str, name: str, uid: str) -> None:
        """Evict a pod.

        Raises
        ------
        ApiError
            When it was not.
        """


@dataclass(frozen=True, slots=True)
class Manners:
    """How the mover behaves.

    Attributes
    ----------
    pace
        Most evictions in a minute.
    at_once
        Most pods that are down at one time because of it.
    dry_run
        Say what would be done, and do nothing.
    """

    pace: float = 6.0
    at_once: int = 1
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Down:
    """An evicted pod whose successor does not stand yet."""

    eviction: Eviction
    uid: str
    owner: str | None
    ready: int
    siblings: frozenset[str]
    since: float


class Mover(Follower):
    """Evicts what a plan moves or evicts, in the plan's order.

    An eviction is sent only while the plan is the newest, its pod runs where the plan saw it, its
    new node has room for it, and pace and budget allow it. A disruption budget that refuses (429)
    makes it wait and try again. Anything that does not agree with the plan ends the work on this
    plan; the next plan begins anew. A pod is never deleted, and one without a controller that would
    make it again is never moved.

    Parameters
    ----------
    evictor
        Usually the API server.
    state, room
        The newest state of the cluster, and what its nodes have left.
    plan
        Returns the plan to follow; ``None``: there is none that holds.
    manners
        Pace, budget and dry run.
    backoff
        Waits after refusals and failures.
    note
        Told of every action.

    Attributes
    ----------
    counts
        Number of actions by outcome, one of :data:`OUTCOMES`.
    """

    def __init__(
        self,
        evictor: Evictor,
        state: ClusterState,
        room: Room,
        plan: Callable[[], Plan | None],
        manners: Manners,
        backoff: Backoff,
        note: Note,
    ) -> None:
        super().__init__(state, plan, backoff, note)
        self._evictor, self._room, self._manners = evictor, room, manners
        self._replicas = Replicas(state)
        self._plan: Plan | None = None
        self._queue: deque[Eviction] = deque()
        self._down: list[_Down] = []

    @property
    def down(self) -> int:
        """Number of evicted pods whose successors do not stand yet."""
        return len(self._down)

    @property
    def left(self) -> int:
        """Number of evictions of the plan that are still to come."""
        return len(self._queue)

    async def turn(self, now: float) -> None:
        """Look at the state and evict what the plan asks for."""
        plan = self._newest()
        if plan is not self._plan:
            self._begin(plan)
        self._settle(now)
        if self._manners.dry_run:
            while self._queue:
                self._tell("planned", self._queue.popleft())
        while self._queue and self._may(now):
            eviction = self._queue[0]
            verdict, reason = self._judge(eviction)
            if verdict == "wait":
                return
            if verdict == "stale":
                self._tell("stale", eviction, reason=reason)
                self._queue.clear()
            elif verdict == "gone":
                self._queue.popleft()
                self._tell("gone", eviction)
            else:
                await self._evict(eviction, now)

    def _begin(self, plan: Plan | None) -> None:
        if self._queue:
            self._note("moves dropped", left=len(self._queue))
        self._plan = plan
        self._queue = deque(() if plan is None else evictions(plan.steps))
        if plan is not None and self._queue:
            self._note("moves begun", plan=plan.version, evictions=len(self._queue))

    def _may(self, now: float) -> bool:
        return now >= self._earliest and len(self._down) < self._manners.at_once

    def _settle(self, now: float) -> None:
        """Find which evicted pods have a successor that is ready, or need none."""
        for entry in list(self._down):
            gone = self._state.pod(entry.uid) is None
            if gone and self._stands(entry):
                outcome = "recovered"
            elif gone and self._is_displaced(entry):
                outcome = "displaced"
            elif now - entry.since >= _RECOVERY_SECONDS:
                outcome = "lost"
            else:
                continue
            self._down.remove(entry)
            self._tell(outcome, entry.eviction)

    def _stands(self, entry: _Down) -> bool:
        if entry.owner is None or entry.eviction.destination is None:
            return True
        wanted = self._replicas.wanted(entry.owner)
        enough = entry.ready if wanted is None else min(entry.ready, wanted)
        return self._replicas.ready(entry.owner) >= enough

    def _is_displaced(self, entry: _Down) -> bool:
        """Tell whether the plan knows the pods that came instead and leaves all of them out."""
        left_out = () if self._plan is None else self._plan.unplaced
        pods = [] if entry.owner is None else self._replicas.pods(entry.owner)
        new = [item_of(pod) for pod in pods if uid_of(pod) not in entry.siblings]
        return bool(new) and set(new) <= set(left_out)

    def _judge(self, eviction: Eviction) -> tuple[Verdict, str]:
        """Compare an eviction with the newest state."""
        plan = self._plan
        pod = None if plan is None else self._state.pod(plan.uids.get(eviction.item, ""))
        if pod is None or is_leaving(pod) or self._is_down(pod):
            return "gone", ""
        if node_of(pod) != eviction.origin:
            return "stale", f"it runs on {node_of(pod)}"
        if not self._serves():
            return "stale", "no pod waits for it any more"
        if eviction.destination is None:
            return "go", ""
        if owner_of(pod) is None:
            return "stale", "no controller would make it again"
        return self._judge_target(pod, eviction, eviction.destination)

    def _judge_target(self, pod: Object, eviction: Eviction, target: str) -> tuple[Verdict, str]:
        node = self._room.node(target)
        needs = self._room.needs(pod)
        if node is None:
            return "stale", f"{target} is gone"
        for obstacle in obstacles(as_item(pod, needs), node):
            return "stale", f"{target}: {obstacle}"
        if eviction.waits:
            return "go", ""
        coming: Counter[str] = Counter(needs)
        for entry in self._down:
            if entry.eviction.destination == target:
                coming.update(self._demands(entry.eviction.item))
        missing = self._room.short(coming, target)
        if not missing:
            return "go", ""
        leaving = any(is_leaving(other) for other in self._state.pods_on(target))
        if leaving or any(entry.eviction.origin == target for entry in self._down):
            return "wait", ""
        return "stale", f"no {', '.join(missing)} left on {target}"

    def _serves(self) -> bool:
        """Tell whether a pod that was pending when the plan was made still is."""
        planned = () if self._plan is None else self._plan.pods
        found = (self._state.pod(entry.uid) for entry in planned if entry.origin is None)
        return any(pod is not None and node_of(pod) is None for pod in found)

    def _is_down(self, pod: Object) -> bool:
        """Tell whether a pod was evicted already; the state may not know yet."""
        uid = uid_of(pod)
        return any(entry.uid == uid for entry in self._down)

    def _demands(self, item: str) -> dict[str, int]:
        """Return what the plan's pod takes; nothing when this plan does not know it."""
        planned = () if self._plan is None else self._plan.pods
        return next((dict(entry.demands) for entry in planned if entry.item == item), {})

    async def _evict(self, eviction: Eviction, now: float) -> None:
        plan = self._plan
        space, name = eviction.item.split("/", 1)
        uid = plan.uids[eviction.item] if plan is not None else ""
        pod = self._state.pod(uid)
        owner = None if pod is None else owner_of(pod)
        siblings = [] if owner is None else self._replicas.pods(owner)
        ready = sum(map(is_ready, siblings))
        try:
            await self._evictor.evict(space, name, uid)
        except ApiError as error:
            self._refused(eviction, error, now)
            return
        self._queue.popleft()
        self._backoff.reset()
        self._earliest = now + 60.0 / self._manners.pace
        known = frozenset(map(uid_of, siblings))
        self._down.append(_Down(eviction, uid, owner, ready, known, now))
        self._tell("evicted", eviction)

    def _refused(self, eviction: Eviction, error: ApiError, now: float) -> None:
        if error.code == NOT_FOUND:
            self._queue.popleft()
            self._tell("gone", eviction)
            return
        self._earliest = now + (error.retry_after or self._backoff.next())
        refused = error.code in (_CONFLICT, _TOO_MANY)
        self._tell("refused" if refused else "failed", eviction, error=str(error))

    def _tell(self, outcome: str, eviction: Eviction, **more: object) -> None:
        self.counts[outcome] += 1
        self._note(
            "eviction",
            outcome=outcome,
            pod=eviction.item,
            origin=eviction.origin,
            destination=eviction.destination,
            why=eviction.reason,
            plan=None if self._plan is None else self._plan.version,
            dry_run=self._manners.dry_run,
            **more,
        )
