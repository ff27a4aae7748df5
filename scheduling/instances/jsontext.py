"""JSON as the project reads it: strictly, and with the line of every value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from scheduling.errors import InputError
from scheduling.instances.text import excerpt
from scheduling.instances.yamltext import Path

_MAX_DIGITS = 1000
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:\n]|[^\s\[\]{},:"]+')


class _DuplicateKeyError(ValueError):
    """A JSON object has a key twice."""


def parse_json(text: str, source: str | None) -> Any:
    """Parse a JSON document strictly: no repeated keys, no NaN or infinity.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        expected = f"valid JSON ({error.msg[:1].lower()}{error.msg[1:]})"
        found = excerpt(text[error.pos : error.pos + 20]) if error.pos < len(text) else "the end"
        raise InputError.single(f"line {error.lineno}", found, expected, source) from None
    except RecursionError:
        raise InputError.single("line 1", "deep nesting", "less nesting", source) from None
    except _DuplicateKeyError as error:
        place = f"line {_line_of_repeated(text)}"
        raise InputError.single(place, f"the key {error} twice", "each key once", source) from None
    except ValueError as error:
        raise InputError.single("document", str(error), "finite numbers", source) from None


def json_lines(text: str) -> dict[Path, int]:
    """Return the line on which the value at each path begins, of a text that is valid JSON."""
    return dict(_values(text))


def _values(text: str) -> Iterator[tuple[Path, int]]:
    """Yield path and line of each value; the path of a repeated key comes again."""
    path: list[str | int | None] = []
    line = 1
    for piece in _PIECE.findall(text):
        inside = path[-1] if path else None
        if piece == "\n":
            line += 1
        elif piece == ",":
            path[-1] = inside + 1 if isinstance(inside, int) else None
        elif piece in ("]", "}"):
            path.pop()
        elif path and inside is None:
            path[-1] = json.loads(piece)
        elif piece != ":":
            yield tuple(step for step in path if step is not None), line
            if piece in ("[", "{"):
                path.append(0 if piece == "[" else None)


def _line_of_repeated(text: str) -> int:
    seen: set[Path] = set()
    for path, line in _values(text):
        if path in seen:
            return line
        seen.add(path)
    raise ValueError(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(excerpt(key))
            seen.add(key)
    return fields


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(excerpt(text))
    return value


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(excerpt(text))
    return int(text)
