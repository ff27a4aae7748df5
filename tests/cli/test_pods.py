"""``scheduling pods``: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Cli

NODE = {
    "kind": "Node",
    "metadata": {"name": "n1"},
    "status": {"allocatable": {"cpu": "1", "pods": "10"}},
}


def pod(name: str, cpu: str) -> dict[str, object]:
    container = {"resources": {"requests": {"cpu": cpu}}}
    return {"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.json"
    items = [NODE, pod("small", "500m"), pod("large", "600m")]
    path.write_text(json.dumps({"kind": "List", "items": items}))
    return path


def test_a_plan_is_printed_and_written(cli: Cli, snapshot: Path, tmp_path: Path) -> None:
    plan, problem, script = (tmp_path / name for name in ("plan.json", "p.yaml", "plan.sh"))
    files = ("--output", plan, "--problem", problem, "--commands", script)
    done = cli("pods", snapshot, *files, "--what-if", "--time-limit", 120)
    assert done.code == 0
    assert done.out.startswith("1 nodes, 2 pods, 2 pending: 1 placed, 1 left out")
    assert "cannot all hold" in done.out
    assert "1 more node like n1" in done.out
    brief = cli("pods", snapshot)
    assert "nodes, and what excludes them" in brief.out
    assert "cannot all hold" not in brief.out
    assert cli("check", problem, plan).code == 0
    assert "binding" in script.read_text()
    assert f"  commands: {script}\n" in done.err


def test_ctrl_c_while_changes_are_tried_leaves_the_plan(
    cli: Cli, snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    place = "scheduling.solvers.placement.explaining.explain.explain_solution"
    monkeypatch.setattr(place, stopped)
    done = cli("pods", snapshot, "--what-if")
    assert done.code == 0
    assert done.out.startswith("1 nodes, 2 pods, 2 pending: 1 placed, 1 left out")
    assert "interrupted" in done.err


def test_json_is_alone_on_standard_output(cli: Cli, snapshot: Path) -> None:
    done = cli("pods", snapshot, "--json")
    found = done.json
    assert done.code == 0
    assert found["status"] == "optimal"
    assert [step["action"] for step in found["steps"]] == ["start"]
    assert found["unplaced"][0]["reasons"] == [
        {"nodes": 1, "reason": "insufficient cpu (node full)"}
    ]


def test_amounts_are_kubernetes_quantities(cli: Cli, tmp_path: Path) -> None:
    node = {**NODE, "status": {"allocatable": {"cpu": "8", "memory": "33554433Ki", "pods": "9"}}}
    requests = {"cpu": "500m", "memory": "200Gi"}
    spec = {"containers": [{"resources": {"requests": requests}}]}
    big = {"kind": "Pod", "metadata": {"name": "big"}, "spec": spec}
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps({"kind": "List", "items": [node, big, pod("wide", "9500m")]}))
    shown = " ".join(cli("pods", path, "--what-if").out.split())
    assert "needs 200Gi memory (no allowed node has more than 32Gi)" in shown
    assert "needs 9.5 cpu (no allowed node has more than 8)" in shown
    # What is to be asked for is exact: 32Gi is less than there is.
    assert "asks for 33554433Ki instead of 200Gi memory" in shown
    assert "asks for 8 instead of 9.5 cpu" in shown


def test_explain_takes_snapshots_and_placement_problems(
    cli: Cli, snapshot: Path, tmp_path: Path
) -> None:
    done = cli("explain", snapshot, "--time-limit", "20")
    assert done.code == 3
    assert "cannot be placed" in done.out
    assert "insufficient cpu (node full)" in done.out
    assert "Cheapest change that admits it" in done.out
    problem = tmp_path / "problem.yaml"
    assert cli("pods", snapshot, "--problem", problem).code == 0
    found = cli("explain", problem, "--json", "--time-limit", "20").json
    assert found["status"] == "infeasible"
    (group,) = found["unplaced"]
    assert group["is_minimal"]
    assert {label["kind"] for label in group["conflict"]} == {"resource", "priority"}
    assert group["remedy"] in found["changes"]


def test_explain_says_when_all_pods_have_a_place(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "pods.yaml"
    path.write_text("kind: List\nitems:\n- " + json.dumps(NODE) + "\n")
    done = cli("explain", path)
    assert (done.code, done.out.strip()) == (0, "Every item has a place.")


def test_bad_snapshots_end_in_one_message(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"kind": "List", "items": [{"kind": "Pod", "metadata": {"name": "p"}}]}')
    output = tmp_path / "plan.json"
    done = cli("pods", path, "--output", output)
    assert (done.code, done.out) == (2, "")
    assert "bad.json" in done.err
    assert "no node" in done.err
    assert not output.exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--max-moves", "-1"), ("--solver", "no-such"), ("--time-limit", "0")]
)
def test_bad_options_write_nothing(
    cli: Cli, snapshot: Path, tmp_path: Path, option: str, value: str
) -> None:
    problem = tmp_path / "problem.yaml"
    done = cli("pods", snapshot, option, value, "--problem", problem)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert not problem.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"kind: List\nitems: [\n",
        b'{"kind": "List", "items": [{"kind": "Node", "metadata": {"name": "n"}, "spec": NaN}]}',
        b'{"kind": "List", "items": [{"kind": "Pod", "metadata": {"name": 3}}]}',
        b"2 2\n0 3 1 2\n1 4 0 1\n",
    ],
)
def test_bad_files_end_in_one_message_and_write_nothing(
    cli: Cli, tmp_path: Path, content: bytes
) -> None:
    path, output = tmp_path / "bad.json", tmp_path / "plan.json"
    path.write_bytes(content)
    done = cli("pods", path, "--output", output, "--problem", tmp_path / "p.yaml")
    assert (done.code, done.out) == (2, "")
    assert "bad.json" in done.err
    assert "expected" in done.err
    assert "Traceback" not in done.err
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bad.json"]


def test_info_of_a_generated_cluster(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    assert cli("generate", "cluster", "-p", "nodes=3", "-p", "usage=1.05", "-o", path).code == 0
    facts = cli("info", path, "--json").json
    assert (facts["nodes"], facts["items"], facts["pending"]) == (3, 12, 12)
    assert facts["requested_percent"]["cpu"] in (104, 105)
    assert "cp-sat" in facts["solvers"]


def test_a_bundled_snapshot_is_planned_checked_and_shown(cli: Cli, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    done = cli("pods", "bundled:gpu-cluster", "--output", plan, "--json")
    assert done.code == 0
    assert done.json["status"] == "optimal"
    assert len(done.json["unplaced"]) == 2
    assert cli("check", "bundled:gpu-cluster", plan).code == 0
    facts = cli("info", "bundled:gpu-cluster", "--json").json
    assert (facts["nodes"], facts["pending"]) == (6, 5)
    refused = cli("pods", "bundled:gpu-clster")
    assert refused.code == 2
    assert "gpu-cluster" in refused.err


def test_a_snapshot_is_an_instance_for_other_verbs(
    cli: Cli, snapshot: Path, tmp_path: Path
) -> None:
    answer, problem = tmp_path / "answer.json", tmp_path / "problem.yaml"
    assert cli("solve", snapshot, "--time-limit", "5", "--output", answer).code == 0
    assert cli("check", snapshot, answer).code == 0
    assert cli("convert", snapshot, problem).code == 0
    assert cli("check", problem, answer).code == 0


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_reports_check_plans_behind_their_snapshot(
    cli: Cli, snapshot: Path, tmp_path: Path, form: str
) -> None:
    plan, page = tmp_path / "plan.json", tmp_path / "page.html"
    assert cli("pods", snapshot, "--output", plan).code == 0
    if form == "yaml":
        objects = json.loads(snapshot.read_text())
        snapshot = tmp_path / "cluster.yaml"
        snapshot.write_text(yaml.safe_dump(objects))
    assert cli("report", snapshot, plan, "-o", page).code == 0
    assert "Placement" in page.read_text()
    broken = json.loads(plan.read_text())
    broken["placements"] = [
        {"item": name, "node": "n1"} for name in ("default/small", "default/large")
    ]
    plan.write_text(json.dumps(broken))
    assert cli("report", snapshot, plan, "-o", page).code == 0
    assert "violation" in page.read_text()


def test_a_problem_of_its_own_is_sent_to_solve(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "cluster.json"
    assert cli("generate", "cluster", "-p", "nodes=2", "-o", path).code == 0
    refused = cli("pods", path)
    assert refused.code == 2
    assert "scheduling solve" in refused.err
