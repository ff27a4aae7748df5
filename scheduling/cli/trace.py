"""``scheduling trace``: what is in a trace of requests, a workload fitted to it, requests drawn."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduling.cli import options
from scheduling.cli.output import emit_json, note, table
from scheduling.errors import InputError
from scheduling.report.words import number, percent

if TYPE_CHECKING:
    from scheduling.models.requests.facts import ClassFacts, LengthFacts
    from scheduling.models.requests.fitting import Fit
    from scheduling.models.requests.table import RequestTable


TraceFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A trace in any format, or a workload (.yaml, .json) to draw requests of.",
        show_default=False,
    ),
]
Format = Annotated[
    str | None, typer.Option("--format", metavar="F", help="Format; the columns tell.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse a trace with broken rows or out of order.")
]
Requests = Annotated[
    int | None,
    typer.Option("--requests", metavar="N", min=1, help="How many to draw, or to take."),
]
Before = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        metavar="S",
        min=0,
        help="Draw, or take, those before S.",
        callback=options.finite,
    ),
]
FitFile = Annotated[
    Path | None,
    typer.Option(
        "--fit",
        metavar="FILE",
        help="Fit a workload and write it (.yaml).",
        callback=options.writable,
    ),
]
RequestsFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the requests (.csv, .jsonl).",
        callback=options.writable,
    ),
]


def trace(
    file: TraceFile,
    format_: Format = None,
    strict: Strict = False,
    requests: Requests = None,
    seconds: Before = None,
    seed: options.Seed = 0,
    fit_to: FitFile = None,
    output: RequestsFile = None,
    json: options.Json = False,
) -> None:
    """Show what is in a trace of requests, fit a workload to it, or draw requests of one.

    A fit takes for arrivals, prompts and answers of each class the nearest of several
    distributions, and says how far each is from what was seen.
    """
    from scheduling.instances.requests.workloads import write_workload
    from scheduling.instances.requests.writing import write_requests
    from scheduling.models.requests.facts import facts
    from scheduling.models.requests.fitting import fit

    found, notes = _requests(file, format_, strict, requests, seconds, seed)
    described = facts(found)
    fitted = fit(found) if fit_to is not None else None
    if output is not None:
        write_requests(found, output)
    if fit_to is not None and fitted is not None:
        write_workload(fitted.workload, fit_to)
    for text in notes:
        note(text)
    if json:
        record: dict[str, Any] = {"classes": [asdict(entry) for entry in described]}
        if fitted is not None:
            record["distances"] = [asdict(entry) for entry in fitted.distances]
            record["workload"] = fitted.workload.model_dump(mode="json")
        emit_json("trace", {**record, "notes": list(notes)})
        return
    _show(described, file)
    if fitted is not None:
        _show_fit(fitted)
    for path in (output, fit_to):
        if path is not None:
            note(f"written: {path}")


def _requests(
    file: str,
    format_: str | None,
    strict: bool,
    requests: int | None,
    seconds: float | None,
    seed: int,
) -> tuple[RequestTable, tuple[str, ...]]:
    """Read or draw the requests, and say what people should know of the file."""
    from scheduling.instances.requests.reading import read_requests
    from scheduling.instances.requests.workloads import may_hold_workload, read_workload
    from scheduling.models.requests.workload import sample

    if format_ is None and may_hold_workload(file):
        workload = read_workload(file)
        drawn = sample(workload, requests=requests, seconds=seconds, seed=seed)
        if not len(drawn):
            raise InputError.single("--seconds", "no request", "at least one")
        return drawn, ()
    read = read_requests(file, format_, strict=strict, seed=seed)
    taken = read.table.first(requests, seconds)
    if not len(taken):
        raise InputError.single("--seconds", "no request", "at least one")
    return taken, read.notes


def _show(described: tuple[ClassFacts, ...], title: str) -> None:
    headers = ["class", "requests", "rate/s", "cv of gaps", "peak/min", "cached"]
    rows = [
        [
            entry.name or "(all)",
            number(entry.requests),
            _shown(entry.rate, "{:.3f}"),
            _shown(entry.gap_cv, "{:.2f}"),
            _shown(entry.peak, "{}"),
            percent(entry.cached_share),
        ]
        for entry in described
    ]
    table(headers, rows, title)
    rows = [
        [entry.name or "(all)", what, *_length_cells(lengths)]
        for entry in described
        for what, lengths in (("prompt", entry.prompt), ("output", entry.output))
    ]
    table(["class", "tokens", "mean", "p50", "p90", "p99", "longest"], rows)


def _length_cells(lengths: LengthFacts) -> list[str]:
    values = (lengths.mean, *lengths.percentiles.values())
    return [*(f"{value:.1f}" for value in values), number(lengths.longest)]


def _show_fit(fitted: Fit) -> None:
    rows = [
        [
            entry.name,
            entry.of,
            entry.law,
            percent(entry.distance),
            "taken" if entry.taken else "",
        ]
        for entry in fitted.distances
    ]
    table(["class", "of", "distribution", "distance", ""], rows, "fitted workload")
    print("  distance: largest difference between the shares of requests below any value")


def _shown(value: float | None, how: str) -> str:
    return "-" if value is None else how.format(value)
