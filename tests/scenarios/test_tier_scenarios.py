"""Scenarios of memories of different speed: mappings with offsets, cards, pages and migration."""

from __future__ import annotations

import pytest

from scheduling.instances.tiers.random_programs import tensor_program
from scheduling.models.tiers.solution import TieredSolution
from scheduling.scenarios import cxl, harmonia, malloc, oomb
from scheduling.scenarios.scenario import Run
from tests.solving import solve


def test_mappings_have_offsets_and_beat_the_rule() -> None:
    problem = tensor_program(steps=12, weights=4, seed=2)
    answer, bound, found = malloc.mapped(problem, Run(1e6))
    dense = solve(problem, "density", work_limit=1)
    assert found
    assert answer.objective is not None
    assert bound <= answer.objective <= dense.objective


def test_offsets_count_the_step_of_the_copy() -> None:
    problem = tensor_program(steps=6, weights=1, seed=0)
    weight = problem.tensors[-1]
    stay = {"tensor": weight.id, "memory": "fast", "since": 2, "until": 4}
    solution = TieredSolution.model_validate({"status": "unknown", "residences": [stay]})
    stated = malloc.offsets(problem, solution)
    assert stated is not None
    assert [(b.start, b.end, b.size) for b in stated.buffers] == [(1, 4, weight.size)]


def test_two_cards_are_faster_than_one() -> None:
    rows = cxl.run(Run(12))
    for row in rows[:2]:
        assert row.baseline_value is not None
        assert row.value <= row.baseline_value
    assert rows[2].baseline_value is not None
    assert rows[2].baseline_value >= 1.5 * rows[2].value


def test_activations_do_not_grow_with_the_sequence() -> None:
    rows = oomb.run(Run(6))
    assert len({row.value for row in rows[:2]}) == 1
    assert rows[2].baseline_value is not None
    assert rows[2].value <= rows[2].baseline_value


@pytest.mark.parametrize("drift", [0.0, 0.3, 1.5])
@pytest.mark.parametrize("seed", range(3))
def test_rules_of_migration_are_solutions(drift: float, seed: int) -> None:
    problem = harmonia.epochs(drift, seed)
    bound = int(solve(problem, "descent", work_limit=0.05).bound)
    for moves in (False, True):
        answer = harmonia.timed(problem, harmonia.follows(problem, moves=moves), bound)
        assert answer.objective is not None
        assert answer.objective >= bound


def test_moving_pays_where_popularity_drifts() -> None:
    _, fast = harmonia.run(Run(6))
    assert fast.baseline_value is not None
    assert fast.value < fast.baseline_value
    assert fast.gap is not None
    assert fast.gap > 0
