"""Suites: named lists of instances with their best known bounds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduling.errors import InputError
from scheduling.instances.bundled import best_known, names
from scheduling.instances.files import BUNDLED

DATA_VARIABLE = "SCHEDULING_DATA"
"""Environment variable that names the folder of public data sets."""

_SIDE_FILES = {".md", ".json", ".csv", ".gz"}


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
    """

    name: str
    path: str
    lower: float | None = None
    upper: float | None = None


def cases(suite: str) -> list[Case]:
    """Return the instances of a suite, sorted by name.

    Parameters
    ----------
    suite
        ``"bundled"``; a folder or file; or a data set below the folder that the environment
        variable ``SCHEDULING_DATA`` names, such as ``"jsp"``, ``"rcpsp/j60"`` or
        ``"jsp/ta01.txt"``.

    Raises
    ------
    InputError
        When there is no such suite or it holds no instances.
    """
    if suite == "bundled":
        return [_bundled(name) for name in names()]
    place = _locate(suite)
    if place.is_file():
        return [_case(place, _bounds(place))]
    files = sorted(path for path in place.rglob("*") if _is_instance(path))
    if not files:
        raise InputError.single("suite", f"{suite!r} without instances", "a folder of instances")
    return [_case(path, _bounds(path)) for path in files]


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
    return path.is_file() and path.suffix.lower() not in _SIDE_FILES


def _bounds(path: Path) -> tuple[str, dict[str, Any]]:
    """Find the entry of ``path`` in the ``best_known.json`` of a folder above it."""
    for folder in path.parents:
        table = folder / "best_known.json"
        if table.is_file():
            entries = json.loads(table.read_text(encoding="utf-8"))
            inner = path.relative_to(folder).as_posix()
            entry = entries.get(inner) or entries.get(inner.removesuffix(path.suffix)) or {}
            return f"{folder.name}/{inner}", entry
    return f"{path.parent.name}/{path.name}", {}


def _case(path: Path, known: tuple[str, dict[str, Any]]) -> Case:
    name, entry = known
    return Case(name, str(path), entry.get("lb"), entry.get("ub"))
