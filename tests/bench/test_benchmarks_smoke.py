"""A smoke run of each benchmark that needs no peer environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
TASKS = {
    "1": [
        {"id": "1a", "modes": [{"duration": 3, "machine": "A", "demands": {"R": 1}}]},
        {"id": "1b", "modes": [{"duration": 2, "machine": "B", "state": "x"}]},
    ],
    "2": [
        {"id": "2a", "modes": [{"duration": 1, "machine": "A"}, {"duration": 2, "machine": "B"}]},
        {"id": "2b", "modes": [{"duration": 2, "machine": "B", "state": "y"}]},
    ],
}
"""Two jobs of two tasks."""


def run(tmp_path: Path, script: str, *arguments: str) -> object:
    output = tmp_path / "out.json"
    command = [sys.executable, str(FOLDER / script), *arguments, "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    return json.loads(output.read_text())


def test_schedules(tmp_path: Path) -> None:
    instance = tmp_path / "tiny.txt"
    instance.write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    rows = run(tmp_path, "schedules.py", str(instance), "--time-limit", "5")
    assert isinstance(rows, list)
    assert {row["solver"] for row in rows} == {"scheduling", "cp-sat x8", "cp-sat x2"}
    assert {row["objective"] for row in rows} == {6}


def test_placement(tmp_path: Path) -> None:
    arguments = ("4", "--priorities", "1", "--seeds", "1", "--time-limit", "0.5")
    rows = run(tmp_path, "placement.py", *arguments)
    assert isinstance(rows, list)
    assert len(rows) == 8
    kinds = {"better", "better and optimal", "default certified", "failure", "no calls"}
    assert {row["kind"] for row in rows} <= kinds


def test_snapshot(tmp_path: Path) -> None:
    found = run(tmp_path, "snapshot.py", "6x40")
    assert isinstance(found, dict)
    assert set(found) == {"file", "pipe"}
    assert (found["pipe"]["nodes"], found["pipe"]["pods"]) == (6, 40)


def test_backends(tmp_path: Path) -> None:
    arguments = ("--engines", "loky", "--workers", "1", "--seeds", "2", "--requests", "20")
    rows = run(tmp_path, "backends.py", *arguments)
    assert isinstance(rows, list)
    assert [(row["engine"], row["workers"], row["runs"]) for row in rows] == [("loky", 1, 2)]


def test_memory(tmp_path: Path) -> None:
    rows = run(tmp_path, "memory.py", "--generated", "--time-limit", "5")
    assert isinstance(rows, list)
    assert len(rows) == 9
    assert all(row["height"] >= row["bound"] for row in rows if row["height"] is not None)


def test_caching(tmp_path: Path) -> None:
    rows = run(tmp_path, "caching.py", "--generated")
    assert isinstance(rows, list)
    assert len(rows) == 16
    assert all(row["cost"] >= row["bound"] for row in rows)
    assert {row["above"] for row in rows if row["solver"] == "flow"} == {0.0}


def test_certify(tmp_path: Path) -> None:
    rows = run(tmp_path, "certify.py", "8", "--time-limit", "20")
    assert isinstance(rows, list)
    assert len(rows) == 14
    assert {row["solver"] for row in rows if row["proven"]} >= {"mip", "intervals"}
    assert all(row["gap"] is not None and row["gap"] >= 0 for row in rows)


def test_vmr(tmp_path: Path) -> None:
    rows = run(tmp_path, "vmr.py", "--generated", "--time-limit", "1", "--baselines")
    assert isinstance(rows, list)
    assert len(rows) == 3
    for row in rows:
        assert row["bound"] <= row["value"] <= row["greedy"] <= row["before"]
        assert row["moves"] <= row["limit"]


def test_simulator(tmp_path: Path) -> None:
    found = run(tmp_path, "simulator.py", "--requests", "300", "--instances", "3", "--repeats", "1")
    assert isinstance(found, dict)
    fleet = found.pop("fleet of 3")
    assert fleet["requests"] == 300
    assert all(row["equal"] for row in found.values())


def test_variants(tmp_path: Path) -> None:
    document = {
        "kind": "schedule",
        "resources": [
            {"type": "machine", "id": "A"},
            {"type": "machine", "id": "B", "setups": [{"before": "x", "after": "y", "time": 4}]},
            {"type": "reservoir", "id": "R", "initial": 1},
        ],
        "jobs": [
            {"id": "1", "chain": True, "blocking": True, "tasks": TASKS["1"]},
            {"id": "2", "chain": True, "no_wait": True, "tasks": TASKS["2"]},
        ],
        "precedences": [{"before": "1a", "after": "2b", "transfer": 3}],
    }
    instance = tmp_path / "tiny.json"
    instance.write_text(json.dumps(document))
    rows = run(tmp_path, "variants.py", str(instance), "--time-limit", "5", "--peer-workers", "2")
    assert isinstance(rows, list)
    assert {row["solver"] for row in rows} == {"scheduling", "cp-sat x2"}
    assert {row["status"] for row in rows} == {"optimal"}
    assert len({row["objective"] for row in rows}) == 1


def test_building(tmp_path: Path) -> None:
    found = run(tmp_path, "building.py", "4x3", "--repeat", "1")
    assert isinstance(found, dict)
    assert set(found["4x3"]) == {"scheduling", "plain cp-sat"}


def test_first_answer(tmp_path: Path) -> None:
    found = run(tmp_path, "first_answer.py", "6x4", "--time-limit", "2")
    assert isinstance(found, dict)
    assert found["6x4"]["first"] > 0


@pytest.mark.parametrize("repeat", ["1"])
def test_startup(tmp_path: Path, repeat: str) -> None:
    found = run(tmp_path, "startup.py", "--repeat", repeat)
    assert isinstance(found, dict)
    verbs = {f"scheduling {words}" for words in ("--version", "--help", "solve --help")}
    assert set(found) == {"python -c pass", "import scheduling"} | verbs


def test_extender(tmp_path: Path) -> None:
    sizes = ("--nodes", "20", "--pods", "60", "--at-once", "10", "--requests", "20")
    speed = ("--seconds", "1", "--rate", "20", "--time-limit", "0.5", "--workers", "1")
    found = run(tmp_path, "extender.py", *sizes, *speed)
    assert isinstance(found, dict)
    assert found["nodes"] == 20
    phases = {(row["phase"], row["verb"]): row for row in found["rows"]}
    assert set(phases) == {
        (phase, verb)
        for phase in ("steady", "at once", "in turn")
        for verb in ("filter", "preempt")
    }
    assert sum(row["requests"] for row in phases.values()) == 20 + 50 + 20
    assert not any(row["errors"] for row in phases.values())


def test_cost_models(tmp_path: Path) -> None:
    names = (
        "origin,backend,model_path,system,precision,mode,isl,osl,concurrency,gemm_quant_mode,"
        "tp_size,pp_size,attention_dp_size,moe_tp_size,moe_ep_size,ttft_ms,tpot_ms"
    )
    lines = [
        "x,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,1024,512,4,,2,1,,1,1,90,16",
        "x,vllm,Qwen/Qwen3-32B,h100_sxm,,agg,1024,512,8,,2,1,,1,1,150,18",
        "x,vllm,Qwen/Qwen3-32B,h100_sxm,,disagg,1024,512,8,,2,1,,1,1,150,18",
        "x,vllm,Someone/Unheard,h100_sxm,,agg,1024,512,8,,2,1,,1,1,150,18",
    ]
    points = tmp_path / "points.csv"
    points.write_text("\n".join([names, *lines]) + "\n")
    found = run(tmp_path, "cost_models.py", str(points), "--by-group")
    assert isinstance(found, dict)
    assert found["figures"]["all"]["rows"] == 2
    assert set(found["figures"]) == {"all", "vllm", "qwen3-32b h100-sxm vllm"}
    assert found["figures"]["all"]["tpot low anchored"] < found["figures"]["all"]["tpot low"] + 5
    assert list(found["skipped"].values()) == [1]


def test_serving(tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    head = "model,system,backend,"
    workers = "worker,role,gpus,req_per_s,admissible\n0,prefill,2,4.17,True\n1,decode,4,8.0,True\n"
    (folder / "workers_m_g_b.csv").write_text(workers)
    budgets = f"{head}gpus,aic_req_per_s,exact_req_per_s\no/M,g,b,8,3.753,7.36\n"
    (folder / "plans_disagg.csv").write_text(budgets)
    demands = f"{head}target_req_per_s,aic_agg_gpus,aic_disagg_gpus,exact_disagg_gpus\n"
    (folder / "demand_min_gpus.csv").write_text(f"{demands}o/M,g,b,7,9,8,8\n")
    arguments = ["--plans", str(folder), "--models", "2", "--types", "2", "--nodes", "4"]
    arguments += ["--seeds", "1", "--time-limit", "2"]
    found = run(tmp_path, "serving.py", "plans", "fleets", *arguments)
    assert isinstance(found, dict)
    assert [entry["rate"] for entry in found["plans"]["budgets"]] == [7.36]
    assert [entry["gpus"] for entry in found["plans"]["demands"]] == [8]
    assert len(found["fleets"]) == 1


def test_plan(tmp_path: Path) -> None:
    peer = f"{sys.executable} -c pass"
    found = run(tmp_path, "plan.py", "bundled:chat-fleet", "--repeat", "1", "--peer", peer)
    assert isinstance(found, dict)
    assert set(found) == {"scheduling plan", "peer"}
    assert found["peer"]["processor"] < found["scheduling plan"]["processor"]


@pytest.mark.parametrize(
    ("name", "found"), [("missing/out.json", "no folder"), (".", "is a folder")]
)
def test_what_cannot_be_written_is_refused_before_measuring(
    tmp_path: Path, name: str, found: str
) -> None:
    command = [sys.executable, str(FOLDER / "backends.py"), "--output", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("backends.py: error: argument --output:")
    assert found in done.stderr
