"""``scheduling reproduce``: published systems run here, beside their published figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from scheduling.cli import completing, options
from scheduling.cli.output import emit_json, fail, note, table
from scheduling.cli.settings import typed
from scheduling.cli.stopping import end, gather
from scheduling.errors import InputError
from scheduling.report.words import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scheduling.scenarios.atlas.entries import Atlas
    from scheduling.scenarios.scenario import Row, Scenario


_DEFAULT_SECONDS = 60.0
_EXIT_FAILED = 1
_EXIT_BAD_INPUT = 2


class Engine(NamedTuple):
    """Who carries scenarios, and how many at a time."""

    jobs: int | None
    backend: str


def reproduce(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME…]",
            help="Scenarios.",
            autocompletion=completing.scenarios,
        ),
    ] = None,
    all_of_them: Annotated[
        bool, typer.Option("--all", help="All scenarios: the atlas; also without a NAME.")
    ] = False,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="About how long each NAME may take; 60 by default."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Run each in a process of its own that is stopped after TIME (60s, 2m), and make "
            "one table with a verdict on each. 60s by default for the atlas.",
        ),
    ] = None,
    jobs: options.Jobs = None,
    backend: options.Backend = "loky",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Keep the table there as atlas.json, atlas.md and atlas.html, whole after each "
            "scenario; what atlas.json has of the same budget and release is not run again.",
            callback=options.writable_folder,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Run the scenarios of published systems and show their figures beside the published ones.

    Data sets are looked for in the folder that the environment variable SCHEDULING_DATA names.
    """
    from scheduling.scenarios.registry import SCENARIOS

    if all_of_them and names:
        raise InputError.single("--all", f"also {names[0]}", "--all or names of scenarios")
    asked = {"--all", "--budget", "--output", "--jobs", "--backend"} & typed(context)
    if asked or not names:
        if time_limit is not None and "--time-limit" in typed(context):
            raise InputError.single("--time-limit", f"{time_limit:g}", "--budget for a table")
        seconds = _DEFAULT_SECONDS if budget is None else options.duration(budget, "--budget")
        _table(names or list(SCENARIOS), seconds, Engine(jobs, backend), output, json)
    else:
        _each(names, _DEFAULT_SECONDS if time_limit is None else time_limit, json)


def _each(names: Sequence[str], time_limit: float, json: bool) -> None:
    """Run scenarios in this process and show all their rows."""
    from scheduling.scenarios.registry import scenario
    from scheduling.solvers.watching import one_of_many

    if not 0 < time_limit < float("inf"):
        raise InputError.single("--time-limit", str(time_limit), "a positive finite number")
    chosen = [scenario(name) for name in names]
    shown: list[dict[str, Any]] = []
    missing = False
    for entry in chosen:
        if not json:
            note(f"{entry.name}: {entry.system}; data: {entry.wants}")
        try:
            with one_of_many():
                rows = entry.rows(time_limit)
        except InputError as error:
            fail(str(error))
            missing = True
            continue
        shown.append(_record(entry, rows))
        if not json:
            _show(entry, rows)
    if json:
        emit_json("reproduction", shown)
    if missing:
        raise typer.Exit(_EXIT_BAD_INPUT)


def _table(
    names: Sequence[str], seconds: float, engine: Engine, output: Path | None, json: bool
) -> None:
    """Run scenarios in processes of their own and show a verdict on each."""
    from scheduling.scenarios.atlas.entries import Atlas, Entry, Outcome
    from scheduling.scenarios.atlas.run import run_atlas

    def say(entry: Entry, done: int, total: int) -> None:
        found = entry.judgement
        note(f"[{done}/{total}] {entry.name}: {found.verdict}, {entry.seconds:.1f} s; {found.why}")

    entries, stopped = gather(
        lambda: (
            run_atlas(
                names, seconds, output, jobs=engine.jobs, backend=engine.backend, on_entry=say
            ).entries
        )
    )
    atlas = Atlas(tuple(entries), seconds, len(set(names)))
    if json:
        emit_json("atlas", atlas.record())
    else:
        _show_atlas(atlas)
    if output is not None and entries:
        note(f"written: {output}")
    end(stopped)
    if any(entry.outcome is Outcome.FAILED for entry in atlas.entries):
        raise typer.Exit(_EXIT_FAILED)


def _record(entry: Scenario, rows: list[Row]) -> dict[str, Any]:
    from scheduling.scenarios.atlas.entries import row_record

    return {
        "name": entry.name,
        "system": entry.system,
        "problem": entry.problem,
        "data": entry.wants,
        "command": entry.command,
        "rows": [row_record(row) for row in rows],
    }


def _show(entry: Scenario, rows: list[Row]) -> None:
    headers = ["case", "measure", "baseline", "result", "ratio", "gap", "published", "verdict"]
    cells = [[row.case, row.measure, *_figure(row), row.verdict] for row in rows]
    table(headers, cells, f"{entry.name} ({entry.command})")


def _show_atlas(atlas: Atlas) -> None:
    headers = ["system", "measure", "baseline", "result", "ratio", "gap", "published", "verdict"]
    cells = []
    for entry in atlas.entries:
        found = entry.judgement
        figure = ["-"] * 6 if found.row is None else [found.row.measure, *_figure(found.row)]
        reason = f": {entry.reason}" if entry.reason else ""
        cells.append([entry.name, *figure, f"{found.verdict}{reason}"])
    table(headers, cells, f"{len(atlas.entries)} of {atlas.total} published systems")


def _figure(row: Row) -> list[str]:
    return [
        "-" if row.baseline_value is None else f"{row.baseline} {row.baseline_value:.4g}",
        f"{row.method} {row.value:.4g}",
        "-" if row.ratio is None else f"{row.ratio:.3g}",
        percent(row.gap),
        row.published or "-",
    ]
