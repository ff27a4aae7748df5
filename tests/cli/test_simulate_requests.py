"""The verb ``simulate`` on scenarios of requests."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.models.cost.catalogue import gpu
from scheduling.models.requests.scenario import RequestScenario
from scheduling.simulator.requests.agentic import AGENTIC
from scheduling.simulator.requests.registry import STRATEGIES
from tests.cli.conftest import SCENARIO, Cli

CLAIRVOYANT = (
    "past-future-oracle",
    "mc-sf",
    "jitserve",
    "jitserve-released",
    "ltr",
    "edf-batch",
)

TRACE = "arrival_s,prompt_tokens,output_tokens\n0,100,5\n1,-3,5\n2,100000,5\n0.5,50,1\n"


def test_every_policy_has_its_row(cli: Cli, scenario: Path) -> None:
    names = [name for name in STRATEGIES if name not in (*AGENTIC, "batchllm")]
    asked = [word for name in names for word in ("--policy", name)]
    call = cli("simulate", scenario, *asked, "--json")
    assert call.code == 0
    assert call.err == ""
    runs = {run["policy"]: run for run in call.json["runs"]}
    assert list(runs) == names
    for name, run in runs.items():
        assert [demand["demand"] for demand in run["demands"]] == ["chat", "search"]
        assert sum(demand["served"] for demand in run["demands"]) == 200
        assert run["clairvoyant"] == (name in CLAIRVOYANT)
        for demand in run["demands"]:
            latency = demand["ttft_seconds"]
            assert 0 < latency["p50"]["value"] <= latency["p99"]["value"]
            assert 0 <= demand["attainment"]["value"] <= 1
            assert demand["goodput"] >= 0
        assert 0 < run["instances"][0]["kv_peak"] <= 1
    assert runs["vllm"]["restarts"] >= runs["watermark"]["restarts"]
    assert runs["past-future-oracle"]["restarts"] == runs["mc-sf"]["restarts"] == 0


def test_table_names_latencies_and_sources(cli: Cli, scenario: Path) -> None:
    call = cli("simulate", scenario, "--policy", "sarathi:256", "--policy", "mc-sf")
    assert call.code == 0
    for words in ("TTFT p99", "good/s", "restarts", "KV peak", "sarathi:256", "search"):
        assert words in call.out
    assert "knows the lengths of answers" in call.out


def test_python_and_command_line_agree(cli: Cli, scenario: Path) -> None:
    problem = sch.read(scenario)
    assert isinstance(problem, RequestScenario)
    found = sch.simulate(problem, "s-edf", seed=3)
    record = cli("simulate", scenario, "--policy", "s-edf", "--seed", 3, "--json").json
    demand = found.outcomes[0].metrics.demands[0]
    assert demand.ttft is not None
    shown = record["runs"][0]["demands"][0]["ttft_seconds"]["p99"]["value"]
    assert shown == demand.ttft.percentiles[99].value


@pytest.mark.parametrize("policy", ["apc", "batchllm", "hexgen-sql", "saga"])
def test_policies_without_prefixes_are_refused_before_any_run(
    cli: Cli, scenario: Path, policy: str
) -> None:
    """A long run of others is not lost to one that cannot run."""
    call = cli("simulate", scenario, "--policy", "sarathi", "--policy", policy)
    assert call.code == 2
    assert f"policy {policy}: found requests without prefixes, expected programs, or" in call.err
    assert "simulated" not in call.err


BLOCKS = "\n".join(
    json.dumps({"timestamp": 100 * n, "input_length": 600, "output_length": 5, "hash_ids": [1, n]})
    for n in range(2, 12)
)


@pytest.mark.parametrize("policy", ["continuum-paper", "kvflow", "thunderagent", "saga"])
def test_policies_of_programs_are_refused_before_any_run(
    cli: Cli, scenario: Path, policy: str, tmp_path: Path
) -> None:
    trace = tmp_path / "blocks.jsonl"
    trace.write_text(BLOCKS, encoding="utf-8")
    own = scenario.read_text().split("slos:")[0]
    scenario.write_text(own, encoding="utf-8")
    chosen = ("--policy", "apc", "--policy", policy)
    call = cli("simulate", scenario, "--trace", trace, *chosen)
    assert call.code == 2
    assert f"policy {policy}: found requests, expected programs of agents" in call.err
    assert "simulated" not in call.err
    assert cli("simulate", scenario, "--trace", trace, *chosen[:2]).code == 0


def test_policies_that_keep_no_prefixes_compute_every_prompt_anew(
    cli: Cli, scenario: Path, tmp_path: Path
) -> None:
    """They have no endless cache for nothing beside policies that pay for theirs in memory."""
    trace, times = tmp_path / "blocks.jsonl", tmp_path / "times.json"
    trace.write_text(BLOCKS, encoding="utf-8")
    scenario.write_text(scenario.read_text().split("slos:")[0], encoding="utf-8")
    policies = ("--policy", "sarathi:2048", "--policy", "apc:2048")
    call = cli("simulate", scenario, "--trace", trace, *policies, "--times", times, "--json")
    columns = json.loads(times.read_text())
    cached = {"sarathi:2048": 0, "apc:2048": 0}
    for policy, tokens in zip(columns["policy"], columns["cached_tokens"], strict=True):
        cached[policy] += tokens
    assert cached["sarathi:2048"] == 0 < cached["apc:2048"]
    anew, kept = call.json["runs"]
    values = [run["certified"]["ttft"]["value"] for run in (anew, kept)]
    assert values[0] > values[1]
    # No policy can beat the bound, whether it keeps prefixes or not.
    for name in ("e2e", "ttft", "makespan"):
        bounds = [run["certified"][name]["bound"] for run in (anew, kept)]
        assert (
            bounds[0] == bounds[1] <= min(run["certified"][name]["value"] for run in (anew, kept))
        )


def test_times_and_events_are_written(cli: Cli, scenario: Path, tmp_path: Path) -> None:
    times, viewer = tmp_path / "times.csv", tmp_path / "run.json"
    call = cli(
        "simulate", scenario, "--policy", "orca", "--times", times, "--viewer", viewer, "--json"
    )
    rows = list(csv.DictReader(io.StringIO(times.read_text())))
    assert len(rows) == 200
    for row in rows:
        steps = [
            float(row[f"{name}_seconds"]) for name in ("arrival", "started", "first_token", "ended")
        ]
        assert steps == sorted(steps)
    assert sum(int(row["restarts"]) for row in rows) == call.json["runs"][0]["restarts"]
    events = json.loads(viewer.read_text())["traceEvents"]
    spans = [event for event in events if event["ph"] in "be"]
    assert len(spans) == 200 * 6
    assert {event["name"] for event in spans} == {"queue", "prompt", "answer"}
    assert {event["args"]["name"] for event in events if event["ph"] == "M"} == {
        "orca all/0",
        "orca all/1",
    }


SPLIT = """
kind: requests
groups:
  - name: first
    role: prefill
    replica: &r {cost: {base_seconds: 0.005, per_token_seconds: 4.0e-05}, kv_tokens: 9000}
  - {name: second, replica: *r, role: decode, replicas: 2}
