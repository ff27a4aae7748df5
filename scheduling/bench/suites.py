"""Suites: named lists of instances with their best known bounds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scheduling.bench.known import TABLE, Known, entry_of, known_values, read_table, table_above
from scheduling.errors import InputError
from scheduling.instances.bundled import best_known, names
from scheduling.instances.files import BUNDLED
from scheduling.instances.formats import FORMATS

DATA_VARIABLE = "SCHEDULING_DATA"
"""Environment variable that names the folder of public data sets."""

_SIDE_FILES = {".md", ".csv", ".gz"}


@dataclass(frozen=True, slots=True)
class View:
    """A suite without files of its own.

    Parameters
    ----------
    home
        Suite beside it that has the files.
    table
        File with its best known values.
    format
        Format as which it reads the files.
    """

    home: str
    table: str
    format: str


VIEWS = {
    "bjsp": View("jsp", "best_known_swap.json", "jsplib-blocking"),
    "jsp_operators": View("jsp", TABLE, "jsplib-operators"),
}
"""Suites that read the files of another one."""

_TABLES = {TABLE, *(view.table for view in VIEWS.values())}


@dataclass(frozen=True, slots=True)
class Case:
    """One instance of a suite.

    Parameters
    ----------
    name
        Unique name within all suites, such as ``"jsp/ta01"``.
    path
        What :func:`scheduling.instances.files.read` takes.
    lower, upper
        Best known bounds of the optimum; ``None`` when unknown. An instance known to be
        infeasible has neither.
    format
        Name of the file's format, where name and content do not tell it.
    """

    name: str
    path: str
    lower: float | None = None
    upper: float | None = None
    format: str | None = None


def cases(suite: str) -> list[Case]:
    """Return the instances of a suite, sorted by name.

    Parameters
    ----------
    suite
        ``"bundled"``; a folder or file; or a data set below the folder that the environment
        variable ``SCHEDULING_DATA`` names, such as ``"jsp"``, ``"rcpsp/j60"`` or
        ``"jsp/ta01.txt"``. One in :data:`VIEWS` reads the job shops beside it, all of them or, as
        in ``"bjsp/la"`` and ``"jsp_operators/ft06:4"``, those whose names start so.

    Raises
    ------
    InputError
        When there is no such suite or it holds no instances.
    """
    if suite == "bundled":
        return [_bundled(name) for name in names()]
    if {Path(suite).name, Path(suite).parent.name} & set(VIEWS):
        found = _view_cases(suite)
    else:
        place = _locate(suite)
        files = [place] if place.is_file() else sorted(filter(_is_instance, place.rglob("*")))
        found = [case for path in files for case in _file_cases(path)]
    if not found:
        raise InputError.single("suite", f"{suite!r} without instances", "a folder of instances")
    return found


def _bundled(name: str) -> Case:
    known = best_known(name)
    path = f"{BUNDLED}{name}"
    if known is None:
        return Case(path, path)
    return Case(path, path, _first(known.lower), _first(known.upper))


def _first(tiers: tuple[int, ...] | None) -> float | None:
    """Return the value of the first tier, which is what records compare."""
    return tiers[0] if tiers else None


def _locate(suite: str) -> Path:
    here = Path(suite)
    if here.exists():
        return here
    root = os.environ.get(DATA_VARIABLE)
    if root and (Path(root) / suite).exists():
        return Path(root) / suite
    expected = f"bundled, a folder, a file, or a data set in the folder {DATA_VARIABLE} names"
    raise InputError.single("suite", repr(suite), expected)


def _is_instance(path: Path) -> bool:
    if not path.is_file() or path.name in _TABLES:
        return False
    if path.suffix.lower() != ".json":
        return path.suffix.lower() not in _SIDE_FILES
    table = table_above(path)
    return table is not None and entry_of(path, table) is not None


def _file_cases(path: Path) -> list[Case]:
    """Return a file's cases: one for each number of processors that its best values name."""
    table = table_above(path)
    if table is None:
        return [Case(f"{path.parent.name}/{path.name}", str(path), format=_folder_format(path))]
    name = f"{table.parent.name}/{path.relative_to(table.parent).as_posix()}"
    values = known_values(entry_of(path, table))
    form = _folder_format(path) or (path.suffix[1:] if values[0].number else None)
    return [_case(name, path, form, known) for known in values]


def _folder_format(path: Path) -> str | None:
    """Return the format after which the file's folder is named, as for shop variants."""
    folder = path.parent.name
    return folder if any(entry.name == folder for entry in FORMATS) else None


def _view_cases(suite: str) -> list[Case]:
    """Return the cases of a suite that reads the files of another one with one more rule."""
    parts = Path(suite)
    folder, only = (parts, "") if parts.name in VIEWS else (parts.parent, parts.name)
    place, view = _locate(str(folder)), VIEWS[folder.name]
    found = []
    for instance, entry in sorted(read_table(place / view.table).items()):
        path = place.parent / view.home / f"{instance}.txt"
        if path.is_file():
            name = f"{place.name}/{instance}"
            found += [_case(name, path, view.format, known) for known in known_values(entry)]
    return [case for case in found if case.name.startswith(f"{place.name}/{only}")]


def _case(name: str, path: Path, form: str | None, known: Known) -> Case:
    if known.number is not None:
        name, form = f"{name}:{known.number}", f"{form}:{known.number}"
    return Case(name, str(path), known.lower, known.upper, form)
