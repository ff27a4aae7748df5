"""Results of all verbs as sections of a report."""

from __future__ import annotations

import json
from pathlib import Path

from scheduling.instances.files import write
from scheduling.instances.generators import generate
from scheduling.kubernetes.bundled import snapshot_text
from scheduling.report.results.bench import bench_section
from scheduling.report.results.content import Boxes, Lines, Page
from scheduling.report.results.page import render_report
from scheduling.report.results.reading import read_results
from tests.cli.conftest import Cli
from tests.report.results import NO_VALUES, SCENARIO, one, solved


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