ways:
  - {groups: [first], decode: [second], link: {bytes_per_second: 1.0e+9, bytes_per_token: 1.0e+5}}
workload:
  classes:
    - arrivals: {kind: poisson, rate: 5.0}
      prompt: {kind: fixed, tokens: 300}
      output: {kind: fixed, tokens: 20}
requests: 30
"""


def test_rows_of_the_viewer_are_of_one_policy_and_request(cli: Cli, tmp_path: Path) -> None:
    """Spans that share an id are one row, wherever they are; answers are where they are made."""
    scenario, viewer = tmp_path / "split.yaml", tmp_path / "run.json"
    scenario.write_text(SPLIT, encoding="utf-8")
    cli("simulate", scenario, "--policy", "sarathi", "--policy", "vllm", "--viewer", viewer)
    events = json.loads(viewer.read_text())["traceEvents"]
    names = {one["pid"]: one["args"]["name"] for one in events if one["ph"] == "M"}
    rows: dict[tuple[int, str], list[str]] = {}
    for one in events:
        if one["ph"] == "b":
            assert "id" not in one
            rows.setdefault((one["pid"], one["id2"]["local"]), []).append(one["name"])
    assert len(rows) == 2 * 2 * 30
    for (pid, _), spans in rows.items():
        group = names[pid].split()[1].split("/")[0]
        assert spans == {"first": ["queue", "prompt"], "second": ["answer"]}[group]


def test_times_hold_the_same_in_every_format(cli: Cli, scenario: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"times{suffix}" for suffix in (".csv", ".json")]
    for path in paths:
        cli("simulate", scenario, "--policy", "orca", "--policy", "vllm", "--times", path)
    rows = list(csv.DictReader(io.StringIO(paths[0].read_text())))
    columns = json.loads(paths[1].read_text())
    assert list(rows[0]) == list(columns)
    for name, values in columns.items():
        shown = ["" if value is None else value for value in values]
        if name.endswith("_seconds"):
            shown = [f"{value:.9f}" for value in shown]
        assert [row[name] for row in rows] == list(map(str, shown))
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "times.parquet"
    cli("simulate", scenario, "--policy", "orca", "--policy", "vllm", "--times", path)
    assert parquet.read_table(path).to_pydict() == columns


def test_parquet_without_pyarrow_says_what_to_install(
    cli: Cli, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduling.simulator.requests.times.find_spec", lambda name: None)
    call = cli("simulate", scenario, "--times", tmp_path / "times.parquet")
    assert call.code == 2
    assert "scheduling[profiles]" in call.err


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_charts_are_drawn(cli: Cli, scenario: Path, tmp_path: Path, suffix: str) -> None:
    plot = tmp_path / f"chart{suffix}"
    call = cli("simulate", scenario, "--policy", "orca", "--policy", "vllm", "--plot", plot)
    assert call.code == 0
    assert f"  chart: {plot}\n" in call.err
    first = plot.read_bytes()
    cli("simulate", scenario, "--policy", "orca", "--policy", "vllm", "--plot", plot)
    assert plot.read_bytes() == first
    if suffix == ".svg":
        for words in (b"orca", b"vllm", b"KV memory in use", b"TTFT"):
            assert words in first


def test_fairness_and_cost_stand_beside_latencies(cli: Cli, scenario: Path) -> None:
    call = cli("simulate", scenario, "--policy", "vllm", "--json")
    run = call.json["runs"][0]
    assert run["spending"] is None
    assert run["fairness"]["slowdown_max"] >= run["fairness"]["slowdown_mean"] >= 1
    assert 0.5 <= run["fairness"]["jain_classes"] <= 1
    head = SCENARIO[: SCENARIO.index("  cost:")]
    text = head + "  model: llama-3.1-8b\n  gpu: h100-sxm\n  layout: {tp: 2}\n"
    scenario.write_text(text + SCENARIO[SCENARIO.index("replicas:") :], encoding="utf-8")
    run = cli("simulate", scenario, "--policy", "vllm", "--json").json["runs"][0]
    hours = run["makespan_seconds"] / 3600
    price = gpu("h100-sxm").price_per_hour or 0
    assert run["spending"]["dollars"] == pytest.approx(hours * 4 * price)


def test_instances_that_come_and_go_cost_what_they_are_up(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "kind: requests\nreplica: {model: llama-3.1-8b, gpu: h100-sxm}\nreplicas: 4\n"
        "workload: {classes: [{arrivals: {kind: poisson, rate: 2.0}, "
        "prompt: {kind: fixed, tokens: 500}, output: {kind: fixed, tokens: 100}}]}\nrequests: 60\n",
        encoding="utf-8",
    )
    price = gpu("h100-sxm").price_per_hour or 0
    dollars = {}
    for router in ("least-requests", "autoscaled:30"):
        call = cli("simulate", path, "--policy", "vllm", "--router", router, "--json")
        run = call.json["runs"][0]
        whole = run["makespan_seconds"] / 3600 * 4 * price
        dollars[router] = run["spending"]["dollars"] / whole
    assert dollars["least-requests"] == pytest.approx(1)
    assert 0.2 < dollars["autoscaled:30"] < 0.8


def test_broken_rows_are_counted_or_refused(cli: Cli, scenario: Path, tmp_path: Path) -> None:
    scenario.write_text(SCENARIO.replace("slos:\n  search: {ttft_seconds: 2.0}\n", ""))
    trace = tmp_path / "trace.csv"
    trace.write_text(TRACE, encoding="utf-8")
    policies = ("--policy", "sarathi", "--policy", "orca", "--policy", "contiguous")
    call = cli("simulate", scenario, "--trace", trace, *policies, "--json")
    assert call.code == 0
    assert "1 of 4 rows are broken" in call.err
    assert len(call.json["notes"]) == 2
    # One is larger than the memory; those that reserve it for the longest serve the others too.
    assert [run["rejected"] for run in call.json["runs"]] == [1, 1, 1]
    few = cli("simulate", scenario, "--trace", trace, "--policy", "sarathi", "--policy", "orca:60")
    assert "sarathi: 1 requests are larger" in few.out
    assert "orca:60: 2 requests are larger" in few.out
    strict = cli("simulate", scenario, "--trace", trace, "--policy", "sarathi", "--strict")
    assert strict.code == 2
    assert "line 3" in strict.err


def test_highest_rate_is_bracketed(cli: Cli, scenario: Path) -> None:
    call = cli("simulate", scenario, "--policy", "sarathi", "--capacity", "0.9", "--json")
    capacity = call.json["runs"][0]["capacity"]
    assert 0 < capacity["rate"] < capacity["broken"] <= 1.02 * capacity["rate"]
    assert "max rate/s" in cli("simulate", scenario, "--policy", "vllm", "--capacity", "0.5").out


def test_a_router_on_the_command_line_replaces_that_of_the_scenario(
    cli: Cli, scenario: Path
) -> None:
    one, two = (
        cli("simulate", scenario, "--policy", "sarathi", "--router", router, "--json")
        for router in ("autoscaled:2", "round-robin")
    )
    assert one.code == two.code == 0
    assert one.json["runs"] != two.json["runs"]
    wrong = cli("simulate", scenario, "--router", "round-robbin")
    assert wrong.code == 2
    assert "did you mean 'round-robin'" in wrong.err
    assert "--router" in cli("simulate", "bundled:ft06", "--router", "random").err


def test_scenarios_keep_their_meaning_in_other_formats(
    cli: Cli, scenario: Path, tmp_path: Path
) -> None:
    other = tmp_path / "scenario.json"
    assert cli("convert", scenario, other).code == 0
    back = tmp_path / "back.yaml"
    assert cli("convert", other, back).code == 0
    assert sch.read(other) == sch.read(scenario) == sch.read(back)


def test_info_shows_what_a_scenario_states(cli: Cli, scenario: Path) -> None:
    facts = cli("info", scenario, "--json").json
    assert facts["kind"] == "requests"
    assert facts["workload"]["classes"] == SCENARIO.count("arrivals:")
    assert "max sequences" in cli("info", scenario).out


def test_the_scenarios_own_trace_lies_beside_it(cli: Cli, scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text(TRACE, encoding="utf-8")
    head = SCENARIO[: SCENARIO.index("workload:")]
    scenario.write_text(head + "trace: trace.csv\nrequests: 2\nrate: 4.0\n", encoding="utf-8")
    record = cli("simulate", scenario, "--policy", "orca", "--json").json
    assert record["requests"] == 2
    assert record["runs"][0]["demands"][0]["attainment"] is None
