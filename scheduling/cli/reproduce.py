"""``scheduling reproduce``: published systems run here, beside their published figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduling.cli import completing, options
from scheduling.cli.output import emit_json, fail, note, table
from scheduling.errors import InputError
from scheduling.report.words import percent

if TYPE_CHECKING:
    from scheduling.scenarios.scenario import Row, Scenario

EXAMPLE = "Example: scheduling reproduce smtt --time-limit 30"

_DEFAULT_SECONDS = 60.0
_EXIT_BAD_INPUT = 2


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME…]",
            help="Scenarios; default: all.",
            autocompletion=completing.scenarios,
        ),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="About how long each scenario may take.")
    ] = _DEFAULT_SECONDS,
    json: options.Json = False,
) -> None:
    """Run the scenarios of published systems and show their figures beside the published ones.

    Data sets are looked for in the folder that the environment variable SCHEDULING_DATA names.
    """
    from scheduling.scenarios.registry import SCENARIOS, scenario
    from scheduling.scenarios.scenario import Run, data_folder

    if not 0 < time_limit < float("inf"):
        raise InputError.single("--time-limit", str(time_limit), "a positive finite number")
    chosen = [scenario(name) for name in names or SCENARIOS]
    shown: list[dict[str, Any]] = []
    missing = False
    for entry in chosen:
        if not json:
            note(f"{entry.name}: {entry.system}; data: {entry.wants}")
        try:
            rows = entry.run(Run(time_limit, data_folder()))
        except InputError as error:
            fail(str(error))
            missing = True
            continue
        shown.append(_record(entry, rows))
        if not json:
            _show(entry, rows)
    if json:
        emit_json(shown)
    if missing:
        raise typer.Exit(_EXIT_BAD_INPUT)


def _record(entry: Scenario, rows: list[Row]) -> dict[str, Any]:
    return {
        "name": entry.name,
        "system": entry.system,
        "data": entry.wants,
        "command": entry.command,
        "rows": [{**asdict(row), "ratio": row.ratio} for row in rows],
    }


def _show(entry: Scenario, rows: list[Row]) -> None:
    headers = ["case", "measure", "baseline", "result", "ratio", "gap", "published", "verdict"]
    cells = [
        [
            row.case,
            row.measure,
            "-" if row.baseline_value is None else f"{row.baseline} {row.baseline_value:.4g}",
            f"{row.method} {row.value:.4g}",
            "-" if row.ratio is None else f"{row.ratio:.3g}",
            percent(row.gap),
            row.published or "-",
            row.verdict,
        ]
        for row in rows
    ]
    table(headers, cells, f"{entry.name} ({entry.command})")
