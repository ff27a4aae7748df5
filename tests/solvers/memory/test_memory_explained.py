"""Explanations of memory problems: conflicts are real, minimal, and in the user's words."""

from __future__ import annotations

from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.memory.problem import Buffer, MemoryProblem
from tests.buffers import best_height, memory_problems
from tests.properties import examples


def test_what_is_live_at_one_time_is_named() -> None:
    sizes = {"a": (0, 4, 3), "b": (2, 6, 3), "c": (3, 8, 3), "d": (7, 9, 1)}
    buffers = tuple(Buffer(id=k, start=a, end=b, size=c) for k, (a, b, c) in sizes.items())
    found = sch.explain(MemoryProblem(buffers=buffers, capacity=8), 20.0, workers=1)
    assert found.is_minimal
    assert [label.kind for label in found.conflict] == ["capacity", "buffer", "buffer", "buffer"]
    assert {name for label in found.conflict for name in label.entities} == {"a", "b", "c"}
    assert set(found.relaxations) == set(found.conflict)


def test_a_given_offset_that_splits_the_room_is_named() -> None:
    buffers = (
        Buffer(id="fixed", start=0, end=4, size=2, offset=3),
        Buffer(id="large", start=0, end=4, size=4),
    )
    found = sch.explain(MemoryProblem(buffers=buffers, capacity=7), 20.0, workers=1)
    assert "'fixed' lies at 3" in str(found)
    assert found.is_minimal


@examples(25, suppress_health_check=list(HealthCheck))
@given(problem=memory_problems())
def test_a_conflict_is_stated_where_nothing_fits(problem: MemoryProblem) -> None:
    found = sch.explain(problem, 60.0, workers=1)
    if best_height(problem) is not None:
        assert found.status is Status.FEASIBLE
        assert found.solution is not None
        assert not sch.check(problem, found.solution)
        return
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    named = {name for label in found.conflict for name in label.entities}
    kept = tuple(
        b.model_copy(update={"alias": b.alias if b.alias in named else None})
        for b in problem.buffers
        if b.id in named
    )
    if all(b.alias is None for b in problem.buffers):
        assert best_height(MemoryProblem(buffers=kept, capacity=problem.capacity)) is None
