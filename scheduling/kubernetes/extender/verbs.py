"""The verbs: what the scheduler asks, the state of the cluster and the plan give the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple, Protocol

from scheduling.errors import SchedulingError
from scheduling.kubernetes.extender import wire
from scheduling.kubernetes.extender.ledger import Ledger
from scheduling.kubernetes.extender.plan import PlannedPod, Victim, owner_of
from scheduling.kubernetes.extender.room import Needs, Room, as_item
from scheduling.kubernetes.state import (
    ClusterState,
    Object,
    is_leaving,
    item_of,
    node_of,
    uid_of,
)
from scheduling.models.placement.check_nodes import obstacles
from scheduling.models.placement.problem import Item

NOT_READ = "the state of the cluster is not read yet"


class Binder(Protocol):
    """Who carries bindings out."""

    async def bind(self, namespace: str, name: str, uid: str, node: str) -> None:
        """Bind a pod.

        Raises
        ------
        SchedulingError
            Saying why it was not.
        """


@dataclass(frozen=True, slots=True)
class View:
    """What an answer is made from.

    Attributes
    ----------
    state, room
        The cluster, and what its nodes have left.
    ledger
        The plan, and who follows it.
    """

    state: ClusterState
    room: Room
    ledger: Ledger


class Answer(NamedTuple):
    """An answer and why it is so.

    Attributes
    ----------
    result
        What goes over the wire.
    reason
        One word: ``planned``, ``waiting`` (for room on the planned node), ``unoffered`` (the
        planned node was not), ``stale`` (the plan no longer holds for the pod), ``unplanned``,
        ``unread``, ``bound`` or ``refused``.
    pod
        ``namespace/name``.
    node
        The node that the answer names.
    passed
        Number of nodes passed.
    """

    result: Any
    reason: str
    pod: str
    node: str | None = None
    passed: int = 0


def filter_nodes(args: wire.FilterArgs, view: View) -> Answer:
    """Answer ``filter``: the planned node alone; without a plan, every node with room to spare."""
    pod = _newest(args.pod, view.state)
    name = item_of(pod)
    if not view.state.synced():
        return Answer(wire.filter_result(args, [], {}, NOT_READ), "unread", name)
    needs = view.room.needs(pod)
    item = as_item(pod, needs)
    entry = view.ledger.entry(pod)
    reason = "unplanned"
    if entry is not None:
        reason, message = _standing(entry, item, needs, args.names, view)
        if reason in ("planned", "waiting"):
            kept = [entry.node] if reason == "planned" else []
            failed = dict.fromkeys(args.names, message)
            for node in kept:
                del failed[node]
            result = wire.filter_result(args, kept, failed)
            return Answer(result, reason, name, entry.node, len(kept))
    promised = _promised(needs, _priority(pod), entry, view)
    kept, failed = _free_choice(item, needs, args.names, view, promised)
    return Answer(wire.filter_result(args, kept, failed), reason, name, None, len(kept))


def prioritize(args: wire.FilterArgs, view: View) -> Answer:
    """Answer ``prioritize``: the planned node first, no preference otherwise."""
    pod = _newest(args.pod, view.state)
    entry = view.ledger.entry(pod)
    best = entry.node if entry is not None and view.room.node(entry.node) else None
    reason = "unplanned" if best is None else "planned"
    return Answer(wire.priorities(args.names, best), reason, item_of(pod), best, best in args.names)


def preempt(args: wire.PreemptArgs, view: View) -> Answer:
    """Answer ``preempt``: planned victims on the planned node; none where the plan names none."""
    pod = _newest(args.pod, view.state)
    name = item_of(pod)
    entry = view.ledger.entry(pod) if view.state.synced() else None
    nothing = wire.preempt_result(None, (), 0)
    if entry is None:
        return Answer(nothing, "unplanned" if view.state.synced() else "unread", name)
    if entry.node not in args.nodes:
        return Answer(nothing, "unoffered", name, entry.node)
    needs = view.room.needs(pod)
    if _outdated(entry, as_item(pod, needs), needs, view):
        return Answer(nothing, "stale", name, entry.node)
    offered, violations = args.victims(entry.node)
    uids = _victims(entry, needs, offered, view)
    if not uids:
        return Answer(nothing, "waiting", name, entry.node)
    result = wire.preempt_result(entry.node, uids, min(violations, len(uids)))
    return Answer(result, "planned", name, entry.node, 1)


async def bind(args: wire.BindArgs, view: View, binder: Binder) -> Answer:
    """Answer ``bind``: carry the binding out unless the newest state speaks against it."""
    name = f"{args.namespace}/{args.name}"
    try:
        fault = _unbindable(args, view)
        if fault is None:
            await binder.bind(args.namespace, args.name, args.uid, args.node)
    except SchedulingError as error:
        fault = str(error)
    if fault is not None:
        return Answer(wire.bind_result(fault), "refused", name, args.node)
    return Answer(wire.bind_result(), "bound", name, args.node, 1)


def _newest(pod: Object, state: ClusterState) -> Object:
    """Return a pod as the state has it; as it was sent when it is not there yet."""
    meta = pod["metadata"]
    if meta.get("uid"):
        return state.pod(meta["uid"]) or pod
    return state.get("Pod", meta.get("namespace") or "default", meta["name"]) or pod


def _priority(pod: Object) -> int:
    found = (pod.get("spec") or {}).get("priority")
    return found if isinstance(found, int) else 0


def _standing(
    entry: PlannedPod, item: Item, needs: Needs, offered: Sequence[str], view: View
) -> tuple[str, str]:
    """Return how an entry stands now, in a word and in a message for the pod's events."""
    if _outdated(entry, item, needs, view):
        return "stale", ""
    missing = view.room.short(needs, entry.node)
    if entry.node in offered:
        # The scheduler has looked at cpu, memory and pods itself, and may know of a pod's end
        # sooner. Other resources it may have been told to leave to this check alone.
        ours = [name for name in missing if "/" in name]
        if not ours:
            return "planned", f"planned on {entry.node}"
        return "waiting", f"waits for {', '.join(ours)} on {entry.node}"
    if missing or any(view.ledger.leavers(entry)):
        return "waiting", f"waits for room on {entry.node}"
    return "unoffered", ""


