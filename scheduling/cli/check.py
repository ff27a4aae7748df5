"""``scheduling check``: the independent checker on files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from scheduling.cli import options
from scheduling.cli.output import emit_json, table


def check(
    file: options.InstanceFile,
    solution: Annotated[Path, typer.Argument(metavar="SOLUTION", help="Solution file (JSON).")],
    format_: options.FormatName = None,
    json: options.Json = False,
) -> None:
    """Recompute feasibility, objective and certificate of a solution from the instance alone."""
    import scheduling as sch
    from scheduling.cli.snapshots import from_file, stated_problem
    from scheduling.instances.files import read_solution
    from scheduling.models.base import Status

    problem = stated_problem(file, format_)
    with from_file("solution", solution):
        found = read_solution(solution)
        violations = sch.check(problem, found)
    if json:
        emit_json("check", {"valid": not violations, "violations": [asdict(v) for v in violations]})
    elif violations:
        rows = [
            [
                v.constraint,
                v.where,
                "" if v.amount is None else f"{v.amount} {v.unit or ''}".strip(),
            ]
            for v in violations
        ]
        table(
            ["constraint", "where", "by"],
            rows,
            f"{len(violations)} violation{'s' * (len(violations) > 1)}",
        )
    else:
        empty = found.status in (Status.INFEASIBLE, Status.UNKNOWN)
        typer.echo(f"valid, but without a solution ({found.status})" if empty else "valid")
    raise typer.Exit(1 if violations else 0)
