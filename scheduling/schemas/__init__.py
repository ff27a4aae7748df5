"""Names and versions of all JSON that the package writes.

Every JSON output begins with ``"schema": "scheduling/NAME/VERSION"``. Within a version fields are
only added; a field that goes, or means something else, makes a new version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from scheduling.errors import InputError, did_you_mean

KEY = "schema"

ROWS = "records"
"""Where the entries of an output stand that is a list."""

OUTPUTS = {
    "atlas": 1,
    "benchmark": 1,
    "benchmark-run": 1,
    "check": 1,
    "config": 1,
    "conversion": 1,
    "doctor": 1,
    "explanation": 1,
    "generators": 1,
    "info": 1,
    "pareto-front": 1,
    "plan-explanation": 1,
    "plan-front": 1,
    "plan-result": 1,
    "pods": 1,
    "profile": 1,
    "report": 1,
    "reproduction": 1,
    "schemas": 1,
    "simulation-checkpoint": 1,
    "simulation-edge-cloud": 1,
    "simulation-requests": 1,
    "simulation-schedule": 1,
    "simulation-sharing": 1,
    "sweep": 1,
    "sweep-run": 1,
    "trace": 1,
}
"""Outputs of verbs, and lines of the files that they append to, with the version written."""

DOCUMENTS: dict[str, int] = {}
"""Versions of documents, named as :func:`problem` and :func:`solution` do, that are not 1."""

_STAMP = re.compile(r"scheduling/([\w-]+)/(\d+)")


def problem(kind: str) -> str:
    """Return the name of the schema of a kind of problem."""
    return f"problem-{kind}"


def solution(kind: str) -> str:
    """Return the name of the schema of the solutions of a kind."""
    return f"solution-{kind}"


def stamp(name: str) -> str:
    """Return what stands under ``schema`` in an output."""
    return f"scheduling/{name}/{version(name)}"


def version(name: str) -> int:
    """Return the version of a schema that is written and read."""
    return OUTPUTS.get(name) or DOCUMENTS.get(name, 1)


def stamped(name: str, value: Any) -> dict[str, Any]:
    """Return an output with its schema; a list's entries stand under ``records``."""
    fields = value if isinstance(value, Mapping) else {ROWS: value}
    return {KEY: stamp(name), **fields}


def opened(data: Any, source: str | None) -> Any:
    """Return what was stamped, without the stamp; what has none is returned as it is.

    Raises
    ------
    InputError
        When it is of a version that this package does not read.
    """
    if not isinstance(data, dict) or KEY not in data:
        return data
    found = _STAMP.fullmatch(str(data[KEY]))
    if found is None:
        raise InputError.single(KEY, repr(data[KEY]), "scheduling/NAME/VERSION", source)
    known = version(found[1])
    if int(found[2]) != known:
        expected = f"version {known}, which this release reads"
        raise InputError.single(KEY, repr(data[KEY]), expected, source)
    fields = {key: value for key, value in data.items() if key != KEY}
    return fields[ROWS] if list(fields) == [ROWS] else fields


def stamp_name(data: Any) -> str | None:
    """Return the name of the schema under which data stands; ``None`` without one."""
    found = _STAMP.fullmatch(str(data.get(KEY))) if isinstance(data, dict) else None
    return None if found is None else found[1]


def output_schema(name: str) -> dict[str, Any]:
    """Return the JSON schema of a verb's output.

    Raises
    ------
    InputError
        When there is no such output.
    """
    if name not in OUTPUTS:
        expected = f"one of: {', '.join(OUTPUTS)}{did_you_mean(name, OUTPUTS)}"
        raise InputError.single("schema", repr(name), expected)
    place = files(__name__) / "outputs" / f"{name}.json"
    schema: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return schema
