"""The doctor: engines that work, are missing or are broken, told without a traceback."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from scheduling.cli import doctor, probes
from scheduling.cli.probes import PROBES, Finding, ask
from scheduling.errors import SolverError
from tests.cli.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["cp-sat", "pyomo"])
def test_probe_solves_with_the_engine(name: str) -> None:
    first, *others = PROBES[name]()
    assert (first.name, first.state) == (name, "ok")
    assert first.version is not None
    assert all(one.state == "ok" for one in others)
    if name == "pyomo":
        assert "mip:appsi_highs" in {one.name for one in others}


def test_wrong_optimum_is_a_broken_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(probes, "_BEST", 5)
    monkeypatch.setattr(sys, "argv", ["probes", "cp-sat"])
    probes.main()
    (found,) = json.loads(capsys.readouterr().out)
    assert found["state"] == "broken"
    assert "optimum is 5 gave: optimal, makespan 6" in found["detail"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ModuleNotFoundError("No module named 'ortools'"), "missing"),
        (ImportError("libortools.so: undefined symbol"), "broken"),
        (SolverError("engine 'x' failed"), "broken"),
    ],
)
def test_engine_that_does_not_load_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    state: str,
) -> None:
    def fails() -> list[Finding]:
        raise error

    monkeypatch.setitem(probes.PROBES, "cp-sat", fails)
    monkeypatch.setattr(sys, "argv", ["probes", "cp-sat"])
    probes.main()
    (found,) = json.loads(capsys.readouterr().out)
    assert found["state"] == state
    assert str(error) in found["detail"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("import os; os.abort()", "signal 6"),
        ("import sys; sys.exit('no licence')", "exit code 1: no licence"),
        ("print('hello')", "unexpected answer: hello"),
    ],
)
def test_engine_that_ends_its_process_is_broken(script: str, told: str) -> None:
    (found,) = ask("mip", [sys.executable, "-c", script])
    assert (found.name, found.state) == ("mip", "broken")
    assert told in found.detail


def test_report_covers_every_area_and_all_extras_and_a_missing_engine_harms() -> None:
    def without_numba(name: str) -> list[Finding]:
        return [Finding(name, "missing" if name == "numba" else "ok")]

    checks = doctor.examine(without_numba)
    areas = ["python", "engines", "extras", "machine", "files"]
    assert list(dict.fromkeys(check.area for check in checks)) == areas
    assert [check.name for check in checks if check.harms] == ["numba"]
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared = tomllib.load(file)["project"]["optional-dependencies"]
    assert [extra.name for extra in doctor.EXTRAS] == list(declared)


@pytest.mark.parametrize("state", ["ok", "broken"])
def test_exit_code_says_whether_all_is_well(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, state: probes.State
) -> None:
    checks = [doctor.Check("engines", "cp-sat", state, needed=True, detail="tried")]
    monkeypatch.setattr(doctor, "examine", lambda: checks)
    call = cli("doctor", "--json")
    assert call.code == (state == "broken")
    assert call.json["healthy"] is (state == "ok")
    assert call.json["checks"][0]["detail"] == "tried"
    shown = cli("doctor").out
    assert ("not in order: cp-sat" in shown) is (state == "broken")


def test_unreadable_instance_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr("scheduling.instances.bundled.load", broken)
    check = doctor.examine(lambda name: [Finding(name, "ok")])[-1]
    assert check.harms
    assert "ft06" in check.detail or "more" in check.detail
