"""Reads settings: the variables of the environment, and the files of the project and the user."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from scheduling.cli.settable import settable
from scheduling.cli.settings_layers import PREFIX, Layer, Settings, variable
from scheduling.errors import Fault, InputError, did_you_mean

FILE = "scheduling.toml"
"""Name of a file of settings."""

_PYPROJECT = "pyproject.toml"

GENERAL: dict[str, type] = {
    "time-limit": float,
    "work-limit": float,
    "workers": int,
    "seed": int,
    "solver": str,
    "backend": str,
    "log-level": str,
    "log-format": str,
}
"""Options that are set for all verbs that have them, at the head of a file or by a variable."""

_TYPES = {float: "a number", int: "a whole number", str: "a text"}

_FOREIGN = re.compile(r"SCHEDULING_(DATA|\w*SERVICE_(HOST|PORT)\w*|\w*PORT(_\d+_\w+)?)")
"""Variables that set nothing: the folder of data sets, and what Kubernetes tells of services."""


def load(verbs: Mapping[str, Any], folder: Path | None = None) -> Settings:
    """Read the environment and the files.

    Parameters
    ----------
    verbs
        The commands by name, which say what there is to set.
    folder
        Where the search for the project's file begins; default: the current one.

    Raises
    ------
    InputError
        When a file cannot be read, or holds a key that nothing is known of.
    """
    layers = [_environment()]
    project = _project_file((folder or Path.cwd()).resolve())
    user = Path(typer.get_app_dir("scheduling")) / FILE
    for path in (project, user):
        if path is not None and path.is_file() and str(path) not in Settings(tuple(layers)).files:
            layers.append(_read(path, verbs))
    return Settings(tuple(layers))


def _environment() -> Layer:
    """Read the variables.

    Raises
    ------
    InputError
        For one that sets nothing, and for numbers that are none.
    """
    known = {variable(option): option for option in GENERAL}
    general: dict[str, Any] = {}
    faults = []
    for name, text in os.environ.items():
        if not name.startswith(PREFIX) or _FOREIGN.fullmatch(name) or not text:
            continue
        option = known.get(name)
        if option is None:
            faults.append(Fault(name, "no such setting", _one_of(name, sorted(known))))
            continue
        try:
            general[option] = GENERAL[option](text)
        except ValueError:
            faults.append(Fault(name, repr(text), _TYPES[GENERAL[option]]))
    if faults:
        raise InputError(faults, "environment")
    return Layer("environment", None, general=general)


def _project_file(folder: Path) -> Path | None:
    """Return the nearest file of settings in a folder or above it."""
    for place in (folder, *folder.parents):
        own, shared = place / FILE, place / _PYPROJECT
        if own.is_file():
            return own
        if shared.is_file() and "[tool.scheduling" in _text(shared):
            return shared
    return None


def _read(path: Path, verbs: Mapping[str, Any]) -> Layer:
    try:
        document = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rstrip(")").rpartition(" (at ")
        found = message[:1].lower() + message[1:]
        raise InputError.single(place or "document", found, "TOML", str(path)) from None
    head = ""
    if path.name == _PYPROJECT:
        document = document.get("tool", {}).get("scheduling", {})
        head = "tool.scheduling."
    general = {key: value for key, value in document.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    faults = [*_general_faults(general, verbs), *_verb_faults(tables, verbs)]
    if faults:
        placed = [Fault(head + one.place, one.found, one.expected) for one in faults]
        raise InputError(placed, str(path))
    return Layer("file", path, head, general, tables)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        found = (error.strerror or "an error").lower()
        raise InputError.single("file", found, "a file that can be read", str(path)) from None
    except UnicodeDecodeError:
        raise InputError.single("file", "no UTF-8 text", "TOML", str(path)) from None


def _general_faults(values: Mapping[str, Any], verbs: Mapping[str, Any]) -> Iterator[Fault]:
    for key, value in values.items():
        if key not in GENERAL:
            known = [*GENERAL, *(f"[{verb}]" for verb in verbs)]
            yield Fault(key, "no such setting", _one_of(key, known))
        elif not _is(value, GENERAL[key]):
            yield Fault(key, repr(value), _TYPES[GENERAL[key]])


def _verb_faults(tables: Mapping[str, Any], verbs: Mapping[str, Any]) -> Iterator[Fault]:
    for verb, values in tables.items():
        if verb not in verbs:
            yield Fault(f"[{verb}]", "no such verb", _one_of(verb, list(verbs)))
            continue
        known = list(settable(verbs[verb]))
        for key in values:
            if key not in known:
                yield Fault(f"{verb}.{key}", "no such setting", _one_of(key, known))


def _one_of(name: str, known: Sequence[str]) -> str:
    return f"one of: {', '.join(known) or 'nothing'}{did_you_mean(name, known)}"


def _is(value: Any, wanted: type) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) if wanted is float else isinstance(value, wanted)
