"""A cluster in memory for tests: controllers that replace pods, and a scheduler that follows."""

from __future__ import annotations

import copy
from typing import Any

import scheduling as sch
from scheduling.kubernetes.client.server import ApiError
from scheduling.kubernetes.extender.ledger import Ledger
from scheduling.kubernetes.extender.plan import Plan, make_plan
from scheduling.kubernetes.extender.room import Room
from scheduling.kubernetes.snapshot import snapshot_of
from scheduling.kubernetes.state import ClusterState, node_of
from scheduling.solvers.placement.ordering import order_steps
from tests.kubernetes.api_cluster import Cluster, Object

KINDS = ("Node", "Pod", "PodDisruptionBudget", "ReplicaSet")


def node(name: str, cpu: str = "2", **spec: Any) -> Object:
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": spec,
        "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "20"}},
    }


def pod(
    name: str,
    cpu: str = "1",
    *,
    on: str | None = None,
    owner: str | None = None,
    priority: int = 0,
    **spec: Any,
) -> Object:
    owners = [{"kind": "ReplicaSet", "name": owner, "controller": True}] if owner else []
    container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
    where = {"nodeName": on} if on else {}
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"app": owner or name},
            "ownerReferences": owners,
        },
        "spec": {"containers": [container], "priority": priority, **where, **spec},
        "status": {"phase": "Running" if on else "Pending"},
    }


def budget(app: str, least: int) -> Object:
    return {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": f"keep-{app}", "namespace": "shop"},
        "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": app}}},
    }


def successor(gone: Object, number: int) -> Object:
    """Return the pod that a controller makes in place of one that is gone."""
    fresh = copy.deepcopy(gone)
    for name in ("uid", "resourceVersion", "annotations"):
        fresh["metadata"].pop(name, None)
    fresh["metadata"]["name"] = f"{gone['metadata']['ownerReferences'][0]['name']}-new{number}"
    fresh["spec"].pop("nodeName", None)
    fresh["status"] = {"phase": "Pending"}
    return fresh


class World:
    """A cluster, its controllers and scheduler, and the state that follows it without delay.

    Attributes
    ----------
    cluster, state, room
        The objects, the state that was told of them, and what is left on the nodes.
    plan
        The newest plan.
    answers
        Status codes with which the next evictions are refused.
    evicted
        Names of the evicted pods in order.
    notes
        What was told.
    deaf
        Whether the state is told nothing.
    """

    def __init__(self, *objects: Object) -> None:
        self.cluster = Cluster()
        self.state = ClusterState()
        self.room = Room(self.state)
        self.plan: Plan | None = None
        self.answers: list[int] = []
        self.evicted: list[str] = []
        self.patched: list[tuple[str, str]] = []
        self.deaf = False
        self.notes: list[Object] = []
        self.born = 0
        self._seen = 0
        self.cluster.on_evicted = self.replaced
        for obj in objects:
            self.cluster.put(obj)
        self.follow()

    def follow(self) -> None:
        """Bring the state in step, unless it is deaf."""
        if self.deaf:
            return
        plurals = {"nodes": "Node", "pods": "Pod", "poddisruptionbudgets": KINDS[2]}
        for version, plural, kind, obj in self.cluster.history:
            if version > self._seen:
                name = plurals.get(plural, "ReplicaSet")
                if kind == "DELETED":
                    meta = obj["metadata"]
                    self.state.delete(name, meta.get("namespace", ""), meta["name"])
                else:
                    self.state.apply(name, obj)
        self._seen = self.cluster.version

    def note(self, event: str, **fields: object) -> None:
        """Keep what is told."""
        self.notes.append({"event": event, **fields})

    def replaced(self, gone: Object) -> None:
        """Make a new pod for one that was evicted, as its controller does."""
        if gone["metadata"].get("ownerReferences"):
            self.born += 1
            self.cluster.put(successor(gone, self.born))

    def solve(self) -> Plan:
        """Make a plan for the cluster as it is now."""
        for obj in self.cluster.all("PodDisruptionBudget"):
            obj["status"] = {"disruptionsAllowed": self.cluster.allowed(obj)}
            self.cluster.put(obj)
        self.follow()
        problem = snapshot_of(self.state.objects()).problem
        solution = sch.solve(problem, "cp-sat", work_limit=10.0, workers=1)
        steps = order_steps(problem, solution)
        pods = self.state.objects("Pod")
        self.plan = make_plan(self.state.version, problem, solution, steps, pods)
        self.ledger = Ledger(self.plan, self.state)
        return self.plan

    def schedule(self, most: int = 100) -> int:
        """Bind pending pods where the plan wants them, as far as there is room."""
        bound = 0
        for found in sorted(self.state.pending(), key=lambda p: p["metadata"]["name"]):
            entry = self.ledger.entry(found)
            if entry is None or bound == most or self.room.short(entry.demands, entry.node):
                continue
            meta = found["metadata"]
            self.cluster.bind(meta["namespace"], meta["name"], entry.node)
            self.follow()
            bound += 1
        return bound

    def where(self) -> dict[str, str | None]:
        """Return the node of each pod."""
        return {obj["metadata"]["name"]: node_of(obj) for obj in self.cluster.all("Pod")}

    async def evict(self, namespace: str, name: str, uid: str) -> None:
        if self.answers:
            raise ApiError(self.answers.pop(0), "as the test wants it")
        code, message = self.cluster.evict(namespace, name, uid)
        if message:
            raise ApiError(code, message)
        self.evicted.append(name)
        self.follow()

    async def annotate(self, namespace: str, name: str, annotations: dict[str, str]) -> None:
        found = self.cluster.get("Pod", namespace, name)
        if found is None:
            raise ApiError(404, "not found")
        found["metadata"]["annotations"] = annotations
        self.cluster.put(found)
        self.follow()
        self.patched += [(name, value) for value in annotations.values()]
