"""The checker of caching: every rule broken once; faults of problems; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.models.caching.problem import CachingProblem
from scheduling.models.caching.solution import CachingSolution
from tests.caching import caching_problems

# A prompt's prefix p with two ends a and b, and an adapter that stays.
WORKED: dict[str, Any] = {
    "kind": "caching",
    "capacity": 4,
    "objects": [
        {"id": "p", "size": 2, "cost": 5},
        {"id": "a", "size": 1, "cost": 3, "after": "p"},
        {"id": "b", "size": 1, "cost": 4, "after": "p"},
        {"id": "x", "size": 1, "cost": 7, "pinned": True},
    ],
    "requests": [["p", "a"], ["x"], ["p", "b"], ["x", "p", "a"]],
    "held": ["b"],
}
# The first uses and b cost 5 + 3 + 7 + 4 + 3 when a is dropped at once, p kept twice and x pinned.
STAYS = [("p", 0, 2), ("p", 2, 3), ("x", 1, 3)]


def answer(
    stays: list[tuple[str, int, int]],
    changes: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    cost: int = 22,
) -> set[str]:
    problem = CachingProblem.model_validate(WORKED | (changes or {}))
    gap = (cost - 11) / cost
    document = {
        "kind": "caching",
        "status": "feasible",
        "tiers": [{"name": "cost", "objective": cost, "bound": 11, "gap": gap}],
        "objective": cost,
        "bound": 11,
        "gap": gap,
        "stays": [{"object": name, "since": s, "until": u} for name, s, u in stays],
    }
    found = sch.check(problem, CachingSolution.model_validate(document | (fields or {})))
    return {entry.constraint for entry in found}


def test_a_cache_by_hand() -> None:
    assert answer(STAYS) == set()
    assert answer([*STAYS, ("a", 0, 3)], cost=19) == set()


def test_what_continues_a_miss_is_no_hit() -> None:
    assert answer([("x", 1, 3), ("a", 0, 3)], cost=32) == set()


@pytest.mark.parametrize(
    ("stays", "changes", "constraint"),
    [
        ([*STAYS, ("z", 0, 3)], {}, "object"),
        ([*STAYS, ("a", 0, 2)], {}, "stay"),
        ([*STAYS, ("b", -1, 3)], {}, "stay"),
        ([*STAYS, ("x", 1, 3)], {}, "stay"),
        ([("p", 0, 3), ("x", 1, 3)], {}, "stay"),
        ([("p", 0, 2)], {}, "pinned"),
        (STAYS, {"capacity": 2}, "capacity"),
        ([*STAYS, ("a", 0, 3), ("b", -1, 2)], {}, "capacity"),
        (STAYS, {"requests": [*WORKED["requests"], ["p"]]}, "objective"),
    ],
)
def test_each_rule_is_checked(
    stays: list[tuple[str, int, int]], changes: dict[str, Any], constraint: str
) -> None:
    if constraint == "capacity" and not changes:
        changes = {"capacity": 3, "held": ["b"]}
    assert constraint in answer(stays, changes)


def test_pinned_objects_take_room_behind_their_last_use() -> None:
    longer = [*WORKED["requests"], ["p"], ["p", "a"]]
    stays = [*STAYS, ("p", 3, 4), ("p", 4, 5)]
    assert answer(stays, {"requests": longer, "capacity": 3}, cost=25) == set()
    assert answer([*stays, ("a", 3, 5)], {"requests": longer, "capacity": 3}) == {"capacity"}


def test_claims_are_recomputed() -> None:
    assert "objective" in answer(STAYS, cost=21)
    assert "status" in answer(STAYS, {}, {"status": "optimal"})
    assert answer(STAYS, {}, {"status": "infeasible"}) == {"status", "objective"}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"capacity": -1}, "capacity"),
        ({"capacity": 0}, "held"),
        ({"capacity": 0, "held": []}, "objects"),
        ({"held": ["b", "b"]}, "held"),
        ({"held": ["z"]}, "held[0]"),
        ({"requests": [["p", "z"]]}, "requests[0][1]"),
        ({"requests": [["p", "p"]]}, "requests[0][1]"),
        ({"requests": [["a", "p"]]}, "requests[0][0]"),
        ({"requests": []}, "requests"),
        ({"objects": [*WORKED["objects"], {"id": "p"}]}, "objects"),
        ({"objects": [*WORKED["objects"], {"id": "c", "after": "z"}]}, "objects[4].after"),
        (
            {"objects": [*WORKED["objects"], {"id": "c", "after": "p", "pinned": True}]},
            "objects[4].after",
        ),
        ({"objects": [{"id": "a", "size": 0}]}, "objects[0].size"),
    ],
)
def test_faults_name_their_place(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        CachingProblem.model_validate(WORKED | changes)
    assert place in str(caught.value)


@given(problem=caching_problems())
def test_documents_round_trip(problem: CachingProblem) -> None:
    assert read_json_problem(write_json_problem(problem), None) == problem
