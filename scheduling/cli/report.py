"""``scheduling report``: results of any verb as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scheduling.cli import options
from scheduling.cli.output import emit_json, note


def report(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT…",
            help="Results; an instance before its solution has it checked and drawn.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The page to write (.html).",
            callback=options.writable,
        ),
    ] = Path("report.html"),
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Heading; by the results.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Write one HTML page of results: answers, certificates, charts and tables.

    Results are what solve, pods, pareto, plan, bench and reproduce --all write, and what simulate,
    plan and reproduce print with --json. Solutions behind their instance are checked against it.
    The page needs no network: charts can be hovered, zoomed and filtered, tables sorted and copied.
    """
    from scheduling.cli.snapshots import stated_problem
    from scheduling.report.pictures import check_suffix
    from scheduling.report.results.page import render_report
    from scheduling.report.results.reading import read_results
    from scheduling.storage import write_whole

    check_suffix(output, (".html",))
    sections = read_results(files, lambda file, given: stated_problem(file, None, given))
    heading = title or (sections[0].title if len(sections) == 1 else "Results")
    write_whole(output, render_report(sections, heading).encode())
    if json:
        results = [{"title": one.title, "answer": one.answer} for one in sections]
        emit_json("report", {"written": str(output), "results": results})
    else:
        note(f"written: {output}")
