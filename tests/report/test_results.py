"""Results of all verbs as sections of a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.files import write, write_solution
from scheduling.instances.generators import generate
from scheduling.kubernetes.bundled import snapshot_text
from scheduling.report.results.bench import bench_section
from scheduling.report.results.content import Boxes, Lines, Page, Section
from scheduling.report.results.page import render_report
from scheduling.report.results.reading import read_results
from tests.cli.conftest import Cli

SCENARIO = """
kind: requests
name: chat
replica:
  cost: {base_seconds: 0.005, per_token_seconds: 4.0e-05, per_kv_seconds: 3.0e-08}
  kv_tokens: 6400
workload:
  classes:
    - name: chat
      arrivals: {kind: poisson, rate: 8.0}
      prompt: {kind: fixed, tokens: 300}
      output: {kind: fixed, tokens: 60}
requests: 60
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def solved(folder: Path, name: str, kind: str, parameters: dict[str, str]) -> list[str]:
    problem = generate(kind, parameters)
    write(problem, folder / f"{name}.yaml")
    write_solution(sch.solve(problem, time_limit=120, seed=1), folder / f"{name}.json")
    return [f"{name}.yaml", f"{name}.json"]


def one(files: list[str]) -> Section:
    (section,) = read_results(files)
    return section


def test_a_schedule_has_its_gantt_chart_behind_its_instance(folder: Path) -> None:
    files = solved(folder, "shop", "job-shop", {"jobs": "4", "machines": "3"})
    section = one(files)
    assert [chart.title for chart in section.charts] in (
        ["Gantt chart"],
        ["Gantt chart", "Gap over time"],
    )
    assert section.command == "scheduling solve shop.yaml --solver auto"
    assert section.certificate is not None
    assert section.certificate.rows[0][0] == "makespan"
    value = section.certificate.rows[0][2]
    assert section.answer.startswith(f"Makespan: {value}. Optimal: proven best possible")
    alone = one(files[1:])
    assert not any(isinstance(chart, Page) for chart in alone.charts)
    assert alone.command is None
    assert [table.title for table in alone.tables] == ["Tasks"]
    assert len(alone.tables[0].rows) == 12


def test_memory_is_drawn_by_address_and_time(folder: Path) -> None:
    section = one(solved(folder, "memory", "tensor-buffers", {"buffers": "12"}))
    chart = section.charts[0]
    assert isinstance(chart, Boxes)
    assert len(chart.names) >= 12
    assert all(low < high for low, high in zip(chart.low, chart.high, strict=True))
    for k, name in enumerate(chart.names):
        for other in range(k):
            apart = (
                chart.right[k] <= chart.left[other]
                or chart.right[other] <= chart.left[k]
                or chart.high[k] <= chart.low[other]
                or chart.high[other] <= chart.low[k]
            )
            assert apart, (name, chart.names[other])


def test_pods_stand_on_their_nodes(folder: Path) -> None:
    parameters = {"nodes": "3", "pods_per_node": "3", "priorities": "1"}
    files = solved(folder, "cluster", "cluster", parameters)
    section = one(files)
    charts = [chart for chart in section.charts if isinstance(chart, Boxes)]
    assert [chart.title for chart in charts] == ["cpu by node", "memory by node"]
    placed = json.loads((folder / files[1]).read_text())["placements"]
    for chart in charts:
        assert set(chart.names) == {entry["item"] for entry in placed}
        node = dict(zip(chart.names, (chart.rows[int(low)] for low in chart.low), strict=True))
        assert node == {entry["item"]: entry["node"] for entry in placed}
        assert max(chart.right) <= 100 + 1e-9
        assert set(chart.groups) == {2}


