"""The checker of expert placements: every rule broken once; faults of problems; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.models.experts.problem import ExpertProblem
from scheduling.models.experts.solution import ExpertSolution
from tests.experts import expert_problems

WORKED = {
    "kind": "experts",
    "experts": [
        {"id": "a", "load": 90, "group": "x"},
        {"id": "b", "load": 60, "group": "x", "size": 2},
        {"id": "c", "load": 30, "group": "y"},
    ],
    "devices": [
        {"id": "one", "slots": 2, "node": "m", "holds": ["a"]},
        {"id": "two", "slots": 2, "node": "n", "holds": ["c"]},
    ],
}


def answer(
    changes: dict[str, Any] | None = None, fields: dict[str, Any] | None = None, **fillings: str
) -> set[str]:
    problem = ExpertProblem.model_validate(WORKED | (changes or {}))
    tiers = [
        {"name": "load", "objective": 105000, "bound": 90000, "gap": 1 / 7},
        {"name": "bytes", "objective": 3, "bound": 3, "gap": 0.0},
    ]
    document = {
        "kind": "experts",
        "status": "feasible",
        "tiers": tiers,
        "objective": 105000,
        "bound": 90000,
        "gap": 1 / 7,
        "fillings": [{"device": name, "experts": list(row)} for name, row in fillings.items()],
    }
    found = sch.check(problem, ExpertSolution.model_validate(document | (fields or {})))
    return {entry.constraint for entry in found}


def test_a_placement_by_hand() -> None:
    # a has two copies of 45 each: devices carry 45 + 60 and 45 + 30; b and a are copied.
    assert answer(one="ab", two="ac") == set()


@pytest.mark.parametrize(
    ("changes", "fillings", "constraint"),
    [
        ({}, {"one": "abb", "two": "ac"}, "slots"),
        ({}, {"one": "ab"}, "slots"),
        ({}, {"one": "ab", "two": "ab"}, "copies"),
        ({}, {"one": "az", "two": "bc"}, "expert"),
        ({}, {"one": "ab", "six": "ac"}, "device"),
        ({"hierarchical": True}, {"one": "ab", "two": "ac"}, "group"),
        ({"max_load": 104.9}, {"one": "ab", "two": "ac"}, "max_load"),
        ({"goals": ["load"]}, {"one": "ab", "two": "ac"}, "objective"),
    ],
)
def test_each_rule_is_checked(
    changes: dict[str, Any], fillings: dict[str, str], constraint: str
) -> None:
    assert constraint in answer(changes, None, **fillings)


def test_claims_are_recomputed() -> None:
    assert "objective" in answer({}, {"objective": 100000}, one="ab", two="ac")
    assert "status" in answer({}, {"status": "optimal"}, one="ab", two="ac")
    assert answer({}, {"status": "infeasible"}, one="ab", two="ac") == {"status", "objective"}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"devices": [{"id": "one", "slots": 2}]}, "devices"),
        ({"experts": [WORKED["experts"][0]] * 2}, "experts"),
        ({"goals": ["load", "load"]}, "goals"),
        ({"max_load": float("nan")}, "max_load"),
        ({"devices": [{"id": "one", "slots": 9, "holds": ["z"]}]}, "devices[0].holds"),
        ({"devices": [{"id": "one", "slots": 9}], "hierarchical": True}, "devices[0].node"),
        ({"experts": [{"id": "a", "load": -1}]}, "experts[0].load"),
    ],
)
def test_faults_name_their_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        ExpertProblem.model_validate(WORKED | changes)
    assert place in str(caught.value)


@given(problem=expert_problems())
def test_documents_round_trip(problem: ExpertProblem) -> None:
    assert read_json_problem(write_json_problem(problem), None) == problem