def _outdated(entry: PlannedPod, item: Item, needs: Needs, view: View) -> bool:
    """Tell whether a pod cannot go where it is planned, even when all planned victims have left."""
    node = view.room.node(entry.node)
    if node is None or any(obstacles(item, node)):
        return True
    leaving = [pod for pod in view.state.pods_on(entry.node) if is_leaving(pod)]
    going = {uid_of(pod): pod for _, pod in view.ledger.leavers(entry)}
    going.update((uid_of(pod), pod) for pod in leaving)
    return bool(view.room.short(needs, entry.node, view.room.sum(going.values())))


def _free_choice(
    item: Item, needs: Needs, names: Sequence[str], view: View, promised: set[str]
) -> tuple[list[str], dict[str, str]]:
    """Pass the nodes where a pod fits beside what stands there and what is promised to others."""
    known, fits = view.room.fitting(item, needs, names)
    # A node that is not known here yet has passed all but the checks left to this one alone.
    fits |= ~known & (not any("/" in name for name in needs))
    failed = dict.fromkeys(compress(names, (~fits).tolist()), "no room now")
    kept = list(compress(names, fits.tolist()))
    if not promised.isdisjoint(kept):
        failed.update((name, "kept for planned pods") for name in kept if name in promised)
        kept = [name for name in kept if name not in promised]
    return kept, failed


def _promised(needs: Needs, priority: int, own: PlannedPod | None, view: View) -> set[str]:
    """Return the nodes without room for a pod beside the planned ones of at least its priority."""
    wanted: dict[str, Counter[str]] = {}
    freed: dict[str, PlannedPod] = {}
    for entry in view.ledger.waiting(priority):
        if entry is own:
            continue
        wanted.setdefault(entry.node, Counter()).update(entry.demands)
        freed[entry.node] = entry
    found = set()
    for node, total in wanted.items():
        total.update(needs)
        going = view.room.sum(pod for _, pod in view.ledger.leavers(freed[node]))
        # Only resources that the pod itself takes can be taken away from others.
        both = {name: total[name] for name, need in needs.items() if need > 0}
        if view.room.short(both, node, going):
            found.add(node)
    return found


def _victims(entry: PlannedPod, needs: Needs, offered: Sequence[str], view: View) -> list[str]:
    """Choose victims that are enough: those offered as far as the plan names them or their equals.

    Else planned victims that were not offered; the scheduler takes any pod of the node.
    """
    planned = [
        (victim, pod)
        for victim, pod in view.ledger.leavers(entry)
        if victim.priority < entry.priority and not is_leaving(pod)
    ]
    going = [pod for pod in view.state.pods_on(entry.node) if is_leaving(pod)]
    equal = _equals(planned, offered, entry.node, view)
    for candidates in (equal, [pod for _, pod in planned]):
        chosen: list[Object] = []
        for pod in sorted(candidates, key=_priority):
            chosen.append(pod)
            if not view.room.short(needs, entry.node, view.room.sum((*going, *chosen))):
                return [uid_of(pod) for pod in chosen]
    return []


def _equals(
    planned: Iterable[tuple[Victim, Object]], offered: Sequence[str], node: str, view: View
) -> list[Object]:
    """Return the offered victims that are planned, or replicas of planned ones that are not."""
    left = {victim.uid: pod for victim, pod in planned}
    exact = [left.pop(uid) for uid in offered if uid in left]
    owners = Counter(owner for pod in left.values() if (owner := owner_of(pod)) is not None)
    taken = {uid_of(pod) for pod in exact}
    for uid in offered:
        pod = view.state.pod(uid)
        if uid in taken or pod is None or node_of(pod) != node or is_leaving(pod):
            continue
        owner = owner_of(pod)
        if owner is not None and owners[owner] > 0:
            owners[owner] -= 1
            exact.append(pod)
    return exact


def _unbindable(args: wire.BindArgs, view: View) -> str | None:
    if not view.state.synced():
        return NOT_READ
    if view.room.node(args.node) is None:
        return f"node {args.node!r} is not there"
    pod = view.state.get("Pod", args.namespace, args.name)
    if pod is None:
        return None
    if args.uid and uid_of(pod) != args.uid:
        return f"pod {args.name!r} has UID {uid_of(pod)} now"
    node = node_of(pod)
    if node is not None:
        return f"pod {args.name!r} runs on {node!r} already"
    return None
