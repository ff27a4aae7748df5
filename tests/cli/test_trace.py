"""The verb ``trace``: facts, fits and draws of requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduling.instances.requests.reading import read_requests
from scheduling.instances.requests.workloads import read_workload
from tests.cli.conftest import Cli

TRACE = """arrival_s,prompt_tokens,output_tokens,class,cached_tokens
0,100,5,chat,50
1,200,15,chat,0
2,-3,5,chat,0
4,300,25,chat,0
61,1000,3,code,0
64,1000,3,code,250
66,1000,3,code,0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "requests.csv"
    path.write_text(TRACE, encoding="utf-8")
    return path


def test_facts_of_each_class_and_of_all(cli: Cli, file: Path) -> None:
    call = cli("trace", file, "--json")
    assert call.code == 0
    chat, code, everything = call.json["classes"]
    assert (chat["name"], chat["requests"], chat["rate"], chat["peak"]) == ("chat", 3, 0.5, None)
    assert chat["gap_cv"] == pytest.approx(0.5)
    assert chat["prompt"]["percentiles"]["50"] == 200
    assert (chat["output"]["mean"], chat["output"]["longest"]) == (15, 25)
    assert chat["cached_share"] == pytest.approx(50 / 600)
    assert (code["rate"], code["cached_share"]) == (pytest.approx(2 / 5), 250 / 3000)
    assert (everything["name"], everything["requests"], everything["peak"]) == (None, 6, 3)
    assert "1 of 7 rows are broken" in call.json["notes"][0]
    people = cli("trace", file)
    assert "(all)" in people.out
    assert "cv of gaps" in people.out
    assert "broken" in people.err


def test_some_of_the_requests(cli: Cli, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "some.jsonl"
    call = cli("trace", file, "--seconds", "4", "--output", out, "--json")
    assert [entry["requests"] for entry in call.json["classes"]] == [2]
    assert read_requests(out).table.prompt_tokens.tolist() == [100, 200]
    assert cli("trace", file, "--requests", "1", "--json").json["classes"][0]["rate"] is None
    refused = cli("trace", file, "--strict", "--output", tmp_path / "none.csv")
    assert refused.code == 2
    assert "line 4" in refused.err
    assert not (tmp_path / "none.csv").exists()


def test_a_fit_is_told_and_drawn_from(cli: Cli, file: Path, tmp_path: Path) -> None:
    path, drawn = tmp_path / "workload.yaml", tmp_path / "drawn.csv"
    call = cli("trace", file, "--fit", path, "--json")
    assert call.code == 0
    taken = {(e["name"], e["of"]): e["law"] for e in call.json["distances"] if e["taken"]}
    assert taken["code", "prompt"] == "fixed"
    assert len(taken) == 6
    workload = read_workload(path)
    assert workload.model_dump(mode="json") == call.json["workload"]
    again = cli("trace", path, "--requests", "40", "--seed", "3", "--output", drawn)
    assert again.code == 0
    table = read_requests(drawn).table
    assert len(table) == 40
    assert set(table.demands) == {"chat", "code"}
    assert "taken" in cli("trace", file, "--fit", path).out


def test_what_is_refused(cli: Cli, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "workload.yaml"
    path.write_text("kind: workload\nclasses:\n- arrivals: {kind: poisson, rate: -1}\n")
    call = cli("trace", path, "--requests", "5")
    assert call.code == 2
    assert "line 3, classes[0].arrivals" in call.err
    assert cli("trace", file, "--seconds", "0").code == 2
    assert cli("trace", file, "--output", tmp_path / "requests.txt").code == 2
    assert cli("trace", tmp_path / "missing.csv").code == 2
