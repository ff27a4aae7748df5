"""``scheduling info``, ``convert`` and ``schema``: what is in a file, and in which form."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from scheduling import schemas
from scheduling.cli import completing, options
from scheduling.cli.output import emit_json, note, table
from scheduling.report.words import number


def info(
    file: options.InstanceFile,
    format_: options.FormatName = None,
    json: options.Json = False,
) -> None:
    """Show what is in an instance: sizes, features, and the bounds that formulas give.

    Of kinds without solvers it shows the entries of the file, and of lists how long they are.
    """
    from scheduling.cli.snapshots import stated_problem
    from scheduling.solvers.registry import family_of, is_solved

    problem = stated_problem(file, format_)
    facts: dict[str, Any]
    if problem.kind == "fleet":
        from scheduling.instances.files import fields_named
        from scheduling.planner.files import read_fleet
        from scheduling.planner.profile import profile

        with fields_named(file, type(problem)):
            facts = profile(*read_fleet(file))
    elif is_solved(problem):
        facts = family_of(problem).describe(problem)
    else:
        facts = _entries(problem)
    if json:
        emit_json("info", facts)
        return
    rows = [[key.replace("_", " "), _cell(value)] for key, value in facts.items()]
    table(["what", "value"], rows, problem.name or file)


def _entries(document: BaseModel) -> dict[str, Any]:
    """Return what a document states: single values as they are, of lists how many entries.

    The name, which heads the table, and what is empty are left out.
    """
    found: dict[str, Any] = {}
    for name, value in document:
        if name == "name" or value in (None, (), {}, ""):
            continue
        if isinstance(value, BaseModel):
            found[name] = _entries(value)
        else:
            found[name] = len(value) if isinstance(value, tuple | dict) else value
    return found


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_cell(entry)}" for key, entry in value.items())
    if isinstance(value, str):
        return value
    return number(value)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="File to read, or - for stdin.",
            autocompletion=completing.instance_files,
        ),
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to write.", callback=options.writable)
    ],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="F",
            help="Format of IN; found by default.",
            autocompletion=completing.formats,
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="F",
            help="Format of OUT; by its ending.",
            autocompletion=completing.formats,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Translate an instance from one format to another.

    A format that cannot hold a feature of the instance refuses it by name; nothing is dropped.
    """
    from scheduling.cli.snapshots import stated_problem
    from scheduling.instances.files import write

    problem = stated_problem(source, from_)
    write(problem, target, format=to)
    if json:
        emit_json(
            "conversion", {"written": str(target), "kind": problem.kind, "name": problem.name}
        )
    else:
        note(f"written: {target}")


def schema(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            help="Kind of document, such as fleet or serving-plan, or an output; without: a list.",
            autocompletion=completing.kinds,
        ),
    ] = None,
    solution: Annotated[
        bool, typer.Option("--solution", help="Schema of the solution file instead.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="The list as JSON; a schema always is.")
    ] = False,
) -> None:
    """Print the JSON schema of a family's instance or solution files, or of a verb's output.

    Without KIND all schemas are listed with their versions. Every JSON output names its own under
    the key schema.
    """
    from scheduling.instances.schema import json_schema, solution_schema

    if kind is None:
        _list_schemas(as_json=json)
    elif kind in schemas.OUTPUTS:
        _print_schema(schemas.output_schema(kind))
    else:
        _print_schema(solution_schema(kind) if solution else json_schema(kind))


def _print_schema(schema: dict[str, Any]) -> None:
    typer.echo(dumps(schema, ensure_ascii=False, indent=2))


def _list_schemas(*, as_json: bool) -> None:
    from scheduling.instances.schema import names

    rows = [(name, schemas.version(name), command) for name, command in names()]
    if as_json:
        fields = ("name", "version", "command")
        emit_json("schemas", [dict(zip(fields, row, strict=True)) for row in rows])
        return
    table(["schema", "version", "printed by"], [[name, str(n), how] for name, n, how in rows])