def test_runs_of_policies_have_their_curves(folder: Path, cli: Cli) -> None:
    (folder / "scenario.yaml").write_text(SCENARIO)
    call = cli("simulate", "scenario.yaml", "--policy", "vllm", "--policy", "sarathi", "--json")
    (folder / "runs.json").write_text(call.out)
    section = one(["runs.json"])
    assert [chart.title for chart in section.charts] == [
        "Requests whose TTFT is at most",
        "Requests whose TPOT is at most",
        "Requests whose E2E is at most",
        "Share of KV memory over time",
        "Requests in queues over time",
    ]
    for chart in section.charts[:3]:
        assert isinstance(chart, Lines)
        assert [series.name for series in chart.series] == ["vllm", "sarathi"]
        for series in chart.series:
            assert list(series.x) == sorted(series.x)
            assert list(series.y) == sorted(series.y)
            assert series.y[-1] == 1
    memory = section.charts[3]
    assert isinstance(memory, Lines)
    assert all(0 <= value <= 1 for series in memory.series for value in series.y)
    assert max(memory.series[0].y) > 0
    assert "no policy can go below" in section.answer
    certified = section.certificate
    assert certified is not None
    assert certified.title == "Against any policy"
    assert {row[0] for row in certified.rows} == {"vllm", "sarathi"}


def test_published_systems_and_benches(folder: Path, cli: Cli) -> None:
    (folder / "rows.json").write_text(cli("reproduce", "mergepipe", "--json").out)
    section = one(["rows.json"])
    assert section.title == "mergepipe"
    assert section.command == "scheduling reproduce mergepipe"
    assert "with a bound" in section.answer
    write(generate("job-shop", {"jobs": "3", "machines": "2"}), folder / "a.jsp")
    asked = ("--solvers", "dispatch,insertion", "--time-limit", "1", "--output", "runs.jsonl")
    assert cli("bench", "a.jsp", *asked).code == 0
    bench = one(["runs.jsonl"])
    assert bench.answer.startswith("2 runs on 1 instance,")
    assert [row[0] for row in bench.tables[0].rows] == ["dispatch", "insertion"]


def test_a_plan_has_its_rivals_limits_and_what_binds(folder: Path, cli: Cli) -> None:
    done = cli("plan", "bundled:chat-fleet", "--time-limit", "60", "--json")
    (folder / "plan-result.json").write_text(done.out)
    tables = {entry.title: entry for entry in one(["plan-result.json"]).tables}
    assert {"Replay by simulation", "Runner-ups", "Limits", "What binds"} <= set(tables)
    (rival,) = tables["Runner-ups"].rows
    assert rival[0] == "disaggregated only"
    assert rival[3] == "targets kept"
    certified = one(["plan-result.json"]).certificate
    assert certified is not None
    (found,) = certified.rows
    assert found[:5] == ["cost", "min", 5, 5, "$/h"]
    (folder / "plan.json").write_text(json.dumps(json.loads(done.out)["plan"]))
    alone = one(["plan.json"]).certificate
    assert alone is not None
    assert alone.rows[0][:5] == found[:5]
    assert ["pool h100", 2, 8, "GPUs"] in [list(row) for row in tables["Limits"].rows]


NO_VALUES: dict[str, object] = {"objective": None, "bound": None, "gap": None, "tiers": []}


