"""What else a cluster's objects say: conditions, resizes, volumes, device claims, budgets."""

from __future__ import annotations

import json
from typing import Any

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.kubernetes.snapshot import Snapshot, read_snapshot, snapshot_of
from scheduling.kubernetes.state import ClusterState
from scheduling.models.placement.eligibility import Eligibility
from scheduling.models.placement.problem import Item
from tests.kubernetes.objects import listed, node, pod

ZONE = "topology.kubernetes.io/zone"


def in_zone(name: str, zone: str) -> dict[str, Any]:
    return node(name, metadata={"name": name, "labels": {ZONE: zone}})


def thing(kind: str, name: str, space: str | None = None, **fields: Any) -> dict[str, Any]:
    meta = {"name": name} if space is None else {"name": name, "namespace": space}
    return {"kind": kind, "metadata": meta, **fields}


def mounted(claim: str) -> list[dict[str, Any]]:
    return [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]


def zone_terms(*zones: str) -> dict[str, Any]:
    expression = {"key": ZONE, "operator": "In", "values": list(zones)}
    return {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}


def allowed(snapshot: Snapshot, item: Item) -> list[str]:
    problem = snapshot.problem
    found = Eligibility(problem.nodes, problem.items).allowed(item)
    return [entry.id for entry, fits in zip(problem.nodes, found, strict=True) if fits]


def read(*objects: dict[str, Any]) -> tuple[Snapshot, list[Item]]:
    snapshot = read_snapshot(listed(*objects))
    return snapshot, list(snapshot.problem.items)


def test_cordons_and_bad_conditions_keep_away_all_that_do_not_tolerate_them() -> None:
    down = node("down")
    down["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    full = node("full")
    full["status"]["conditions"] = [
        {"type": "Ready", "status": "True"},
        {"type": "DiskPressure", "status": "True"},
    ]
    cordon = node("cordon", spec={"unschedulable": True})
    leave = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]
    snapshot, items = read(
        down, full, cordon, node("fine"), pod("p"), pod("agent", tolerations=leave)
    )
    assert allowed(snapshot, items[0]) == ["fine"]
    assert allowed(snapshot, items[1]) == ["cordon", "fine"]


def test_containers_that_are_resized_take_the_most_of_what_they_ask_and_have() -> None:
    growing = pod("growing", node_name="n")
    growing["status"]["containerStatuses"] = [
        {
            "name": "c",
            "resources": {"requests": {"cpu": "900m", "memory": "1Gi"}},
            "allocatedResources": {"cpu": "700m"},
        }
    ]
    _, (item,) = read(node("n"), growing)
    assert item.demands == {"cpu": 900, "memory": 2**30, "pods": 1}


def test_a_resize_that_the_node_has_refused_for_good_takes_nothing() -> None:
    pods = [pod(name, node_name="n") for name in ("waits", "refused")]
    for one, reason in zip(pods, ("Deferred", "Infeasible"), strict=True):
        one["status"]["containerStatuses"] = [
            {"name": "c", "allocatedResources": {"cpu": "100m", "memory": "1Gi"}}
        ]
        one["status"]["conditions"] = [{"type": "PodResizePending", "reason": reason}]
    _, items = read(node("n"), *pods)
    assert [item.demands["cpu"] for item in items] == [500, 100]
    state = ClusterState.from_snapshot([{"kind": "Node", "metadata": {"name": "n"}}, pods[0]])
    pods[0] = {**pods[0], "status": {**pods[0]["status"], "conditions": []}}
    assert state.apply("Pod", pods[0])


def test_keys_to_mismatch_exclude_the_pods_own_value() -> None:
    term = {
        "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
        "mismatchLabelKeys": ["app", "missing"],
        "topologyKey": ZONE,
    }
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    _, (item,) = read(node("n"), pod("p", affinity={"podAntiAffinity": required}))
    requirement = item.anti_affinity[0].selector.requirements[-1]
    assert (requirement.key, requirement.operator, requirement.values) == ("app", "NotIn", ("web",))


