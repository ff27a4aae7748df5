"""The checker of allocations: every rule broken once; faults of problems; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.models.allocation.problem import AllocationProblem
from scheduling.models.allocation.solution import AllocationSolution
from tests.allocations import allocation_problems

WORKED: dict[str, Any] = {
    "kind": "allocation",
    "budget": 6,
    "claims": [
        {"id": "a", "gains": [0, 5, 7]},
        {"id": "b", "gains": [1, 9], "costs": [2, 5]},
    ],
}


def answer(
    grants: dict[str, int], gain: int, bound: int, fields: dict[str, Any] | None = None
) -> set[str]:
    gap = abs(bound - gain) / max(bound, gain)
    tier = {"name": "gain", "sense": "max", "objective": gain, "bound": bound, "gap": gap}
    document = {
        "kind": "allocation",
        "status": "optimal" if gain == bound else "feasible",
        "tiers": [tier],
        "objective": gain,
        "bound": bound,
        "gap": gap,
        "grants": [{"claim": name, "amount": amount} for name, amount in grants.items()],
    }
    solution = AllocationSolution.model_validate(document | (fields or {}))
    found = sch.check(AllocationProblem.model_validate(WORKED), solution)
    return {violation.constraint for violation in found}


def test_an_allocation_by_hand() -> None:
    assert answer({"a": 1, "b": 5}, 14, 14) == set()
    assert answer({"a": 2, "b": 2}, 8, 14) == set()


@pytest.mark.parametrize(
    ("grants", "gain", "constraint"),
    [
        ({"a": 2, "b": 5}, 14, "budget"),
        ({"a": 3, "b": 2}, 14, "level"),
        ({"a": 1, "b": 4}, 14, "level"),
        ({"a": 1}, 5, "claim"),
        ({"a": 1, "b": 2, "c": 0}, 6, "claim"),
        ({"a": 1, "b": 2}, 7, "objective"),
    ],
)
def test_each_rule_is_checked(grants: dict[str, int], gain: int, constraint: str) -> None:
    assert constraint in answer(grants, gain, 14)


def test_claims_are_recomputed() -> None:
    assert "bound" in answer({"a": 1, "b": 5}, 14, 13)
    assert "status" in answer({"a": 1, "b": 5}, 14, 14, {"status": "feasible"})
    assert answer({}, 14, 14, {"status": "infeasible"}) == {"objective", "status"}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"budget": -1}, "budget"),
        ({"claims": []}, "claims"),
        ({"claims": [{"id": "a", "gains": []}]}, "claims[0].gains"),
        ({"claims": [{"id": "a", "gains": [1, 2], "costs": [3]}]}, "claims[0].costs"),
        ({"claims": [{"id": "a", "gains": [1, 2], "costs": [3, 3]}]}, "claims[0].costs[1]"),
        ({"claims": [{"id": "a", "gains": [1]}, {"id": "a", "gains": [1]}]}, "claims"),
    ],
)
def test_faults_name_their_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        AllocationProblem.model_validate(WORKED | changes)
    assert place in str(caught.value)


@given(problem=allocation_problems())
def test_documents_round_trip(problem: AllocationProblem) -> None:
    assert read_json_problem(write_json_problem(problem), None) == problem
