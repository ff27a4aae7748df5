"""The checker of batching: every rule broken once; faults of problems; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.models.batching.problem import BatchingProblem
from scheduling.models.batching.solution import BatchingSolution
from tests.batching import batching_problems

WORKED: dict[str, Any] = {
    "kind": "batching",
    "memory": 7,
    "batch": 2,
    "requests": [
        {"id": "a", "prompt": 2, "output": 2, "due": 3},
        {"id": "b", "release": 1, "prompt": 1, "output": 2, "weight": 3},
        {"id": "c", "release": 1, "prompt": 3, "output": 1},
    ],
}
# a holds 3, 4; b 2, 3; c 4: flow 2 + 3 * 2 + 3.
STARTS = {"a": 0, "b": 1, "c": 3}


def answer(
    starts: dict[str, int] | None = None,
    changes: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    flow: int = 11,
    name: str = "flow",
) -> set[str]:
    problem = BatchingProblem.model_validate(WORKED | (changes or {}))
    gap = (flow - 1) / flow
    tier = {"name": name, "objective": flow, "bound": 1, "gap": gap}
    document = {
        "kind": "batching",
        "status": "feasible",
        "tiers": [tier],
        "objective": flow,
        "bound": 1,
        "gap": gap,
        "starts": [{"request": r, "start": s} for r, s in (starts or STARTS).items()],
    }
    found = sch.check(problem, BatchingSolution.model_validate(document | (fields or {})))
    return {entry.constraint for entry in found}


def attempts(*rows: tuple[str, int, int]) -> dict[str, Any]:
    return {"evicted": [{"request": r, "start": s, "slots": k} for r, s, k in rows]}


def test_starts_by_hand() -> None:
    assert answer() == set()
    assert answer(fields=attempts(("c", 2, 1)), changes={"requests": LONG}, flow=12) == set()


LONG = [*WORKED["requests"][:2], {"id": "c", "release": 1, "prompt": 3, "output": 2}]


@pytest.mark.parametrize(
    ("starts", "fields", "constraint"),
    [
        ({"a": 0, "b": 1}, {}, "request"),
        (STARTS | {"z": 4}, {}, "request"),
        (STARTS | {"b": 0}, {}, "release"),
        (STARTS | {"c": 1}, {}, "memory"),
        (STARTS, {"starts": [{"request": "a", "start": 0}] * 2}, "request"),
        (STARTS, attempts(("z", 0, 1)), "request"),
        (STARTS, attempts(("a", 0, 1)), "overlap"),
        (STARTS, attempts(("a", 4, 1)), "overlap"),
        (STARTS, attempts(("c", 2, 1)), "eviction"),
        (STARTS, {"objective": 10}, "objective"),
        (STARTS, {"status": "infeasible"}, "status"),
    ],
)
def test_every_rule(starts: dict[str, int], fields: dict[str, Any], constraint: str) -> None:
    assert constraint in answer(starts, fields=fields)


def test_a_batch_has_its_places() -> None:
    changes = {"memory": 100, "batch": 1}
    assert "batch" in answer(changes=changes)


def test_other_objectives() -> None:
    assert answer(changes={"objective": "makespan"}, flow=4, name="makespan") == set()
    tier = {"name": "on-time", "sense": "max", "objective": 5, "bound": 6, "gap": 1 / 6}
    summary = {"tiers": [tier], "objective": 5, "bound": 6, "gap": 1 / 6}
    assert answer(changes={"objective": "on-time"}, fields=summary) == set()


def test_faults_are_named() -> None:
    requests = [{"id": "a", "prompt": 7, "output": 1}, {"id": "a", "prompt": 1, "output": 1}]
    with pytest.raises(InputError) as error:
        BatchingProblem.model_validate(WORKED | {"requests": requests})
    assert {fault.place for fault in error.value.faults} == {"requests", "requests[0].prompt"}


@given(problem=batching_problems())
def test_problems_round_trip(problem: BatchingProblem) -> None:
    assert read_json_problem(write_json_problem(problem), None) == problem


@given(problem=batching_problems(objective="flow"))
def test_a_start_too_early_is_caught(problem: BatchingProblem) -> None:
    found = sch.solve(problem, "mc-sf", work_limit=1)
    assert not sch.check(problem, found)
    first, *others = found.starts
    release = problem.requests[0].release
    if release:
        early = first.model_copy(update={"start": release - 1})
        broken = found.model_copy(update={"starts": (early, *others)})
        assert any(one.constraint == "release" for one in sch.check(problem, broken))
