"""Solvers of prompts against brute force, and the figures that the notes ask for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.instances.prefill.random_prompts import prompts
from scheduling.models.base import Status
from scheduling.models.prefill.arrays import compile_prefill
from scheduling.models.prefill.bounds import most_weight
from scheduling.models.prefill.problem import PrefillProblem, Prompt
from scheduling.solvers.prefill.family import FAMILY, CompiledPrefill
from tests.prefill import best_weight, prefill_problems
from tests.properties import examples
from tests.solving import solve

JOBS = st.tuples(st.integers(0, 12), st.integers(1, 6), st.integers(-2, 30), st.integers(0, 4))
RELAXED = examples(60, suppress_health_check=list(HealthCheck))
POLICIES = ("s-edf", "edf", "srpt", "fcfs")


@RELAXED
@given(problem=prefill_problems())
def test_cp_sat_agrees_with_brute_force(problem: PrefillProblem) -> None:
    best = best_weight(problem)
    for name in ("cp-sat", "auto"):
        answer = solve(problem, name, work_limit=20, workers=1)
        assert (answer.objective, answer.status) == (best, Status.OPTIMAL), name


@RELAXED
@given(problem=prefill_problems(unit=True))
def test_two_are_exact_for_operators_of_length_one(problem: PrefillProblem) -> None:
    best = best_weight(problem)
    for name in ("intervals", "lawler"):
        answer = solve(problem, name, work_limit=20, workers=1)
        assert (answer.objective, answer.status) == (best, Status.OPTIMAL), name


@given(rows=st.lists(JOBS, min_size=1, max_size=12), weighted=st.booleans())
@RELAXED
def test_the_dynamic_program_agrees_with_the_program_over_intervals(
    rows: list[tuple[int, int, int, int]], weighted: bool
) -> None:
    found = [
        Prompt(
            id=f"p{k}",
            release=3 * release,
            operators=operators,
            duration=3,
            due=max(0, 3 * (release + operators) + spare),
            weight=2 * weight if weighted else 1,
        )
        for k, (release, operators, spare, weight) in enumerate(rows)
    ]
    problem = PrefillProblem(prompts=tuple(found))
    one, other = (
        solve(problem, name, work_limit=50, workers=1) for name in ("lawler", "intervals")
    )
    assert (one.objective, one.status) == (other.objective, Status.OPTIMAL)


def test_the_dynamic_program_bounds_what_whole_operators_allow() -> None:
    # The long one has no time to wait for the short one, but for an interruption it has.
    rows = [("long", 0, 2, 10, 24), ("short", 3, 1, 2, 5)]
    found = [
        Prompt(id=name, release=release, operators=operators, duration=duration, due=due)
        for name, release, operators, duration, due in rows
    ]
    problem = PrefillProblem(prompts=tuple(found))
    lawler, exact = (solve(problem, name, work_limit=20) for name in ("lawler", "cp-sat"))
    assert (lawler.bound, lawler.objective, exact.objective) == (2, 1, 1)
    assert (lawler.status, exact.status) == (Status.FEASIBLE, Status.OPTIMAL)


def test_the_dynamic_program_certifies_eighty_prompts() -> None:
    for seed in range(2):
        problem = prompts(requests=80, load=2.0, seed=seed)
        answer = solve(problem, "lawler", work_limit=100, workers=1)
        other = solve(problem, "intervals", work_limit=10, workers=1)
        assert answer.bound == other.bound
        assert answer.gap <= 0.03


def test_the_dynamic_program_ends_with_its_work_and_refuses_what_is_too_large() -> None:
    problem = prompts(requests=40, load=2.0, seed=1)
    short = solve(problem, "lawler", work_limit=0.001, workers=1)
    assert sch.check(problem, short) == []
    assert short.bound >= solve(problem, "lawler", work_limit=100, workers=1).bound
    heavy = problem.model_copy(
        update={
            "prompts": tuple(
                one.model_copy(update={"weight": 999_983 - k})
                for k, one in enumerate(problem.prompts)
            )
        }
    )
    with pytest.raises(UnsupportedError, match="use intervals"):
        solve(heavy, "lawler")


@RELAXED
@given(problem=prefill_problems())
def test_every_solver_is_valid_and_every_bound_holds(problem: PrefillProblem) -> None:
    best = best_weight(problem)
    assert best <= most_weight(compile_prefill(problem))
    for name in FAMILY.takers(CompiledPrefill(problem)):
        answer = solve(problem, name, work_limit=1, workers=1)
        assert answer.objective <= best <= answer.bound, name


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("load", [1.2, 2.0])
def test_s_edf_keeps_nine_tenths_of_what_eighty_prompts_allow(load: float, seed: int) -> None:
    problem = prompts(requests=80, load=load, seed=seed)
    best = solve(problem, "intervals", work_limit=10, workers=1)
    assert best.gap is not None
    assert best.gap <= 0.03
    reached = {name: solve(problem, name, work_limit=1).objective for name in POLICIES}
    assert reached["s-edf"] >= 0.9 * best.bound
    assert reached["s-edf"] >= max(reached.values()) - 4
    assert reached["edf"] < reached["s-edf"]


def test_policies_by_hand() -> None:
    # The long one is under way when a short one comes that is due soon; one operator takes 3.
    document = {
        "kind": "prefill",
        "prompts": [
            {"id": "long", "operators": 4, "duration": 3, "due": 15},
            {"id": "short", "release": 1, "duration": 2, "due": 5},
            {"id": "hopeless", "release": 1, "duration": 4, "due": 4},
        ],
    }
    problem = PrefillProblem.model_validate(document)
    found = solve(problem, "s-edf", work_limit=1)
    pieces = [(piece.prompt, piece.start, piece.operators) for piece in found.pieces]
    assert pieces == [("long", 0, 1), ("short", 3, 1), ("long", 5, 3), ("hopeless", 14, 1)]
    assert found.objective == 2
    assert solve(problem, "edf", work_limit=1).objective == 0
    assert solve(problem, "fcfs", work_limit=1).objective == 1


def test_what_is_said_of_a_problem() -> None:
    found = FAMILY.describe(prompts(requests=5))
    assert (found["prompts"], found["operators"]) == (5, 160)
    assert found["bounds_by_formula"]["on-time"] == 5
