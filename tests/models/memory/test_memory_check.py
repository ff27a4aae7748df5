"""The checker of memory allocations: every rule broken once; faults of problems; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.instances.memory.minimalloc import read_minimalloc, write_minimalloc
from scheduling.models.memory.problem import Buffer, MemoryProblem
from scheduling.models.memory.solution import MemorySolution
from tests.buffers import memory_problems

WORKED: dict[str, Any] = {
    "kind": "memory",
    "capacity": 9,
    "buffers": [
        {"id": "a", "start": 0, "end": 4, "size": 3, "alignment": 3},
        {"id": "b", "start": 2, "end": 6, "size": 2, "offset": 4},
        {"id": "c", "start": 5, "end": 8, "size": 2, "alias": "b"},
        {"id": "d", "start": 0, "end": 8, "size": 4, "gaps": [{"start": 2, "end": 8}]},
    ],
}
GOOD = {"a": 0, "b": 4, "c": 4, "d": 3}


def broken(fields: Any = None, **offsets: int) -> set[str]:
    height = {"objective": 7, "bound": 7, "gap": 0.0}
    document = {
        "kind": "memory",
        "status": "optimal",
        "tiers": [{"name": "height", **height}],
        **height,
        "places": [{"buffer": k, "offset": v} for k, v in (GOOD | offsets).items()],
    }
    problem = MemoryProblem.model_validate(WORKED)
    solution = MemorySolution.model_validate(document | (fields or {}))
    return {violation.constraint for violation in sch.check(problem, solution)}


def test_a_valid_allocation_passes() -> None:
    assert broken() == set()


@pytest.mark.parametrize(
    ("offsets", "constraint"),
    [
        ({"a": 1}, "alignment"),
        ({"b": 5, "c": 5}, "offset"),
        ({"c": 6}, "alias"),
        ({"d": 6}, "capacity"),
        ({"d": 2}, "overlap"),
        ({"a": 3}, "overlap"),
    ],
)
def test_every_rule_is_watched(offsets: dict[str, int], constraint: str) -> None:
    assert constraint in broken(**offsets)


def test_lists_and_claims_are_watched() -> None:
    assert broken({"places": [{"buffer": "a", "offset": 0}]}) == {"buffer"}
    double = [{"buffer": k, "offset": v} for k, v in [*GOOD.items(), ("a", 0)]]
    assert broken({"places": double}) == {"buffer"}
    assert broken({"places": [{"buffer": "z", "offset": 0}]}) == {"buffer"}
    low: dict[str, Any] = {"objective": 6, "bound": 6, "gap": 0.0}
    assert "objective" in broken({"tiers": [{"name": "height", **low}], **low})
    assert broken({"status": "infeasible"}) == {"status", "objective"}


def faults(**changes: Any) -> set[str]:
    with pytest.raises(InputError) as caught:
        MemoryProblem.model_validate(WORKED | changes)
    return {fault.place for fault in caught.value.faults}


def test_faults_are_named_all_at_once() -> None:
    buffers = [
        {"id": "a", "start": 4, "end": 4, "size": 3},
        {"id": "a", "start": 0, "end": 4, "size": 10},
        {"id": "c", "start": 0, "end": 4, "size": 2, "alias": "z"},
        {"id": "d", "start": 0, "end": 4, "size": 2, "alignment": 4, "offset": 6},
        {"id": "e", "start": 0, "end": 4, "size": 2, "gaps": [{"start": 3, "end": 5}]},
        {"id": "f", "start": 0, "end": 4, "size": 2, "gaps": [{"start": 0, "end": 4}]},
        {"id": "g", "start": 0, "end": 4, "size": 2, "offset": 8},
    ]
    assert faults(buffers=buffers) == {
        "buffers",
        "buffers[0].end",
        "buffers[1].size",
        "buffers[2].alias",
        "buffers[3].offset",
        "buffers[4].gaps[0]",
        "buffers[5].gaps",
        "buffers[6].offset",
    }


def test_alignments_without_a_common_multiple_in_reach_are_refused() -> None:
    buffer = {"start": 0, "end": 1, "size": 1}
    two = [
        {"id": "a", "alignment": 2**40, **buffer},
        {"id": "b", "alignment": 3**20, "alias": "a", **buffer},
    ]
    assert faults(buffers=two) == {"buffers"}
    apart = [two[0], {**two[1], "alias": None}]
    answer = sch.solve(MemoryProblem.model_validate({"buffers": apart}), work_limit=1, workers=1)
    assert answer.objective == 3**20 + 1


def test_offsets_beyond_the_largest_buffer_are_answers() -> None:
    buffers = tuple(Buffer(id=name, start=0, end=1, size=2**50) for name in "abc")
    answer = sch.solve(MemoryProblem(buffers=buffers), work_limit=1, workers=1)
    assert answer.objective == 3 * 2**50


def test_fixed_buffers_may_not_overlap_nor_aliases_run_in_circles() -> None:
    two = [
        {"id": "a", "start": 0, "end": 4, "size": 3, "offset": 2},
        {"id": "b", "start": 3, "end": 6, "size": 3, "offset": 4},
    ]
    assert faults(buffers=two) == {"buffers[1].offset"}
    circle = [
        {"id": "a", "start": 0, "end": 4, "size": 3, "alias": "b"},
        {"id": "b", "start": 0, "end": 4, "size": 3, "alias": "a"},
    ]
    assert faults(buffers=circle) == {"buffers[0].alias", "buffers[1].alias"}
    apart = [
        {"id": "a", "start": 0, "end": 4, "size": 3, "offset": 0},
        {"id": "b", "start": 5, "end": 6, "size": 3, "offset": 3, "alias": "a"},
    ]
    assert faults(buffers=apart) == {"buffers[1].offset"}


@given(problem=memory_problems())
def test_files_hold_the_problem(problem: MemoryProblem) -> None:
    assert read_json_problem(write_json_problem(problem), None) == problem
    if any(buffer.alias is not None for buffer in problem.buffers):
        with pytest.raises(UnsupportedError, match="aliases"):
            write_minimalloc(problem)
        return
    again = read_minimalloc(write_minimalloc(problem), "x.csv", problem.capacity)
    assert (again.buffers, again.capacity) == (problem.buffers, problem.capacity)


def test_older_columns_and_names_of_files_are_understood() -> None:
    text = "buffer_id,begin,end,size,hint\nx,0,3,4,-1\ny,4,7,4,0\n"
    problem = read_minimalloc(text, "toy.12.csv")
    assert problem.capacity == 12
    assert [(b.start, b.end, b.offset) for b in problem.buffers] == [(0, 4, None), (4, 8, 0)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("id,lower,upper,size\nx,3,3,4\n", "line 2, upper"),
        ("id,lower,upper,size\nx,-3,3,4\n", "line 2, lower"),
        ("id,lower,upper,size\nx,0,3,0\n", "line 2, size"),
        ("id,lower,upper,size\nx,0,3,20\n", "line 2, size"),
        ("id,lower,upper,size\nx,0,3,2\nx,0,3,2\n", "line 3, id"),
        ("id,lower,upper,size,gaps\nx,0,3,2,1-2@0:1\n", "line 2, gaps"),
        ("id,lower,upper\nx,0,3\n", "line 1"),
        ("id,lower,upper,size\nx,0\n", "line 2"),
        ("", "line 1"),
    ],
)
def test_faults_of_files_name_their_line(text: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        read_minimalloc(text, "toy.12.csv")
    assert caught.value.faults[0].place == place
    assert caught.value.source == "toy.12.csv"


@given(problem=memory_problems(plain=True), data=st.data())
def test_a_moved_buffer_is_caught(problem: MemoryProblem, data: st.DataObject) -> None:
    free = problem.model_copy(update={"capacity": None})
    answer: MemorySolution = sch.solve(free, "first-fit", work_limit=1)
    index = data.draw(st.integers(0, len(answer.places) - 1))
    moved = answer.places[index]
    places = list(answer.places)
    places[index] = moved.model_copy(update={"offset": moved.offset + 100})
    assert sch.check(free, answer.model_copy(update={"places": tuple(places)}))
