"""Small random clusters: where pods may stand is what kube-scheduler's filters say."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.kubernetes.snapshot import snapshot_of
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.placement.ordering import order_steps
from scheduling.solvers.placement.state import State
from tests.kubernetes.filters import REQUIRED, Cluster, Object, admits
from tests.properties import examples

SPACES = {"s": {"team": "x"}, "t": {}}
KEYS = ("zone", "rack", "host")
TOLERATIONS: list[Object] = [
    {"operator": "Exists"},
    {"key": "gpu", "operator": "Exists"},
    {"key": "gpu", "value": "5", "effect": "NoSchedule"},
    {"key": "sla", "operator": "Gt", "value": "6"},
    {"key": "sla", "operator": "Lt", "value": "6"},
    {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"},
]
CONDITIONS: list[Object] = [
    {"key": "zone", "operator": "In", "values": ["x"]},
    {"key": "zone", "operator": "NotIn", "values": ["y"]},
    {"key": "rack", "operator": "DoesNotExist"},
    {"key": "size", "operator": "Gt", "values": ["2"]},
    {"key": "size", "operator": "Lt", "values": ["2"]},
]
SELECTORS: list[Object] = [
    {},
    {"matchLabels": {"app": "a"}},
    {"matchLabels": {"app": "b"}},
    {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]},
    {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
]


class Draw:
    """Random objects."""

    def __init__(self, random: Random) -> None:
        self.random, self.one = random, random.choice

    def often(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, share: float, **fields: Any) -> Object:
        return {name: value for name, value in fields.items() if self.often(share)}

    def node(self, name: str) -> Object:
        marks = self.some(0.8, zone=self.one("xy"), rack=self.one("pq"), size=self.one("15z"))
        spec: Object = {"unschedulable": self.often(0.1), "taints": []}
        if self.often(0.3):
            effect = self.one(["NoSchedule", "PreferNoSchedule", "NoExecute"])
            key, value = self.one(["gpu", "sla"]), self.one(["", "5", "9"])
            spec["taints"].append({"key": key, "value": value, "effect": effect})
        room = {"cpu": str(self.random.randint(1, 6)), "pods": self.one(["2", "9"])}
        room["nvidia.com/gpu"] = self.one("0124")
        meta = {"name": name, "labels": {"host": name, **marks}}
        status = {"allocatable": room}
        return {"kind": "Node", "metadata": meta, "spec": spec, "status": status}

    def pod(self, name: str, nodes: list[str], host: str | None) -> Object:
        asked = {"cpu": self.one("012"), **self.some(0.3, **{"nvidia.com/gpu": self.one("012")})}
        container: Object = {"name": "c", "resources": {"requests": asked}, "ports": []}
        if self.often(0.25):
            port = {"hostPort": self.one([80, 81]), **self.some(0.2, protocol="UDP")}
            port |= self.some(0.6, hostIP=self.one(["0.0.0.0", "10.0.0.1", "10.0.0.2"]))
            container["ports"].append(port)
        early = {"name": "i", "resources": {"requests": {"cpu": self.one("03")}}}
        spec = {"containers": [container], "affinity": self._affinity(nodes)}
        spec |= self.some(0.15, initContainers=[early], overhead={"cpu": "1"})
        spec |= self.some(0.1, nodeSelector={"zone": "x"})
        spec |= self.some(0.5, tolerations=[self.one(TOLERATIONS)])
        spec |= self.some(0.35, topologySpreadConstraints=self._spreads())
        meta = {"name": name, "namespace": self.one("sst"), "labels": self._labels()}
        if host is not None:
            spec["nodeName"] = host
            meta |= self.some(0.1, deletionTimestamp="2026-01-01T00:00:00Z")
        return {"kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": "Pending"}}

    def _labels(self) -> Object:
        return {"app": self.one("ab"), **self.some(0.4, tier=self.one("ab"), rev=self.one("12"))}

    def _affinity(self, nodes: list[str]) -> Object:
        found: Object = {}
        for kind, share in (("podAffinity", 0.35), ("podAntiAffinity", 0.25)):
            if self.often(share):
                found[kind] = {REQUIRED: [self._term() for _ in range(self.one([1, 1, 2]))]}
        if self.often(0.2):
            named = {"key": "metadata.name", "operator": self.one(["In", "NotIn"])}
            fields = [{**named, "values": [self.one(nodes)]}]
            terms = [
                self.some(0.6, matchExpressions=[self.one(CONDITIONS)], matchFields=fields)
                for _ in range(self.one([1, 2]))
            ]
            found["nodeAffinity"] = {REQUIRED: {"nodeSelectorTerms": terms}}
        return found

    def _term(self) -> Object:
        found = {"topologyKey": self.one(KEYS), **self._meaning()}
        return found | self.some(
            0.15,
            namespaces=[self.one("st")],
            namespaceSelector=self.one([{}, {"matchLabels": {"team": "x"}}]),
        )

    def _meaning(self) -> Object:
        if self.often(0.07):
            return {}
        keys = self.some(0.15, matchLabelKeys=["tier"])
        return {"labelSelector": self.one(SELECTORS), **keys}

    def _spreads(self) -> list[Object]:
        policies = ["Honor", "Ignore"]
        return [
            {
                "topologyKey": key,
                "maxSkew": self.one([1, 1, 2]),
                "whenUnsatisfiable": self.one(["DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"]),
                **self._meaning(),
                **self.some(0.25, minDomains=self.one([1, 2, 3])),
                **self.some(0.3, nodeAffinityPolicy=self.one(policies)),
                **self.some(0.3, nodeTaintsPolicy=self.one(policies)),
            }
            for key in self.random.sample(KEYS, self.one([1, 1, 2]))
        ]


def drawn(random: Random, pending: int) -> tuple[Cluster, list[Object]]:
    draw = Draw(random)
    names = [f"n{number}" for number in range(random.randint(1, 4))]
    nodes = [draw.node(name) for name in names]
    hosts = [random.choice(names) for _ in range(random.randint(0, 5))]
    placed = [(draw.pod(f"r{k}", names, host), host) for k, host in enumerate(hosts)]
    guests = [draw.pod(f"p{k}", names, None) for k in range(pending)]
    if pending > 1 and draw.often(0.5):
        guests[1] = {**guests[0], "metadata": {**guests[0]["metadata"], "name": "p1"}}
    return Cluster(nodes, placed, SPACES), guests


def stated(cluster: Cluster, guests: list[Object]) -> PlacementProblem:
    spaces = [
        {"kind": "Namespace", "metadata": {"name": k, "labels": v}} for k, v in SPACES.items()
    ]
    objects = [*cluster.nodes, *spaces, *(pod for pod, _ in cluster.placed), *guests]
    return snapshot_of(objects).problem.model_copy(update={"max_moves": 0})


def item_of(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


@given(st.randoms(use_true_random=True))
@examples(150)
def test_a_pod_may_stand_where_the_filters_pass(random: Random) -> None:
    cluster, (guest,) = drawn(random, 1)
    problem = stated(cluster, [guest])
    stay = [{"item": item_of(pod), "node": host} for pod, host in cluster.placed]
    arrays = compile_placement(problem)
    options = State(arrays, arrays.now).options(arrays.item_ids.index(item_of(guest)))
    for node, open_now in zip(cluster.nodes, options.tolist(), strict=True):
        entries = [*stay, {"item": item_of(guest), "node": node["metadata"]["name"]}]
        document = {"kind": "placement", "status": "feasible", "placements": entries}
        found = sch.check(problem, PlacementSolution.model_validate(document))
        wrong = [entry for entry in found if entry.constraint != "objective"]
        passes = admits(cluster, guest, node)
        assert (wrong == [], open_now) == (passes, passes), node["metadata"]["name"]


@given(st.randoms(use_true_random=True))
@examples(40)
def test_steps_pass_the_filters_one_after_the_other(random: Random) -> None:
    cluster, guests = drawn(random, 3)
    problem = stated(cluster, guests)
    solution = sch.solve(problem, "cp-sat", work_limit=10, workers=1)
    alone = [pod for pod in guests if any(admits(cluster, pod, node) for node in cluster.nodes)]
    steps = order_steps(problem, solution)
    assert bool(steps) == bool(alone)
    assume(not any(step.forced for step in steps))  # They say themselves that they do not.
    nodes = {node["metadata"]["name"]: node for node in cluster.nodes}
    pods = {item_of(pod): pod for pod in guests}
    for step in steps:
        assert step.destination is not None
        assert admits(cluster, pods[step.item], nodes[step.destination])
        cluster = cluster.beside(pods[step.item], step.destination)


@pytest.mark.parametrize("policy", ["Honor", "Ignore"])
def test_cordons_count_for_spread_as_the_taints_that_are_set_for_them(policy: str) -> None:
    rule = {"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
    rule |= {"labelSelector": {"matchLabels": {"app": "a"}}, "nodeTaintsPolicy": policy}
    nodes: list[Object] = []
    spec = {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}
    for name, zone, closed in (("n0", "y", True), ("n1", "y", False), ("n2", "x", False)):
        meta = {"name": name, "labels": {"zone": zone}}
        room: Object = {"allocatable": {"cpu": 1 if name == "n1" else 0, "pods": 9}}
        nodes.append(
            {"kind": "Node", "metadata": meta, "spec": {"unschedulable": closed}, "status": room}
        )
    guest: Object = {"kind": "Pod", "spec": {**spec, "topologySpreadConstraints": [rule]}}
    guest["metadata"] = {"name": "p", "namespace": "s", "labels": {"app": "a"}}
    running: Object = {**guest, "metadata": {**guest["metadata"], "name": "r"}}
    running["spec"] = {"nodeName": "n0", "containers": [{"name": "c", "resources": {}}]}
    cluster = Cluster(nodes, [(running, "n0")], SPACES)
    found = sch.solve(stated(cluster, [guest]), "cp-sat", work_limit=10, workers=1)
    taken = {entry.node for entry in found.placements if entry.item == "s/p"}
    assert taken == {n["metadata"]["name"] for n in nodes if admits(cluster, guest, n)}
    assert taken == ({"n1"} if policy == "Honor" else set())
