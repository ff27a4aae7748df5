"""What the shell completes: names of solvers, formats, instances, policies and the like."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from glob import escape, iglob
from typing import Any

from scheduling.cli.names import FILE

Choices = list[tuple[str, str]]
"""Values with a remark on each."""

_BUNDLED = "bundled:"
_INSTRUCTION = "_SCHEDULING_COMPLETE"


def instance_files(incomplete: str) -> Choices:
    """Complete bundled instances, and files where the word may still become one."""
    if incomplete.startswith(_BUNDLED):
        names: dict[str, str] = _names("instances")
        return [(_BUNDLED + name, summary) for name, summary in names.items()]
    if not incomplete or not _BUNDLED.startswith(incomplete):
        return []  # Shells complete files by themselves.
    files = [path + os.sep * os.path.isdir(path) for path in iglob(escape(incomplete) + "*")]  # noqa: PTH112, PTH207 - as typed
    return [(_BUNDLED, "instances that come with the package"), *((path, "") for path in files)]


def solvers(incomplete: str) -> Choices:
    """Complete solvers, with the kinds of problems that each takes; lists go on after a comma."""
    kinds: dict[str, list[str]] = {}
    for kind, names in _names("solvers").items():
        for name in names:
            kinds.setdefault(name, []).append(kind)
    begun = incomplete[: incomplete.rfind(",") + 1]
    return [(begun + name, ", ".join(found)) for name, found in sorted(kinds.items())]


def placement_solvers() -> Choices:
    """Complete solvers of placements."""
    return [(name, "") for name in _names("solvers")["placement"]]


def formats() -> Choices:
    """Complete formats of files."""
    return list(_names("formats").items())


def generators() -> Choices:
    """Complete generators."""
    return list(_names("generators").items())


def kinds() -> Choices:
    """Complete kinds of files."""
    return [(name, "") for name in _names("kinds")]


def policies() -> Choices:
    """Complete policies of simulations."""
    return [(name, "") for name in _names("policies")]


def runtimes() -> Choices:
    """Complete runtimes that files are written for."""
    return [(name, "") for name in _names("runtimes")]


def scenarios() -> Choices:
    """Complete scenarios of published systems."""
    from scheduling.scenarios.registry import SCENARIOS

    return [(name, "") for name in SCENARIOS]


def backends() -> Choices:
    """Complete where runs are computed."""
    return [("loky", "this machine"), ("dask", "a Dask cluster"), ("ray", "a Ray cluster")]


def complete_in_bash(run: Callable[[], None]) -> bool:
    """Answer bash, which takes ``bundled:ft`` for three words; tell whether it has asked.

    Its words are joined again, and what it has cut off is taken away from the answers.

    Parameters
    ----------
    run
        Runs the application, which ends with an exit.
    """
    words, place = os.environ.get("COMP_WORDS"), os.environ.get("COMP_CWORD", "")
    asked = os.environ.get(_INSTRUCTION) == "complete_bash"
    if not asked or words is None or not place.isdigit():
        return False
    joined = _joined(words.split("\n")[: int(place) + 1])
    os.environ["COMP_WORDS"] = "\n".join(joined)
    os.environ["COMP_CWORD"] = str(len(joined) - 1)
    cut = len(joined[-1][: joined[-1].rfind(":") + 1])
    answer = io.StringIO()
    try:
        with redirect_stdout(answer):
            run()
    finally:
        print(*(line[cut:] for line in answer.getvalue().splitlines()), sep="\n")
    return True


def _joined(words: Iterable[str]) -> list[str]:
    """Join words that a colon stands between."""
    found: list[str] = []
    for word in words:
        if found and (word == ":" or found[-1].endswith(":")):
            found[-1] += word
        else:
            found.append(word)
    return found


def _names(what: str) -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))[what]