def _front(kind: str, status: str) -> str:
    """Return a front without points."""
    fields = {**NO_VALUES, "kind": kind, "status": status, "points": []}
    fields |= {"lower": [], "reference": []}
    if kind == "pareto":
        return json.dumps({**fields, "criteria": ["makespan", "cost"]})
    return json.dumps({**fields, "goals": ["cost", "gpus"], "hypervolume": None})


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.json", "{}", "no result and no instance"),
        ("a.json", "", "nothing"),
        ("a.json", '{"runs": [], "requests": 3}', "at least one entry"),
        ("a.jsonl", "", "nothing"),
        ("a.json", '{"kind": "plan-front", "status": "x"}', "goals"),
        ("a.json", '{"kind": "atlas"}', "systems: found nothing"),
        ("a.json", '{"kind": [], "status": "optimal"}', "kind"),
        ("a.json", _front("pareto", "optimal"), "at least one"),
        ("a.json", _front("plan-front", "feasible"), "at least one"),
        ("a.json", '{"runs": [1]}', "runs[0]: found 1"),
        ("a.json", "[]", "no result"),
        ("a.json", '[{"rows": []}]', "[0].name: found nothing"),
        ("a.json", '{"status": "optimal", "kind": "nonsense"}', "nonsense"),
        ("a.jsonl", '{"solver": 1}\n{', "line 2: found the end, expected valid JSON"),
        ("a.jsonl", '{"solver": "x"}', "line 1, instance: found nothing"),
        ("a.yaml", "kind: schedule\njobs: []\n", "jobs"),
    ],
)
def test_what_is_no_result_is_refused(folder: Path, name: str, text: str, found: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read_results([name])
    assert name in str(caught.value)
    assert found in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "pareto", "status": "infeasible", "criteria": ["makespan", "cost"]}',
        _front("plan-front", "infeasible"),
    ],
)
def test_a_front_that_cannot_be_says_so(folder: Path, text: str) -> None:
    (folder / "a.json").write_text(text)
    section = one(["a.json"])
    assert section.answer.startswith("No ")
    assert "infeasible" in section.answer
    assert not section.tables


TABLE: dict[str, object] = {
    "kind": "table",
    "status": "optimal",
    "objective": 4,
    "bound": 4,
    "gap": 0.0,
    "tiers": [{"name": "saved", "sense": "max", "objective": 4, "bound": 4, "gap": 0.0}],
    "lines": [{"row": 0, "fields": ["a"]}, {"row": 1, "fields": ["a"]}],
}


def test_a_solution_states_what_its_status_claims(folder: Path) -> None:
    path = folder / "a.json"
    path.write_text(json.dumps(TABLE))
    assert one(["a.json"]).answer == "Saved: 4. Optimal: proven best possible."
    for field in ("objective", "bound", "gap", "tiers", "lines"):
        path.write_text(json.dumps({key: value for key, value in TABLE.items() if key != field}))
        with pytest.raises(InputError, match=f"{field}: found nothing, expected a value"):
            read_results(["a.json"])
    path.write_text('{"kind": "table", "status": "optimal"}')
    with pytest.raises(InputError, match="lines: found nothing"):
        read_results(["a.json"])
    path.write_text('{"kind": "table", "status": "unknown"}')
    assert one(["a.json"]).answer == "Unknown: no solution found."


@pytest.mark.parametrize(
    ("change", "tier", "found"),
    [
        ({}, {"bound": 3}, "tiers[0].bound: found 3, expected at least the objective 4"),
        ({}, {"objective": None}, "tiers[0].objective: found none"),
        ({}, {"gap": 0.5}, "tiers[0].gap: found 0.5, expected 0.0"),
        ({"bound": 5, "gap": 0.2}, {"bound": 5, "gap": 0.2}, "status: found optimal"),
        ({"status": "feasible"}, {}, "status: found feasible, expected optimal"),
        ({"objective": 7}, {}, "objective: found 7, expected 4"),
        ({"tiers": []}, {}, "tiers: found none"),
        ({"status": "infeasible"}, {}, "objective: found 4, expected none"),
    ],
)
def test_a_certificate_does_not_contradict_itself(
    folder: Path, change: dict[str, object], tier: dict[str, object], found: str
) -> None:
    tiers = [{**TABLE["tiers"][0], **tier}]  # type: ignore[index]
    (folder / "a.json").write_text(json.dumps({**TABLE, "tiers": tiers, **change}))
    with pytest.raises(InputError) as caught:
        read_results(["a.json"])
    assert found in str(caught.value)


