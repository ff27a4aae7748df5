"""The verb ``plan``."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.planner.explain import PlanExplanation
from scheduling.planner.results import PlanResult
from tests.cli.conftest import Cli

FLEET = """
kind: fleet
name: small
models: [{name: llama-3.1-8b}]
pools: [{name: h100, gpu: h100-sxm, nodes: 1, price_per_hour: 2.5}]
demands:
  - {name: chat, model: llama-3.1-8b, rate: 10, prompt: 1000, output: 200, ttft: 0.5, tpot: 0.03}
options: {max_pp: 1, token_budgets: [2048]}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, encoding="utf-8")
    return path


def changed(fleet: Path, old: str, new: str) -> Path:
    text = fleet.read_text()
    assert old in text
    fleet.write_text(text.replace(old, new), encoding="utf-8")
    return fleet


def test_tables_plan_and_picture(cli: Cli, fleet: Path, tmp_path: Path) -> None:
    picture = tmp_path / "fleet.svg"
    call = cli("plan", fleet, "--output", tmp_path / "out", "--plot", picture)
    assert call.code == 0
    for words in (
        "llama-3-1-8b-both",
        "optimal: proven",
        "TTFT of chat, p90",
        "runner-up",
        "pool h100",
    ):
        assert words in call.out
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert plan["kind"] == "serving-plan"
    assert plan["status"] == "optimal"
    assert plan["gpus"] == sum(c["replicas"] * c["layout"]["tp"] for c in plan["components"])
    assert "<svg" in picture.read_text()


def test_json_alone_on_stdout(cli: Cli, fleet: Path) -> None:
    call = cli("plan", fleet, "--json")
    assert call.code == 0
    assert call.err == ""
    record = call.json
    assert record["plan"]["gap"] == 0
    assert record["replays"][-1]["kept"]
    assert record["tiers"][0]["name"] == "cost"
    assert any(entry["reason"] for entry in record["ruled_out"])


def test_running_plan_changes_least(cli: Cli, fleet: Path, tmp_path: Path) -> None:
    cli("plan", fleet, "--output", tmp_path)
    plan = tmp_path / "plan.json"
    same = cli("plan", fleet, "--running", plan, "--max-changes", 0, "--json")
    assert same.code == 0
    assert [tier["objective"] for tier in same.json["tiers"]][-1] == 0
    more = ("plan", fleet, "--running", plan, "--rate", "chat=60")
    assert cli(*more, "--max-changes", 0).code == 3
    moved = cli(*more, "--json").json
    assert moved["tiers"][-1]["name"] == "moves"
    assert moved["plan"]["gpus"] > json.loads(plan.read_text())["gpus"]


def test_impossible_plan_is_explained(cli: Cli, fleet: Path) -> None:
    changed(fleet, "rate: 10", "rate: 400")
    call = cli("plan", fleet, "--explain", "--json")
    assert call.code == 3
    record = call.json
    assert 0 < record["served"] < 1
    first = record["relaxations"][0]
    assert "more node" in first["change"]
    assert first["plan"]["gpus"] > 8
    brief = cli("plan", fleet)
    assert brief.code == 3
    assert "of the demands can be served together" in brief.out


def test_a_limit_within_which_nothing_is_served(cli: Cli, fleet: Path) -> None:
    with fleet.open("a", encoding="utf-8") as file:
        file.write("limits: {gpus: 0}\ngoals: [goodput, cost]\n")
    call = cli("plan", fleet)
    assert call.code == 3
    assert "no plan can meet what is asked" in call.out
    assert "limits.gpus: found 0 GPUs, expected at least 1, for the smallest replicas" in call.out
    assert cli("plan", fleet, "--json").json["status"] == "infeasible"
    front = cli("plan", fleet, "--pareto", "gpus", "goodput")
    assert front.code == 3
    assert "no plan can meet what is asked" in front.out


