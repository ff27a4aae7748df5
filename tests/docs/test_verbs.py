"""Every verb and every kind of file is documented, and what is said of verbs is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from docs.pages import blocks_of
from scheduling.cli.app import app
from scheduling.instances.kinds import kinds

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ROOT_COMMAND: Any = get_command(app)
COMMANDS: dict[str, Any] = ROOT_COMMAND.commands
VERBS = [command.name for command in app.registered_commands if command.name is not None]


@pytest.mark.parametrize("page", ["README.md", "docs/cli.md"])
def test_table_of_verbs_is_complete(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)\b[^`]*` \|", text, flags=re.MULTILINE)
    assert sorted(rows) == sorted(VERBS)


@pytest.mark.parametrize("page", ["README.md", "docs/cli.md"])
def test_table_of_kinds_is_complete(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(.+?)\]\((?:docs/)?howto/[\w-]+\.md\) \|", text, flags=re.MULTILINE)
    named = {kind for row in rows for kind in re.findall(r"`([\w-]+)`", row)}
    in_words = (
        {"schedule", "online-schedule", "placement", "fleet"} if page == "README.md" else set()
    )
    assert named | in_words == set(kinds())


def test_units_of_every_kind_are_told() -> None:
    text = (ROOT / "docs/api/units.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w-]+)`", " ".join(re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)))
    assert sorted(named) == sorted(kinds())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_no_test_runs_are_calls_that_their_verbs_take(page: Path) -> None:
    for words in _unrun(page.read_text(encoding="utf-8")):
        command = COMMANDS[words[0]]
        # Parsing demands what is required and refuses what there is not; nothing is run.
        with command.make_context(words[0], words[1:]) as context:
            assert context.command is command


def test_commands_in_running_text_name_verbs_and_options_that_there_are() -> None:
    code = sorted((ROOT / "scheduling").rglob("*.py"))
    mentions = [
        (path, words)
        for path in (*PAGES, *code)
        for words in re.findall(r"`scheduling ([^`]+)`", path.read_text(encoding="utf-8"))
    ]
    assert len(mentions) > 50
    for path, words in mentions:
        verb, *others = words.split()
        command = COMMANDS.get(verb, ROOT_COMMAND)
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        asked = {word.split("=")[0] for word in (verb, *others) if word.startswith("-")}
        assert verb in COMMANDS or verb == "VERB" or verb.startswith("-"), f"{path}: {words}"
        assert asked <= known | {"--help"}, f"{path}: {words}"


def _unrun(text: str) -> list[list[str]]:
    """Return the words of the commands in blocks for machines that a test does not have."""
    shells = [block.body for block in blocks_of(text) if block.language == "bash"]
    lines = [line for body in shells for line in body.replace("\\\n", " ").splitlines()]
    calls = [re.search(r"(?:^|\s--\s+)scheduling (\w.*)$", line) for line in lines]
    return [shlex.split(call[1], comments=True) for call in calls if call is not None]


def test_commands_are_found_behind_others_and_over_lines() -> None:
    text = (
        "```bash\nkubectl run a -- \\\n  scheduling bench b --jobs 2\nscheduling doctor  # all\n"
        "scheduling --version\n```\n```console\n$ scheduling info a\n```\n"
    )
    assert _unrun(text) == [["bench", "b", "--jobs", "2"], ["doctor"]]
