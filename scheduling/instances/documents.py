"""The project's own files: problems and solutions as YAML or JSON documents with a ``kind``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import yaml

from scheduling import schemas
from scheduling.errors import InputError
from scheduling.instances.jsontext import json_lines, parse_json
from scheduling.instances.kinds import problem_class, solution_class
from scheduling.instances.text import excerpt, head
from scheduling.instances.yamltext import Path, parse_yaml, resolve, yaml_lines
from scheduling.models.base import Document, Problem, Solution
from scheduling.schemas import opened, stamped

D = TypeVar("D", bound=Document)

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_FIELD = re.compile(r"(kind|name|objective|resources|calendars|jobs|precedences)\s*:(\s.*)?")
_OTHER_KINDS = ("heterogeneous", "workflow")
"""Kinds of JSON documents that are formats of their own."""


def sniff_json(text: str) -> bool:
    """Tell whether the text starts like a JSON object, of a kind of this project if it has one."""
    if re.match(r'\s*\{\s*("|\}|\Z)', text) is None:
        return False
    kind = re.match(r'\s*\{[^\[\]{}]*"kind"\s*:\s*"([^"]*)"', text)
    if kind is None:
        return not sniff_mapping(text) and not sniff_ticks(text)
    return kind[1] not in _OTHER_KINDS


def sniff_mapping(text: str) -> bool:
    """Tell whether the text is a JSON object with hosts ``pms``, a format of its own."""
    return re.match(r'\s*\{[^{}]*"pms"\s*:\s*\[', text) is not None


def sniff_ticks(text: str) -> bool:
    """Tell whether the text is a JSON object with a row of ticks, a format of its own."""
    ahead = r'"metadata"\s*:\s*\{[^{}]*"gap_seconds"|"data"\s*:\s*\[\s*\d'
    return re.match(rf"\s*\{{\s*(?:{ahead})", text) is not None


def sniff_yaml(text: str) -> bool:
    """Tell whether the text starts like a YAML document of this project."""
    lines = head(text, 12, "#")
    first = bool(lines) and re.match(r"\{\s*[^\s\"}]", lines[0]) is not None
    return first or any(_FIELD.fullmatch(line) for line in lines)


def read_json(model: type[D], text: str, source: str | None) -> D:
    """Read a JSON document of a given layout.

    Raises
    ------
    InputError
        With the line of each fault.
    """
    data = parse_json(text, source)
    with located(text, source):
        return model.model_validate(data)


def read_yaml(model: type[D], text: str, source: str | None) -> D:
    """Read a YAML document of a given layout.

    Raises
    ------
    InputError
        With the line of each fault.
    """
    data = parse_yaml(text, source)
    with located(text, source, yaml_lines):
        return model.model_validate(data)


def read_json_problem(text: str, source: str | None) -> Problem:
    """Read a problem from a JSON document."""
    data = _mapping(opened(parse_json(text, source), source), source)
    with located(text, source):
        return problem_class(data.get("kind")).model_validate(data)


def read_yaml_problem(text: str, source: str | None) -> Problem:
    """Read a problem from a YAML document."""
    data = _mapping(opened(parse_yaml(text, source), source), source)
    with located(text, source, yaml_lines):
        return problem_class(data.get("kind")).model_validate(data)


def read_json_solution(text: str, source: str | None) -> Solution:
    """Read a solution from a JSON document."""
    data = _mapping(opened(parse_json(text, source), source), source)
    with located(text, source):
        return solution_class(data.get("kind")).model_validate(data)


def write_json_problem(problem: Problem) -> str:
    """Write a problem as a JSON document, without the fields that have their default value."""
    return json.dumps(compact(problem), ensure_ascii=False, indent=1) + "\n"


def write_yaml_problem(problem: Problem) -> str:
    """Write a problem as a YAML document, without the fields that have their default value."""
    return write_yaml(compact(problem))


def write_yaml(data: dict[str, Any], *, leaves_in_line: bool = False) -> str:
    """Write plain data as a YAML document, lists and mappings of plain values in a line or not."""
    style = None if leaves_in_line else False
    text: str = yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=style,
    )
    return text


def write_json_solution(solution: Solution) -> str:
    """Write a solution as a JSON document with all its fields, under its schema."""
    name = schemas.solution(solution.kind)
    fields = stamped(name, solution.model_dump(mode="json"))
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"


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
    stated = fields.get("objective")
    if isinstance(stated, dict):
        fields["objective"] = [_short_tier(tier) for tier in stated["tiers"]]
        if len(fields["objective"]) == 1:
            fields["objective"] = fields["objective"][0]
    return fields


def _short_tier(tier: dict[str, Any]) -> Any:
    terms = {term["measure"]: term.get("weight", 1) for term in tier["terms"]}
    return next(iter(terms)) if list(terms.values()) == [1] else terms


def _mapping(data: Any, source: str | None) -> dict[str, Any]:
    if not isinstance(data, dict):
        found = excerpt(json.dumps(data, ensure_ascii=False))
        raise InputError.single("line 1", found, "a mapping with a kind", source)
    return data


@contextmanager
def located(
    text: str, source: str | None, lines: Callable[[str], dict[Path, int]] = json_lines
) -> Iterator[None]:
    """Add to each fault the line on which its field stands, or the closest field around it.

    Parameters
    ----------
    text, source
        The document, which has been parsed, and the file's name.
    lines
        Reads the lines of its values from the text.
    """
    try:
        yield
    except InputError as error:
        known = lines(text)
        faults = [
            replace(fault, place=f"line {_closest(known, fault.place)}, {fault.place}")
            for fault in error.faults
        ]
        raise InputError(faults, source) from None


def _closest(lines: dict[Path, int], place: str) -> int:
    path: Path = ()
    for index, key in _STEP.findall(place):
        longer = (*path, int(index) if index else key)
        if longer in lines:
            path = longer
    return lines.get(path, 1)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes text so that :func:`~scheduling.instances.yamltext.resolve` reads it back as text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write repeated values out."""
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = '"' if not isinstance(resolve(text), str) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
