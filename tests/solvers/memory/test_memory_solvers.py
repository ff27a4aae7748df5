"""Solvers of memory problems against brute force, against each other and on published suites."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.memory.random_buffers import tensor_buffers
from scheduling.models.base import Status
from scheduling.models.memory.problem import Buffer, MemoryProblem
from scheduling.models.memory.solution import MemorySolution
from scheduling.solvers.memory.family import FAMILY, CompiledMemory
from tests.buffers import best_height, memory_problems
from tests.properties import examples
from tests.solvers.agreement import assert_best, assert_bounds


@pytest.mark.parametrize("solver", ["search", "cp-sat", "mip", "auto"])
@examples(40, suppress_health_check=list(HealthCheck))
@given(problem=memory_problems())
def test_exact_solvers_agree_with_brute_force(solver: str, problem: MemoryProblem) -> None:
    best = best_height(problem)
    answer: MemorySolution = sch.solve(problem, solver, work_limit=20, workers=1)
    assert_best(answer, None if best is None else [best])


@examples(40, suppress_health_check=list(HealthCheck))
@given(problem=memory_problems(plain=True), unit=st.sampled_from([10**9 + 7, 2**40 + 1]))
def test_sizes_that_share_no_unit_are_as_good_as_small_ones(
    problem: MemoryProblem, unit: int
) -> None:
    # A buffer of one byte at another time keeps all others from being counted in large units.
    last = max(buffer.end for buffer in problem.buffers)
    large = [buffer.model_copy(update={"size": buffer.size * unit}) for buffer in problem.buffers]
    large.append(Buffer(id="byte", start=last, end=last + 1, size=1))
    capacity = None if problem.capacity is None else problem.capacity * unit
    scaled = MemoryProblem(buffers=tuple(large), capacity=capacity)
    best = best_height(problem)
    for solver in ("search", "cp-sat", "auto"):
        answer: MemorySolution = sch.solve(scaled, solver, work_limit=20, workers=1)
        assert_best(answer, None if best is None else [best * unit])
    with pytest.raises(sch.UnsupportedError, match="offsets of up to"):
        sch.solve(scaled, "mip", work_limit=20, workers=1)


@examples(60, suppress_health_check=list(HealthCheck))
@given(problem=memory_problems())
def test_bounds_hold_and_first_fit_is_valid(problem: MemoryProblem) -> None:
    best = best_height(problem)
    floors = CompiledMemory(problem).bounds()
    answer: MemorySolution = sch.solve(problem, "first-fit", work_limit=1)
    assert_bounds(floors, answer, None if best is None else [best])


@examples(15, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), buffers=st.integers(5, 40))
def test_cut_strips_are_packed_again(seed: int, buffers: int) -> None:
    problem = tensor_buffers(buffers=buffers, times=30, capacity=16, seed=seed)
    answer: MemorySolution = sch.solve(problem, "search", work_limit=5, workers=1)
    assert (answer.status, answer.objective) == (Status.OPTIMAL, 16 * 1024)


def test_a_fixed_buffer_is_packed_under_and_over() -> None:
    """The block at 4 leaves a hole below it that the search has to use."""
    shape = {"fixed": (0, 4, 3), "low": (0, 4, 4), "high": (0, 4, 2)}
    buffers = [
        Buffer(id=name, start=a, end=b, size=size, offset=4 if name == "fixed" else None)
        for name, (a, b, size) in shape.items()
    ]
    problem = MemoryProblem(buffers=tuple(buffers), capacity=9)
    answer: MemorySolution = sch.solve(problem, "search", work_limit=1, workers=1)
    assert {place.buffer: place.offset for place in answer.places} == {
        "fixed": 4,
        "low": 0,
        "high": 7,
    }


def test_infeasibility_is_proven_by_search() -> None:
    """Two live bytes at each time, but the middle buffers cross: three are needed."""
    spans = {"a": (0, 3), "b": (2, 5), "c": (4, 7), "d": (6, 9), "e": (0, 1)}
    buffers = [Buffer(id=name, start=a, end=b, size=2) for name, (a, b) in spans.items()]
    buffers[4] = Buffer(id="e", start=0, end=9, size=3, alignment=2)
    fits = MemoryProblem(buffers=tuple(buffers), capacity=8)
    best = best_height(fits)
    assert best is not None
    tight = fits.model_copy(update={"capacity": best - 1})
    assert sch.solve(tight, "search", work_limit=1, workers=1).status is Status.INFEASIBLE


def test_the_same_work_gives_the_same_answer() -> None:
    problem = tensor_buffers(buffers=60, times=60, capacity=64, waste=0.1, seed=3)
    first, second = (sch.solve(problem, work_limit=0.5, workers=1, seed=7) for _ in range(2))
    assert first.places == second.places


def test_solvers_that_take_a_problem_are_named() -> None:
    large = tensor_buffers(buffers=2000, times=400, capacity=4096, seed=1)
    takers = FAMILY.takers(CompiledMemory(large))
    assert {"auto", "search", "first-fit", "cp-sat"} <= set(takers)
    assert "mip" not in takers


@pytest.mark.shared
@pytest.mark.parametrize("name", ["C", "G", "K"])
def test_published_suites_fit_and_are_proven(name: str, shared_data: Path) -> None:
    problem = sch.read(shared_data / "minimalloc" / f"{name}.1048576.csv")
    answer: MemorySolution = sch.solve(problem, "search", work_limit=5, workers=1)
    best = {"C": 1039360, "G": 1048576, "K": 1048576}
    assert (answer.status, answer.objective) == (Status.OPTIMAL, best[name])
