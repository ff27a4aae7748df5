"""The atlas: verdicts, runs that fail, overrun or lack data, files that can be gone on with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scheduling.backends.carrying import StoppedError
from scheduling.errors import InputError
from scheduling.report.results.reading import read_results
from scheduling.scenarios.atlas import alone, run
from scheduling.scenarios.atlas.alone import Task, run_alone
from scheduling.scenarios.atlas.entries import Atlas, Entry, Outcome, read_entries, row_of
from scheduling.scenarios.atlas.markdown import render_markdown
from scheduling.scenarios.atlas.run import run_atlas, write_atlas
from scheduling.scenarios.atlas.verdicts import Verdict, judge
from scheduling.scenarios.registry import SCENARIOS, scenario
from scheduling.scenarios.scenario import Row, Run, Target
from scheduling.schemas import stamped
from tests.cli.conftest import Cli, cli

__all__ = ["cli"]

ROW = Row("10 jobs", "makespan", "by lot", 20.0, "rule", 10.0, 0.1, "half of it (a paper)", "")
MERGED = Row("4 experts", "GiB", "read all blocks", 70.0, "plan", 30.0, None, "up to 10 times", "")
KEPT = Row("4 experts", "update that is merged", None, None, "plan", 0.999, 0.001, None, "")


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        (Target(("jobs", "^rule$"), at_least=0.4, at_most=0.6), Verdict.REPRODUCED),
        (Target(("rule",), at_least=0.6, at_most=0.8, better="less"), Verdict.BETTER),
        (Target(("rule",), at_least=0.6, at_most=0.8), Verdict.NOT_REPRODUCED),
        (Target(("rule",), at_least=0.6, at_most=0.8, better="more"), Verdict.NOT_REPRODUCED),
        (Target(("rule",), at_least=0.1, at_most=0.4, better="more"), Verdict.BETTER),
        (Target(("rule",), of="value", at_most=10), Verdict.REPRODUCED),
        (Target(("rule",), of="gap", at_most=0.05), Verdict.NOT_REPRODUCED),
        (Target(("another",), at_most=1), Verdict.NOT_REPRODUCED),
    ],
)
def test_a_row_is_held_against_its_target(target: Target, verdict: Verdict) -> None:
    assert judge([target], [ROW]).verdict is verdict


def test_every_target_counts_and_the_first_row_stands_for_the_system() -> None:
    worse = replace(ROW, method="worse rule", value=30.0)
    half = Target(("^rule$",), at_most=0.5)
    both = Target(("rule",), at_most=1, otherwise="lots are few")
    found = judge([half, both], [ROW, worse])
    assert found.verdict is Verdict.NOT_REPRODUCED
    assert found.row == worse
    assert "worse rule over by lot: 1.5, wanted at most 1; lots are few" in found.why
    beaten = Target(("rule",), of="value", at_least=40, better="less")
    found = judge([half, beaten], [ROW, worse])
    assert (found.verdict, found.row) == (Verdict.BETTER, ROW)
    unbounded = judge([Target(("rule",), of="gap", at_most=1)], [replace(ROW, gap=None)])
    assert unbounded.verdict is Verdict.NOT_REPRODUCED


def test_every_scenario_says_what_counts_as_reproduced() -> None:
    for name in SCENARIOS:
        about = scenario(name)
        assert about.problem
        assert about.targets
        for target in about.targets:
            assert (target.at_least, target.at_most) != (None, None)


def test_runs_by_themselves_return_rows_or_are_stopped() -> None:
    """The budgets are far off and long spent: no machine is as slow or as fast."""
    found = run_alone(Task("spray", 1e6, None))
    assert found.outcome is Outcome.RAN
    assert list(found.rows) == scenario("spray").run(Run(1e6))
    assert found.judgement.verdict in (Verdict.REPRODUCED, Verdict.BETTER)
    late = run_alone(Task("spray", 1e-3, None))
    assert (late.outcome, late.reason) == (Outcome.STOPPED, "stopped at its budget of 0.001 s")


def test_the_budget_of_a_run_stands_still_while_kernels_are_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiling, now = tmp_path / "compiling", [0.0]

    class Process:
        """Loads for a second, compiles for seven, and searches without an end."""

        def communicate(self, timeout: float) -> tuple[bytes, bytes]:
            now[0] += 1.0
            if now[0] == 1.0:
                compiling.touch()
            if now[0] == 8.0:
                compiling.unlink()
            raise subprocess.TimeoutExpired("scenario", timeout)

    process: Any = Process()
    monkeypatch.setattr(alone, "time", SimpleNamespace(monotonic=lambda: now[0]))
    found = alone._watched(Task("fsmoe", 4.0, None), process, compiling)
    assert (found.outcome, found.seconds, now[0]) == (Outcome.STOPPED, 4.0, 11.0)


def test_runs_without_their_data_say_which() -> None:
    wanting = run_alone(Task("turn-budget", 1e6, None))
    assert wanting.outcome is Outcome.NEEDS_DATA
    assert "agent_swebench/llm_calls.csv" in str(wanting.reason)
    assert wanting.judgement.verdict is Verdict.NEEDS_DATA


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("raise ValueError('no such thing')", "ValueError: no such thing"),
    ],
)
def test_crashes_are_rows(monkeypatch: pytest.MonkeyPatch, ends: str, reason: str) -> None:
    monkeypatch.setattr(alone, "_arguments", lambda *_: [sys.executable, "-c", ends])
    found = run_alone(Task("mergepipe", 60.0, None))
    assert (found.outcome, found.reason) == (Outcome.FAILED, reason)
    assert found.judgement.verdict is Verdict.NOT_REPRODUCED
    assert found.record()["why"] == reason


def entries(*names: str) -> tuple[Entry, ...]:
    return tuple(Entry(name, Outcome.RAN, 1.5, (MERGED, KEPT)) for name in names)


def test_atlases_come_back_and_only_what_is_missing_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def fake(task: Task) -> Entry:
        ran.append(task.name)
        if task.name == "smtt":
            return Entry("smtt", Outcome.NEEDS_DATA, 0.1, reason="the data set's smtt/x")
        if task.name == "eplb" and len(ran) == 3:
            raise KeyboardInterrupt
        return Entry(task.name, Outcome.RAN, 1.0, (MERGED, KEPT))

    monkeypatch.setattr(run, "run_alone", fake)
    names = ["mergepipe", "smtt", "eplb"]
    with pytest.raises(StoppedError, match="stopped after 2 of 3 runs") as stop:
        run_atlas(names, 5.0, tmp_path)
    assert [one.name for one in stop.value.done] == ["smtt", "mergepipe"]
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".md", ".html"}
    kept = json.loads((tmp_path / "atlas.json").read_text())
    assert [one["name"] for one in kept["systems"]] == ["smtt", "mergepipe"]
    found = run_atlas(names, 5.0, tmp_path)
    assert ran == ["mergepipe", "smtt", "eplb", "smtt", "eplb"]
    assert [one.name for one in found.entries] == ["smtt", "eplb", "mergepipe"]
    assert [one.outcome for one in found.entries].count(Outcome.NEEDS_DATA) == 1
    assert run_atlas(names, 6.0, tmp_path).budget_seconds == 6.0
    assert len(ran) == 8


def test_atlases_in_all_three_forms(tmp_path: Path) -> None:
    late = Entry("eplb", Outcome.STOPPED, 9.0, reason="stopped at its budget of 9 s")
    atlas = Atlas((*entries("mergepipe"), late), 9.0, len(SCENARIOS))
    write_atlas(atlas, tmp_path)
    record = json.loads((tmp_path / "atlas.json").read_text())
    assert record == stamped("atlas", atlas.record())
    assert record["command"] == "scheduling reproduce --all --budget 9s"
    assert record["verdicts"]["reproduced"] == 1
    assert row_of(record["systems"][0]["figure"]) == MERGED
    assert read_entries(tmp_path / "atlas.json", 9.0) == list(entries("mergepipe"))
    text = render_markdown(record)
    assert "read all blocks: 70" in text
    assert "(0.429 of it)" in text
    assert "**not reproduced**: stopped at its budget" in text
    assert len({line.count(" | ") for line in text.splitlines() if line.startswith("| ")}) == 1
    (section,) = read_results([str(tmp_path / "atlas.json")])
    assert section.command == record["command"]
    assert [len(table.rows) for table in section.tables] == [2, 2]
    assert "1 reproduced, 1 not reproduced" in section.answer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"kind": "schedule"}', "expected an atlas"),
        ("[1]", "expected an atlas"),
        ('{"kind": "atlas", "budget', "expected valid JSON"),
        ('{"schema": "scheduling/atlas/99", "kind": "atlas"}', "which this release reads"),
        ('{"kind": "atlas"}', "an atlas without 'version'"),
    ],
)
def test_files_that_are_no_atlas_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    ran: list[Task] = []
    monkeypatch.setattr(run, "run_alone", ran.append)
    (tmp_path / "atlas.json").write_text(text)
    with pytest.raises(InputError, match=words):
        run_atlas(["mergepipe"], 5.0, tmp_path)
    assert (ran, (tmp_path / "atlas.json").read_text()) == ([], text)


@pytest.mark.parametrize("key", ["version", "python"])
def test_runs_of_other_versions_are_repeated(tmp_path: Path, key: str) -> None:
    write_atlas(Atlas(entries("mergepipe"), 9.0, 1), tmp_path)
    file = tmp_path / "atlas.json"
    assert len(read_entries(file, 9.0)) == 1
    file.write_text(json.dumps({**json.loads(file.read_text()), key: "0.0.1"}))
    assert read_entries(file, 9.0) == []


def test_entries_of_another_shape_are_refused(tmp_path: Path) -> None:
    write_atlas(Atlas(entries("mergepipe"), 9.0, 1), tmp_path)
    file = tmp_path / "atlas.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "systems": ["mergepipe"]}))
    with pytest.raises(InputError, match="remove it to begin anew"):
        read_entries(file, 9.0)


def test_folders_that_cannot_be_written_are_refused_before_any_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Task] = []
    monkeypatch.setattr(run, "run_alone", ran.append)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a folder that can be written"):
        run_atlas(["mergepipe"], 5.0, tmp_path / "file")
    assert ran == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--all", "smtt"), "names of scenarios"),
        (("smtt", "--budget", "soon"), "a positive time such as 60s"),
        (("smtt", "--budget", "9s", "--jobs", "0"), "jobs"),
        (("smtt", "--budget", "9s", "--time-limit", "3"), "--budget for a table"),
        (("none", "--budget", "9s"), "expected one of"),
    ],
)
def test_usage_that_makes_no_sense(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    found = cli("reproduce", *arguments)
    assert found.code == 2
    assert words in found.err


def test_the_table_on_the_command_line(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(task: Task) -> Entry:
        if task.name == "opflow":
            return Entry("opflow", Outcome.FAILED, 1.0, reason="ended by signal 9")
        return Entry(task.name, Outcome.RAN, 1.0, (MERGED, KEPT))

    monkeypatch.setattr(run, "run_alone", fake)
    found = cli("reproduce", "mergepipe", "--budget", "2m", "--json")
    assert found.code == 0
    assert json.loads(found.out)["budget_seconds"] == 120.0
    found = cli("reproduce", "mergepipe", "opflow", "--budget", "9", "--output", tmp_path)
    assert found.code == 1
    assert "[2/2] opflow: not reproduced, 1.0 s; ended by signal 9" in found.err
    assert "2 of 2 published systems" in found.out


def test_stopped_tables_show_what_is_done(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(task: Task) -> Entry:
        if task.name == "opflow":
            raise KeyboardInterrupt
        return Entry(task.name, Outcome.RAN, 1.0, (MERGED,))

    monkeypatch.setattr(run, "run_alone", fake)
    found = cli("reproduce", "mergepipe", "opflow", "--budget", "9s")
    assert found.code == 130
    assert "stopped after 1 of 2 runs" in found.err
    assert "1 of 2 published systems" in found.out
