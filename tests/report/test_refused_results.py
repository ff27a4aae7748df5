"""Results that no report takes, or that it calls invalid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduling.errors import InputError
from scheduling.report.results.reading import read_results
from tests.cli.conftest import Cli
from tests.report.results import NO_VALUES, SCENARIO, one, solved

TABLE: dict[str, object] = {
    "kind": "table",
    "status": "optimal",
    "objective": 4,
    "bound": 4,
    "gap": 0.0,
    "tiers": [{"name": "saved", "sense": "max", "objective": 4, "bound": 4, "gap": 0.0}],
    "lines": [{"row": 0, "fields": ["a"]}, {"row": 1, "fields": ["a"]}],
}


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
