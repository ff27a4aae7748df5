"""Problems from files, kubectl's snapshots of clusters among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.cli.output import note
from scheduling.errors import InputError

if TYPE_CHECKING:
    from scheduling.models.base import Problem

_HEAD = 4000
_SNAPSHOT = re.compile(
    r"""["']?apiVersion["']?\s*:|["']?kind["']?\s*:\s*["']?(\w*List|Node|Pod)\b"""
)
"""What a document of Kubernetes objects shows early on, and a problem does not."""


def read_problem(
    file: str, format_: str | None, given: tuple[str, str] | None = None
) -> tuple[Problem, tuple[str, ...]]:
    """Read a problem, and what was left out of it: only snapshots leave anything out.

    ``given`` is the text of the file and the name to show for it, where it has been read already.
    """
    from scheduling.instances.files import BUNDLED, parse, read
    from scheduling.kubernetes.bundled import is_bundled, snapshot_text

    if file.startswith(BUNDLED) and not is_bundled(file):
        return read(file, format=format_), ()
    text, source = given or snapshot_text(file)
    if format_ is None and _SNAPSHOT.search(text[:_HEAD]):
        from scheduling.kubernetes.snapshot import read_snapshot

        snapshot = read_snapshot(text, source)
        return snapshot.problem, snapshot.notes
    return parse(text, source, format_), ()


def stated_problem(file: str, format_: str | None, given: tuple[str, str] | None = None) -> Problem:
    """Read a problem, and tell people what was left out of it."""
    problem, remarks = read_problem(file, format_, given)
    for remark in remarks:
        note(f"  note: {remark}")
    return problem


@contextmanager
def from_file(what: str, path: Path | None) -> Iterator[None]:
    """Name the file of what the library refuses under a name of its own."""
    try:
        yield
    except InputError as error:
        if path is None or error.source is not None or error.faults[0].place != what:
            raise
        raise error.with_source(str(path)) from None
