"""Suites: named lists of instances with their best known bounds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scheduling.bench.known import (
    TABLE,
    Known,
    entry_of,
    entry_of_member,
    known_values,
    read_table,
    table_above,
)
from scheduling.errors import InputError
from scheduling.instances.bundled import best_known, names
from scheduling.instances.files import BUNDLED, members
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
        ``"jsp/ta01.txt"``. One in :data:`VIEWS` reads the job shops beside it. Behind a set, the
        start of a name chooses some of its instances: ``"bjsp/la"``, ``"jsp_operators/ft06:4"``,
        ``"smtt/smtt500"``.

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
        found = _folder_cases(suite)
    if not found:
        raise InputError.single("suite", f"{suite!r} without instances", "a folder of instances")
    return found


def suite_names() -> list[str]:
    """Return the suites at hand: the bundled one and the data sets with best known values."""
    root = os.environ.get(DATA_VARIABLE)
    if not root or not Path(root).is_dir():
        return ["bundled"]
    homes = {path.parent for table in _TABLES for path in Path(root).glob(f"*/{table}")}
    full = [home for home in homes if home.name in VIEWS or any(map(_is_instance, _files(home)))]
    return ["bundled", *sorted(home.name for home in full)]


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*"))


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
    found = _search(suite)
    if found is not None:
        return found
    places = f"{', '.join(suite_names())}, a folder or a file"
    if not os.environ.get(DATA_VARIABLE):
        places += f" (or a data set below the folder that {DATA_VARIABLE} names, which is not set)"
    raise InputError.single("suite", repr(suite), places)


def _search(suite: str) -> Path | None:
    roots = [Path(), *(Path(root) for root in [os.environ.get(DATA_VARIABLE)] if root)]
    return next((root / suite for root in roots if (root / suite).exists()), None)


def _folder_cases(suite: str) -> list[Case]:
    """Return the cases of a folder or file, or those of the set above whose names start so."""
    only = ""
    place = _search(suite)
    if place is None and Path(suite).parent != Path():
        place, only = _search(str(Path(suite).parent)), Path(suite).name
    if place is None:
        place = _locate(suite)
    files = [path for path in _files(place) if path == place or _is_instance(path)]
    found = [case for path in files for case in _file_cases(path)]
    return [case for case in found if Path(case.name).name.startswith(only)]


def _is_instance(path: Path) -> bool:
    if not path.is_file() or path.name in _TABLES:
        return False
    ending = path.suffix.lower()
    if ending == ".jsonl":
        return bool(members(path))
    if ending != ".json":
        return ending not in _SIDE_FILES
    table = table_above(path)
    return table is not None and entry_of(path, table) is not None


def _file_cases(path: Path) -> list[Case]:
    """Return a file's cases: one for each number of processors that its best values name.

    One for each instance where the file holds several.
    """
    table = table_above(path)
    inside = members(path)
    if inside:
        return [_member_case(path, member, table) for member in inside]
    if table is None:
        return [Case(f"{path.parent.name}/{path.name}", str(path), format=_folder_format(path))]
    name = f"{table.parent.name}/{path.relative_to(table.parent).as_posix()}"
    values = known_values(entry_of(path, table))
    form = _folder_format(path) or (path.suffix[1:] if values[0].number else None)
    return [_case(name, path, form, known) for known in values]


def _member_case(path: Path, member: str, table: Path | None) -> Case:
    """Return the case of one of several instances in a file."""
    entry = None if table is None else entry_of_member(member, table)
    (known,) = known_values(entry)
    home = path.parent if table is None else table.parent
    return Case(f"{home.name}/{member}", f"{path}#{member}", known.lower, known.upper)


def _folder_format(path: Path) -> str | None:
    """Return the format after which the file's folder is named, as for shop variants.

    A file's ending tells more than its folder, unless the folder has that format with one more
    rule, as ``jsplib-blocking`` has that of ``.jsp``.
    """
    folder = path.parent.name
    if all(entry.name != folder for entry in FORMATS):
        return None
    told = [entry.name for entry in FORMATS if path.suffix.lower() in entry.suffixes]
    return folder if not told or any(f"{folder}-".startswith(f"{name}-") for name in told) else None


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
