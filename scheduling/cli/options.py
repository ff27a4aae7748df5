"""Options that several verbs share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scheduling.cli import completing
from scheduling.errors import InputError
from scheduling.storage import require_folder, require_place

InstanceFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Instance file, - for standard input, or bundled:NAME.",
        show_default=False,
        autocompletion=completing.instance_files,
    ),
]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="F",
        help="Format of FILE; found out by default.",
        autocompletion=completing.formats,
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option("--time-limit", metavar="SECONDS", help="Wall-clock limit for everything."),
]
Work = Annotated[
    float | None,
    typer.Option(
        "--work-limit",
        metavar="UNITS",
        help="Deterministic limit instead; with --workers 1 the answer is reproducible.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Threads; by default all usable processors."),
]
PlacementSolver = Annotated[
    str,
    typer.Option(
        metavar="S",
        help="Solver of placements: auto, cp-sat, mip, columns, lns, parts:NUMBER, guided, "
        "greedy:RULE, best-fit or default-scheduler.",
        autocompletion=completing.placement_solvers,
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, help="Seed of every random choice.")
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        help="Most runs side by side; by default one on this machine, all that a cluster has "
        "room for.",
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        metavar="B",
        help="Who carries runs: loky (processes of this machine), dask or ray, with the address "
        "of the cluster as dask:tcp://HOST:8786.",
        autocompletion=completing.backends,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable output alone.")]


def writable(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written before what is to stand there has been searched for.

    Raises
    ------
    InputError
        Naming the file.
    """
    if path is not None:
        require_place(path)
    return path


Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write the result here.", callback=writable
    ),
]


@contextmanager
def named_as(names: Mapping[str, str]) -> Iterator[None]:
    """Name options where the library refuses its arguments of other names.

    Parameters
    ----------
    names
        Options, with their dashes, by the argument that the library names.
    """
    try:
        yield
    except InputError as error:
        # What stands in a file is no argument, whatever its name.
        if error.source is not None or not any(fault.place in names for fault in error.faults):
            raise
        faults = [replace(one, place=names.get(one.place, one.place)) for one in error.faults]
        raise InputError(faults) from None


def finite(value: float | None) -> float | None:
    """Refuse an infinite number of an option.

    Raises
    ------
    BadParameter
        With what was found.
    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"found {value}, expected a finite number")
    return value


def writable_folder(path: Path | None) -> Path | None:
    """Refuse a folder that cannot be written before what is to stand there has been searched for.

    Raises
    ------
    InputError
        Naming the folder.
    """
    if path is not None:
        require_folder(path)
    return path


_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str, option: str) -> float:
    """Return the seconds of a time such as ``90``, ``60s``, ``2m`` or ``1h``.

    Raises
    ------
    InputError
        Naming the option, when something else stands there.
    """
    number = text.strip().rstrip("smh")
    unit = text.strip().removeprefix(number)
    try:
        seconds = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise InputError.single(option, repr(text), "a positive time such as 60s, 2m or 1h")
    return seconds


def joined(values: list[str] | None) -> str | None:
    """Return the list that an option's values make, each of which may be a list of its own."""
    return ",".join(values) if values else None


def whole_numbers(text: str, option: str) -> tuple[int, ...]:
    """Return the whole numbers of a list, none of them below 0.

    Raises
    ------
    InputError
        Naming the option, when something else stands there.
    """
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 0:
        expected = "whole numbers, at least 0, separated by commas"
        raise InputError.single(option, repr(text), expected)
    return found


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Return the positive numbers of a list.

    Raises
    ------
    InputError
        Naming the option, when something else stands there.
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < number < math.inf for number in found):
        raise InputError.single(option, repr(text), "positive numbers separated by commas")
    return found
