"""What the command line prints: data on stdout, everything for people's eyes on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scheduling.cli import logs
from scheduling.report.words import number, percent, sentence
from scheduling.schemas import stamped

# Models are loaded by the verbs that need them, so that help and errors come at once.
if TYPE_CHECKING:
    from scheduling.models.base import Solution

EXIT_CODES = {"optimal": 0, "feasible": 0, "infeasible": 3, "unknown": 4}


def fail(message: str) -> None:
    """Print an error for people, or log it where standard error takes JSON alone."""
    if logs.structured():
        logs.LOG.error(message)
        return
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)


def note(message: str) -> None:
    """Print a remark for people, or log it where standard error takes JSON alone."""
    if logs.structured():
        logs.LOG.info(message.strip())
        return
    print(message, file=sys.stderr)


def note_files(**paths: Path | None) -> None:
    """Tell people which files were written, by what is in them; ``None``: it was not."""
    for what, path in paths.items():
        if path is not None:
            note(f"  {what}: {path}")


def emit_json(schema: str, value: Any) -> None:
    """Print a value as the only thing on stdout, under the name and version of its schema."""
    print(json.dumps(stamped(schema, value), ensure_ascii=False, indent=2))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a table on stdout; numbers are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    rows = list(rows)
    grid = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", highlight=False)
    for column, header in enumerate(headers):
        right = all(_numeric(row[column]) for row in rows)
        grid.add_column(header, justify="right" if right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    width = None if sys.stdout.isatty() else 140
    console = Console(width=width, highlight=False, markup=False)
    # Rich ends the process by itself where nobody reads on; print leaves that to the whole call.
    with console.capture() as shown:
        console.print(grid)
    print(shown.get(), end="")


def _numeric(text: str) -> bool:
    return not text.strip("0123456789.,-+% ")


def summary(solution: Solution, title: str) -> None:
    """Print the certificate of a solution as a table: one row a tier."""
    from scheduling.report.natural import natural

    tiers = natural(solution).tiers
    rows = [[t.name, number(t.objective), number(t.bound), percent(t.gap)] for t in tiers]
    if not rows:
        rows = [["-", number(solution.objective), number(solution.bound), percent(solution.gap)]]
    table(["objective", "value", "bound", "gap"], rows, title)
    print(f"  {sentence(solution)}")
