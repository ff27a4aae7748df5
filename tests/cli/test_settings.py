"""Defaults from files and the environment: which one counts, and faults with their places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from scheduling.cli import app, doctor, settings
from scheduling.cli.settable import settable
from tests.cli.conftest import Cli

SHOP = "2 2\n0 3 1 2\n1 4 0 1\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the current one, with a shop in it."""
    work = tmp_path / "work" / "deep"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    (work / "shop.txt").write_text(SHOP, encoding="utf-8")
    return work


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def settings_of(cli: Cli, verb: str) -> dict[str, tuple[object, str]]:
    call = cli("config", verb, "--json")
    assert call.code == 0, call.err
    return {row["option"]: (row["value"], row["source"]) for row in call.json["settings"]}


def test_file_sets_the_solver_of_a_run_and_the_command_line_another(cli: Cli, folder: Path) -> None:
    write(folder / "scheduling.toml", '[solve]\nsolver = "dispatch:LPT"\n')
    assert cli("solve", "shop.txt", "--json").json["solver"] == "dispatch LPT"
    call = cli("solve", "shop.txt", "--json", "--solver", "dispatch:SPT")
    assert call.json["solver"] == "dispatch SPT"


def test_each_place_counts_before_the_next(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_of(cli, "bench")["time-limit"] == (10.0, "default")
    home = folder.parents[1] / "home"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    user = write(home / "scheduling/scheduling.toml", "time-limit = 1\nseed = 7\nworkers = 3\n")
    assert settings_of(cli, "bench")["time-limit"] == (1, "file")
    above = write(folder.parent / "pyproject.toml", "[tool.scheduling]\ntime-limit = 2\n")
    assert settings_of(cli, "bench")["time-limit"] == (2, "file")
    own = write(above.with_name("scheduling.toml"), "time-limit = 3\n[bench]\ntime-limit = 4\n")
    assert settings_of(cli, "bench")["time-limit"] == (4, "file")
    assert settings_of(cli, "solve")["time-limit"] == (3, "file")
    monkeypatch.setenv("SCHEDULING_TIME_LIMIT", "5.5")
    found = settings_of(cli, "bench")
    assert found["time-limit"] == (5.5, "environment")
    assert found["workers"] == (3, "file")
    assert cli("config", "--json").json["files"] == [str(own), str(user)]
    shown = cli("config", "bench").out
    assert "SCHEDULING_TIME_LIMIT" in shown
    assert "workers" in shown


def test_pyproject_without_a_table_is_passed_by(cli: Cli, folder: Path) -> None:
    write(folder / "pyproject.toml", "[tool.ruff]\n")
    write(folder.parent / "scheduling.toml", "seed = 3\n")
    assert settings_of(cli, "solve")["seed"] == (3, "file")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time-limt = 3\n", "(did you mean 'time-limit'?)"),
        ("time_limit = 3\n", "(did you mean 'time-limit'?)"),
        ('workers = "4"\n', "workers: found '4', expected a whole number"),
        ("seed = 1.5\n", "seed: found 1.5, expected a whole number"),
        ("seed = true\n", "seed: found True, expected a whole number"),
        ("[slove]\n", "(did you mean 'solve'?)"),
        ('[solve]\noutput = "x"\n', "solve.output: found no such setting"),
        ("[solve]\nsolver = 3\n", "solve.solver: found 3, expected a text"),
        ('[solve]\nseed = "4"\n', "solve.seed: found '4', expected a number, without quotes"),
        ("[solve]\nseed = -1\n", "solve.seed: found -1, expected a value of --seed"),
        ('[simulate]\npolicy = "SPT"\n', "simulate.policy: found 'SPT', expected a list"),
        ("[solve]\nseed = [1]\n", "solve.seed: found [1], expected one value, no list"),
        ("a b\n", "line 1"),
    ],
)
def test_faults_are_named_with_file_and_place(cli: Cli, folder: Path, text: str, told: str) -> None:
    path = write(folder / "scheduling.toml", text)
    verb = "simulate" if "[simulate]" in text else "solve"
    for call in (cli("config"), cli(verb, "shop.txt")):
        assert call.code == 2
        assert f"error: {path}: " in call.err
        assert told in call.err


def test_file_that_is_no_text_is_told(cli: Cli, folder: Path) -> None:
    (folder / "scheduling.toml").write_bytes(b"\xff\xfe")
    call = cli("solve", "shop.txt")
    assert call.code == 2
    assert "found no UTF-8 text" in call.err


