"""The help of every verb is as complete as a page of a manual."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from scheduling.cli.app import app
from scheduling.cli.manual import GROUPS, MANUALS

ROOT = Path(__file__).resolve().parents[2]
COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]


def test_every_verb_has_a_page_and_stands_under_one_heading() -> None:
    assert list(COMMANDS) == list(MANUALS)
    assert sorted(verb for verbs in GROUPS.values() for verb in verbs) == sorted(MANUALS)
    shown = CliRunner().invoke(app, ["--help"], prog_name="scheduling").output
    for title, verbs in GROUPS.items():
        listed = re.findall(
            r"^  (\w+)  +\S", shown.split(f"\n{title}:\n")[1].split("\n\n")[0], re.MULTILINE
        )
        assert listed == list(verbs)


@pytest.mark.parametrize("verb", MANUALS)
def test_what_writes_one_thing_has_the_short_option(verb: str) -> None:
    for one in COMMANDS[verb].params:
        if "--output" in one.opts:
            assert one.opts == ["--output", "-o"]


@pytest.mark.parametrize("verb", MANUALS)
def test_help_has_summary_description_exit_codes_example_and_guide(verb: str) -> None:
    shown = CliRunner().invoke(app, [verb, "--help"], prog_name="scheduling")
    assert shown.exit_code == 0
    manual, command = MANUALS[verb], COMMANDS[verb]
    assert command.short_help == manual.summary
    assert command.help.split()[:3] == shown.output.split("\n\n")[1].split()[:3]
    heads = re.findall(r"^([A-Z][\w ]+):", shown.output, flags=re.MULTILINE)
    assert heads[-4:] == ["Options", "Exit codes", "Example", "See also"]
    ends = shown.output.split("Exit codes:")[1].split("Example:")[0]
    codes = [int(code) for code in re.findall(r"^  (\d+)  +\S", ends, flags=re.MULTILINE)]
    assert codes == list(manual.codes)
    assert {0, 2} <= set(codes)
    for line in (manual.example, *manual.guides):
        assert f"\n  {line}\n" in shown.output
    assert manual.guides
    for guide in manual.guides:
        page = ROOT / guide
        assert re.search(rf"\b{verb}\b", page.read_text(encoding="utf-8")), f"{guide}: no {verb}"


@pytest.mark.parametrize("verb", MANUALS)
def test_example_is_a_call_that_the_verb_takes(verb: str) -> None:
    program, named, *words = shlex.split(MANUALS[verb].example.split(" > ")[0])
    assert (program, named) == ("scheduling", verb)
    command = COMMANDS[verb]
    # Parsing demands what is required and refuses what there is not; nothing is run.
    with command.make_context(verb, words) as context:
        assert context.command is command


@pytest.mark.parametrize("verb", ["info", "schema", "generate", "config"])
def test_example_without_files_of_ones_own_runs(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(MANUALS[verb].example.split(" > ")[0])[1:]
    called = CliRunner().invoke(app, words, prog_name="scheduling")
    assert called.exit_code == 0, called.output


@pytest.mark.parametrize("verb", MANUALS)
def test_every_parameter_says_what_it_takes(verb: str) -> None:
    for one in COMMANDS[verb].params:
        if one.name != "help":
            assert one.help, one.name
            assert one.help.endswith("."), one.help
            takes_a_value = one.param_type_name == "option" and not one.is_flag
            assert one.metavar or not takes_a_value, one.name
