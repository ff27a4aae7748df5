"""Training as schedules: Johnson's order, stalls, groups of ranks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.instances.schedule.training import groups_of, post_training
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.scenarios import asyncflow, bytescale
from scheduling.scenarios.scenario import Run
from scheduling.simulator.schedule.simulate import simulate_schedule
from tests.properties import examples


def _johnson(times: list[tuple[int, int]]) -> int:
    """Return the makespan of two machines in Johnson's order."""
    first = sorted((pair for pair in times if pair[0] < pair[1]), key=lambda pair: pair[0])
    last = sorted((pair for pair in times if pair[0] >= pair[1]), key=lambda pair: -pair[1])
    one = two = 0
    for a, b in [*first, *last]:
        one += a
        two = max(two, one) + b
    return two


@examples(8)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_two_stages_are_johnsons_flow_shop(seed: int, batches: int) -> None:
    problem = post_training(iterations=1, batches=batches, stages=2, deviation=1.0, seed=seed)
    times = [
        (job.tasks[0].modes[0].duration, job.tasks[1].modes[0].duration)
        for job in problem.jobs
        if job.chain
    ]
    assert len(times) == batches
    answer: ScheduleSolution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    assert answer.objective == _johnson(times)


def test_balanced_stages_do_not_stall_one_step_behind() -> None:
    steps, batches, stages, mean = 4, 4, 4, 10
    problem = post_training(
        iterations=steps, batches=batches, stages=stages, staleness=1, mean=mean, deviation=0.0
    )
    run = simulate_schedule(problem, "FIFO", work_limit=0.5, workers=1).runs[0]
    assert run.solution.objective == mean * (steps * batches + stages - 1)
    on_policy = post_training(
        iterations=steps, batches=batches, stages=stages, staleness=0, mean=mean, deviation=0.0
    )
    held = simulate_schedule(on_policy, "FIFO", work_limit=0.5, workers=1).runs[0]
    assert held.solution.objective == mean * steps * (batches + stages - 1)


@pytest.mark.parametrize("staleness", [0, 1, 2])
def test_rollouts_never_use_older_weights(staleness: int) -> None:
    problem = post_training(iterations=5, batches=2, staleness=staleness, seed=3)
    answer = simulate_schedule(problem, "FIFO", work_limit=0.2, workers=1).runs[0].solution
    time = {task.task: (task.start, task.end) for task in answer.tasks}
    for step in range(staleness + 1, 5):
        ready = max(time[f"step {step - 1 - staleness} batch {b} update"][1] for b in range(2))
        assert all(time[f"step {step} batch {b} rollout"][0] >= ready for b in range(2))


def test_groups_of_ranks_share_the_work() -> None:
    problem = groups_of([8192, 8193, 32768], ranks=4, chunk=8192)
    needs = [job.tasks[0].modes[0].demands["ranks"] for job in problem.jobs]
    assert needs == [1, 2, 4]
    answer: ScheduleSolution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    whole = [task.modes[0].duration for task in problem.tasks]
    assert answer.objective == max(whole[:2]) + whole[2]
    assert isinstance(generate("sequence-groups", {"sequences": 5}), ScheduleProblem)


def test_streaming_beats_separated_stages() -> None:
    rows = asyncflow.run(Run(30.0))
    assert [row.gap is not None for row in rows] == [True] * 3
    values = [row.value for row in rows]
    assert values == sorted(values, reverse=True)
    assert rows[1].ratio is not None
    assert rows[1].ratio <= 1 / 1.59


def test_hybrid_groups_are_balanced_where_counting_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bytescale, "_SEEDS", 1)
    row = bytescale.run(Run(20.0))[0]
    assert row.value <= 1.05
    assert row.baseline_value is not None
    assert row.baseline_value >= 2
    assert row.gap is not None
    assert row.gap <= 0.05
