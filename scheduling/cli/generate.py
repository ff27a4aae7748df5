"""``scheduling generate``: random and published instances."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from scheduling import schemas
from scheduling.cli import completing, options
from scheduling.cli.output import emit_json, note, table
from scheduling.errors import InputError


def generate(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            help="Generator; without it, all are listed.",
            autocompletion=completing.generators,
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter; repeatable."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write; YAML on stdout.",
            callback=options.writable,
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="F",
            help="Format; by the file's ending.",
            autocompletion=completing.formats,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Generate an instance from parameters and a seed; the same call gives the same instance."""
    from scheduling.instances.generators import generate as make

    if kind is None:
        _list(json)
        return
    pairs = _pairs(parameter or [])
    with options.named_as({name: f"--parameter {name}" for name in pairs}):
        problem = make(kind, pairs)
    if output is not None:
        from scheduling.instances.files import write

        write(problem, output, format=format_)
        note(f"written: {output}")
    if json:
        emit_json(schemas.problem(problem.kind), problem.model_dump(mode="json"))
    elif output is None:
        from scheduling.instances.documents import write_yaml_problem

        typer.echo(write_yaml_problem(problem), nl=False)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError.single("--parameter", repr(text), "NAME=VALUE")
        pairs[name] = value
    return pairs


def _list(json: bool) -> None:
    from scheduling.instances.generators import GENERATORS

    if json:
        emit_json(
            "generators",
            [
                {
                    "name": entry.name,
                    "family": entry.family,
                    "summary": entry.summary,
                    "parameters": [asdict(parameter) for parameter in entry.parameters],
                }
                for entry in GENERATORS.values()
            ],
        )
        return
    rows = [
        [entry.name, entry.summary, " ".join(f"{p.name}={p.default}" for p in entry.parameters)]
        for entry in GENERATORS.values()
    ]
    table(["generator", "makes", "parameters and defaults"], rows)