def test_a_plan_that_was_not_found_is_no_proof(
    cli: Cli, fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would make it possible is looked for all the same, and nothing is called impossible."""
    given = sch.plan(sch.read(fleet), time_limit=5)
    solution = given.solution.model_copy(update={"status": "unknown"})
    monkeypatch.setattr(sch, "plan", lambda *_, **__: replace(given, plan=None, solution=solution))
    call = cli("plan", fleet)
    assert call.code == 4
    assert "the search found none in its time; --time-limit gives more" in call.out
    changed(fleet, "rate: 10", "rate: 400")
    call = cli("plan", fleet, "--explain")
    assert call.code == 4
    assert "no plan was found in the time" in call.out
    assert "more node" in call.out
    assert cli("plan", fleet, "--explain", "--json").json["status"] == "unknown"


def test_the_limit_is_for_the_plan_and_its_explanation(
    cli: Cli, fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = sch.plan(sch.read(fleet), time_limit=5)
    solution = given.solution.model_copy(update={"status": "unknown"})
    seconds: list[float] = []

    def planned(*_: object, time_limit: float, **__: object) -> PlanResult:
        seconds.append(time_limit)
        return replace(given, plan=None, solution=solution)

    def explained(*_: object, time_limit: float, **__: object) -> PlanExplanation:
        seconds.append(time_limit)
        return PlanExplanation((), None, (), (), complete=False)

    monkeypatch.setattr(sch, "plan", planned)
    monkeypatch.setattr("scheduling.planner.explain.explain_plan", explained)
    assert cli("plan", fleet, "--explain", "--time-limit", 30).code == 4
    plan, rest = seconds
    assert plan == 15
    assert 15 < rest < 30
    seconds.clear()
    assert cli("plan", fleet, "--time-limit", 30).code == 4
    assert seconds == [30]


def test_target_below_the_floor(cli: Cli, fleet: Path) -> None:
    changed(fleet, "tpot: 0.03", "tpot: 0.0001")
    call = cli("plan", fleet)
    assert call.code == 2
    assert "demands[0].tpot: found 0.1 ms, expected at least" in call.err
    explained = cli("plan", fleet, "--explain")
    assert explained.code == 2
    assert "TPOT of chat" in explained.out
    assert "instead of 0.1 ms" in explained.out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gpu: h100-sxm", "gpu: h100-smx", "pools[0].gpu: GPU: found 'h100-smx'"),
        (
            "models: [{name: llama-3.1-8b}]",
            "models: [{name: llama-3.1-8b, llm: lama}]",
            "models[0]",
        ),
        ("rate: 10", "rate: -1", "demands[0].rate: found -1, expected greater than 0"),
        ("prompt: 1000", "prompt: 0", "demands[0].prompt"),
        ("kind: fleet", "kind: serving", "pools[0]"),
        ("rate: 10, prompt: 1000, output: 200", "trace: none.csv", "none.csv"),
    ],
)
def test_bad_input_is_one_clear_message(
    cli: Cli, fleet: Path, old: str, new: str, message: str
) -> None:
    call = cli("plan", changed(fleet, old, new))
    assert call.code == 2
    assert message in call.err


def test_model_that_fits_nowhere(cli: Cli, fleet: Path) -> None:
    changed(
        fleet,
        "{name: llama-3.1-8b}",
        "{name: llama-3.1-8b, llm: llama-3.1-405b, precisions: [bf16]}",
    )
    call = cli("plan", fleet)
    assert call.code == 2
    assert "fits nowhere" in call.err
    assert "weights need" in call.err


def test_trace_with_broken_rows(cli: Cli, fleet: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("arrival_seconds,prompt_tokens,output_tokens\n0,10,5\n1,x,5\n")
    call = cli("plan", changed(fleet, "rate: 10, prompt: 1000, output: 200", "trace: trace.csv"))
    assert call.code == 2
    assert "line 3" in call.err


def test_front_of_two_goals(cli: Cli, fleet: Path, tmp_path: Path) -> None:
    picture = tmp_path / "front.png"
    changed(fleet, "nodes: 1,", "nodes: 1, gpus_per_node: 3,")
    call = cli("plan", fleet, "--pareto", "gpus", "goodput", "--json", "--plot", picture)
    assert call.code == 0
    points = [point["values"] for point in call.json["points"]]
    assert [gpus for gpus, _ in points] == [3, 2, 1]
    assert points == sorted(points, key=lambda pair: -pair[1])
    assert call.json["status"] == "optimal"
    assert picture.read_bytes().startswith(b"\x89PNG")
    refused = cli("plan", fleet, "--pareto", "gpus", "speed")
    assert refused.code == 2
    assert refused.err.startswith("error: --pareto: found 'speed'")
    assert "one of: cost, watts, gpus, goodput" in refused.err


def test_files_of_a_runtime_are_written_beside_the_plan(
    cli: Cli, fleet: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deploy"
    call = cli("plan", fleet, "--emit", "lws", "--output", out)
    assert call.code == 0
    assert sorted(path.name for path in out.iterdir()) == ["leaderworkersets.yaml", "plan.json"]
    assert str(out / "leaderworkersets.yaml") in call.err
    plan = json.loads((out / "plan.json").read_text())
    assert (plan["schema"], plan["kind"]) == ("scheduling/serving-plan/1", "serving-plan")


def test_a_fleet_that_the_runtime_cannot_start_is_refused_without_a_plan(
    cli: Cli, fleet: Path, tmp_path: Path
) -> None:
    other = changed(fleet, "gpu: h100-sxm", "gpu: mi300x")
    call = cli("plan", other, "--emit", "dynamo", "--output", tmp_path / "deploy")
    assert (call.code, call.out) == (2, "")
    assert "Dynamo's image is for GPUs of NVIDIA" in call.err
    assert not (tmp_path / "deploy").exists()


def test_a_plan_among_files_of_another_one_is_shown_and_refused(
    cli: Cli, fleet: Path, tmp_path: Path
) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "other.yaml").touch()
    call = cli("plan", fleet, "--emit", "lws", "--output", tmp_path / "deploy")
    assert call.code == 2
    assert "a folder without files of other plans" in call.err
    assert "cost" in call.out


def test_runtimes_and_folders_are_checked_before_anything_is_planned(
    cli: Cli, fleet: Path, tmp_path: Path
) -> None:
    call = cli("plan", fleet, "--emit", "tgi", "--output", tmp_path)
    assert (call.code, "one of: vllm, sglang" in call.err) == (2, True)
    call = cli("plan", fleet, "--emit", "vllm")
    assert (call.code, "--output" in call.err) == (2, True)


def test_solving_a_fleet_names_the_way_out(cli: Cli, fleet: Path) -> None:
    call = cli("solve", fleet)
    assert call.code == 2
    assert "have no solvers; plan them: plan" in call.err


def test_faults_of_the_fleet_name_its_file_and_nothing_else(cli: Cli, fleet: Path) -> None:
    changed(fleet, "h100-sxm", "h10-sxm")
    for verb in ("plan", "info"):
        call = cli(verb, fleet)
        assert call.code == 2
        assert call.err.startswith(
            f"error: {fleet}: pools[0].gpu: GPU: found 'h10-sxm', expected a GPU"
        )
    slow = changed(changed(fleet, "h10-sxm", "h100-sxm"), "ttft: 0.5", "ttft: 0.0001")
    for more in ((), ("--explain",)):
        call = cli("plan", slow, *more)
        assert call.code == 2
        assert call.err.splitlines()[0].startswith(f"error: {fleet}: demands[0].ttft: found 0.1 ms")
    call = cli("plan", fleet, "--time-limit", "0")
    assert call.err == "error: --time-limit: found 0.0, expected a positive finite number\n"
    call = cli("plan", fleet, "--pareto", "cost", "cost")
    assert call.code == 2
    assert call.err.startswith("error: --pareto: found cost twice")


@pytest.mark.parametrize("rate", ["-1", "0", "nan", "inf", "1e300", "", "x"])
def test_rates_that_there_are_not_are_one_fault(cli: Cli, fleet: Path, rate: str) -> None:
    call = cli("plan", fleet, "--rate", f"chat={rate}")
    assert call.code == 2
    assert call.err.count("error: ") == 1


def test_plans_go_to_folders_only(cli: Cli, fleet: Path) -> None:
    call = cli("plan", fleet, "--output", fleet)
    assert call.code == 2
    assert call.err.endswith("expected a folder that can be written\n")


def test_seeds_start_at_none(cli: Cli, fleet: Path) -> None:
    for verb in ("plan", "solve", "explain"):
        call = cli(verb, fleet, "--seed", "-1")
        assert call.code == 2
        assert "--seed" in call.err


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("rate: 10", "rate: 1000000", "demands[0].rate"),
        ("price_per_hour: 2.5", "price_per_hour: 1e9", "pools[0].price_per_hour"),
        ("nodes: 1", "nodes: 1, gpus_per_node: 5000", "pools[0].gpus_per_node"),
        ("options:", "scenarios: [{name: s, demand: 1e9}]\noptions:", "scenarios[0].demand"),
        ("options:", "scenarios: [{name: s, latency: 1e-9}]\noptions:", "scenarios[0].latency"),
    ],
)
def test_numbers_beyond_reason_are_faults_of_the_file(
    cli: Cli, fleet: Path, old: str, new: str, place: str
) -> None:
    call = cli("plan", changed(fleet, old, new))
    assert call.code == 2
    assert all(line.startswith(f"error: {fleet}: ") for line in call.err.splitlines())
    assert place in call.err


def test_caches_that_nobody_moves_are_refused_with_the_way_out(cli: Cli, fleet: Path) -> None:
    text = """
kind: fleet
models: [{name: llama-3.1-405b, precisions: [bf16]}]
pools: [{name: b, gpu: b200-sxm, nodes: 4, price_per_hour: 2}]
demands: [{name: chat, model: llama-3.1-405b, rate: 0.001, prompt: 250000, output: 100}]
"""
    fleet.write_text(text, encoding="utf-8")
    call = cli("plan", fleet)
    assert call.code == 2
    assert "modes [aggregated]" in call.err
    fleet.write_text(text + "options: {modes: [aggregated]}\n", encoding="utf-8")
    assert cli("plan", fleet, "--time-limit", 10).code == 0


def test_replicas_may_serve_more_than_any_demand_asks(cli: Cli, fleet: Path) -> None:
    fast = changed(changed(fleet, "prompt: 1000", "prompt: 1"), "output: 200", "output: 1")
    assert cli("plan", changed(fast, "gpu: h100-sxm", "gpu: b200-sxm")).code == 0


def test_info_of_a_fleet(cli: Cli, fleet: Path) -> None:
    facts = cli("info", fleet, "--json").json
    assert facts["pools"] == {"h100": "8 x h100-sxm"}
    assert facts["requests_per_second"] == {"chat": 10}
    assert facts["targets"] == {"chat": ["tpot", "ttft"]}
    assert cli("info", changed(fleet, "h100-sxm", "h10")).code == 2


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_writes_the_best_plan_so_far(
    cli: Cli, fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("scheduling.planner.rounds.replay", pressed)
    call = cli("plan", fleet, "--output", tmp_path / "out")
    assert call.code == 0
    assert "interrupted: this is the best plan until then" in call.out
    assert "not replayed by simulation: interrupted" in call.out
    best = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert (best["kind"], best["status"]) == ("serving-plan", "optimal")
    assert best["bound"] == best["objective"]
