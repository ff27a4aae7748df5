"""``scheduling solve``: solve an instance, print the certificate, write solution and chart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduling import schemas
from scheduling.cli import completing, options, settings
from scheduling.cli.live import LiveLine
from scheduling.cli.output import EXIT_CODES, emit_json, note_files, summary
from scheduling.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from scheduling.models.base import Problem


SolverName = Annotated[
    str,
    typer.Option(
        metavar="S",
        help="auto (a portfolio), or one of its parts: cp-sat, mip, mip:ENGINE, dispatch, "
        "dispatch:RULE, dispatch:learned, giffler-thompson, sgs, genetic, tabu, lns.",
        autocompletion=completing.solvers,
    ),
]
Hint = Annotated[Path | None, typer.Option(metavar="FILE", help="Solution file to start from.")]
Chart = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Draw a schedule (.html, .svg, .png), or memory, a loop, stages, … (.svg, .png).",
        callback=options.writable,
    ),
]
ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--export-model",
        metavar="FILE",
        help="Write the model: .pb, .pbtxt (CP-SAT), .mps.",
        callback=options.writable,
    ),
]


PartsBackend = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="B",
        help="Who solves the parts of --solver parts: loky (processes of this machine), dask or "
        "ray, with the address of the cluster as dask:tcp://HOST:8786.",
        autocompletion=completing.backends,
    ),
]


def solve(
    context: typer.Context,
    file: options.InstanceFile,
    format_: options.FormatName = None,
    solver: SolverName = "auto",
    time_limit: options.Seconds = None,
    work_limit: options.Work = None,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    hint: Hint = None,
    output: options.Output = None,
    gantt: Chart = None,
    model: ModelFile = None,
    jobs: options.Jobs = None,
    backend: PartsBackend = None,
    json: options.Json = False,
) -> None:
    """Solve an instance and say how far the answer can be from the best possible.

    Without a limit the search takes at most 60 seconds. Ctrl-C ends it with the best so far.
    """
    import scheduling as sch
    from scheduling.cli.snapshots import from_file, stated_problem
    from scheduling.instances.files import read_solution, write_solution
    from scheduling.report.charts import chart_writer

    problem = stated_problem(file, format_)
    chosen = _on_backend(solver, backend, jobs, settings.typed(context))
    known = None if hint is None else read_solution(hint)
    draw = None if gantt is None else chart_writer(problem, gantt)
    if model is not None:
        _export(problem, model)
    tiers = getattr(problem, "tier_names", getattr(problem, "goals", ()))
    with LiveLine(quiet=json, kind=problem.kind, tiers=tiers) as line, from_file("hint", hint):
        solution = sch.solve(
            problem,
            chosen,
            time_limit=time_limit,
            work_limit=work_limit,
            workers=workers,
            seed=seed,
            hint=known,
            on_progress=line.update,
        )
    if output is not None:
        write_solution(solution, output)
    if draw is not None:
        draw(solution)
    if json:
        emit_json(schemas.solution(solution.kind), solution.model_dump(mode="json"))
    else:
        summary(solution, problem.name or file)
        note_files(model=model, solution=output, chart=gantt)
    raise typer.Exit(EXIT_CODES[solution.status])


def _on_backend(solver: str, backend: str | None, jobs: int | None, typed: frozenset[str]) -> Any:
    """Return the solver, with who carries its parts."""
    name, _, count = solver.partition(":")
    if name != "parts":
        for option in sorted({"--backend", "--jobs"} & typed):
            expected = "--solver parts, the one whose parts others can solve"
            raise InputError.single(option, f"--solver {solver}", expected)
        return solver
    from scheduling.solvers.placement.parts import Parts

    return Parts(count or None, backend or "loky", jobs)


def _export(problem: Problem, path: Path) -> None:
    from scheduling.models.schedule.problem import ScheduleProblem
    from scheduling.solvers.schedule.export import export_model

    if not isinstance(problem, ScheduleProblem):
        raise UnsupportedError(f"models of problems of kind {problem.kind!r} are not written")
    export_model(problem, path)
