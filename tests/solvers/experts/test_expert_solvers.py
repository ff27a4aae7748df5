"""Solvers of expert placement against brute force, and the published rule against its example."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.base import Status
from scheduling.models.experts.problem import ExpertProblem
from scheduling.models.experts.solution import ExpertSolution
from scheduling.solvers.cpsat import running
from scheduling.solvers.cpsat.running import run
from scheduling.solvers.experts.family import FAMILY, CompiledExperts
from scheduling.solvers.experts.lns import Lns
from tests.experts import best_values, expert_problems
from tests.properties import examples
from tests.solving import solve

# Loads of the first layer of the example in EPLB's README.
EXAMPLE = [90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86]


def example(*, hierarchical: bool) -> ExpertProblem:
    return ExpertProblem.model_validate(
        {
            "kind": "experts",
            "hierarchical": hierarchical,
            "goals": ["load"],
            "experts": [
                {"id": f"e{number}", "load": load, "group": f"g{number // 3}"}
                for number, load in enumerate(EXAMPLE)
            ],
            "devices": [{"id": f"d{k}", "slots": 2, "node": f"n{k // 4}"} for k in range(8)],
        }
    )


@pytest.mark.parametrize(("hierarchical", "rule"), [(False, 138.5), (True, 156.0)])
def test_the_published_rule_gives_the_published_example(hierarchical: bool, rule: float) -> None:
    answer = solve(example(hierarchical=hierarchical), "eplb", work_limit=1)
    assert answer.objective == 1000 * rule


@pytest.mark.parametrize(("hierarchical", "best"), [(False, 136.0), (True, 151.0)])
def test_the_example_is_improved_to_its_optimum(hierarchical: bool, best: float) -> None:
    answer = solve(example(hierarchical=hierarchical), work_limit=2, workers=1)
    assert answer.objective == 1000 * best
    assert answer.bound <= answer.objective


@examples(40, suppress_health_check=list(HealthCheck))
@given(problem=expert_problems())
def test_cp_sat_agrees_with_brute_force(problem: ExpertProblem) -> None:
    best = best_values(problem)
    answer: ExpertSolution = solve(problem, "cp-sat", work_limit=20, workers=1)
    if best is None:
        assert answer.status is Status.INFEASIBLE
    else:
        assert tuple(tier.objective for tier in answer.tiers) == best
        assert answer.status is Status.OPTIMAL


@examples(25, suppress_health_check=list(HealthCheck))
@given(problem=expert_problems())
def test_every_solver_is_valid_and_every_bound_holds(problem: ExpertProblem) -> None:
    best = best_values(problem)
    data = CompiledExperts(problem)
    floors = data.bounds()
    if best is None:
        return
    assert floors is not None
    assert (floors[0] or 0) <= best[0]
    for name in FAMILY.takers(data):
        answer: ExpertSolution = solve(problem, name, work_limit=0.2, workers=1)
        if answer.status in (Status.FEASIBLE, Status.OPTIMAL):
            first = answer.tiers[0]
            assert first.objective is not None
            assert first.bound is not None
            assert first.bound <= best[0] <= first.objective


def test_bytes_are_copied_only_where_loads_ask_for_it() -> None:
    problem = generate("expert-layer", {"experts": 24, "devices": 4, "slots": 8, "nodes": 1})
    assert isinstance(problem, ExpertProblem)
    first = solve(problem, "eplb", work_limit=1)
    held = {entry.device: tuple(sorted(set(entry.experts))) for entry in first.fillings}
    devices = [device.model_copy(update={"holds": held[device.id]}) for device in problem.devices]
    limit = first.tiers[0].objective / 1000
    again = problem.model_copy(
        update={"devices": tuple(devices), "goals": ("bytes",), "max_load": limit}
    )
    answer = solve(again, work_limit=1, workers=1)
    assert (answer.objective, answer.status) == (0, Status.OPTIMAL)


def test_large_layers_come_near_their_bound() -> None:
    problem = generate("expert-layer", {"experts": 64, "devices": 8, "slots": 9, "seed": 3})
    rule = solve(problem, "eplb", work_limit=1)
    answer = solve(problem, work_limit=0.2, workers=1)
    assert answer.tiers[0].gap < 0.005 < rule.tiers[0].gap
    again = solve(problem, work_limit=0.2, workers=1)
    assert again.fillings == answer.fillings


def test_parts_of_a_hierarchy_stay_on_their_node() -> None:
    problem = generate(
        "expert-layer", {"experts": 32, "devices": 4, "slots": 10, "hierarchical": 1}
    )
    assert isinstance(problem, ExpertProblem)
    rule = solve(problem, "eplb", work_limit=1)
    answer = solve(problem, Lns(), work_limit=0.5, workers=1)
    assert not sch.check(problem, answer)
    assert answer.tiers[0].objective <= rule.tiers[0].objective


def test_steps_keep_to_the_work_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed, spent = [], []

    def counted(model: Any, parameters: Any, **options: Any) -> Any:
        result = run(model, parameters, **options)
        allowed.append(parameters.max_deterministic_time)
        spent.append(result.work)
        return result

    monkeypatch.setattr(running, "run", counted)
    problem = generate("expert-layer", {"experts": 64, "devices": 8, "slots": 9, "seed": 1})
    problem = problem.model_copy(update={"goals": ("load",)})
    solve(problem, Lns(), work_limit=0.1, workers=1)
    left = 0.1
    for most, used in zip(allowed, spent, strict=True):
        assert most == pytest.approx(left)
        # A step counts for something even where CP-SAT counts nothing.
        left -= max(used, 0.01)
    assert left <= 0
