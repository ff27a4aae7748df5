"""The project's own files: problems and solutions as YAML or JSON documents with a ``kind``."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import yaml

from scheduling.errors import Fault, InputError
from scheduling.instances.kinds import problem_class, solution_class
from scheduling.instances.text import excerpt, head
from scheduling.instances.yamltext import Path, parse_yaml, resolve
from scheduling.models.base import Problem, Solution

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_FIELD = re.compile(r"(kind|name|objective|resources|calendars|jobs|precedences)\s*:(\s.*)?")
_MAX_DIGITS = 1000
_OTHER_KINDS = ("heterogeneous", "workflow")
"""Kinds of JSON documents that are formats of their own."""


class _DuplicateKeyError(ValueError):
    """A JSON object has a key twice."""


def sniff_json(text: str) -> bool:
    """Tell whether the text starts like a JSON object, of a kind of this project if it has one."""
    if re.match(r'\s*\{\s*("|\}|\Z)', text) is None:
        return False
    kind = re.match(r'\s*\{[^\[\]{}]*"kind"\s*:\s*"([^"]*)"', text)
    if kind is None:
        return not sniff_mapping(text)
    return kind[1] not in _OTHER_KINDS


def sniff_mapping(text: str) -> bool:
    """Tell whether the text is a JSON object with hosts ``pms``, a format of its own."""
    return re.match(r'\s*\{[^{}]*"pms"\s*:\s*\[', text) is not None


def sniff_yaml(text: str) -> bool:
    """Tell whether the text starts like a YAML document of this project."""
    lines = head(text, 12, "#")
    first = bool(lines) and re.match(r"\{\s*[^\s\"}]", lines[0]) is not None
    return first or any(_FIELD.fullmatch(line) for line in lines)


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
        parse_yaml(text.replace("\t", " "), source)
        found = f"the key {error} twice"
        raise InputError.single("document", found, "each key once", source) from None
    except ValueError as error:
        raise InputError.single("document", str(error), "finite numbers", source) from None


def read_json_problem(text: str, source: str | None) -> Problem:
    """Read a problem from a JSON document."""
    data = parse_json(text, source)
    return _problem(data, text, source)


def read_yaml_problem(text: str, source: str | None) -> Problem:
    """Read a problem from a YAML document."""
    data = parse_yaml(text, source)
    return _problem(data, text, source)


def read_json_solution(text: str, source: str | None) -> Solution:
    """Read a solution from a JSON document."""
    data = _mapping(parse_json(text, source), source)
    try:
        return solution_class(data.get("kind")).model_validate(data)
    except InputError as error:
        raise locate(error, text, source) from None


def write_json_problem(problem: Problem) -> str:
    """Write a problem as a JSON document, without the fields that have their default value."""
    return json.dumps(compact(problem), ensure_ascii=False, indent=1) + "\n"


def write_yaml_problem(problem: Problem) -> str:
    """Write a problem as a YAML document, without the fields that have their default value."""
    data = compact(problem)
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def write_json_solution(solution: Solution) -> str:
    """Write a solution as a JSON document with all its fields."""
    return json.dumps(solution.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def compact(problem: Problem) -> dict[str, Any]:
    """Return the problem as plain data, without default values and with short objectives."""
    data = problem.model_dump(mode="json", exclude_defaults=True)
    fields: dict[str, Any] = {"kind": problem.kind}
    fields.update((key, value) for key, value in data.items() if key != "kind")
    for key in fields:
        inner = getattr(problem, key)
        if isinstance(inner, Problem):
            fields[key] = compact(inner)
    resources = getattr(problem, "resources", ())
    for row, resource in zip(fields.get("resources", ()), resources, strict=True):
        described = dict(row)
        row.clear()
        row.update({"type": resource.type, **described})
    if "objective" in fields:
        fields["objective"] = [_short_tier(tier) for tier in fields["objective"]["tiers"]]
        if len(fields["objective"]) == 1:
            fields["objective"] = fields["objective"][0]
    return fields


def _short_tier(tier: dict[str, Any]) -> Any:
    terms = {term["measure"]: term.get("weight", 1) for term in tier["terms"]}
    return next(iter(terms)) if list(terms.values()) == [1] else terms


def _problem(data: Any, text: str, source: str | None) -> Problem:
    fields = _mapping(data, source)
    try:
        return problem_class(fields.get("kind")).model_validate(fields)
    except InputError as error:
        raise locate(error, text, source) from None


def _mapping(data: Any, source: str | None) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InputError.single("line 1", excerpt(repr(data)), "a mapping with a kind", source)
    return data


def locate(error: InputError, text: str, source: str | None) -> InputError:
    """Add to each fault the line on which its field stands, or the closest field around it.

    Parameters
    ----------
    error
        The faults, with places such as ``jobs[0].tasks``.
    text, source
        The document, JSON or YAML, and the file's name.
    """
    lines: dict[Path, int] = {}
    try:
        parse_yaml(text.replace("\t", " "), None, lines)
    except InputError:
        return error.with_source(source or "document")
    faults = []
    for fault in error.faults:
        line = _closest(lines, fault.place)
        faults.append(Fault(f"line {line}, {fault.place}", fault.found, fault.expected))
    return InputError(faults, source)


def _closest(lines: dict[Path, int], place: str) -> int:
    path: Path = ()
    for index, key in _STEP.findall(place):
        longer = (*path, int(index) if index else key)
        if longer in lines:
            path = longer
    return lines.get(path, 1)


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


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes text so that :func:`~scheduling.instances.yamltext.resolve` reads it back as text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write repeated values out."""
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = '"' if not isinstance(resolve(text), str) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
