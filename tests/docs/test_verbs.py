"""Every verb and every kind of file is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scheduling.cli.app import app
from scheduling.instances.kinds import kinds

ROOT = Path(__file__).resolve().parents[2]
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
