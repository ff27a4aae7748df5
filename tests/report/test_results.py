"""Results of all verbs as sections of a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.files import write, write_solution
from scheduling.instances.generators import generate
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
    write_solution(sch.solve(problem, time_limit=5, seed=1), folder / f"{name}.json")
    return [f"{name}.yaml", f"{name}.json"]


def one(files: list[str]) -> Section:
    (section,) = read_results(files)
    return section


def test_a_schedule_has_its_gantt_chart_behind_its_instance(folder: Path) -> None:
    files = solved(folder, "shop", "job-shop", {"jobs": "4", "machines": "3"})
    section = one(files)
    assert [type(chart) for chart in section.charts] == [Page]
    assert section.command == "scheduling solve shop.yaml --solver auto"
    assert section.certificate is not None
    assert section.certificate.rows[0][0] == "makespan"
    assert section.answer.startswith("Optimal: proven best possible")
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
    certified = section.tables[0]
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
    assert bench.answer.startswith("2 runs on 1 instances")
    assert [row[0] for row in bench.tables[0].rows] == ["dispatch", "insertion"]


def test_a_plan_has_its_rivals_limits_and_what_binds(folder: Path, cli: Cli) -> None:
    done = cli("plan", "bundled:chat-fleet", "--time-limit", "60", "--json")
    (folder / "plan-result.json").write_text(done.out)
    tables = {entry.title: entry for entry in one(["plan-result.json"]).tables}
    assert {"Replay by simulation", "Runner-ups", "Limits", "What binds"} <= set(tables)
    (rival,) = tables["Runner-ups"].rows
    assert rival[0] == "disaggregated only"
    assert rival[3] == "targets kept"
    assert ["pool h100", 2, 8, "GPUs"] in [list(row) for row in tables["Limits"].rows]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.json", "{}", "kind"),
        ("a.json", '{"runs": [1]}', "result"),
        ("a.json", "[]", "no result"),
        ("a.json", '[{"rows": []}]', "a result without 'name'"),
        ("a.json", '{"status": "optimal", "kind": "nonsense"}', "nonsense"),
        ("a.jsonl", '{"solver": 1}\n{', "{"),
        ("a.jsonl", '{"solver": "x"}', "a result without"),
        ("a.yaml", "kind: schedule\njobs: []\n", "jobs"),
    ],
)
def test_what_is_no_result_is_refused(folder: Path, name: str, text: str, found: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read_results([name])
    assert name in str(caught.value)
    assert found in str(caught.value)


def test_an_instance_without_a_solution_is_told(folder: Path) -> None:
    files = solved(folder, "shop", "job-shop", {"jobs": "2", "machines": "2"})
    for given in (files[:1], [*files, files[0]], [files[0], *files]):
        with pytest.raises(InputError, match="no solution"):
            read_results(given)


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
