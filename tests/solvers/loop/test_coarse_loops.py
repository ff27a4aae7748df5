"""Loops in units of several cycles: what they give is valid, and long loops are proven by it."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.instances import bundled
from scheduling.models.loop.arrays import compile_loop
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.solvers.loop import units
from tests.loops import best_pipeline, loops
from tests.properties import examples


def flash_attention(machine: str) -> LoopProblem:
    """Return a bundled loop, whose latencies are thousands of cycles."""
    return cast("LoopProblem", bundled.load(f"flash-attention-{machine}"))


@examples(60, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_stretched_pipelines_are_valid(problem: LoopProblem) -> None:
    """The driver checks every answer; a loop of few cycles is made coarse for the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "MOST_CYCLES", 2)
        answer: LoopSolution = sch.solve(problem, "coarse", work_limit=5, workers=1)
    best = best_pipeline(problem)
    if answer.interval is not None:
        assert best is not None
        assert best[0] <= answer.interval


@examples(30, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_loops_of_few_cycles_are_searched_as_they_are(problem: LoopProblem) -> None:
    arrays = compile_loop(problem)
    assert units.coarse_units(arrays) == [1]
    assert units.coarsened(arrays, 1).edges == arrays.edges
    answer: LoopSolution = sch.solve(problem, "coarse", work_limit=20, workers=1)
    best = best_pipeline(problem)
    assert answer.interval == (None if best is None else best[0])


def test_units_that_divide_the_busiest_unit_come_first() -> None:
    arrays = compile_loop(flash_attention("hopper"))
    first = units.coarse_units(arrays)[0]
    assert 512 % first == 0
    assert sum(units.coarsened(arrays, first).latency) <= units.MOST_CYCLES


def test_units_of_very_long_loops_are_found_at_once() -> None:
    operations = [
        {"id": f"v{k}", "latency": 10**6, "uses": [{"unit": "u", "cycles": 999_983 - k}]}
        for k in range(20)
    ]
    document = {"kind": "loop", "operations": operations, "units": [{"id": "u"}]}
    arrays = compile_loop(LoopProblem.model_validate(document))
    for unit in units.coarse_units(arrays):
        assert sum(units.coarsened(arrays, unit).latency) <= units.MOST_CYCLES


def test_modulo_scheduling_takes_long_loops_too() -> None:
    answer: LoopSolution = sch.solve(flash_attention("hopper"), "ims", work_limit=2, workers=1)
    assert answer.interval is not None
    assert answer.interval < 2 * 2048


@pytest.mark.parametrize("machine", ["hopper", "blackwell"])
def test_flash_attention_in_clock_cycles_is_proven(machine: str) -> None:
    """The tensor cores multiply for 2048 cycles a turn, which the search in units reaches."""
    problem = flash_attention(machine)
    answer: LoopSolution = sch.solve(problem, work_limit=20, workers=1)
    assert answer.interval == 2048
    assert answer.tiers[0].closed
