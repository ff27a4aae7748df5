"""Checkpoints: the expected waste against simulation and closed forms, the best plan, faults."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.checkpoint.random_runs import training_run
from scheduling.models.base import Status
from scheduling.models.checkpoint.bounds import waste_bound
from scheduling.models.checkpoint.exactly import waste_billionths
from scheduling.models.checkpoint.problem import BILLION, CheckpointPlan, CheckpointProblem
from scheduling.models.checkpoint.solution import CheckpointSolution
from scheduling.models.checkpoint.waste import best_plan, daly_plan, expected_waste, young_plan
from scheduling.report.charts import write_chart
from scheduling.report.checkpoint.chart import curve, sentence
from scheduling.simulator.checkpoint.run import simulate_checkpoints
from scheduling.simulator.checkpoint.simulate import simulate_training
from tests.cli.conftest import Cli, cli
from tests.properties import examples
from tests.solving import solve

__all__ = ["cli"]

MEMORY = {"id": "memory", "copy_seconds": 5.0, "restart_seconds": 60.0, "covers": 0.8}


def _problem(
    copy: float = 60.0, mean: float = 20_000.0, step: float = 20.0, *before: dict[str, Any]
) -> CheckpointProblem:
    storage = {"id": "storage", "copy_seconds": copy, "restart_seconds": 300.0}
    return CheckpointProblem.model_validate(
        {
            "step_seconds": step,
            "mean_seconds_between_failures": mean,
            "levels": [*before, storage],
        }
    )


@pytest.mark.parametrize(("copy", "mean"), [(20.0, 5_000.0), (60.0, 20_000.0), (400.0, 90_000.0)])
def test_one_level_is_dalys_complete_model_and_simulated_within_two_percent(
    copy: float, mean: float
) -> None:
    problem = _problem(copy, mean)
    for plan in (young_plan(problem), daly_plan(problem), CheckpointPlan(3 * problem.least_steps)):
        interval = plan.steps * 20.0
        total = mean * math.exp(300.0 / mean) * math.expm1((interval + copy) / mean)
        expected = expected_waste(problem, plan)
        assert expected == pytest.approx(1 - interval / total, rel=1e-9)
        _met_by_simulation(problem, plan, failures=50_000)


def _met_by_simulation(problem: CheckpointProblem, plan: CheckpointPlan, failures: int) -> None:
    expected = expected_waste(problem, plan)
    run = simulate_checkpoints(problem, plan, failures=failures)
    assert run.waste == pytest.approx(expected, rel=0.02)
    assert 1 / (1 - run.waste) == pytest.approx(1 / (1 - expected), rel=0.003)


def test_without_failures_only_copies_take_time() -> None:
    calm = _problem(20.0, 1e10, 10.0, {**MEMORY, "copy_seconds": 5.0})
    # Four copies in memory, and one in storage after the last of them.
    took = 4 * 100.0 + 4 * 5.0 + 20.0
    assert expected_waste(calm, CheckpointPlan(10, 4)) == pytest.approx(1 - 400.0 / took, rel=1e-5)


def test_two_levels_are_simulated_within_two_percent() -> None:
    problem = _problem(60.0, 20_000.0, 20.0, MEMORY)
    plans = (
        best_plan(problem),
        CheckpointPlan(10, 3),
        CheckpointPlan(25, 3),
        CheckpointPlan(4, 50),
    )
    for plan in (young_plan(problem), *plans):
        _met_by_simulation(problem, plan, failures=100_000)


@pytest.mark.parametrize("mean", [5_000.0, 50_000.0, 500_000.0])
def test_the_best_interval_is_dalys_within_a_tenth(mean: float) -> None:
    problem = _problem(60.0, mean, 1.0)
    assert best_plan(problem).steps == pytest.approx(daly_plan(problem).steps, rel=0.1)
    simulated = min(
        (simulate_checkpoints(problem, CheckpointPlan(steps), failures=30_000).waste, steps)
        for steps in range(
            max(60, daly_plan(problem).steps // 3),
            daly_plan(problem).steps * 3,
            max(1, daly_plan(problem).steps // 12),
        )
    )
    least = expected_waste(problem, best_plan(problem))
    assert expected_waste(problem, CheckpointPlan(simulated[1])) <= 1.02 * least


def test_youngs_interval_is_near_the_best() -> None:
    problem = _problem(60.0, 10_000.0, 1.0)
    best, formula = best_plan(problem), young_plan(problem)
    assert formula.steps == pytest.approx(best.steps, rel=0.1)
    least = expected_waste(problem, best)
    assert least <= expected_waste(problem, formula) <= 1.02 * least


SNAPSHOTS = st.builds(
    lambda seconds, covers: {**MEMORY, "copy_seconds": seconds, "covers": covers},
    st.floats(0.5, 20.0),
    st.floats(0.1, 0.999),
)


@st.composite
def problems_and_plans(draw: st.DrawFn) -> tuple[CheckpointProblem, CheckpointPlan]:
    """Draw a problem of one level or two, and any plan that it allows."""
    snapshots = draw(st.none() | SNAPSHOTS)
    copy, mean = draw(st.floats(1.0, 300.0)), draw(st.floats(500.0, 50_000.0))
    problem = _problem(copy, mean, 20.0, *([] if snapshots is None else [snapshots]))
    steps, every = draw(st.integers(1, 300)), draw(st.integers(1, 60))
    least = max(steps, problem.least_steps)
    return problem, CheckpointPlan(least, 1 if snapshots is None else every)


@examples(40)
@given(problems_and_plans())
def test_no_plan_wastes_less_than_the_best(
    drawn: tuple[CheckpointProblem, CheckpointPlan],
) -> None:
    problem, plan = drawn
    best = best_plan(problem)
    least = expected_waste(problem, best)
    assert best.steps >= problem.least_steps
    for rule in (young_plan, daly_plan):
        assert expected_waste(problem, rule(problem)) >= least
    assert expected_waste(problem, plan) >= least - 1e-12


def test_a_level_that_covers_all_needs_no_other() -> None:
    sure = {**MEMORY, "covers": 1.0}
    problem = _problem(60.0, 20_000.0, 20.0, sure)
    alone = CheckpointProblem.model_validate({**problem.model_dump(), "levels": [sure]})
    assert expected_waste(problem, best_plan(problem)) == pytest.approx(
        expected_waste(alone, best_plan(alone)), rel=0.01
    )


def test_hidden_copies_do_not_stall() -> None:
    plain = _problem(60.0)
    level = plain.levels[0].model_copy(update={"hidden_seconds": 60.0})
    hidden = plain.model_copy(update={"levels": (level,)})
    assert plain.least_steps == 1
    assert best_plan(hidden) == CheckpointPlan(3)
    assert expected_waste(hidden, best_plan(hidden)) < expected_waste(plain, best_plan(plain))


def test_faults_are_named() -> None:
    with pytest.raises(InputError, match=r"levels\[0\].covers"):
        CheckpointProblem.model_validate({**_problem().model_dump(), "levels": [MEMORY]})
    with pytest.raises(InputError, match=r"levels\[0\].copy_seconds"):
        _problem(copy=10_000.0, mean=100.0)
    with pytest.raises(UnsupportedError, match="young"):
        simulate_training(_problem(), "yuong")


def test_restarts_that_never_end_are_faults() -> None:
    endless = {"id": "disk", "copy_seconds": 1.0, "restart_seconds": 10_000.0}
    document = {"step_seconds": 1.0, "mean_seconds_between_failures": 10.0, "levels": [endless]}
    with pytest.raises(InputError, match=r"levels\[0\].restart_seconds"):
        CheckpointProblem.model_validate(document)


def test_tiny_shares_of_failures_have_a_plan() -> None:
    problem = _problem(60.0, 100.0, 20.0, {**MEMORY, "covers": 1e-9})
    assert expected_waste(problem, young_plan(problem)) == 1.0
    assert 0 < expected_waste(problem, best_plan(problem)) < 1


def test_copies_that_are_hidden_for_a_third_of_a_step_take_one() -> None:
    problem = _problem(0.4, step=0.1)
    level = problem.levels[0].model_copy(update={"hidden_seconds": 0.3})
    assert problem.model_copy(update={"levels": (level,)}).least_steps == 3


@examples(60)
@given(problems_and_plans())
def test_answers_are_best_and_bounds_hold(
    drawn: tuple[CheckpointProblem, CheckpointPlan],
) -> None:
    problem, plan = drawn
    best = solve(problem, work_limit=100)
    assert best.status is Status.OPTIMAL
    floor = waste_bound(problem) / BILLION
    assert 0 < floor <= best.objective
    assert best.objective <= waste_billionths(problem, plan) / BILLION
    assert waste_billionths(problem, plan) / BILLION == pytest.approx(
        expected_waste(problem, plan), abs=1e-9
    )
    # The checker takes the same plan with the same waste.
    hint = CheckpointSolution(status=Status.UNKNOWN, steps=plan.steps, every=plan.every)
    answer = solve(problem, "young", work_limit=1, hint=hint)
    assert answer.objective <= waste_billionths(problem, plan) / BILLION
    assert answer.bound <= best.objective


def test_each_rule_of_an_answer_is_checked() -> None:
    problem = _problem(60.0)
    level = problem.levels[0].model_copy(update={"hidden_seconds": 60.0})
    problem = problem.model_copy(update={"levels": (level,)})
    good = solve(problem, work_limit=10)
    assert (good.steps, good.every) == (3, 1)

    def broken(**fields: Any) -> set[str]:
        return {v.constraint for v in sch.check(problem, good.model_copy(update=fields))}

    assert broken() == set()
    assert broken(steps=2) == {"steps"}
    assert broken(every=2) == {"every"}
    assert broken(steps=None) == {"plan"}
    assert broken(steps=4) == {"objective", "bound"} or broken(steps=4) == {"objective"}
    assert broken(status=Status.UNKNOWN) == {"status", "objective"}


def test_a_short_search_keeps_its_bound(tmp_path: Path) -> None:
    problem = training_run(nodes=512, days=100.0)
    short = solve(problem, "best", work_limit=1e-4)
    best = solve(problem, work_limit=100)
    assert short.bound <= best.objective <= short.objective
    assert sentence(problem, best).endswith("proven least")
    write_chart(problem, best, tmp_path / "waste.svg")
    assert "this plan" in (tmp_path / "waste.svg").read_text(encoding="utf-8")
    none = CheckpointSolution(status=Status.UNKNOWN)
    assert sentence(problem, none).endswith("no plan (unknown)")
    assert curve(problem, none) == ([], [])


def test_command_line(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "training.yaml"
    sch.write(_problem(60.0, 20_000.0, 20.0, MEMORY), path)
    shown = cli("simulate", path)
    assert shown.code == 0
    assert "no plan wastes less" in shown.out
    told = json.loads(cli("simulate", path, "--json", "--policy", "best").out)
    assert told["runs"][0]["gap"] == 0.0
    assert cli("simulate", path, "--time-limit", 3).code == 2