def test_results_of_other_shapes_are_told_by_line_and_field(folder: Path, cli: Cli) -> None:
    (folder / "scenario.yaml").write_text(SCENARIO)
    calls = {
        "simulation": ("simulate", "scenario.yaml", "--policy", "vllm", "--json"),
        "reproduction": ("reproduce", "mergepipe", "--json"),
    }
    fields = {
        "simulation": [("runs", 0, "policy"), ("runs", 0, "demands", 0, "ttft_seconds", "p99")],
        "reproduction": [("records", 0, "name"), ("records", 0, "rows", 0, "value")],
    }
    for name, call in calls.items():
        text = cli(*call).out
        for path in fields[name]:
            data = json.loads(text)
            inner = data
            for step in path[:-1]:
                inner = inner[step]
            wrong: tuple[object, ...] = (None, [], {}, True)
            for value in wrong:
                inner[path[-1]] = value
                (folder / "a.json").write_text(json.dumps(data))
                with pytest.raises(InputError, match=rf"line \d+, .*{path[-1]}.*: found"):
                    read_results(["a.json"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"schema": "scheduling/profile/1", "profile": "x", "left_out": 0}', "profile/1"),
        ('{"schema": "scheduling/benchmark/1", "records": []}', "no records"),
        ('{"schema": "scheduling/benchmark/1", "runs": 3}', "no list"),
        ('{"schema": "scheduling/benchmark/2", "records": []}', "version 1"),
        ('{"schema": "scheduling/simulation-sharing/1", "records": [1]}', "a list"),
        ('{"schema": "scheduling/simulation-edge-cloud/1"}', "utility"),
    ],
)
def test_a_schema_says_what_a_result_must_be(folder: Path, text: str, found: str) -> None:
    (folder / "a.json").write_text(text)
    with pytest.raises(InputError) as caught:
        read_results(["a.json"])
    assert found in str(caught.value)


def test_an_instance_without_a_solution_is_told(folder: Path) -> None:
    files = solved(folder, "shop", "job-shop", {"jobs": "2", "machines": "2"})
    for given in (files[:1], [*files, files[0]], [files[0], *files]):
        with pytest.raises(InputError, match="no solution"):
            read_results(given)
    (folder / "package.json").write_text('{"name": "app"}')
    with pytest.raises(InputError) as caught:
        read_results([files[0], "package.json"])
    # The file at fault is the one behind the instance.
    assert caught.value.source == "package.json"
    assert files[0] in caught.value.faults[0].expected


def test_the_verb_writes_one_page(folder: Path, cli: Cli) -> None:
    files = solved(folder, "shop", "job-shop", {"jobs": "3", "machines": "2"})
    call = cli("report", *files, "-o", "shop.html", "--json")
    assert call.code == 0
    assert [entry["title"] for entry in call.json["results"]] == [one(files).title]
    page = (folder / "shop.html").read_text()
    assert page == render_report(read_results(files), one(files).title)
    assert "default-src 'none'" in page
    refused = cli("report", *files, "-o", "shop.pdf")
    assert refused.code == 2
    assert ".html" in refused.err


def test_a_snapshot_before_its_plan_has_it_checked_and_drawn(folder: Path, cli: Cli) -> None:
    name = "bundled:gpu-cluster"
    found = cli("pods", name, "--solver", "default-scheduler", "--json", "--output", "pods.json")
    assert found.code in (0, 4)
    (folder / "cluster.json").write_text(snapshot_text(name)[0])
    for file in (name, "cluster.json"):
        call = cli("report", file, "pods.json", "-o", "pods.html")
        assert call.code == 0, call.err
        page = (folder / "pods.html").read_text()
        assert f"The independent check against {file} found nothing wrong" in page
        assert "nvidia.com/gpu by node" in page


def test_a_solution_that_breaks_its_instance_is_called_invalid(folder: Path) -> None:
    files = solved(folder, "shop", "job-shop", {"jobs": "3", "machines": "2"})
    fine = one(files)
    assert fine.violations is None
    assert fine.checked is not None
    assert "found nothing wrong (scheduling check shop.yaml shop.json)" in fine.checked
    data = json.loads((folder / "shop.json").read_text())
    data["tasks"][0]["end"] += 1
    (folder / "shop.json").write_text(json.dumps(data))
    broken = one(files)
    assert broken.answer.startswith("Not valid: ")
    assert broken.violations is not None
    assert {row[0] for row in broken.violations.rows} >= {"duration"}
    assert one(files[1:]).checked is None


