"""Benchmarks: suites, resumable records, tables, comparison and profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scheduling.bench.compare import compare_rows
from scheduling.bench.profile import write_profile
from scheduling.bench.records import Record, append_record, read_records
from scheduling.bench.run import Plan, run_plan
from scheduling.bench.suites import cases
from scheduling.bench.tables import instance_rows, solver_profile, solver_rows
from scheduling.errors import InputError, UnsupportedError
from scheduling.schemas import output_schema, stamp
from tests.cli.conftest import Cli, cli

__all__ = ["cli"]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "a.txt").write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    (folder / "b.txt").write_text("2 2\n0 3 1 2\n0 4 1 1\n")
    known = {"a": {"lb": 6, "ub": 6}, "b.txt": {"lb": 8, "ub": 8}}
    (folder / "best_known.json").write_text(json.dumps(known))
    return folder


def record(
    instance: str = "a", solver: str = "s", value: float | None = 10.0, **more: object
) -> Record:
    fields = {"instance": instance, "solver": solver, "seed": 0, "time_limit": 1.0, "version": "0"}
    return Record.model_validate({**fields, "objective": value, **more})


def test_suites_know_the_best_values(suite: Path) -> None:
    found = {case.name: (case.lower, case.upper) for case in cases(str(suite))}
    assert found == {"tiny/a.txt": (6, 6), "tiny/b.txt": (8, 8)}
    assert cases("bundled")
    with pytest.raises(InputError, match="suite"):
        cases("no such suite")


def test_tables_of_other_shapes(tmp_path: Path) -> None:
    folder = tmp_path / "graphs"
    (folder / "osp").mkdir(parents=True)
    (folder / "osp" / "1.txt").write_text("1\n1\n5\n")
    (folder / "g.json").write_text('{"kind": "heterogeneous", "processors": 1, "cost": [[4]]}')
    (folder / "s.stg").write_text("1\n0 0 0\n1 5 1 0\n2 0 1 1\n")
    (folder / "notes.json").write_text("{}")
    known = {
        "osp/1.txt": {"best": 5, "cpsat_900s": {"obj": 5, "lb": 4.0}},
        "g": {"heft": 4},
        "s": {"identical_processors": {"2": 5, "4": 5}},
    }
    (folder / "best_known.json").write_text(json.dumps(known))
    found = [(c.name, c.lower, c.upper, c.format) for c in cases(str(folder))]
    assert found == [
        ("graphs/g.json", None, 4, None),
        ("graphs/osp/1.txt", 4.0, 5, "osp"),
        ("graphs/s.stg:2", 5, 5, "stg:2"),
        ("graphs/s.stg:4", 5, 5, "stg:4"),
    ]
    # Long enough for any machine: one task each, which the bound by formula proves at once.
    plan = Plan((str(folder),), ("cp-sat",), (0,), 600.0, 1)
    assert [r.objective for r in run_plan(plan)] == [4, 5, 5, 5]


def test_endings_of_files_tell_more_than_names_of_folders(tmp_path: Path) -> None:
    """A folder may be called ``wt`` and hold job shops; one more rule than the ending says wins."""
    for folder, name in [("wt", "a.jsp"), ("wt", "b.txt"), ("jsplib-blocking", "c.jsp")]:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    found = {case.name: case.format for case in cases(str(tmp_path))}
    blocking = "jsplib-blocking/c.jsp"
    assert found == {"wt/a.jsp": None, "wt/b.txt": "wt", blocking: "jsplib-blocking"}


def test_suites_that_read_the_files_of_another(tmp_path: Path) -> None:
    for name in ("jsp", "bjsp", "jsp_operators"):
        (tmp_path / name).mkdir()
    for name in ("a1", "b1"):
        (tmp_path / "jsp" / f"{name}.txt").write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    blocking = {"b1": {"lb": 6, "ub": 6}, "a1": {"lb": 5, "ub": 7}, "lost": {"lb": 1, "ub": 1}}
    (tmp_path / "bjsp" / "best_known_swap.json").write_text(json.dumps(blocking))
    crowds = {"a1": {"1": {"lb": 10, "ub": 10}, "2": {"lb": 6, "ub": 6}}}
    (tmp_path / "jsp_operators" / "best_known.json").write_text(json.dumps(crowds))
    found = [(c.name, c.lower, c.upper, c.format) for c in cases(str(tmp_path / "bjsp"))]
    assert found == [
        ("bjsp/a1", 5, 7, "jsplib-blocking"),
        ("bjsp/b1", 6, 6, "jsplib-blocking"),
    ]
    crowded = cases(str(tmp_path / "jsp_operators"))
    assert [c.format for c in crowded] == ["jsplib-operators:1", "jsplib-operators:2"]
    assert [c.name for c in cases(str(tmp_path / "jsp_operators" / "a1:2"))] == [
        "jsp_operators/a1:2"
    ]
    plan = Plan((str(tmp_path / "jsp_operators"),), ("cp-sat",), (0,), 5.0, 1)
    assert [r.objective for r in run_plan(plan)] == [10, 6]
    with pytest.raises(InputError, match="without instances"):
        cases(str(tmp_path / "bjsp" / "c"))


LINES = """{"name": "t_1", "n": 2, "p": [3, 2], "d": [1, 1], "w": [2, 1]}
{"name": "t_2", "n": 2, "p": [3, 4], "d": [9, 9], "w": [1, 1]}
{"name": "u_1", "n": 1, "p": [5], "d": [1], "w": [7]}
"""
WEIGHTED = {
    "t_1": {"weighted_tardiness": 8, "proven_in_source": True, "total_tardiness_unweighted": 5},
    "t_2": {"weighted_tardiness": 0, "proven_in_source": False},
    "u_1": {"total_tardiness": 28, "proven": True},
}


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    folder = tmp_path / "late"
    folder.mkdir()
    (folder / "instances.jsonl").write_text(LINES)
    (folder / "best_known.json").write_text(json.dumps(WEIGHTED))
    (folder / "runs.jsonl").write_text('{"instance": "a"}\n')
    (folder / "wt2.txt").write_text("3 2 2 1 1 1\n3 4\n1 1\n9 9\n")
    return folder


def test_files_of_several_instances(lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(c.name, c.lower, c.upper) for c in cases(str(lines))]
    assert found == [
        ("late/t_1", 8, 8),
        ("late/t_2", None, 0),
        ("late/u_1", 28, 28),
        ("late/wt2_001", None, None),
        ("late/wt2_002", None, None),
    ]
    monkeypatch.setenv("SCHEDULING_DATA", str(lines.parent))
    assert [c.name for c in cases("late/t_")] == ["late/t_1", "late/t_2"]
    records = run_plan(Plan(("late",), ("cp-sat",), (0,), 60.0, 1))
    assert [r.objective for r in records] == [8, 0, 28, 8, 0]
    with pytest.raises(InputError, match="without instances"):
        cases("late/x")


def test_a_broken_line_is_named(lines: Path) -> None:
    (lines / "instances.jsonl").write_text(LINES + '{"name": "v", "p": [1], "d": []}\n')
    with pytest.raises(InputError, match="line 4"):
        cases(str(lines))


def test_bench_names_the_suites_at_hand(
    cli: Cli, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULING_DATA", str(lines.parent))
    wrong = cli("bench", "smt")
    assert wrong.code == 2
    assert "bundled, late" in wrong.err
    right = cli("bench", "late/t_", "--solvers", "cp-sat", "--time-limit", "60")
    assert right.code == 0
    assert "late/t_2" in right.out
    monkeypatch.delenv("SCHEDULING_DATA")
    assert "SCHEDULING_DATA" in cli("bench", "smt").err
    assert "smtt" in cli("bench", "--help").out


def test_broken_tables_are_refused(tmp_path: Path) -> None:
    for text in ("[]", "{"):
        folder = tmp_path / f"case {text}"
        folder.mkdir()
        (folder / "a.jsp").write_text("1 1\n0 3\n")
        (folder / "best_known.json").write_text(text)
        with pytest.raises(InputError, match=r"best_known\.json: document"):
            cases(str(folder))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("suite", "count", "with_bounds"),
    [
        ("variants", 94, 94),
        ("dag", 34, 34),
        ("bjsp", 121, 121),
        ("jsp_operators", 203, 203),
        ("rcpsp_cpr", 40, 30),
        ("smtwt", 189, 189),
        ("smtt", 129, 129),
        ("smtt/smtt500", 9, 9),
    ],
)
def test_suites_of_the_public_data(
    suite: str, count: int, with_bounds: int, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULING_DATA", str(shared_data))
    found = cases(suite)
    assert len({case.name for case in found}) == len(found) == count
    assert sum(case.upper is not None for case in found) >= with_bounds
    for case in found:
        assert case.lower is None or case.upper is None or case.lower <= case.upper, case


@pytest.mark.parametrize("name", ["dispach:SPT", ""])
def test_a_solver_that_no_kind_has_is_refused_before_anything_runs(
    name: str, tmp_path: Path
) -> None:
    results = tmp_path / "results.jsonl"
    with pytest.raises(UnsupportedError, match="no solver") as caught:
        run_plan(Plan(("bundled",), ("cp-sat", name), (0,), 5.0, 1), results)
    assert ("did you mean 'dispatch'?" in str(caught.value)) == bool(name)
    assert not results.exists()


def test_runs_are_resumed(suite: Path, tmp_path: Path) -> None:
    results = tmp_path / "run.jsonl"
    plan = Plan((str(suite),), ("dispatch", "cp-sat"), (0,), 5.0, 1)
    fresh: list[str] = []
    first = run_plan(plan, results, on_record=lambda r, _d, _t: fresh.append(r.solver))
    assert len(fresh) == 4
    assert all(r.objective == r.upper for r in first if r.solver == "cp-sat")
    cut = results.read_text()[:-20]
    results.write_text(cut)
    again: list[str] = []
    second = run_plan(plan, results, on_record=lambda r, _d, _t: again.append(r.solver))
    assert len(again) == 1
    assert [r.key for r in second] == [r.key for r in first]
    assert len(read_records(results)) == 4


def test_parallel_runs_give_the_same_records(suite: Path) -> None:
    plan = Plan((str(suite),), ("dispatch:SPT",), (0, 1), 5.0, 1)
    alone, together = run_plan(plan), run_plan(plan, jobs=2)
    assert [r.objective for r in alone] == [r.objective for r in together]


def test_refusals_become_records(suite: Path) -> None:
    plan = Plan((str(suite),), ("belady",), (0,), 1.0, 1)
    assert all("no solver 'belady' for schedule" in (r.error or "") for r in run_plan(plan))


def test_lines_name_their_schema_and_those_without_one_are_read(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    append_record(path, record())
    line = json.loads(path.read_text())
    assert next(iter(line.items())) == ("schema", stamp("benchmark-run"))
    assert list(line) == list(output_schema("benchmark-run")["properties"])
    path.write_text(record().model_dump_json() + "\n" + path.read_text())
    assert read_records(path) == [record(), record()]
    path.write_text(json.dumps({**line, "schema": "scheduling/benchmark-run/2"}) + "\n")
    with pytest.raises(InputError, match=r"run\.jsonl: line 1: schema: found .* version 1"):
        read_records(path)


def test_broken_result_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    append_record(path, record())
    path.write_text("nonsense\n" + path.read_text())
    with pytest.raises(InputError, match="line 1"):
        read_records(path)


def test_tables_and_profile(tmp_path: Path) -> None:
    rows = [
        record(
            "a", "fast", 10.0, upper=10.0, lower=10.0, status="optimal", bound=10.0, seconds=0.5
        ),
        record("b", "fast", 22.0, upper=20.0, lower=18.0, status="feasible", bound=18.0),
        record("a", "slow", 11.0, upper=10.0, lower=10.0, status="feasible", bound=9.0),
        record("b", "slow", None, upper=20.0, status="unknown"),
    ]
    headers, lines = solver_rows(rows)
    fast = dict(zip(headers, lines[0], strict=True))
    assert fast["mean above"] == "5.00 %"
    assert (fast["proven"], fast["bounds"]) == ("1", "28")
    assert instance_rows(rows)[1][3][3] == "unknown"
    ((distance, share),) = solver_profile(rows)["slow"]
    assert distance == pytest.approx(0.1)
    assert share == 0.5
    for name in ("profile.svg", "profile.png"):
        write_profile(rows, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    with pytest.raises(InputError):
        write_profile(rows, tmp_path / "profile.doc")


def test_comparison_has_a_band_of_noise() -> None:
    earlier = [record(seed=0, value=100.0), record(seed=1, value=104.0), record("b", value=50.0)]
    now = [record(seed=0, value=103.0), record(seed=1, value=103.0), record("b", value=40.0)]
    verdicts = {row[0]: row[-1] for row in compare_rows(earlier, now)[1]}
    assert verdicts == {"a": "same", "b": "better"}
    assert {row[0]: row[-1] for row in compare_rows(now, earlier)[1]}["b"] == "worse"


def test_command(cli: Cli, suite: Path, tmp_path: Path) -> None:
    results, profile = tmp_path / "run.jsonl", tmp_path / "profile.svg"
    base = ("bench", suite, "--solvers", "dispatch,cp-sat", "--time-limit", 5)
    call = cli(*base, "--output", results, "--profile", profile)
    assert call.code == 0
    assert "by solver" in call.out
    assert "bounds: their sum" in call.out
    assert profile.exists()
    assert "same" in cli(*base, "--output", results, "--baseline", results).out
    assert len(cli(*base, "--output", results, "--json").json["records"]) == 4
    again = ("bench", suite, "--solvers", "dispatch", "--solvers", "cp-sat", "--time-limit", 5)
    both = cli(*again, "--seeds", "0,1", "--seeds", "2", "--output", results, "--json")
    assert len(both.json["records"]) == 12
    assert cli("bench", "no such suite").code == 2
    assert cli("bench", suite, "--seeds", "x").code == 2


def test_stopped_runs_show_what_is_done(
    cli: Cli, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_b(one: Any) -> Record:
        if one.case.name.endswith("b.txt"):
            raise KeyboardInterrupt
        blank: Record = one.blank()
        return blank

    monkeypatch.setattr("scheduling.bench.run.run_one", stop_at_b)
    found = cli("bench", suite, "--output", suite / "run.jsonl", "--json")
    assert found.code == 130
    assert "stopped after 1 of 2 runs" in found.err
    assert [one["instance"] for one in json.loads(found.out)["records"]] == ["tiny/a.txt"]
    assert len(read_records(suite / "run.jsonl")) == 1


def test_limits_that_make_no_sense_are_refused_before_a_run(suite: Path, tmp_path: Path) -> None:
    for plan in (Plan((str(suite),), workers=10**6), Plan((str(suite),), time_limit=-1.0)):
        with pytest.raises(InputError, match=r"workers|time_limit"):
            run_plan(plan, tmp_path / "records.jsonl")
    assert not (tmp_path / "records.jsonl").exists()
