"""``scheduling bench``: suites of instances, several solvers and seeds, gaps to best-known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduling.cli import completing, options
from scheduling.cli.live import ProgressBar
from scheduling.cli.output import emit_json, note, table
from scheduling.cli.stopping import end, gather
from scheduling.report.pictures import check_suffix

if TYPE_CHECKING:
    from scheduling.bench.records import Record

_LEGEND = """\
  above: over the best known value, or the best one here; bounds: their sum; time: mean, shifted by
  1 s, with the limit for runs that proved nothing"""


def bench(
    suites: Annotated[
        list[str],
        typer.Argument(
            metavar="SUITE…",
            help="bundled, a folder, or one of the public data sets below the folder that the "
            "environment variable SCHEDULING_DATA names: jsp, fjsp, rcpsp, mrcpsp, rcpsp_max, "
            "rcpsp_cpr, bjsp (blocking), jsp_operators, variants, dag, smtt and smtwt "
            "(tardiness). Part of one: rcpsp/j60, variants/pmp, bjsp/la, smtt/smtt500.",
        ),
    ],
    solvers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="S,S…",
            help="Solvers, separated by commas or repeated; auto by default.",
            autocompletion=completing.solvers,
        ),
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(metavar="N,N…", help="Seeds, separated by commas or repeated; 0 by default."),
    ] = None,
    time_limit: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="Wall-clock limit of each run."),
    ] = 10.0,
    workers: options.Workers = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="RESULTS",
            help="Result file (JSON lines); runs that it holds are skipped.",
            callback=options.writable,
        ),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="RESULTS", help="Earlier results to compare with.")
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw a performance profile: .svg or .png.",
            callback=options.writable,
        ),
    ] = None,
    jobs: options.Jobs = None,
    backend: options.Backend = "loky",
    json: options.Json = False,
) -> None:
    """Run suites of instances and show each solver's gap to the best known values.

    Results are appended as they come, so that a stopped run goes on where it was.
    """
    from scheduling.bench.compare import compare_rows
    from scheduling.bench.records import read_records
    from scheduling.bench.run import Plan, run_plan

    plan = Plan(
        suites=tuple(suites),
        solvers=tuple((options.joined(solvers) or "auto").split(",")),
        seeds=options.whole_numbers("0" if seeds is None else ",".join(seeds), "--seeds"),
        time_limit=time_limit,
        workers=workers,
    )
    if profile is not None:
        check_suffix(profile)
    before = None if baseline is None else read_records(baseline)
    with ProgressBar(quiet=json) as bar:
        records, stopped = gather(
            lambda: run_plan(plan, output, jobs=jobs, backend=backend, on_record=bar.update)
        )
    if profile is not None:
        from scheduling.bench.profile import write_profile

        write_profile(records, profile)
    if json:
        emit_json("benchmark", [record.model_dump(mode="json") for record in records])
    else:
        _show(records)
        if before is not None:
            table(*compare_rows(before, records), f"against {baseline}")
    if output is not None:
        note(f"results: {output}")
    if profile is not None:
        note(f"profile: {profile}")
    end(stopped)


def _show(records: list[Record]) -> None:
    from scheduling.bench.tables import instance_rows, solver_rows

    table(*instance_rows(records), "by instance")
    table(*solver_rows(records), "by solver")
    typer.echo(_LEGEND)
