"""``scheduling pareto``: the solutions that no other one beats in every criterion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduling.cli import completing, options
from scheduling.cli.live import LiveLine
from scheduling.cli.output import EXIT_CODES, emit_json, note_files, table
from scheduling.report.words import number, percent, sentence

if TYPE_CHECKING:
    from scheduling.models.front import ParetoFront


SolverName = Annotated[
    str,
    typer.Option(
        metavar="S",
        help="Solver of each search: auto, cp-sat, insertion, lns.",
        autocompletion=completing.solvers,
    ),
]
EachWork = Annotated[
    float | None,
    typer.Option(
        "--work-limit",
        metavar="UNITS",
        help="Deterministic limit of each search instead; with --workers 1 reproducible.",
    ),
]
Chart = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw the front: .svg or .png.", callback=options.writable),
]


def pareto(
    file: options.InstanceFile,
    format_: options.FormatName = None,
    solver: SolverName = "auto",
    time_limit: options.Seconds = None,
    work_limit: EachWork = None,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    output: options.Output = None,
    chart: Chart = None,
    json: options.Json = False,
) -> None:
    """Find all trade-offs between the tiers of an instance's objective.

    Each tier is a criterion; their order means nothing here. Without a limit the search takes at
    most 60 seconds; Ctrl-C ends it with what is there. The table shows the hypervolume of the front
    and a bound that no front exceeds.
    """
    import scheduling as sch
    from scheduling.instances.files import read, write_solution

    problem = read(file, format=format_)
    if chart is not None:
        from scheduling.report.pictures import check_suffix

        check_suffix(chart)
    with LiveLine(quiet=json) as line:
        front = sch.pareto(
            problem,
            solver,
            time_limit=time_limit,
            work_limit=work_limit,
            workers=workers,
            seed=seed,
            on_progress=line.update,
        )
    if output is not None:
        write_solution(front, output)
    if chart is not None and front.points:
        from scheduling.report.front import write_front

        write_front(front, chart)
    if json:
        emit_json("pareto-front", front.model_dump(mode="json"))
    else:
        _show(front, problem.name or file)
        note_files(front=output, chart=chart if front.points else None)
    raise typer.Exit(EXIT_CODES[front.status])


def _show(front: ParetoFront, title: str) -> None:
    """Print one row a point, and the certificate of the whole."""
    rows = []
    for point in front.points:
        cells: list[str] = []
        for tier in point.tiers:
            cells += [number(tier.objective), number(tier.bound)]
        rows.append(cells)
    headers = [text for name in front.criteria for text in (name, "bound")]
    table(headers, rows, title)
    values = f"{number(front.objective)}, bound {number(front.bound)}, gap {percent(front.gap)}"
    if front.points:
        typer.echo(f"  {len(front.points)} points, hypervolume {values}")
    typer.echo(f"  {_meaning(front)}")


def _meaning(front: ParetoFront) -> str:
    if front.status == "optimal":
        return f"complete: no other trade-offs exist, by {front.solver} in {front.seconds:.2f} s"
    return sentence(front)
