"""Completion in shells: what is offered, that it loads next to nothing, and bash's colons."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scheduling.cli import names
from tests.cli.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]


def ask_bash(cli: Cli, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    monkeypatch.setenv("_SCHEDULING_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    call = cli()
    assert call.code == 0
    return call.out.split()


def test_file_of_names_is_up_to_date() -> None:
    written = json.loads(names.FILE.read_text(encoding="utf-8"))
    assert written == names.gather(), "run: python -m scheduling.cli.names"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sol"], "solve"),
        (["solve", "x.fjs", "--sol"], "--solver"),
        (["solve", "x.fjs", "--solver", "cp"], "cp-sat"),
        (["bench", "jsp", "--solvers", "auto,cp"], "auto,cp-sat"),
        (["pods", "x.json", "--solver", "best"], "best-fit"),
        (["convert", "x", "y", "--to", "psp"], "psplib"),
        (["reproduce", "smtt", "tw"], "twill"),
        (["simulate", "x", "--policy", "sara"], "sarathi"),
        (["generate", "job-s"], "job-shop"),
        (["schema", "pla"], "placement"),
        (["plan", "x", "--emit", "vl"], "vllm"),
        (["bench", "jsp", "--backend", "d"], "dask"),
        (["solve", "bun"], "bundled:"),
    ],
)
def test_names_are_completed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str], offered: str
) -> None:
    assert offered in ask_bash(cli, monkeypatch, "scheduling", *words)


def test_bash_gets_only_what_comes_behind_the_colon(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask_bash(cli, monkeypatch, "scheduling", "solve", "bundled", ":", "ft") == ["ft06"]
    offered = ask_bash(cli, monkeypatch, "scheduling", "plan", "bundled", ":")
    assert "chat-fleet" in offered


def test_files_that_begin_like_bundled_are_offered_too(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "buffers.yaml").touch()
    (tmp_path / "bundle").mkdir()
    monkeypatch.chdir(tmp_path)
    offered = ask_bash(cli, monkeypatch, "scheduling", "info", "bu")
    assert sorted(offered) == ["buffers.yaml", "bundle/", "bundled:"]
    assert ask_bash(cli, monkeypatch, "scheduling", "info", "") == []


@pytest.mark.parametrize(
    ("shell", "answer"),
    [("zsh", '"bundled\\\\:ft06":"job shop'), ("fish", "bundled:ft06\tjob shop")],
)
def test_other_shells_take_the_whole_word(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, shell: str, answer: str
) -> None:
    monkeypatch.setenv("_SCHEDULING_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "scheduling solve bundled:ft")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert answer in cli().out


INSTALL = """
import sys
from scheduling.cli import main
for shell in ("bash", "zsh", "fish"):
    sys.argv = ["scheduling", "--install-completion", shell]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code
"""


def test_completion_is_installed_for_each_shell_and_answers_a_real_bash(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    # Which shell runs the tests is nobody's business: each is named.
    env = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    subprocess.run([sys.executable, "-c", INSTALL], check=True, cwd=ROOT, env=env)
    fish = (tmp_path / ".config/fish/completions/scheduling.fish").read_text()
    assert "_SCHEDULING_COMPLETE=complete_fish" in fish
    zsh = (tmp_path / ".zfunc/_scheduling").read_text()
    assert "_SCHEDULING_COMPLETE=complete_zsh" in zsh
    command = tmp_path / "scheduling"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scheduling.cli "$@"\n')
    command.chmod(0o755)
    script = (
        f"PATH={tmp_path}:$PATH; source {tmp_path}/.bash_completions/scheduling.sh\n"
        "COMP_WORDS=(scheduling solve bundled : wor); COMP_CWORD=4\n"
        '_scheduling_completion scheduling; echo "${COMPREPLY[@]}"\n'
    )
    ran = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "workshop" in ran.stdout.split()


def test_completion_loads_no_registry() -> None:
    script = (
        "import sys\n"
        "from scheduling.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(*sorted({'numpy', 'yaml', 'ortools', 'rich'} & set(sys.modules)), file=sys.stderr)\n"
    )
    words = ["scheduling", "simulate", "x", "--policy", "sjf"]
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT,
        env={
            "_SCHEDULING_COMPLETE": "complete_bash",
            "COMP_WORDS": "\n".join(words),
            "COMP_CWORD": "4",
        },
    )  # fmt: skip
    assert ran.stdout.split() == ["sjf"]
    assert ran.stderr.split() == []
