"""The verb ``pareto``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

TRADE_OFF = """
kind: schedule
name: trade-off
jobs:
  - {id: a, tasks: [{id: a, modes: [{duration: 2, cost: 6}, {duration: 6}]}]}
  - {id: b, tasks: [{id: b, modes: [{duration: 3, cost: 4}, {duration: 7, cost: 1}]}]}
objective: [makespan, cost]
"""


@pytest.fixture
def trade_off(tmp_path: Path) -> Path:
    path = tmp_path / "trade-off.yaml"
    path.write_text(TRADE_OFF, encoding="utf-8")
    return path


def test_table_files_and_check(cli: Cli, trade_off: Path, tmp_path: Path) -> None:
    answer, chart = tmp_path / "front.json", tmp_path / "front.svg"
    call = cli("pareto", trade_off, "--output", answer, "--chart", chart, "--solver", "cp-sat")
    assert call.code == 0
    assert "3 points, hypervolume 20, bound 20, gap 0.00 %" in call.out
    assert "complete: no other trade-offs exist" in call.out
    front = json.loads(answer.read_text())
    assert [[t["objective"] for t in p["tiers"]] for p in front["points"]] == [
        [3, 10],
        [6, 4],
        [7, 1],
    ]
    assert "<svg" in chart.read_text()
    assert cli("check", trade_off, answer).out == "valid\n"
    front["points"].pop()
    answer.write_text(json.dumps(front))
    assert cli("check", trade_off, answer).code == 1


def test_json_alone_on_stdout(cli: Cli, trade_off: Path) -> None:
    call = cli("pareto", trade_off, "--json", "--work-limit", 5, "--workers", 1)
    assert call.json["kind"] == "pareto"
    assert call.json["status"] == "optimal"
    assert call.err == ""


def test_charts_of_open_fronts_are_pictures(cli: Cli, trade_off: Path, tmp_path: Path) -> None:
    chart = tmp_path / "front.png"
    call = cli("pareto", trade_off, "--solver", "insertion", "--work-limit", 0.1, "--chart", chart)
    assert call.code == 0
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_bad_use(cli: Cli, trade_off: Path, tmp_path: Path) -> None:
    call = cli("pareto", trade_off, "--chart", "front.pdf")
    assert call.code == 2
    assert "front.pdf" in call.err
    single = tmp_path / "single.yaml"
    single.write_text(TRADE_OFF.replace("[makespan, cost]", "makespan"), encoding="utf-8")
    call = cli("pareto", single)
    assert call.code == 2
    assert "two or more tiers" in call.err
    late = tmp_path / "late.yaml"
    late.write_text(TRADE_OFF.replace("{id: a, tasks", "{id: a, deadline: 1, tasks"))
    assert cli("pareto", late, "--solver", "cp-sat").code == 3
