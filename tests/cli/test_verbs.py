"""Every verb: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

SHOP = "2 2\n0 3 1 2\n1 4 0 1\n"
IMPOSSIBLE = """
kind: schedule
jobs:
  - id: rush
    deadline: 4
    chain: true
    tasks:
      - {id: cut, modes: [{duration: 3}]}
      - {id: weld, modes: [{duration: 2}]}
"""
VERBS = ["solve", "check", "explain", "info", "convert", "schema", "generate", "bench"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.txt"
    path.write_text(SHOP, encoding="utf-8")
    return path


@pytest.fixture
def impossible(tmp_path: Path) -> Path:
    path = tmp_path / "impossible.yaml"
    path.write_text(IMPOSSIBLE, encoding="utf-8")
    return path


def test_solve_prints_table_and_writes_files(cli: Cli, shop: Path, tmp_path: Path) -> None:
    answer, chart = tmp_path / "best.json", tmp_path / "best.svg"
    call = cli("solve", shop, "--time-limit", 1e6, "--output", answer, "--gantt", chart)
    assert call.code == 0
    assert "makespan" in call.out
    assert "optimal: proven best possible" in call.out
    assert json.loads(answer.read_text())["objective"] == 6
    assert "<svg" in chart.read_text()
    assert cli("check", shop, answer).out == "valid\n"


def test_solutions_of_another_kind_are_named_with_their_file(
    cli: Cli, shop: Path, tmp_path: Path
) -> None:
    other, output = tmp_path / "other.json", tmp_path / "best.json"
    other.write_text('{"kind": "ring", "status": "unknown"}', encoding="utf-8")
    for words in (["check", shop, other], ["solve", shop, "--hint", other, "--output", output]):
        call = cli(*words)
        assert (call.code, call.out) == (2, "")
        assert call.err.startswith(f"error: {other}: ")
        assert "expected" in call.err
    assert not output.exists()


def test_solve_json_is_alone_on_stdout(cli: Cli, shop: Path) -> None:
    call = cli("solve", shop, "--json", "--solver", "cp-sat")
    assert call.json["status"] == "optimal"
    assert call.json["objective"] == call.json["bound"] == 6
    assert call.err == ""


def test_work_limit_makes_runs_repeatable(cli: Cli, shop: Path) -> None:
    options = ("--json", "--work-limit", 1, "--workers", 1, "--seed", 3)
    first, second = (cli("solve", shop, *options).json for _ in range(2))
    for answer in (first, second):
        del answer["seconds"], answer["history"]
    assert first == second


def test_hint_is_read(cli: Cli, shop: Path, tmp_path: Path) -> None:
    answer = tmp_path / "a.json"
    cli("solve", shop, "--solver", "dispatch:LPT", "--output", answer)
    assert cli("solve", shop, "--hint", answer).code == 0


def test_infeasible_is_3_and_explained(cli: Cli, impossible: Path) -> None:
    assert cli("solve", impossible).code == 3
    call = cli("explain", impossible, "--json")
    assert call.code == 3
    assert call.json["is_minimal"]
    kinds = {label["kind"] for label in call.json["conflict"]}
    assert "deadline" in kinds
    text = cli("explain", impossible)
    assert "cannot hold together" in text.out
    assert "'rush'" in text.out


def test_nothing_found_is_4(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        IMPOSSIBLE.replace("deadline: 4", "deadline: 5").replace(
            "kind: schedule",
            "kind: schedule\nprecedences:\n  - {before: cut, after: weld, max_lag: 0}",
        ),
        encoding="utf-8",
    )
    call = cli("solve", path, "--solver", "lns", "--work-limit", "1e-9", "--workers", 1)
    assert call.code in (0, 4)
    assert cli("explain", path).code == 0


def test_check_finds_violations(cli: Cli, shop: Path, tmp_path: Path) -> None:
    answer = tmp_path / "best.json"
    cli("solve", shop, "--output", answer)
    data = json.loads(answer.read_text())
    data["tasks"][0]["start"] += 1
    answer.write_text(json.dumps(data))
    call = cli("check", shop, answer)
    assert call.code == 1
    assert "duration" in call.out
    machine = cli("check", shop, answer, "--json")
    assert machine.code == 1
    assert not machine.json["valid"]


@pytest.mark.parametrize(
    "words",
    [
        ["solve", "--output"],
        ["solve", "--gantt"],
        ["solve", "--export-model"],
        ["pareto", "--output"],
        ["pareto", "--chart"],
        ["simulate", "--output"],
        ["simulate", "--times"],
        ["simulate", "--viewer"],
        ["simulate", "--plot"],
        ["bench", "--output"],
        ["bench", "--profile"],
        ["plan", "--plot"],
        ["pods", "--output"],
        ["pods", "--problem"],
        ["pods", "--commands"],
        ["trace", "--fit"],
        ["trace", "--output"],
        ["profile", "--output"],
    ],
)
def test_places_that_cannot_be_written_are_refused_before_anything_is_read(
    cli: Cli, tmp_path: Path, words: list[str]
) -> None:
    """What was searched for would be lost behind the search."""
    verb, option = words
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = {
        tmp_path / "none" / "a.svg": "no such file or directory",
        tmp_path / "file" / "a.svg": "not a directory",
        tmp_path: "is a directory",
    }
    for place, reason in found.items():
        call = cli(verb, tmp_path / "missing.yaml", option, place)
        assert (call.code, call.out) == (2, "")
        wanted = f"{place}: file: found {reason}, expected a file that can be written"
        assert call.err == f"error: {wanted}\n"


def test_a_file_without_a_solution_is_not_called_a_valid_one(
    cli: Cli, shop: Path, tmp_path: Path
) -> None:
    answer, page = tmp_path / "answer.json", tmp_path / "page.html"
    answer.write_text('{"kind": "schedule", "status": "unknown"}', encoding="utf-8")
    call = cli("check", shop, answer)
    assert (call.code, call.out) == (0, "valid, but without a solution (unknown)\n")
    assert cli("report", shop, answer, "-o", page).code == 0
    assert "found nothing wrong" not in page.read_text(encoding="utf-8")


def test_info(cli: Cli, shop: Path) -> None:
    call = cli("info", shop, "--json")
    assert call.json["tasks"] == 4
    assert call.json["machines"] == 2
    assert "cp-sat" in call.json["solvers"]
    assert "horizon" in cli("info", shop).out


def test_convert_round_trip(cli: Cli, shop: Path, tmp_path: Path) -> None:
    own, back = tmp_path / "own.yaml", tmp_path / "back.txt"
    assert cli("convert", shop, own).code == 0
    assert cli("convert", own, back, "--to", "jsplib").code == 0
    assert back.read_text().split() == SHOP.split()


def test_convert_refuses_what_a_format_cannot_hold(
    cli: Cli, impossible: Path, tmp_path: Path
) -> None:
    target = tmp_path / "x.txt"
    call = cli("convert", impossible, target, "--to", "jsplib")
    assert call.code == 2
    assert not target.exists()


def test_generate_and_list(cli: Cli, tmp_path: Path) -> None:
    assert "job-shop" in cli("generate").out
    target = tmp_path / "g.yaml"
    assert cli("generate", "job-shop", "-p", "jobs=3", "-p", "machines=2", "-o", target).code == 0
    assert cli("solve", target, "--json").json["status"] == "optimal"
    assert cli("generate", "job-shop", "-p", "jobs").code == 2
    assert cli("generate", "nonsense").code == 2


def test_schemas(cli: Cli) -> None:
    assert "jobs" in cli("schema", "schedule").json["properties"]
    assert "tasks" in cli("schema", "schedule", "--solution").json["properties"]
    assert cli("schema", "nonsense").code == 2


def test_export_model(cli: Cli, shop: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.pbtxt"
    assert cli("solve", shop, "--export-model", model).code == 0
    assert "variables" in model.read_text()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.txt", b""),
        ("binary.txt", bytes(range(256))),
        ("short.txt", b"2 2\n0 3 1\n"),
        (
            "nan.yaml",
            b"kind: schedule\njobs: [{id: a, tasks: [{id: t, modes: [{duration: .nan}]}]}]",
        ),
        ("list.json", b"[1, 2]"),
        ("cut.json", b'{"kind": "schedule", "jobs": ['),
        ("nothing.xyz", b"hello"),
    ],
)
def test_bad_files_are_one_message_and_exit_2(
    cli: Cli, tmp_path: Path, name: str, content: bytes
) -> None:
    path, out = tmp_path / name, tmp_path / "out.json"
    path.write_bytes(content)
    for verb in (("solve", path, "--output", out), ("info", path), ("explain", path)):
        call = cli(*verb)
        assert call.code == 2
        assert call.err.startswith("error: ")
        assert name in call.err
    assert not out.exists()


def test_missing_file_and_bad_options(cli: Cli, shop: Path, tmp_path: Path) -> None:
    assert cli("solve", tmp_path / "none.txt").code == 2
    assert cli("solve", shop, "--time-limit", -1).code == 2
    assert cli("solve", shop, "--solver", "magic").code == 2
    assert cli("solve", shop, "--gantt", "chart.pdf").code == 2
    assert cli("solve", shop, "--nonsense").code == 2
    assert cli("check", shop, shop).code == 2


def test_what_cannot_be_drawn_or_exported_is_refused_before_any_search(
    cli: Cli, tmp_path: Path
) -> None:
    cluster, layer = tmp_path / "cluster.yaml", tmp_path / "layer.yaml"
    chart = tmp_path / "chart.svg"
    assert cli("generate", "cluster", "--output", cluster).code == 0
    assert cli("generate", "expert-layer", "--output", layer).code == 0
    drawn = cli("solve", cluster, "--gantt", chart)
    assert (drawn.code, "no chart of problems of kind 'placement'" in drawn.err) == (2, True)
    assert cli("solve", layer, "--export-model", tmp_path / "model.mps").code == 2
    assert not chart.exists()


def test_memory_is_drawn_and_explained(cli: Cli, tmp_path: Path) -> None:
    file, chart = tmp_path / "toy.5.csv", tmp_path / "chart.svg"
    file.write_text("id,lower,upper,size\na,0,4,3\nb,2,6,2\n")
    assert cli("solve", file, "--gantt", chart).code == 0
    assert chart.read_bytes().startswith(b"<?xml")
    tight = file.rename(tmp_path / "toy.4.csv")
    assert cli("solve", tight).code == 3
    assert "there are 4 bytes" in cli("explain", tight).out


def test_module_runs_as_a_command(shop: Path) -> None:
    command = [sys.executable, "-m", "scheduling", "solve", "-", "--json"]
    done = subprocess.run(command, input=SHOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["objective"] == 6


def test_every_verb_speaks_json(cli: Cli, shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.yaml"
    assert cli("convert", shop, target, "--json").json["written"] == str(target)
    listed = cli("generate", "--json").json["records"]
    assert any(entry["name"] == "job-shop" for entry in listed)
    assert cli("generate", "job-shop", "--json").json["kind"] == "schedule"
    assert "properties" in cli("schema", "schedule", "--json").json
