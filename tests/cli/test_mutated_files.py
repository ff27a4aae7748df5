"""Mutated documents of every kind: a clear message and exit code 2, or an answer; no traceback."""

from __future__ import annotations

import copy
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import scheduling as sch
from docs.pages import blocks_of
from scheduling.errors import InputError, SchedulingError
from scheduling.instances.documents import write_json_problem
from scheduling.instances.kinds import kinds
from scheduling.instances.yamltext import parse_yaml
from scheduling.models.base import Status
from tests.cli.conftest import Cli
from tests.docs.test_snippets import PAGES
from tests.properties import examples

SOLVED = {
    "allocation": "greedy",
    "batching": "mc-sf",
    "caching": "greedy",
    "checkpoint": "young",
    "experts": "swaps",
    "federated": "compass",
    "leaf-spine": "ecmp",
    "loop": "ims",
    "memory": "first-fit",
    "offload": "least-loaded",
    "ordering": "append",
    "packing": "best-fit",
    "pipeline": "window",
    "placement": "best-fit",
    "prefill": "edf",
    "ring": "nearest",
    "schedule": "dispatch",
    "serving": "greedy",
    "spot": "greedy",
    "table": "sorted",
    "tiers": "density",
}
"""Kinds with solutions, and a solver of each that needs no engine."""
EXPLAINED = (
    *("allocation", "checkpoint", "federated", "leaf-spine", "loop", "memory", "offload"),
    *("pipeline", "placement", "ring", "schedule", "serving", "spot"),
)
JUNK: list[Any] = [
    *(None, True, -1, 0, 3, 1.5, 2**70, 1e300, "", "x", [], {}, [[]], [{}], {"x": 1}),
    *("nan", "-1", "x" * 500, "\u0663", "__class__"),
]
BRIEF = examples(
    6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@cache
def samples(kind: str) -> list[str]:
    """Return the documents of a kind that the documentation shows as JSON, the shortest first."""
    found = [
        document
        for page in PAGES
        for block in blocks_of(page.read_text(encoding="utf-8"))
        if block.language == "yaml" and f"kind: {kind}\n" in block.body
        for document in [parse_yaml(block.body, page.name)]
        if isinstance(document, dict) and document.get("kind") == kind
    ]
    return sorted((json.dumps(document) for document in found), key=len)


@cache
def answered(kind: str) -> tuple[str, str]:
    """Return the shortest sample that is solved at once, and its solution, both as JSON."""
    for text in samples(kind):
        problem = sch.read(_written(text, "sample.json"))
        answer = sch.solve(problem, SOLVED[kind], work_limit=1, workers=1)
        if answer.status in (Status.OPTIMAL, Status.FEASIBLE):
            return write_json_problem(problem), answer.model_dump_json()
    raise AssertionError(kind)


def _written(text: str, name: str) -> Path:
    path = Path(tempfile.mkdtemp()) / name
    path.write_text(text, encoding="utf-8")
    return path


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all nodes below the root."""
    below: list[tuple[Any, ...]] = []
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    for key, child in entries:
        below.append((*path, key))
        if isinstance(child, (dict, list)):
            below += _places(child, (*path, key))
    return below


def mutate(document: Any, data: st.DataObject) -> Any:
    """Replace, drop, double or rename up to two nodes of a document."""
    found = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 2))):
        places = _places(found)
        if not places:
            return found
        *path, key = data.draw(st.sampled_from(places))
        parent = found
        for step in path:
            parent = parent[step]
        match data.draw(st.sampled_from(["replace", "drop", "double", "name"])):
            case "replace":
                parent[key] = data.draw(st.sampled_from(JUNK))
            case "drop":
                del parent[key]
            case "double" if isinstance(parent, list):
                parent.insert(0, copy.deepcopy(parent[key]))
            case _ if isinstance(parent, dict):
                parent[f"{key}x"] = parent.pop(key)
            case _:
                parent[key] = data.draw(st.sampled_from(JUNK))
    return found


def said(err: str, path: Path) -> bool:
    """Tell whether a message names the file."""
    return str(path) in err or path.name in err


@pytest.mark.parametrize("kind", kinds())
@BRIEF
@given(data=st.data())
def test_a_mutated_problem_is_refused_or_taken(
    kind: str, data: st.DataObject, cli: Cli, tmp_path: Path
) -> None:
    document = mutate(json.loads(samples(kind)[0]), data)
    path, target = tmp_path / "mutated.json", tmp_path / "converted.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        problem = sch.read(path)
    except InputError:
        problem = None
    call = cli("convert", path, target)
    if problem is None:
        assert call.code == 2
        assert said(call.err, path)
        assert not call.out
    else:
        assert call.code == 0
        assert sch.read(target) == problem
        target.unlink()
    told = cli("info", path, "--json")
    assert told.code in ((0, 2) if problem is not None else (2,))
    if told.code == 2:
        assert told.err.strip()


@pytest.mark.parametrize("kind", SOLVED)
@BRIEF
@given(data=st.data())
def test_a_mutated_solution_is_refused_or_checked(
    kind: str, data: st.DataObject, cli: Cli, tmp_path: Path
) -> None:
    problem, solution = answered(kind)
    file, answer = tmp_path / "problem.json", tmp_path / "solution.json"
    if data.draw(st.booleans()):
        problem = json.dumps(mutate(json.loads(problem), data))
    else:
        solution = json.dumps(mutate(json.loads(solution), data))
    file.write_text(problem, encoding="utf-8")
    answer.write_text(solution, encoding="utf-8")
    call = cli("check", file, answer, "--json")
    if call.code == 2:
        assert said(call.err, file) or said(call.err, answer) or "solution" in call.err
    else:
        assert call.code == (0 if call.json["valid"] else 1)


@pytest.mark.parametrize("kind", EXPLAINED)
@examples(4, parent=BRIEF)
@given(data=st.data())
def test_a_mutated_problem_is_explained_or_refused(
    kind: str, data: st.DataObject, cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "mutated.json"
    path.write_text(json.dumps(mutate(json.loads(samples(kind)[0]), data)), encoding="utf-8")
    call = cli("explain", path, "--time-limit", "0.2", "--workers", "1", "--json")
    assert call.code in (0, 2, 3, 4)
    if call.code == 2:
        assert call.err.strip()
        assert not call.out
    else:
        assert isinstance(call.json, dict)


@pytest.mark.parametrize("kind", kinds())
def test_samples_are_valid(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.json"
    path.write_text(samples(kind)[0], encoding="utf-8")
    try:
        assert sch.read(path).kind == kind
    except SchedulingError as error:
        pytest.fail(str(error))
