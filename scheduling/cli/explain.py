"""``scheduling explain``: why an instance has no solution."""

from __future__ import annotations

from dataclasses import asdict

import typer

from scheduling.cli import options
from scheduling.cli.output import EXIT_CODES, emit_json, note

EXAMPLE = "Example: scheduling explain bundled:impossible"


def explain(
    file: options.InstanceFile,
    format_: options.FormatName = None,
    time_limit: options.Seconds = 60.0,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Name a minimal set of constraints that cannot hold together.

    Exit codes: 0 the instance has a solution, 2 bad input, 3 explained, 4 not settled in time.
    """
    import scheduling as sch
    from scheduling.instances.files import read

    problem = read(file, format=format_)
    found = sch.explain(problem, time_limit=time_limit or 60.0, workers=workers, seed=seed)
    if json:
        solution = None if found.solution is None else found.solution.model_dump(mode="json")
        emit_json(
            {
                "status": found.status,
                "conflict": [asdict(label) for label in found.conflict],
                "is_minimal": found.is_minimal,
                "relaxations": [asdict(label) for label in found.relaxations],
                "solution": solution,
                "seconds": found.seconds,
            }
        )
    else:
        typer.echo(str(found))
        if found.status == "unknown":
            note("try a longer --time-limit")
    raise typer.Exit(EXIT_CODES[found.status])
