"""Solvers of ordering against brute force, and against each other."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given

from scheduling.instances.generators import generate
from scheduling.models.base import Status
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.ordering.annealing import Annealing
from scheduling.solvers.ordering.auto import Auto
from scheduling.solvers.ordering.family import FAMILY, CompiledOrdering
from tests.ordering import batches, best_makespan
from tests.properties import examples
from tests.solving import solve

RELAXED = examples(25, suppress_health_check=list(HealthCheck))


@RELAXED
@given(problem=batches())
def test_exact_solvers_agree_with_brute_force(problem: OrderingProblem) -> None:
    best = best_makespan(problem)
    for name in ("cp-sat", "auto"):
        answer = solve(problem, name, work_limit=20, workers=1)
        assert (answer.objective, answer.status) == (best, Status.OPTIMAL), name


@RELAXED
@given(problem=batches())
def test_every_solver_is_valid_and_every_bound_holds(problem: OrderingProblem) -> None:
    best = best_makespan(problem)
    for name in FAMILY.takers(CompiledOrdering(problem)):
        answer = solve(problem, name, work_limit=0.2, workers=1)
        assert answer.bound <= best <= answer.objective, name


def test_annealing_beats_the_rule_where_most_conflict() -> None:
    problem = generate("transactions", {"transactions": 25, "keys": 8, "seed": 1})
    assert isinstance(problem, OrderingProblem)
    rule = solve(problem, "append", work_limit=1)
    better = solve(problem, "annealing", work_limit=1, workers=1)
    assert better.objective < rule.objective
    assert solve(problem, "annealing", work_limit=1, workers=1).order == better.order
    facts = FAMILY.describe(problem)
    assert 0.8 * 25 * 24 / 2 < facts["conflicting_pairs"] <= 25 * 24 // 2


def test_paths_bound_batches_whose_transactions_all_conflict() -> None:
    problem = OrderingProblem(transactions=("w-0 w-1 w-2",) * 8)
    assert solve(problem, "append", work_limit=1).bound == 4
    answer = solve(problem, "path", work_limit=5, workers=1)
    assert (answer.objective, answer.bound) == (10, 10)


def test_many_transactions_have_an_answer() -> None:
    problem = generate("transactions", {"transactions": 600, "keys": 2000})
    assert isinstance(problem, OrderingProblem)
    takers = FAMILY.takers(CompiledOrdering(problem))
    assert takers == ["auto", "append", "annealing"]
    answer = solve(problem, work_limit=0.5, workers=1)
    assert answer.bound <= answer.objective


def test_cp_sat_closes_a_batch_while_annealing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(_: Any, data: Any, board: Board[Any], budget: Budget, hint: Any) -> None:
        assert budget.workers == 1
        ended = threading.Event()
        board.on_stop(ended.set)
        ended.wait()

    problem = generate("transactions", {"transactions": 20, "keys": 60, "seed": 1})
    monkeypatch.setattr(Annealing, "search", endless)
    monkeypatch.setattr(Auto, "kernels", lambda *_: ())
    answer = solve(problem, time_limit=300, workers=2)
    assert answer.objective < solve(problem, "append", work_limit=1).objective
    assert answer.status is Status.OPTIMAL