def test_volumes_keep_pods_where_they_can_be_reached() -> None:
    nodes = [in_zone("a", "za"), in_zone("b", "zb"), in_zone("c", "zc")]
    labelled = thing("PersistentVolume", "pv-label")
    labelled["metadata"]["labels"] = {ZONE: "za__zc"}
    chosen = thing("PersistentVolumeClaim", "chosen", "shop", spec={"storageClassName": "late"})
    chosen["metadata"]["annotations"] = {"volume.kubernetes.io/selected-node": "b"}
    late = {"volumeBindingMode": "WaitForFirstConsumer"}
    topologies = [{"matchLabelExpressions": [{"key": ZONE, "values": ["zb", "zc"]}]}]
    local = [
        thing(
            "PersistentVolume",
            f"local-{zone}",
            spec={"storageClassName": "local", "nodeAffinity": {"required": zone_terms(zone)}},
            status={"phase": phase},
        )
        for zone, phase in (("za", "Available"), ("zb", "Bound"), ("zc", "Available"))
    ]

    def claim(name: str, **spec: Any) -> dict[str, Any]:
        return thing("PersistentVolumeClaim", name, "shop", spec=spec)

    snapshot, items = read(
        *nodes,
        labelled,
        *local,
        thing("StorageClass", "late", allowedTopologies=topologies, **late),
        thing("StorageClass", "local", provisioner="kubernetes.io/no-provisioner", **late),
        thing("StorageClass", "soon", volumeBindingMode="Immediate"),
        chosen,
        claim("bound", volumeName="pv-label"),
        claim("open", storageClassName="late"),
        claim("disk", storageClassName="local"),
        claim("never", storageClassName="soon"),
        *(pod(name, volumes=mounted(name)) for name in ("bound", "open", "chosen", "disk")),
        pod("never", volumes=mounted("never")),
        pod("lost", volumes=mounted("lost")),
    )
    found = {item.id.removeprefix("shop/"): allowed(snapshot, item) for item in items}
    assert found == {
        "bound": ["a", "c"],
        "open": ["b", "c"],
        "chosen": ["b"],
        "disk": ["a", "c"],
        "lost": ["a", "b", "c"],
    }
    assert any("shop/never" in note for note in snapshot.notes)
    assert any("shop/lost" in note for note in snapshot.notes)


