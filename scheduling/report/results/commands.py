"""The commands that give results again."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from scheduling.report.results.content import Given


def named(given: Given | None, what: str) -> str:
    """Return the file of what was asked as a word of a shell, or what it would be."""
    return what if given is None else quote(given.file)


def simulate_command(given: Given | None, policies: Sequence[str], what: str) -> str:
    """Return the command that runs policies side by side."""
    options = "".join(f" --policy {quote(name)}" for name in policies)
    return f"scheduling simulate {named(given, what)}{options}"
