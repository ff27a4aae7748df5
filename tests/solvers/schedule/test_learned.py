"""Learned rules: valid schedules, decisions that can be imitated, learning that pays, files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.schedule.random_shops import job_shop, training_shops
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.schedule.dispatch_rules import RULES
from scheduling.solvers.schedule.kernels import jobshop as js
from scheduling.solvers.schedule.kernels.jobshop_learned import learned_order, record_decisions
from scheduling.solvers.schedule.learned import LearnedDispatch
from scheduling.solvers.schedule.learning.evolution import Evolution
from scheduling.solvers.schedule.learning.imitation import Decisions, Floats, imitate
from scheduling.solvers.schedule.learning.inputs import INPUTS, n_weights
from scheduling.solvers.schedule.learning.rule import LearnedRule, packaged_rule
from scheduling.solvers.schedule.learning.training import learn_rule
from tests.brute_force import brute_force
from tests.properties import examples
from tests.solvers.schedule.test_jobshop_kernel import (
    Jobs,
    build,
    checked_objective,
    decoded,
    small_shop,
)
from tests.solving import solve

UNITS = 2


def dispatched(shop: js.Shop, weights: Floats, units: int) -> tuple[int, Any]:
    order = np.empty(shop.ops.shape[1] - 1, np.int64)
    makespan = learned_order(shop, weights, units, order)
    return makespan, js.sequences_from_order(shop, order)


def recorded(shop: js.Shop, sequence: Any) -> Floats:
    n = shop.ops.shape[1] - 1
    log = np.full((n * n, len(INPUTS) + 2), np.nan)
    return log[: record_decisions(shop, sequence, log)]


@given(small_shop, st.integers(0, 99))
@examples(150)
def test_dispatched_schedules_are_feasible_and_last_as_long_as_said(jobs: Jobs, seed: int) -> None:
    weights = np.random.default_rng(seed).normal(size=n_weights(UNITS))
    shop = build(jobs)
    makespan, sequence = dispatched(shop, weights, UNITS)
    starts = decoded(shop, sequence)
    checked_objective(jobs, starts)
    assert makespan == max(starts + shop.ops[1, :-1])


@given(small_shop, st.integers(0, 99))
@examples(100)
def test_a_schedule_is_described_by_one_choice_a_decision(jobs: Jobs, seed: int) -> None:
    shop = build(jobs)
    log = recorded(shop, js.dispatch(shop, 3, js.make_rng(seed)))
    assert np.all(np.isfinite(log))
    for first in np.unique(log[:, -2]):
        rows = log[log[:, -2] == first]
        assert rows[:, -1].sum() == 1
        assert len(np.unique(rows[:, :4], axis=0)) == 1


def shops_of(rows: Sequence[tuple[int, int, int]]) -> list[js.Shop]:
    rng = np.random.default_rng(5)
    shops = []
    for jobs, machines, count in rows:
        for _ in range(count):
            order = rng.permuted(np.tile(np.arange(machines), (jobs, 1)), axis=1)
            ptr = np.arange(0, jobs * machines + 1, machines)
            shops.append(js.make_shop(ptr, order.ravel(), rng.integers(1, 50, jobs * machines)))
    return shops


def test_imitation_finds_the_rule_behind_the_decisions() -> None:
    shops = shops_of([(8, 5, 12)])
    teacher = np.zeros(n_weights(0))
    teacher[INPUTS.index("remaining")], teacher[INPUTS.index("idle")] = 5.0, -9.0
    logs = [recorded(shop, dispatched(shop, teacher, 0)[1]) for shop in shops]
    decisions = Decisions.of(logs)
    assert len(decisions.first) - 1 == sum(len(np.unique(log[:, -2])) for log in logs)
    pupil = imitate(decisions, 0, np.random.default_rng(0))
    scores = decisions.inputs @ pupil
    right = [
        decisions.chosen[begin + int(np.argmax(scores[begin:end]))]
        for begin, end in zip(decisions.first, decisions.first[1:], strict=False)
    ]
    assert np.mean(right) > 0.95
    assert 1 / np.diff(decisions.first).mean() < 0.5


def test_evolution_minimises_a_turned_ellipsoid() -> None:
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    scales, goal = np.logspace(0, 2, 6), np.arange(6.0)

    def values(points: Floats) -> Floats:
        moved: Floats = (points - goal) @ turn
        return moved**2 @ scales

    evolution = Evolution(np.zeros(6), 1.0, 12, rng)
    for _ in range(250):
        evolution.tell(values(evolution.ask()))
    assert values(evolution.mean[None])[0] < 1e-9


def tiny_rule() -> LearnedRule:
    shops = training_shops(copies=2, sizes=((5, 4), (6, 3)), seed=1)
    return learn_rule(
        shops,
        source="test",
        units=UNITS,
        networks=2,
        generations=8,
        population=8,
        sample=6,
        work_limit=0.2,
    )


@pytest.fixture(scope="module")
def tiny() -> LearnedRule:
    return tiny_rule()


def test_learning_is_deterministic_and_says_what_it_did(tiny: LearnedRule) -> None:
    assert tiny_rule() == tiny
    assert tiny.training.sizes == {"5x4": 4, "6x3": 4}
    assert tiny.training.proven <= 8
    imitated, first, both = tiny.training.mean_gaps
    assert both <= first <= imitated
    assert len(tiny.networks) == 2


def test_rules_are_files(tiny: LearnedRule, tmp_path: Path) -> None:
    path = tmp_path / "rule.json"
    tiny.write(path)
    assert LearnedRule.read(path) == tiny
    problem = job_shop(jobs=6, machines=4, seed=9)
    answer = solve(problem, f"dispatch:{path}")
    assert answer.objective == solve(problem, LearnedDispatch(tiny)).objective
    assert answer.solver == "dispatch LEARNED"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": ["duration"]}, "inputs: found .*, expected the inputs progress"),
        ({"networks": []}, "networks: found .*, expected at least one network"),
        ({"networks": [[1.0]]}, f"network of {n_weights(UNITS)} finite weights"),
        ({"units": "many"}, "units: found 'many'"),
        ({"cakes": 1}, "cakes: found 1, expected no such field"),
    ],
)
def test_bad_rules_are_refused(
    tiny: LearnedRule, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "rule.json"
    path.write_text(json.dumps({**tiny.model_dump(mode="json"), **change}))
    with pytest.raises(InputError, match=message) as error:
        solve(job_shop(jobs=2, machines=2), f"dispatch:{path}")
    assert str(path) in str(error.value)


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: file: found no such file"):
        LearnedRule.read(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"kind": ')
    with pytest.raises(InputError, match=r"half\.json"):
        LearnedRule.read(tmp_path / "half.json")


def test_nothing_to_learn_from() -> None:
    with pytest.raises(InputError, match="at least one job shop"):
        learn_rule([], source="nothing")
    with pytest.raises(InputError, match="no machine with a choice"):
        learn_rule([job_shop(jobs=1, machines=3)], source="one job", work_limit=0.1)
    model = sch.ScheduleModel("flexible")
    task = model.add_task(model.add_job())
    for machine in (model.add_machine(), model.add_machine()):
        model.add_mode(task, duration=1, machine=machine)
    with pytest.raises(InputError, match="flexible: found one that the rule cannot take"):
        learn_rule([model.build()], source="flexible")


@st.composite
def job_shops(draw: st.DrawFn) -> ScheduleProblem:
    model = sch.ScheduleModel()
    machines = [model.add_machine() for _ in range(2)]
    for _ in range(draw(st.integers(1, 3))):
        lag = draw(st.integers(0, 2))
        job = model.add_job(release=draw(st.integers(0, 4)))
        tasks = [
            model.add_task(job, duration=draw(st.integers(0, 4)), machine=machine)
            for machine in draw(st.lists(st.sampled_from(machines), min_size=1, max_size=3))
        ]
        for before, after in pairwise(tasks):
            model.add_precedence(before, after, min_lag=lag)
    return model.build()


@given(job_shops())
def test_answers_are_valid_and_bounded(problem: ScheduleProblem) -> None:
    answer = solve(problem, "dispatch:learned")
    assert sch.check(problem, answer) == []
    optimum = brute_force(problem)
    assert optimum is not None
    assert answer.bound <= optimum[0] <= answer.objective


def test_the_rule_of_the_library_beats_every_static_rule() -> None:
    shops = [job_shop(jobs=12, machines=8, sets=1 + seed % 2, seed=seed) for seed in range(10)]
    values = {
        name: sum(solve(shop, f"dispatch:{name}").objective for shop in shops)
        for name in (*RULES, "learned")
    }
    learned = values.pop("learned")
    assert learned < 0.95 * min(values.values())
    one = sum(solve(shop, "dispatch:learned", work_limit=1).objective for shop in shops)
    assert learned <= one < min(values.values())


def test_the_rule_of_the_library_says_where_it_comes_from() -> None:
    training = packaged_rule().training
    assert training.source.startswith("training_shops(")
    assert sum(training.sizes.values()) >= training.proven > 0


def test_names_and_refusals() -> None:
    problem = job_shop(jobs=3, machines=2)
    assert solve(problem, "dispatch:Learned").solver == "dispatch LEARNED"
    assert solve(problem, "dispatch:spt").solver == "dispatch SPT"
    with pytest.raises(UnsupportedError, match="SLACK, LEARNED"):
        solve(problem, "dispatch:XYZ")
    with pytest.raises(UnsupportedError, match=r"SLACK$"):
        solve(problem, "giffler-thompson:learned")


def refused(model: sch.ScheduleModel, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        solve(model.build(), "dispatch:learned")


def test_what_is_no_job_shop_is_refused() -> None:
    model = sch.ScheduleModel()
    model.add_task(model.add_job(due=3), duration=2, machine=model.add_machine())
    model.minimize("total_tardiness")
    refused(model, "minimises the makespan only")
    model = sch.ScheduleModel()
    machine, job = model.add_machine(), model.add_job()
    for _ in range(2):
        model.add_task(job, duration=2, machine=machine)
    refused(model, "one chain of tasks")
    model = sch.ScheduleModel()
    model.add_task(model.add_job(), duration=2, machine=model.add_machine(), deadline=9)
    refused(model, "takes no deadlines")