def test_faults_of_pyproject_and_of_variables_are_named_too(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "pyproject.toml", "[tool.scheduling.solve]\nsed = 3\n")
    assert f"{path}: tool.scheduling.solve.sed: found no such" in cli("solve", "shop.txt").err
    path.unlink()
    monkeypatch.setenv("SCHEDULING_WORKER", "3")
    monkeypatch.setenv("SCHEDULING_SEED", "x")
    call = cli("solve", "shop.txt")
    assert call.code == 2
    assert "(did you mean 'SCHEDULING_WORKERS'?)" in call.err
    assert "SCHEDULING_SEED: found 'x', expected a whole number" in call.err


def test_what_kubernetes_tells_of_services_is_no_setting(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULING_EXTENDER_PORT", "tcp://10.0.0.1:8888")
    monkeypatch.setenv("SCHEDULING_EXTENDER_PORT_8888_TCP_ADDR", "10.0.0.1")
    monkeypatch.setenv("SCHEDULING_EXTENDER_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("SCHEDULING_DATA", "/data")
    assert cli("config").code == 0
    found = settings_of(cli, "extender")
    assert found["port"] == (8888, "default")


def test_typed_limit_leaves_no_other_one(cli: Cli, folder: Path) -> None:
    write(folder / "scheduling.toml", "time-limit = -1.0\n")
    assert cli("solve", "shop.txt", "--solver", "dispatch:SPT").code == 2
    for limit in (("--work-limit", "5"), ("--time-limit=5",)):
        assert cli("solve", "shop.txt", "--solver", "dispatch:SPT", *limit).code == 0


def test_default_that_means_nothing_is_left_out_and_a_typed_one_refused(
    cli: Cli, folder: Path
) -> None:
    write(folder / "scheduling.toml", 'backend = "loky"\n[simulate]\ncapacity = 0.9\n')
    assert cli("simulate", "shop.txt", "--policy", "SPT", "--json").code == 0
    call = cli("simulate", "shop.txt", "--policy", "SPT", "--capacity", "0.9")
    assert call.code == 2
    assert "--capacity" in call.err
    assert "--backend" not in call.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("workers = -1\n", "workers: found -1, expected a whole number"),
        ('solver = "dispach"\n', "solver: no solver 'dispach' for schedule (did you mean"),
        ('[solve]\nsolver = "nothing"\n', "solve.solver: no solver 'nothing' for schedule"),
        ('log-level = "loud"\n', "log-level: found 'loud', expected one of: debug"),
    ],
)
def test_what_only_the_library_refuses_is_named_with_its_file(
    cli: Cli, folder: Path, text: str, told: str
) -> None:
    path = write(folder / "scheduling.toml", text)
    call = cli("solve", "shop.txt")
    assert (call.code, call.out) == (2, "")
    assert call.err.startswith(f"error: {path}: {told}")


def test_what_the_command_line_says_is_not_blamed_on_files(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "scheduling.toml", 'workers = -1\nsolver = "other"\n')
    call = cli("solve", "shop.txt", "--workers", "-2", "--solver", "dispatch")
    assert call.err.startswith("error: --workers: found -2")
    assert cli("solve", "none.txt").err.startswith("error: none.txt: ")
    monkeypatch.setenv("SCHEDULING_TIME_LIMIT", "-1")
    call = cli("solve", "shop.txt", "--workers", "1", "--solver", "dispatch")
    assert call.err.startswith("error: SCHEDULING_TIME_LIMIT: found -1.0, expected a positive")


def test_lists_are_repeated_options(cli: Cli, folder: Path) -> None:
    write(folder / "scheduling.toml", '[simulate]\npolicy = ["SPT", "LPT"]\n')
    runs = cli("simulate", "shop.txt", "--json").json["runs"]
    assert [run["policy"] for run in runs] == ["SPT", "LPT"]


def test_help_needs_no_settings_and_the_doctor_tells_of_them(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "examine", list)
    path = write(folder / "scheduling.toml", "seed = 3\n")
    (check,) = cli("doctor", "--json").json["checks"]
    assert (check["state"], check["detail"]) == ("ok", str(path))
    write(path, "sed = 3\nseeds = 4\n")
    assert cli("solve", "--help").code == 0
    call = cli("doctor", "--json")
    assert call.code == 1
    assert "sed: found no such setting" in json.loads(call.out)["checks"][0]["detail"]
    assert cli("config", "slove").code == 2


def test_no_option_that_names_a_file_can_be_set() -> None:
    for command in app.app.registered_commands:
        assert command.callback is not None
        hints = get_type_hints(command.callback)
        paths = {name for name, hint in hints.items() if Path in (hint, *get_args(hint))}
        built = settings.verbs_of(_context())[command.name or ""]
        names = {parameter.name for parameter in settable(built).values()}
        assert names & paths == set()


def _context() -> object:
    import typer

    return typer.Context(typer.main.get_command(app.app))
