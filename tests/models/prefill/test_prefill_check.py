"""The checker of prompts on a machine: every rule broken once; faults; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.models.prefill.problem import PrefillProblem
from scheduling.models.prefill.solution import PrefillSolution
from tests.prefill import prefill_problems

WORKED: dict[str, Any] = {
    "kind": "prefill",
    "prompts": [
        {"id": "a", "operators": 2, "duration": 3, "due": 9},
        {"id": "b", "release": 2, "operators": 1, "duration": 3, "due": 6, "weight": 2},
        {"id": "c", "release": 4, "operators": 1, "duration": 5, "due": 9},
    ],
}
PIECES = [("a", 0, 1), ("b", 3, 1), ("a", 6, 1)]


def answer(
    pieces: list[tuple[str, int, int]], weight: int = 3, fields: dict[str, Any] | None = None
) -> set[str]:
    problem = PrefillProblem.model_validate(WORKED)
    gap = (4 - weight) / 4
    tier = {"name": "on-time", "sense": "max", "objective": weight, "bound": 4, "gap": gap}
    document = {
        "kind": "prefill",
        "status": "feasible",
        "tiers": [tier],
        "objective": weight,
        "bound": 4,
        "gap": gap,
        "pieces": [{"prompt": p, "start": s, "operators": k} for p, s, k in pieces],
    }
    found = sch.check(problem, PrefillSolution.model_validate(document | (fields or {})))
    return {entry.constraint for entry in found}


def test_pieces_by_hand() -> None:
    assert answer(PIECES) == set()
    assert answer([*PIECES, ("c", 9, 1)]) == set()
    assert answer([("a", 0, 2), ("b", 6, 1)], weight=1) == set()


@pytest.mark.parametrize(
    ("pieces", "fields", "constraint"),
    [
        ([*PIECES, ("z", 20, 1)], {}, "prompt"),
        ([("a", 0, 1), ("b", 1, 1)], {}, "release"),
        ([*PIECES, ("c", 8, 1)], {}, "machine"),
        ([*PIECES, ("a", 20, 1)], {}, "operators"),
        (PIECES[:2], {}, "objective"),
        (PIECES, {"status": "infeasible"}, "status"),
        (PIECES, {"bound": 5}, "objective"),
    ],
)
def test_every_rule(
    pieces: list[tuple[str, int, int]], fields: dict[str, Any], constraint: str
) -> None:
    assert constraint in answer(pieces, fields=fields)


def test_faults_are_named() -> None:
    twice = [WORKED["prompts"][0]] * 2
    with pytest.raises(InputError) as error:
        PrefillProblem.model_validate(WORKED | {"prompts": twice})
    assert [fault.place for fault in error.value.faults] == ["prompts"]


def test_work_that_64_bits_do_not_hold_is_refused() -> None:
    long = {"operators": 10**6, "duration": 10**12, "due": 10**15}
    one: dict[str, Any] = {"kind": "prefill", "prompts": [{"id": "a", **long}]}
    assert sch.solve(PrefillProblem.model_validate(one), "edf", work_limit=1).objective == 0
    one["prompts"].append({"id": "b", **long})
    with pytest.raises(InputError, match=r"2000000000000000000 units of time.*a coarser unit"):
        PrefillProblem.model_validate(one)


@given(problem=prefill_problems())
def test_problems_round_trip(problem: PrefillProblem) -> None:
    assert read_json_problem(write_json_problem(problem), None) == problem


@given(problem=prefill_problems())
def test_pieces_that_move_together_are_caught(problem: PrefillProblem) -> None:
    found = sch.solve(problem, "s-edf", work_limit=1)
    assert not sch.check(problem, found)
    if len(found.pieces) > 1:
        first, second, *others = found.pieces
        moved = second.model_copy(update={"start": first.start})
        broken = found.model_copy(update={"pieces": (first, moved, *others)})
        assert sch.check(problem, broken)
