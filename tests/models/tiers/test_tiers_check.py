"""The checker of placements in tiers: every rule broken once; faults of problems; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.models.tiers.problem import TieredProblem
from scheduling.models.tiers.solution import TieredSolution
from tests.tiers import tiered_problems

WORKED: dict[str, Any] = {
    "kind": "tiers",
    "memories": [
        {"id": "fast", "bandwidth": 10, "capacity": 10},
        {"id": "slow", "bandwidth": 2},
    ],
    "compute": [1, 3, 1],
    "tensors": [
        {"id": "w", "size": 6, "home": "slow", "uses": [{"step": 2, "bytes": 6}]},
        {
            "id": "x",
            "size": 5,
            "start": 0,
            "end": 2,
            "uses": [{"step": 0, "bytes": 5}, {"step": 1, "bytes": 5}],
        },
    ],
    "link": 3,
}
Stay = tuple[str, str, int, int]


def answer(stays: list[Stay], time: int, changes: dict[str, Any] | None = None) -> set[str]:
    problem = TieredProblem.model_validate(WORKED | (changes or {}))
    tier = {"name": "time", "objective": time, "bound": time, "gap": 0.0}
    document = {
        "kind": "tiers",
        "status": "optimal",
        "tiers": [tier],
        "objective": time,
        "bound": time,
        "gap": 0.0,
        "residences": [
            {"tensor": tensor, "memory": memory, "since": since, "until": until}
            for tensor, memory, since, until in stays
        ],
    }
    found = sch.check(problem, TieredSolution.model_validate(document))
    return {violation.constraint for violation in found}


def test_a_program_by_hand() -> None:
    # x fast: 1 + 3; w from the slow memory: 3.
    assert answer([("x", "fast", 0, 2)], 7) == set()
    # x slow: 3 + 3; w copied in step 1 beside it in 2 ticks, then read at once.
    assert answer([("x", "slow", 0, 2), ("w", "fast", 2, 3)], 7) == set()


def test_a_copy_takes_room_and_time_in_the_step_before() -> None:
    both = [("x", "fast", 0, 2), ("w", "fast", 2, 3)]
    assert answer(both, 5) == {"capacity"}
    roomy = {"memories": [{"id": "fast", "bandwidth": 10, "capacity": 11}, WORKED["memories"][1]]}
    assert answer(both, 5, roomy) == set()
    assert answer(both, 7, roomy | {"link": 1}) == {"objective"}
    assert answer(both, 8, roomy | {"link": 1}) == set()


@pytest.mark.parametrize(
    ("stays", "changes", "constraint"),
    [
        ([("x", "fast", 0, 2), ("y", "fast", 0, 2)], {}, "tensor"),
        ([("x", "disk", 0, 2)], {}, "memory"),
        ([("x", "fast", 0, 3)], {}, "residence"),
        ([("x", "fast", 0, 1)], {}, "residence"),
        ([("x", "fast", 0, 2), ("x", "slow", 1, 2)], {}, "residence"),
        ([("x", "slow", 0, 2), ("w", "fast", 0, 3)], {}, "copy"),
        ([("x", "slow", 0, 2), ("w", "fast", 2, 3)], {"link": None}, "copy"),
        ([("x", "fast", 0, 2)], {"compute": [1, 3, 9]}, "objective"),
    ],
)
def test_each_rule_is_checked(stays: list[Stay], changes: dict[str, Any], constraint: str) -> None:
    assert constraint in answer(stays, 7, changes)


def tensor(**changes: Any) -> dict[str, Any]:
    return {"tensors": [{"id": "x", "size": 5} | changes]}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        (tensor(end=4), "tensors[0].end"),
        (tensor(start=2, end=2), "tensors[0].end"),
        (tensor(home="disk"), "tensors[0].home"),
        (tensor(home="slow", start=1), "tensors[0].start"),
        (tensor(uses=[{"step": 3, "bytes": 1}]), "tensors[0].uses[0].step"),
        (tensor(uses=[{"step": 1, "bytes": 1}] * 2), "tensors[0].uses"),
        (tensor(size=0), "tensors[0].size"),
        (tensor(size=11, home="fast"), "memories[0].capacity"),
        (tensor(size=11) | {"memories": WORKED["memories"][:1]}, "tensors[0].size"),
        ({"memories": [WORKED["memories"][0]] * 2}, "memories"),
        ({"compute": []}, "compute"),
    ],
)
def test_faults_name_their_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        TieredProblem.model_validate(WORKED | changes)
    assert place in str(caught.value)


@given(problem=tiered_problems())
def test_documents_round_trip(problem: TieredProblem) -> None:
    assert read_json_problem(write_json_problem(problem), None) == problem
