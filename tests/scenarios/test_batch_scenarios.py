"""Scenarios of policies that batch requests, beside what no policy can beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scheduling.models.requests.table import RequestTable
from scheduling.scenarios import flowprefill, opflow, past_future, sarathi
from scheduling.scenarios.scenario import Run
from tests.solving import solve


@pytest.mark.parametrize("load", [1.2, 2.0])
def test_flowprefill_keeps_nine_tenths_of_what_is_certified(load: float) -> None:
    table = flowprefill.drawn(load, seed=1)
    best = solve(flowprefill.problem_of(table), "intervals", work_limit=20, workers=1)
    reached = {name: flowprefill.on_time(table, name) for name in flowprefill.POLICIES}
    assert max(reached.values()) <= best.bound
    assert reached["flowprefill"] >= 0.9 * best.bound
    assert reached["flowprefill"] >= reached["preemptive-edf"] > reached["vllm"]


def test_every_prompt_alone_is_on_time_in_the_offline_problem() -> None:
    problem = flowprefill.problem_of(flowprefill.drawn(0.1, seed=0))
    alone = [p.release + p.operators * p.duration <= p.due for p in problem.prompts]
    assert len(alone) == 80
    assert all(alone)


def test_the_peak_is_what_counting_gives() -> None:
    assert past_future.counted_peak([3, 5], [4, 1]) == 10
    assert past_future.mismatches(batches=500, seed=3) == 0


def test_past_future_fills_memory_and_evicts_few() -> None:
    load = past_future.LONG
    table = load.table()
    policies = past_future.policies(table)
    ours = past_future.serve(load, table, policies["past-future, 5 % free"])
    assert ours.evictions <= 0.02
    assert ours.used >= 0.68
    reserved = past_future.serve(load, table, policies["memory for the longest"])
    assert reserved.used <= 0.45
    assert reserved.makespan > 2 * ours.makespan
    assert ours.gap is not None
    assert 0 < ours.gap < 0.3


def test_op_srpt_is_near_the_best_under_uniform_tests() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        jobs = opflow.tested(rng)
        assert len({job.operations[0] for job in jobs}) == 1
    assert all(len(job.operations) == 4 for job in opflow.of_four(rng))
    found = opflow.ratios(opflow.tested, Run(seconds=0.0))
    assert [len(values) for values in found.values()] == [1] * 5


@pytest.mark.shared
def test_sarathi_equals_vidur(shared_data: Path) -> None:
    rows = sarathi.run(Run(seconds=60.0, data=shared_data))
    assert len(rows) == len(sarathi.RUNS)
    for row in rows:
        assert row.ratio == pytest.approx(1.0, abs=1e-8)
        assert "as in Vidur" in row.verdict
        assert row.gap is not None
        assert 0 < row.gap < 0.75


def test_longest_iterations_are_remembered() -> None:
    zeros = np.zeros(3, dtype=np.int64)
    table = RequestTable(zeros, zeros + 100, zeros + 5, zeros, zeros)
    known = {
        "scheduler": "sarathi",
        "options": {"chunk_size": 50},
        "iterations": 0,
        "restarts": 0,
        "makespan_s": 1.0,
        "e2e_mean_s": 1.0,
    }
    row = sarathi.row("case", known, table)
    assert "other than in Vidur" in row.verdict
    assert "longest iteration 0.0070 s" in row.verdict
