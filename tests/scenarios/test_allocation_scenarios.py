"""Scenarios on the family of allocations: their checks, and that their bounds hold."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scheduling.errors import InputError
from scheduling.instances.allocation.recomputing import best_recomputing, loss_of
from scheduling.models.base import Status
from scheduling.scenarios import bac, cake, flowcache, mergepipe, turn_budget, v0_router
from scheduling.scenarios.scenario import Run, data_folder
from tests.properties import examples
from tests.solving import limit_by_work, solve


@examples(60)
@given(
    loss=st.integers(1, 6).flatmap(lambda n: arrays(np.int64, (n, n), elements=st.integers(0, 9)))
)
def test_recomputed_steps_are_best_possible(loss: np.ndarray) -> None:
    np.fill_diagonal(loss, 0)
    found = best_recomputing(loss)
    for count in range(1, len(loss) + 1):
        tried = [loss_of(loss, (0, *rest)) for rest in combinations(range(1, len(loss)), count - 1)]
        assert found.loss[count - 1] == min(tried) == loss_of(loss, found.steps(count))
        assert len(found.steps(count)) == count
    assert found.loss[-1] == 0


def test_losses_are_a_square_table() -> None:
    with pytest.raises(InputError):
        best_recomputing(np.zeros((2, 3), np.int64))
    with pytest.raises(InputError):
        best_recomputing(np.full((2, 2), -1, np.int64))


def test_block_wise_caching() -> None:
    each, shared = bac.run(Run(1e6))
    assert each.baseline_value is not None
    assert shared.value <= each.value <= each.baseline_value
    assert shared.gap == 0


def test_flowcache_keeps_to_its_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    off = flowcache.distances(flowcache.paths(seed=3)[0])
    threshold = flowcache.tuned(lambda value: len(flowcache.by_threshold(off, value)), 20)
    assert len(flowcache.by_threshold(off, threshold)) <= 20
    assert len(flowcache.by_threshold(off, threshold * 0.99)) >= 20
    limit_by_work(monkeypatch, flowcache, 0.1)
    for row in flowcache.run(Run(1e6)):
        assert row.gap is not None
        assert 0 <= row.gap < 0.2
        assert row.baseline_value is not None
        assert row.value < row.baseline_value


def test_plans_of_merges_keep_the_budget() -> None:
    rows = mergepipe.run(Run(10))
    traffic, kept = rows[::2], rows[1::2]
    # Within one budget, what is read does not depend on the number of experts.
    assert max(row.value for row in traffic) < 1.01 * min(row.value for row in traffic)
    assert all(row.value > 0.99 for row in kept)
    problem = mergepipe.plan_problem(4, seed=2)
    answer = solve(problem, "greedy", work_limit=1)
    largest = max(claim.gains[1] for claim in problem.claims)
    assert answer.objective >= answer.bound - largest


def test_marginal_gains_are_best_for_concave_utility() -> None:
    differing, read, routed = v0_router.run(Run(15))
    assert differing.gap == 0
    assert "512 of 512 prompts concave" in differing.verdict
    assert read.gap is not None
    assert read.gap > 0.1
    # Success less beta times price is a Lagrangian relaxation: best for what it spends.
    assert routed.verdict.startswith("best possible")
    assert routed.gap is not None
    assert routed.gap < 0.01


@examples(100)
@given(
    preferred=st.lists(st.floats(0.01, 50), min_size=1, max_size=12),
    total=st.integers(0, 200),
    most=st.integers(1, 40),
)
def test_slices_sum_to_the_total(preferred: list[float], total: int, most: int) -> None:
    found = cake.slices(preferred, total, most)
    assert sum(found) == min(total, most * len(preferred))
    assert 0 <= min(found) <= max(found) <= most


def test_cake_retains_nearly_all_that_can_be() -> None:
    for row in cake.run(Run(1e6)):
        assert row.gap is not None
        assert 0 <= row.gap < 0.05
        assert "sum to the total; never grow" in row.verdict


def test_turns_of_sessions_by_hand() -> None:
    totals = {"a": [1, 3], "b": [2, 5, 9], "c": [1]}
    assert turn_budget.limited(list(totals.values()), 2) == (2, 9)
    assert turn_budget.extended(list(totals.values()), 1, 2, 13) == 3
    assert turn_budget.extended(list(totals.values()), 1, 2, 8) == 2
    answer = solve(turn_budget.best_problem(totals, 9), work_limit=1, workers=1)
    assert (answer.objective, answer.status) == (2, Status.OPTIMAL)


@given(
    totals=st.lists(
        st.lists(st.integers(1, 9), min_size=1, max_size=4).map(
            lambda turns: np.cumsum(turns).tolist()
        ),
        min_size=1,
        max_size=6,
    ),
    cap=st.integers(1, 4),
    step=st.integers(1, 3),
)
@examples(60)
def test_no_policy_of_turns_beats_the_bound(totals: list[list[int]], cap: int, step: int) -> None:
    finished, spent = turn_budget.limited(totals, cap)
    named = {f"s{number}": total for number, total in enumerate(totals)}
    best = solve(turn_budget.best_problem(named, spent), work_limit=1, workers=1)
    assert best.objective >= finished
    assert best.objective >= turn_budget.extended(totals, 1, step, spent) or spent < sum(
        total[0] for total in totals
    )


@pytest.mark.shared
def test_recorded_sessions() -> None:
    folder = data_folder()
    if folder is None or not (folder / "agent_swebench/llm_calls.csv").is_file():
        pytest.skip("the data set is not there")
    cost, finished = turn_budget.run(Run(10, Path(folder)))
    assert cost.ratio is not None
    assert cost.ratio < 0.8
    assert finished.baseline_value is not None
    assert finished.value >= finished.baseline_value
