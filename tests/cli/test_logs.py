"""Logs of verbs: levels, one JSON object a line, and nothing else beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduling.cli import logs
from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    logs.configure(None, None)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.txt"
    path.write_text("2 2\n0 3 1 2\n1 4 0 1\n", encoding="utf-8")
    return path


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_is_alone_on_standard_error(cli: Cli, shop: Path, tmp_path: Path) -> None:
    output = tmp_path / "answer.json"
    call = cli(
        "--log-format", "json", "solve", shop, "--solver", "dispatch:LPT", "--output", output
    )
    solved, written = records(call.err)
    assert (solved["level"], solved["logger"]) == ("info", "scheduling.solvers.driver")
    assert (solved["message"], solved["status"], solved["objective"]) == ("solved", "optimal", 6)
    assert written["message"] == f"solution: {output}"
    assert "makespan" in call.out


def test_errors_are_records_too(cli: Cli) -> None:
    call = cli("--log-format", "json", "solve", "nowhere.fjs")
    assert call.code == 2
    (error,) = records(call.err)
    assert error["level"] == "error"
    assert "nowhere.fjs" in error["message"]


@pytest.mark.parametrize("words", [["--time", "3"], ["--seed", "x"], ["one", "more"]])
def test_wrong_calls_are_records_too(cli: Cli, words: list[str]) -> None:
    call = cli("--log-format", "json", "solve", "bundled:ft06", *words)
    assert call.code == 2
    (error,) = records(call.err)
    assert error["level"] == "error"
    assert error["message"].startswith("scheduling solve: ")
    assert cli("solve", "bundled:ft06", *words).err.startswith("Usage: scheduling solve")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["slove"], "No such command 'slove'"),
        (["--log-lvl", "info", "info"], "No such option: --log-lvl"),
    ],
)
@pytest.mark.parametrize("asked", ["option", "=", "environment", "file"])
def test_wrong_calls_without_a_verb_are_records_too(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    told: str,
    asked: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if asked == "environment":
        monkeypatch.setenv("SCHEDULING_LOG_FORMAT", "json")
    if asked == "file":
        Path("scheduling.toml").write_text('log-format = "json"\n', encoding="utf-8")
    options = {"option": ["--log-format", "json"], "=": ["--log-format=json"]}.get(asked, [])
    call = cli(*options, *words)
    assert call.code == 2
    (error,) = records(call.err)
    assert error["level"] == "error"
    assert error["message"].startswith(f"scheduling: {told}")


def test_wrong_calls_are_text_where_nothing_asks_for_records(cli: Cli) -> None:
    assert "No such command 'slove'" in cli("slove").err.splitlines()[-1]
    assert cli("--log-format", "xml", "slove").err.startswith("Usage: ")


def test_level_chooses(cli: Cli, shop: Path) -> None:
    verb = ("solve", shop, "--solver", "dispatch:LPT", "--json")
    assert cli(*verb).err == ""
    assert cli("--log-level", "warning", *verb).err == ""
    assert cli("--log-level", "info", *verb).err.startswith("info: solved kind=schedule")
    assert "debug: solving" in cli("--log-level", "debug", *verb).err


def test_environment_and_file_choose_too(
    cli: Cli, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    (shop.parent / "scheduling.toml").write_text('log-level = "info"\n', encoding="utf-8")
    monkeypatch.setenv("SCHEDULING_LOG_FORMAT", "json")
    call = cli("solve", shop, "--solver", "dispatch:LPT", "--json")
    assert records(call.err)[0]["message"] == "solved"
    assert cli("--log-level", "error", "solve", shop, "--solver", "dispatch:LPT").err == ""


@pytest.mark.parametrize(
    "options", [("--log-level", "inof"), ("--log-format", "xml"), ("--log-level", "INFO")]
)
def test_unknown_level_or_format_is_refused(cli: Cli, options: tuple[str, str]) -> None:
    call = cli(*options, "info", "bundled:ft06")
    assert call.code == 2
    assert f"{options[0]}: found '{options[1]}', expected one of: " in call.err


def test_trace_and_fields_stay_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug", "json")
    try:
        raise ValueError("no\nway")
    except ValueError:
        logging.getLogger("scheduling.x").exception("failed", extra={"pod": Path("a/b")})
    (entry,) = records(capsys.readouterr().err)
    assert entry["pod"] == "a/b"
    assert "ValueError: no\nway" in entry["trace"]