def test_a_result_of_another_instance_is_refused(folder: Path) -> None:
    shop = solved(folder, "shop", "job-shop", {"jobs": "3", "machines": "2"})
    other = solved(folder, "other", "job-shop", {"jobs": "3", "machines": "2", "seed": "1"})
    memory = solved(folder, "memory", "tensor-buffers", {"buffers": "3"})
    data = json.loads((folder / "shop.json").read_text())
    data["tasks"][0]["task"] = "nobody"
    (folder / "stranger.json").write_text(json.dumps(data))
    (folder / "sweep.json").write_text('[{"policy": "x"}]')
    wrong = {
        other[1]: "job shop 3x2 seed 1",
        memory[1]: "kind 'memory'",
        "stranger.json": "nobody",
        "sweep.json": "another verb's result",
    }
    for result, found in wrong.items():
        with pytest.raises(InputError) as caught:
            read_results([shop[0], result])
        assert result in str(caught.value)
        assert found in str(caught.value)
    # Behind its own solution an instance is not asked for again.
    assert len(read_results([*shop, memory[1]])) == 2


def test_moves_and_shared_gpus_are_on_the_map(folder: Path) -> None:
    gpus = [{"id": f"gpu-{k}", "kind": "gpu", "capacity": {"milli": 1000}} for k in range(2)]
    half = [{"kind": "gpu", "options": [{"milli": 500}]}]
    problem = {
        "kind": "placement",
        "name": "gpus",
        "nodes": [{"id": name, "capacity": {"cpu": 4}, "parts": gpus} for name in ("a", "b")],
        "items": [
            {"id": "moved", "demands": {"cpu": 1}, "node": "a", "shares": half},
            {"id": "new", "demands": {"cpu": 1}, "shares": half},
        ],
    }
    use = [{"part": "gpu-1", "option": 0}]
    placed = [{"item": item, "node": "b", "parts": use} for item in ("moved", "new")]
    answer = {**NO_VALUES, "kind": "placement", "status": "feasible", "problem": "gpus"}
    answer["placements"] = placed
    problem["items"][0]["parts"] = [{"part": "gpu-0", "option": 0}]  # type: ignore[index]
    (folder / "p.yaml").write_text(json.dumps(problem))
    (folder / "s.json").write_text(json.dumps(answer))
    cpu, gpu = (chart for chart in one(["p.yaml", "s.json"]).charts if isinstance(chart, Boxes))
    assert [cpu.legend[group] for group in cpu.groups] == ["moves", "comes"]
    assert cpu.notes == ["moves from a", ""]
    assert (gpu.title, list(gpu.rows), gpu.most) == ("gpu of nodes", ["a", "b"], 2.0)
    assert gpu.notes == ["gpu-1 moves from a", "gpu-1"]
    assert all(1 < left < right < 2 for left, right in zip(gpu.left, gpu.right, strict=True))
    assert gpu.right[0] <= gpu.left[1]


def test_policies_on_jobs_clusters_and_edges_are_told(folder: Path, cli: Cli) -> None:
    asked = {
        "online-job-shop": ({"jobs": "3", "machines": "2"}, "policies, makespan"),
        "shared-cluster": ({"jobs": "4"}, "least mean response"),
        "drone-stream": ({"drones": "1", "batches": "2", "models": "2"}, "earns most"),
    }
    for kind, (parameters, said) in asked.items():
        write(generate(kind, parameters), folder / f"{kind}.yaml")
        call = cli("simulate", f"{kind}.yaml", "--work-limit", "0.3", "--workers", "1", "--json")
        (folder / f"{kind}.json").write_text(call.out)
        section = one([f"{kind}.yaml", f"{kind}.json"])
        assert said in section.answer
        assert section.charts
        assert section.certificate is not None
        assert section.command is not None
        assert section.command.startswith(f"scheduling simulate {kind}.yaml --policy ")


