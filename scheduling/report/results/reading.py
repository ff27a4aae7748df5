"""Reads result files of any verb into sections."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from scheduling.errors import Fault, InputError
from scheduling.instances.documents import located, read_json_solution
from scheduling.instances.files import BUNDLED, parse, read, read_text
from scheduling.instances.jsontext import parse_json
from scheduling.models.base import Problem, Solution
from scheduling.models.checking import offline_problem
from scheduling.models.front import ParetoFront
from scheduling.models.serving.plan import ServingPlan
from scheduling.report.results import run_shapes, shapes
from scheduling.report.results.bench import bench_section
from scheduling.report.results.certificates import false_claims, missing_fields
from scheduling.report.results.content import Given, Section
from scheduling.report.results.plans import (
    plan_explanation_section,
    plan_front_section,
    plan_section,
)
from scheduling.report.results.pods import BESIDE, beside_tables
from scheduling.report.results.requests import requests_section, sweep_section
from scheduling.report.results.runs import (
    checkpoint_section,
    edge_section,
    online_section,
    sharing_section,
)
from scheduling.report.results.shapes import Shape
from scheduling.report.results.solutions import front_section, solution_section
from scheduling.report.results.systems import atlas_section, scenarios_section
from scheduling.schemas import KEY, OUTPUTS, ROWS, opened, stamp_name

EXPECTED = (
    "a solution (solve, pods, pareto), what plan, simulate or reproduce print with --json, "
    "plan.json, atlas.json, results of bench (.jsonl), or an instance before its solution"
)
"""What a file of a report may be."""

Instances = Callable[[str, tuple[str, str] | None], Problem]
"""Reads an instance by its name; of a file, text and name to show are given too."""

_SHOWN = 60


class _Reader(NamedTuple):
    """What describes plain data, what it must hold, and the kinds of instances that it answers.

    Of a list, each entry has the shape.
    """

    build: Callable[[Any, str, Given | None], Section]
    shape: type[Shape | ServingPlan]
    kinds: tuple[str, ...] = ()
    is_list: bool = False


def _own(file: str, given: tuple[str, str] | None) -> Problem:
    return read(file) if given is None else parse(*given)


def read_results(files: Sequence[str], instances: Instances = _own) -> list[Section]:
    """Read results; a file that is an instance belongs to the results behind it.

    Solutions behind their instance are checked against it.

    Parameters
    ----------
    files
        Names, in the order in which their results are shown.
    instances
        What reads instances, where more than the library's own formats are to be taken.

    Raises
    ------
    InputError
        For a file that cannot be read or is no result, an instance that no result of it follows,
        and a solution that names what its instance does not have.
    """
    sections: list[Section] = []
    given: Given | None = None
    waits = False
    for file in files:
        bundled = file.startswith(BUNDLED)
        text, source = ("", file) if bundled else read_text(file)
        data, name = (None, None) if bundled else _data(text, source)
        if data is None:
            if waits and given is not None:
                raise _stranger(given, "no solution and no other result", source or file)
            given = Given(file, _instance(file, None if bundled else (text, source), instances))
            waits = True
            continue
        sections.append(_section(data, _reader(data, name), (text, source), given, waits))
        waits = False
    if waits and given is not None:
        found = "an instance that no solution or other result follows"
        expected = "its result behind it, such as INSTANCE SOLUTION, or results alone"
        raise InputError.single("file", found, expected, given.file)
    return sections


def _data(text: str, source: str) -> tuple[Any, str | None]:
    """Return the data of a result, ``None`` for an instance, and the name of its schema if any."""
    if source.lower().endswith(".jsonl"):
        return _lines(text, source), None
    if not text.strip():
        raise InputError.single("file", "nothing", EXPECTED, source)
    if not text.lstrip().startswith(("{", "[")) or source.lower().endswith((".yaml", ".yml")):
        return None, None
    document = parse_json(text, source)
    name, data = stamp_name(document), opened(document, source)
    if name in OUTPUTS and name not in _STAMPED and name not in _SOLUTIONS:
        raise InputError.single(KEY, repr(document[KEY]), EXPECTED, source)
    fields = data if isinstance(data, dict) else {}
    is_result = (
        name in _STAMPED
        or isinstance(data, list)
        or fields.get("kind") in list(_DOCUMENTS)
        or not fields.keys().isdisjoint(("status", "runs", "verdicts"))
    )
    return (data if is_result else None), name


def _instance(file: str, given: tuple[str, str] | None, instances: Instances) -> Problem:
    """Return the problem of a file that is no result."""
    try:
        return instances(file, given)
    except InputError:
        text, source = given or ("", file)
        # Of JSON without a kind nothing is known: what an instance would lack is of no help.
        if not text.lstrip().startswith("{") or "kind" in parse_json(text, source):
            raise
    raise InputError.single("document", "no result and no instance", EXPECTED, source)


def _lines(text: str, source: str) -> list[Any]:
    """Return the records of a file of JSON lines."""
    records: list[Any] = []
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{source}: line {number}"
        try:
            record = opened(parse_json(line, None), place)
        except InputError as error:
            raise error if error.source else _in_line(error, number, source) from None
        if not isinstance(record, dict):
            found = line.strip()[:_SHOWN] or "nothing"
            raise InputError.single(f"line {number}", found, "a JSON object", source)
        records.append(record)
    if not all("solver" in record or "policy" in record for record in records) or not records:
        found = "lines that are no runs" if records else "nothing"
        raise InputError.single("file", found, "results of bench or of a sweep", source)
    return records


def _in_line(error: InputError, number: int, source: str) -> InputError:
    """Return the faults of a line with the place that it has in its file."""
    return InputError([replace(one, place=f"line {number}") for one in error.faults], source)


def _section(
    data: Any, reader: _Reader | None, file: tuple[str, str], given: Given | None, waits: bool
) -> Section:
    """Return the section of one result; ``waits``: the instance before it is its own."""
    text, source = file
    if reader is not None:
        fits = given is not None and given.problem.kind in reader.kinds
        if waits and not fits:
            raise _stranger(given, "another verb's result", source)
        whole = _shaped(reader, data, text, source)
        return reader.build(whole, source, given if fits else None)
    if not isinstance(data, dict):
        raise InputError.single("document", "no result", EXPECTED, source)
    placed = data.get("kind") == "placement"
    beside = {key: data.pop(key) for key in BESIDE if placed and key in data}
    solution = read_json_solution(json.dumps(data) if beside else text, source)
    with located(text, source):
        _raise(missing_fields(solution, data))
    own = given if _answers(solution, given, source, strict=waits) else None
    if own is None:
        with located(text, source):
            _raise(false_claims(solution))
    try:
        if isinstance(solution, ParetoFront):
            return front_section(solution, source, own)
        return solution_section(solution, source, own, beside_tables(beside))
    except InputError as error:
        raise error.with_source(source) if error.source is None else error from None
    except LookupError as error:
        raise _stranger(own, f"a solution that names {error}", source) from None


def _raise(faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise InputError(found)


def _shaped(reader: _Reader, data: Any, text: str, source: str) -> Any:
    """Return plain data with the defaults of its shape.

    Raises
    ------
    InputError
        When it does not have that shape, with the line of each fault.
    """
    shape = reader.shape
    if isinstance(data, list) is not reader.is_list or data == []:
        wanted = "no list" if isinstance(data, dict) else f"no {ROWS}"
        found = wanted if reader.is_list else "a list"
        raise InputError.single("document", found, EXPECTED, source)
    if isinstance(data, dict):
        with located(text, source):
            return shape.model_validate(data).model_dump(mode="json")
    entries, faults = [], []
    by_line = source.lower().endswith(".jsonl")
    stamped = text.lstrip().startswith("{")
    for number, record in enumerate(data):
        try:
            entries.append(shape.model_validate(record).model_dump(mode="json"))
        except InputError as error:
            head = f"line {number + 1}, " if by_line else f"{ROWS if stamped else ''}[{number}]."
            faults += [replace(fault, place=head + fault.place) for fault in error.faults]
    if by_line and faults:
        raise InputError(faults, source)
    with located(text, source):
        _raise(faults)
    return entries


def _answers(solution: Solution, given: Given | None, source: str, *, strict: bool) -> bool:
    """Tell whether a solution answers an instance.

    Raises
    ------
    InputError
        When it does not and ``strict`` asks for it.
    """
    if given is None:
        return False
    mine = getattr(solution, "problem", None)
    asked = offline_problem(given.problem)
    kinds = {given.problem.kind, asked.kind}
    if isinstance(solution, ParetoFront):
        kinds.add(solution.kind)
    if solution.kind not in kinds:
        if strict:
            raise _stranger(given, f"a solution of kind {solution.kind!r}", source)
        return False
    if None not in (mine, asked.name) and mine != asked.name:
        if strict:
            raise _stranger(given, f"a solution of {mine!r}", source)
        return False
    return True


def _stranger(given: Given | None, found: str, source: str) -> InputError:
    """Return the error of a result that does not answer the instance before it."""
    if given is None:
        return InputError.single("document", found, EXPECTED, source)
    problem: Problem = given.problem
    name = f" {problem.name!r}" if problem.name else ""
    expected = f"a result of {given.file} before it, of kind {problem.kind!r}{name}"
    return InputError.single("document", found, expected, source)


def _reader(data: Any, name: str | None) -> _Reader | None:
    """Return what describes plain data, by its schema or its fields; ``None`` for solutions."""
    if name in _STAMPED:
        return _STAMPED[name]
    if isinstance(data, list):
        first = data[0] if data else None
        if not isinstance(first, dict):
            return None
        return next((reader for key, reader in _ROWS.items() if key in first), _BENCH)
    if data.get("kind") in list(_DOCUMENTS):
        return _DOCUMENTS[data["kind"]]
    # Solutions have a status of their own, and may say what runs, too.
    if "runs" not in data or {"kind", "status"} <= data.keys():
        return None
    return next((reader for key, reader in _RUNS.items() if key in data), _RUNS["requests"])


_BENCH = _Reader(
    lambda found, source, _: bench_section(found, source), shapes.BenchRun, is_list=True
)
_SWEEP = _Reader(sweep_section, run_shapes.SweepRun, ("requests",), is_list=True)
_SCENARIOS = _Reader(
    lambda found, source, _: scenarios_section(found, source), shapes.Scenario, is_list=True
)

_DOCUMENTS = {
    "plan-result": _Reader(plan_section, shapes.PlanResult, ("fleet",)),
    "serving-plan": _Reader(plan_section, ServingPlan, ("fleet",)),
    "plan-front": _Reader(plan_front_section, shapes.PlanFront, ("fleet",)),
    "plan-explanation": _Reader(plan_explanation_section, shapes.PlanExplanation, ("fleet",)),
    "atlas": _Reader(lambda found, source, _: atlas_section(found, source), shapes.Atlas),
}
"""By their kinds, which are the names of their schemas too."""

_ROWS = {"rows": _SCENARIOS, "policy": _SWEEP}
"""By a field that only entries of such lists have."""

_RUNS = {
    "requests": _Reader(requests_section, run_shapes.RequestRuns, ("requests",)),
    "offline": _Reader(online_section, run_shapes.OnlineRuns, ("online-schedule",)),
    "least_waste": _Reader(checkpoint_section, run_shapes.CheckpointRuns, ("checkpoint",)),
    "utility": _Reader(edge_section, run_shapes.EdgeRuns, ("edge-cloud",)),
    "lag_limit_seconds": _Reader(sharing_section, run_shapes.SharingRuns, ("sharing",)),
}
"""By a field that only results of such runs have."""

_STAMPED = {
    **_DOCUMENTS,
    "benchmark": _BENCH,
    "reproduction": _SCENARIOS,
    "sweep": _SWEEP,
    "simulation-requests": _RUNS["requests"],
    "simulation-schedule": _RUNS["offline"],
    "simulation-checkpoint": _RUNS["least_waste"],
    "simulation-edge-cloud": _RUNS["utility"],
    "simulation-sharing": _RUNS["lag_limit_seconds"],
}
"""By the names of their schemas."""

_SOLUTIONS = ("pods", "pareto-front")
"""Outputs of verbs that hold solutions."""
