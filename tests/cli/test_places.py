"""Files and folders that cannot be written: refused before what is to stand there is searched."""

from __future__ import annotations

from pathlib import Path

import pytest

import scheduling as sch
from tests.cli.conftest import Cli


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the long runs that have begun; none of them is carried out."""
    begun: list[str] = []

    def begin(name: str) -> None:
        begun.append(name)
        raise AssertionError(name)

    for name in ("solve", "pareto", "plan"):
        monkeypatch.setattr(sch, name, lambda *_, name=name, **__: begin(name))
    monkeypatch.setattr("scheduling.bench.run.run_plan", lambda *_, **__: begin("bench"))
    monkeypatch.setattr(
        "scheduling.scenarios.atlas.run.run_atlas", lambda *_, **__: begin("reproduce")
    )
    monkeypatch.setattr(
        "scheduling.instances.generators.generate", lambda *_, **__: begin("generate")
    )
    return begun


@pytest.mark.parametrize(
    "words",
    [
        ("solve", "bundled:workshop", "--output"),
        ("solve", "bundled:workshop", "--gantt"),
        ("pods", "bundled:gpu-cluster", "--output"),
        ("pods", "bundled:gpu-cluster", "--problem"),
        ("pods", "bundled:gpu-cluster", "--commands"),
        ("plan", "bundled:chat-fleet", "--output"),
        ("plan", "bundled:chat-fleet", "--emit", "vllm", "--output"),
        ("bench", "bundled", "--output"),
        ("bench", "bundled", "--baseline"),
        ("reproduce", "--all", "--output"),
        ("generate", "job-shop", "--output"),
        ("convert", "bundled:ft06"),
        ("report", "none.json", "--output"),
    ],
)
def test_places_below_files_are_refused_first(
    cli: Cli, tmp_path: Path, searches: list[str], words: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "below" / "answer.html"
    call = cli(*words, place)
    assert (call.code, call.out) == (2, "")
    assert str(place) in call.err
    assert not searches


def test_a_run_that_is_refused_leaves_no_folder(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "plan"
    assert cli("plan", tmp_path / "none.yaml", "--output", folder).code == 2
    assert not (tmp_path / "deep").exists()


def test_problems_without_a_format_are_refused_first(
    cli: Cli, tmp_path: Path, searches: list[str]
) -> None:
    call = cli("pods", "bundled:gpu-cluster", "--problem", tmp_path / "problem.jpg")
    assert (call.code, call.out) == (2, "")
    assert "problem.jpg" in call.err
    assert not searches


@pytest.mark.parametrize("option", [("--emit", "vllm", "--output"), ("--output",)])
def test_fronts_are_no_plans_to_write(cli: Cli, tmp_path: Path, option: tuple[str, ...]) -> None:
    words = ("plan", "bundled:chat-fleet", "--pareto", "cost", "gpus", *option, tmp_path / "out")
    call = cli(*words)
    assert call.code == 2
    assert option[0] in call.err