def test_sweeps_show_latencies_over_rates(folder: Path, cli: Cli) -> None:
    (folder / "scenario.yaml").write_text(SCENARIO)
    options = ("--policy", "vllm", "--rates", "4,8", "--seeds", "1,2", "--output", "sweep.jsonl")
    (folder / "sweep.json").write_text(cli("simulate", "scenario.yaml", *options, "--json").out)
    section = one(["scenario.yaml", "sweep.json"])
    ttft = section.charts[0]
    assert isinstance(ttft, Lines)
    assert [list(series.x) for series in ttft.series] == [[4.0, 8.0]]
    assert section.command == (
        "scheduling simulate scenario.yaml --policy vllm --rates 4,8 --seeds 1,2"
    )
    assert one(["sweep.jsonl"]).tables == section.tables


def test_fronts_and_explanations_of_plans_are_told(folder: Path, cli: Cli) -> None:
    fleet = """
kind: fleet
name: small
models: [{name: llama-3.1-8b}]
pools: [{name: l40s, gpu: l40s, nodes: 2, gpus_per_node: 2, price_per_hour: 0.9}]
demands:
  - {name: chat, model: llama-3.1-8b, rate: RATE, prompt: 1500, output: 250, ttft: 1.0, tpot: 0.04}
options: {max_pp: 1, max_tp: 1, token_budgets: [1024], modes: [aggregated]}
"""
    (folder / "fleet.yaml").write_text(fleet.replace("RATE", "4"))
    (folder / "large.yaml").write_text(fleet.replace("RATE", "40"))
    limit = ("--time-limit", "300", "--json")
    front = cli("plan", "fleet.yaml", "--pareto", "gpus", "goodput", *limit)
    (folder / "front.json").write_text(front.out)
    section = one(["fleet.yaml", "front.json"])
    (chart,) = section.charts
    assert isinstance(chart, Lines)
    points = front.json["points"]
    assert sorted(chart.series[0].x) == sorted(point["values"][0] for point in points)
    assert section.command == "scheduling plan fleet.yaml --pareto gpus goodput"
    (folder / "why.json").write_text(cli("plan", "large.yaml", "--explain", *limit).out)
    why = one(["large.yaml", "why.json"])
    assert why.answer.startswith("No plan can meet what is asked. At most ")
    assert "What makes a plan possible" in {table.title for table in why.tables}
    plan = cli("plan", "fleet.yaml", "--output", ".", *limit)
    (folder / "result.json").write_text(plan.out)
    whole = one(["fleet.yaml", "result.json"])
    assert "All targets are kept in a replay of" in whole.answer
    (fleet_map,) = whole.charts
    assert isinstance(fleet_map, Boxes)
    assert list(fleet_map.rows) == ["l40s-0", "l40s-1"]
    gpus = dict.fromkeys(fleet_map.names, 0.0)
    for name, left, right in zip(fleet_map.names, fleet_map.left, fleet_map.right, strict=True):
        gpus[name] += right - left
    assert sum(gpus.values()) == 4
    assert gpus["idle"] == 4 - plan.json["plan"]["gpus"]
    assert one(["plan.json"]).certificate is not None


def test_curves_of_solvers_go_on_to_the_widest_gap() -> None:
    def run(solver: str, gap: float) -> dict[str, object]:
        status = "feasible" if gap else "optimal"
        common = {"instance": "one", "seed": 0, "seconds": 1.0, "error": None}
        values = {"objective": 5, "bound": 5, "gap": gap, "status": status}
        return {"solver": solver, **common, **values}

    (chart,) = bench_section([run("a", 0.0), run("b", 0.25)], "x").charts
    assert isinstance(chart, Lines)
    assert [(one.name, one.x[-1], one.y[-1]) for one in chart.series] == [
        ("a", 25.0, 100.0),
        ("b", 25.0, 100.0),
    ]
    # Where all gaps are 0, lines along the axis and not upon it.
    (chart,) = bench_section([run("a", 0.0)], "x").charts
    assert isinstance(chart, Lines)
    assert chart.series[0].x[-1] > 0
