"""Reads result files of any verb into sections."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from scheduling.errors import InputError
from scheduling.instances.documents import read_json_solution
from scheduling.instances.files import BUNDLED, parse, read, read_text
from scheduling.instances.jsontext import parse_json
from scheduling.models.base import Problem
from scheduling.models.front import ParetoFront
from scheduling.report.results.content import Section
from scheduling.report.results.records import (
    BESIDE,
    bench_section,
    beside_tables,
    plan_section,
    runs_section,
)
from scheduling.report.results.solutions import front_section, solution_section
from scheduling.report.results.systems import atlas_section, scenarios_section

EXPECTED = (
    "a solution (solve, pods, pareto), what plan, simulate or reproduce print with --json, "
    "plan.json, atlas.json, results of bench (.jsonl), or an instance before its solution"
)
"""What a file of a report may be."""


def read_results(files: Sequence[str]) -> list[Section]:
    """Read results; a file that is an instance belongs to the solutions behind it.

    Parameters
    ----------
    files
        Names, in the order in which their results are shown.

    Raises
    ------
    InputError
        For a file that cannot be read or is no result, and an instance that no solution follows.
    """
    sections: list[Section] = []
    instance: tuple[str, Problem] | None = None
    waits = False
    for file in files:
        bundled = file.startswith(BUNDLED)
        text, source = ("", file) if bundled else read_text(file)
        data = None if bundled else _data(text, source)
        if data is None:
            if waits:
                break
            instance = file, read(file) if bundled else parse(text, source)
            waits = True
            continue
        sections.append(_section(data, text, source, instance))
        waits = False
    if waits and instance is not None:
        raise InputError.single("file", "an instance", f"{EXPECTED}; no solution", instance[0])
    return sections


def _data(text: str, source: str) -> Any:
    """Return the data of a result; ``None`` for an instance."""
    if source.lower().endswith(".jsonl"):
        return _lines(text, source)
    if not text.lstrip().startswith(("{", "[")) or source.lower().endswith((".yaml", ".yml")):
        return None
    data = parse_json(text, source)
    is_result = isinstance(data, list) or (
        isinstance(data, dict) and any(key in data for key in ("status", "runs", "verdicts"))
    )
    return data if is_result else None


def _lines(text: str, source: str) -> list[Any] | None:
    """Return the records of a file of JSON lines; ``None`` when they are no results of runs."""
    records = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            records.append(json.loads(line))
        except ValueError:
            found = line.strip()[:60]
            raise InputError.single(f"line {number}", found, "a JSON object", source) from None
    return records if all(isinstance(r, dict) and "solver" in r for r in records) else None


def _section(data: Any, text: str, source: str, instance: tuple[str, Problem] | None) -> Section:
    """Return the section of one result."""
    builder = _builder(data)
    if builder is not None:
        try:
            return builder(data, source)
        except (KeyError, TypeError, AttributeError) as error:
            found = f"a result without {error}" if isinstance(error, KeyError) else str(error)
            raise InputError.single("document", found, EXPECTED, source) from None
    if not isinstance(data, dict):
        raise InputError.single("document", "no result", EXPECTED, source)
    beside = {key: data.pop(key) for key in BESIDE if key in data}
    solution = read_json_solution(json.dumps(data) if beside else text, source)
    if isinstance(solution, ParetoFront):
        return front_section(solution, source)
    fits = instance is not None and instance[1].kind == solution.kind
    name, problem = instance if instance is not None and fits else (None, None)
    return solution_section(solution, source, problem, name, beside_tables(beside))


def _builder(data: Any) -> Callable[[Any, str], Section] | None:
    """Return what describes plain data; ``None`` for solutions."""
    if isinstance(data, list):
        first = data[0] if data else None
        if not isinstance(first, dict):
            return None
        return scenarios_section if "rows" in first else bench_section
    if data.get("kind") in ("plan-result", "serving-plan"):
        return plan_section
    if data.get("kind") == "atlas":
        return atlas_section
    return runs_section if "runs" in data else None
