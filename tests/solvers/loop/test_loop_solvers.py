"""Solvers of loops against brute force and against each other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.solvers.loop.family import CompiledLoop
from tests.loops import best_pipeline, loops
from tests.properties import examples
from tests.solvers.agreement import assert_best, assert_bounds


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "auto"])
@examples(25, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_exact_solvers_agree_with_brute_force(solver: str, problem: LoopProblem) -> None:
    best = best_pipeline(problem)
    answer: LoopSolution = sch.solve(problem, solver, work_limit=20, workers=1)
    assert_best(answer, best)


@examples(60, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_bounds_hold_and_the_heuristic_is_valid(problem: LoopProblem) -> None:
    best = best_pipeline(problem)
    floors = CompiledLoop(problem).bounds()
    answer: LoopSolution = sch.solve(problem, "ims", work_limit=1)
    assert_bounds(floors, answer, best)


@pytest.mark.usefixtures("patient")
@examples(100, suppress_health_check=list(HealthCheck))
@given(problem=loops())
def test_one_iteration_after_another_is_valid(problem: LoopProblem) -> None:
    answer: LoopSolution = sch.solve(problem, "ims", time_limit=1e-9)
    if not (problem.values or problem.warps or problem.interval_limit):
        assert answer.interval is not None


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("solver", ["auto", "ims", "coarse"])
def test_a_long_loop_is_answered_before_any_search(solver: str) -> None:
    problem = sch.read("bundled:flash-attention-hopper")
    answer = sch.solve(problem, solver, time_limit=1e-9)
    assert answer.interval >= answer.bound == 2048


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "auto"])
@pytest.mark.parametrize(
    ("latencies", "values", "work"),
    [
        pytest.param([0, 0, 1], [(1, 1, 1, 1), (2, 2, 1, 2)], 12, id="always live"),
        pytest.param(
            [2, 0, 1, 1],
            [(1, 2, 0, 2), (3, 3, 1, 2), (1, 2, 0, 1)],
            40,
            id="linked by memory alone",
        ),
    ],
)
def test_values_without_room_at_any_interval_are_refuted(
    solver: str, latencies: list[int], values: list[tuple[int, int, int, int]], work: int
) -> None:
    operations: list[dict[str, Any]] = [
        {"id": f"v{k}", "latency": latency} for k, latency in enumerate(latencies)
    ]
    operations[1]["uses"] = [{"unit": "u", "cycles": 2}]
    problem = LoopProblem.model_validate(
        {
            "operations": operations,
            "units": [{"id": "u", "capacity": 1}],
            "memories": [{"id": "m", "capacity": 4}],
            "values": [
                {
                    "id": f"x{k}",
                    "producer": f"v{producer}",
                    "memory": "m",
                    "size": size,
                    "readers": [{"operation": f"v{reader}", "distance": distance}],
                }
                for k, (producer, reader, distance, size) in enumerate(values)
            ],
        }
    )
    assert sch.solve(problem, solver, work_limit=work, workers=1).status is Status.INFEASIBLE


@pytest.mark.parametrize("solver", ["cp-sat", "mip", "auto"])
def test_operations_without_dependences_stand_close_together(solver: str) -> None:
    """The one that ends as it starts comes last, whatever its number."""
    problem = LoopProblem.model_validate(
        {
            "operations": [
                {"id": f"v{k}", "latency": k, "uses": [{"unit": "u", "cycles": 1}]}
                for k in range(2)
            ],
            "units": [{"id": "u", "capacity": 1}],
        }
    )
    answer: LoopSolution = sch.solve(problem, solver, work_limit=12, workers=1)
    assert_best(answer, (2, 1))