def test_claims_that_no_scheduler_waits_for_keep_pods_out() -> None:
    claims: dict[str, dict[str, Any]] = {
        "going": {"spec": {"volumeName": "pv"}},
        "lost": {"spec": {"volumeName": "pv"}, "status": {"phase": "Lost"}},
        "classless": {"spec": {}},
        "old": {"spec": {}},
        "unknown": {"spec": {"storageClassName": "far"}},
        "adrift": {"spec": {"volumeName": "away"}},
    }
    found = [thing("PersistentVolumeClaim", k, "shop", **v) for k, v in claims.items()]
    found[0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    late = thing("StorageClass", "late", volumeBindingMode="WaitForFirstConsumer")
    found[3]["metadata"]["annotations"] = {"volume.beta.kubernetes.io/storage-class": "late"}
    volume = thing("PersistentVolume", "pv")
    guests = [pod(name, volumes=mounted(name)) for name in claims]
    snapshot, items = read(node("n"), late, volume, *found, *guests)
    assert [item.id for item in items] == ["shop/old", "shop/unknown", "shop/adrift"]
    told = " ".join(snapshot.notes)
    for name in ("Pod shop/going", "Pod shop/lost", "Pod shop/classless"):
        assert name in told
    for name in ("StorageClass far", "PersistentVolume away"):
        assert name in told
    assert "shop/old" not in told
    state = ClusterState.from_snapshot([found[1]])
    gone = {**found[1]["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    assert state.apply("PersistentVolumeClaim", {**found[1], "metadata": gone})


def test_what_cannot_be_known_from_a_snapshot_is_said() -> None:
    term = {"labelSelector": {}, "topologyKey": ZONE, "namespaceSelector": {}}
    wide = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    labelled = {**term, "namespaceSelector": {"matchLabels": {"team": "a"}}}
    narrow = {"requiredDuringSchedulingIgnoredDuringExecution": [labelled]}
    snapshot, _ = read(node("n"), pod("p", affinity={"podAntiAffinity": wide}))
    assert snapshot.notes == ()
    far = pod("p", affinity={"podAntiAffinity": narrow}, schedulerName="volcano")
    snapshot, items = read(node("n"), far, pod("q", schedulerName="default-scheduler"))
    assert len(items) == 2
    namespaces, scheduler = sorted(snapshot.notes, key=lambda text: "volcano" in text)
    assert "namespaces" in namespaces
    assert scheduler.startswith("Pod shop/p: ")
    shop = thing("Namespace", "shop")
    snapshot, _ = read(node("n"), shop, pod("p", affinity={"podAntiAffinity": narrow}))
    assert snapshot.notes == ()


def test_old_labels_of_volumes_mean_the_zones_of_newer_nodes() -> None:
    beta = "failure-domain.beta.kubernetes.io/zone"
    old, mixed = node("old"), node("mixed")
    old["metadata"]["labels"] = {beta: "za"}
    mixed["metadata"]["labels"] = {beta: "zb", ZONE: "za"}
    region = node("region", metadata={"name": "region", "labels": {f"{ZONE[:-4]}region": "r"}})
    volume = thing("PersistentVolume", "pv")
    volume["metadata"]["labels"] = {beta: "za"}
    claim = thing("PersistentVolumeClaim", "data", "shop", spec={"volumeName": "pv"})
    hosts = [old, mixed, in_zone("a", "za"), in_zone("b", "zb"), node("none"), region]
    snapshot, (item,) = read(*hosts, volume, claim, pod("p", volumes=mounted("data")))
    assert allowed(snapshot, item) == ["old", "a", "none"]


def test_nodes_where_more_runs_than_fits_are_named() -> None:
    full = node("n", status={"allocatable": {"cpu": "100m", "memory": "4Gi", "pods": "9"}})
    snapshot, _ = read(full, pod("r", node_name="n"))
    assert snapshot.notes == ()
    snapshot, _ = read(full, pod("r", node_name="n"), pod("p"))
    (note,) = snapshot.notes
    assert note == "Node n: takes pods that ask for cpu only once all fits: more runs there now"


def test_volumes_count_against_the_limits_of_their_driver() -> None:
    csi = thing("PersistentVolume", "pv", spec={"csi": {"driver": "disk.example"}})
    objects = [
        node("limited"),
        node("free"),
        thing(
            "CSINode",
            "limited",
            spec={"drivers": [{"name": "disk.example", "allocatable": {"count": 1}}]},
        ),
        csi,
        thing("PersistentVolumeClaim", "data", "shop", spec={"volumeName": "pv"}),
        pod("p", volumes=mounted("data")),
        pod("q", volumes=mounted("data")),
    ]
    snapshot, (item, _) = read(*objects)
    name = "attachable-volumes-csi-disk.example"
    assert item.demands[name] == 1
    assert [entry.capacity[name] for entry in snapshot.problem.nodes] == [1, 2]


def test_a_claim_for_one_pod_lets_one_pod_run() -> None:
    once = {"volumeName": "pv", "accessModes": ["ReadWriteOncePod"]}
    objects = [
        node("n1"),
        node("n2"),
        thing("PersistentVolumeClaim", "data", "shop", spec=once),
        pod("p", volumes=mounted("data")),
        pod("q", volumes=mounted("data")),
    ]
    snapshot, _ = read(*objects)
    solution = sch.solve(snapshot.problem, "cp-sat", work_limit=5, workers=1)
    assert len(solution.placements) == 1
    assert solution.status == "optimal"


def test_allocated_device_claims_are_respected_and_open_ones_named() -> None:
    def claim(name: str, **status: Any) -> dict[str, Any]:
        return thing("ResourceClaim", name, "shop", status=status)

    made = pod("made", resourceClaims=[{"name": "g", "resourceClaimTemplateName": "t"}])
    made["status"]["resourceClaimStatuses"] = [{"name": "g", "resourceClaimName": "gpu-1"}]
    nothing = pod("nothing", resourceClaims=[{"name": "g", "resourceClaimTemplateName": "t"}])
    nothing["status"]["resourceClaimStatuses"] = [{"name": "g"}]
    snapshot, items = read(
        in_zone("a", "za"),
        in_zone("b", "zb"),
        claim("gpu-1", allocation={"nodeSelector": zone_terms("zb")}),
        claim("gpu-2"),
        made,
        nothing,
        pod("waits", resourceClaims=[{"name": "g", "resourceClaimName": "gpu-2"}]),
        pod("unmade", resourceClaims=[{"name": "g", "resourceClaimTemplateName": "t"}]),
    )
    found = {item.id: allowed(snapshot, item) for item in items}
    assert found == {"shop/made": ["b"], "shop/nothing": ["a", "b"]}
    (note,) = snapshot.notes
    assert "shop/waits" in note
    assert "shop/unmade" in note
    assert "not supported" in note


@pytest.mark.parametrize(
    ("spec", "allowed_now"),
    [
        ({"minAvailable": 2}, 1),
        ({"minAvailable": "50%"}, 1),
        ({"maxUnavailable": 1}, 0),
        ({"maxUnavailable": "30%"}, 1),
        ({"minAvailable": 9}, 0),
        ({}, 3),
    ],
)
def test_budgets_without_a_status_follow_from_their_spec(
    spec: dict[str, Any], allowed_now: int
) -> None:
    budget = thing("PodDisruptionBudget", "b", "shop", spec={"selector": {}, **spec})
    running = [pod(f"p{k}", node_name="n") for k in range(3)]
    snapshot, _ = read(node("n"), *running, pod("waits"), budget)
    assert snapshot.problem.budgets[0].allowed == allowed_now


def test_pods_of_several_budgets_stay() -> None:
    status = {"disruptionsAllowed": 5}
    budgets = [
        thing("PodDisruptionBudget", name, "shop", spec={"selector": {}}, status=status)
        for name in ("one", "two")
    ]
    snapshot, (item,) = read(node("n"), pod("p", node_name="n"), *budgets)
    assert item.pinned
    assert "several budgets" in snapshot.notes[0]
    snapshot, (item,) = read(node("n"), pod("p", node_name="n"), budgets[0])
    assert not item.pinned


def test_pods_that_are_being_deleted_hold_their_place_or_are_left_out() -> None:
    gone, going = pod("gone"), pod("going", node_name="n")
    for entry in (gone, going):
        entry["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    snapshot, (item,) = read(node("n"), gone, going)
    assert (item.id, item.pinned) == ("shop/going", True)
    assert "shop/gone" in snapshot.notes[0]


def test_priority_classes_of_every_cluster_and_the_default_one() -> None:
    snapshot, items = read(
        node("n"),
        thing("PriorityClass", "usual", value=7, globalDefault=True),
        pod("system", priorityClassName="system-node-critical"),
        pod("plain"),
    )
    assert [item.priority for item in items] == [2_000_001_000, 7]
    assert snapshot.notes == ()


def test_notes_name_the_first_pods_of_each_reason() -> None:
    gated = [pod(f"p{k}", schedulingGates=[{"name": "g"}]) for k in range(9)]
    snapshot, items = read(node("n"), *gated)
    assert items == []
    (note,) = snapshot.notes
    assert "shop/p0" in note
    assert "and 4 more" in note


def test_objects_may_come_one_by_one() -> None:
    objects = [node("n"), pod("p")]
    assert snapshot_of(objects) == read_snapshot(listed(*objects))
    with pytest.raises(InputError, match=r"objects\[1\] \(Pod shop/p\).spec.priority: found 'x'"):
        snapshot_of([node("n"), pod("p", priority="x")])


def test_faults_name_place_and_object() -> None:
    bad = pod("p", tolerations=[{"key": "k", "effect": "Never"}])
    place = r"items\[1\] \(Pod shop/p\).spec.tolerations\[0\].effect: found 'Never'"
    with pytest.raises(InputError, match=f"cluster.json: {place}"):
        read_snapshot(listed(node("n"), bad), "cluster.json")
    long = pod("p" * 500)
    with pytest.raises(InputError, match=r"items\[1\] .*: id: found .* at most 400 characters"):
        read_snapshot(listed(node("n"), long), "cluster.json")
    text = json.dumps({"kind": "PodList", "items": [{"metadata": []}]})
    with pytest.raises(InputError, match=r"items\[0\].metadata: found \[\], expected a mapping"):
        read_snapshot(text, "cluster.json")
