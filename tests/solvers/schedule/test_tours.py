"""Tours and loads: what exact models of one line state, and their bounds."""

from __future__ import annotations

import os
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.instances.files import read
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.assignment import Assignment
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.permutation.line import Line
from scheduling.solvers.schedule.permutation.tour import Tour, tour_lengths
from scheduling.solvers.schedule.permutation.tour_bounds import (
    has_machine_tours,
    raise_by_tours,
)
from tests.properties import examples
from tests.solvers.schedule.flow_lines import flow, least, lines, machines


@examples(40)
@given(lines(most_lines=1, most_jobs=5, releases=False, objectives=("makespan", {"makespan": 3})))
def test_tours_are_as_long_as_the_best_order(problem: ScheduleProblem) -> None:
    data = CompiledSchedule(problem)
    if Tour().refusal(data) is not None:
        return
    line = Line.of(data.arrays, 0)
    answer = sch.solve(problem, "tour", work_limit=10, workers=1)
    assert answer.status is Status.OPTIMAL
    assert answer.objective == least(data)
    length = tour_lengths(line)
    order = list(range(line.jobs))
    ring = [line.jobs, *order, line.jobs]
    total = sum(int(length[i, j]) for i, j in pairwise(ring))
    factor = data.values(line.candidate([order]))[0]
    assert factor % total == 0


@examples(30)
@given(lines(most_lines=1, objectives=("makespan", {"makespan": 3})))
def test_tours_of_machines_bound_the_optimum(problem: ScheduleProblem) -> None:
    data = CompiledSchedule(problem)
    if not has_machine_tours(data.arrays):
        return
    board: Board[Candidate] = Board(0, (), 0.0)
    raise_by_tours(data, board, Budget(None, 10.0, 1, 0))
    assert board.bound is not None
    assert board.bound <= least(data)


def test_tours_of_machines_see_the_setups() -> None:
    fields = flow()
    for machine in fields["resources"]:
        pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
        machine["setups"] = [
            {"before": f"J{i}", "after": f"J{j}", "time": 10 + (i + j) % 2} for i, j in pairs
        ]
    for job in fields["jobs"]:
        for task in job["tasks"]:
            task["modes"][0]["state"] = job["id"]
    data = CompiledSchedule(ScheduleProblem.model_validate(fields))
    board: Board[Candidate] = Board(0, (), 0.0)
    raise_by_tours(data, board, Budget(None, 10.0, 1, 0))
    assert (board.bound or 0) >= 27
    answer = sch.solve(data.problem, work_limit=1, workers=1)
    assert answer.status is Status.OPTIMAL


@examples(40)
@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=1, max_size=6))
def test_loads_give_the_least_makespan(rows: list[list[int]]) -> None:
    problem = machines(rows)
    assert Assignment().refusal(CompiledSchedule(problem)) is None
    answer = sch.solve(problem, "assignment", work_limit=10, workers=1)
    best = min(
        max(sum(row[c] for row, c in zip(rows, choice, strict=True) if c == k) for k in range(2))
        for choice in product(range(2), repeat=len(rows))
    )
    assert answer.status is Status.OPTIMAL
    assert answer.objective == best


def test_compact_models_refuse_what_they_cannot_say() -> None:
    data = CompiledSchedule(ScheduleProblem.model_validate(flow()))
    assert "without waiting" in (Tour().refusal(data) or "")
    assert "relations" in (Assignment().refusal(data) or "")
    rows = [[1, 2], [3, 4]]
    assert Assignment().refusal(CompiledSchedule(machines(rows))) is None
    late = CompiledSchedule(machines(rows, objective="total_tardiness"))
    assert "makespan alone" in (Assignment().refusal(late) or "")
    assert "makespan alone" in (Tour().refusal(late) or "")


@pytest.mark.shared
def test_flow_shops_without_waiting_are_closed_as_tours() -> None:
    folder = os.environ.get("SCHEDULING_DATA")
    if not folder or not (Path(folder) / "variants").exists():
        pytest.skip("SCHEDULING_DATA is not set")
    problem = read(Path(folder) / "variants" / "nw-pfsp" / "12.txt", "nw-pfsp")
    answer = sch.solve(problem, "tour", work_limit=10, workers=1)
    assert (answer.status, answer.objective) == (Status.OPTIMAL, 2166)


def test_a_pool_of_equal_machines_is_no_tour() -> None:
    """Its jobs run side by side; one after the other they would take longer than they do."""
    model = sch.ScheduleModel()
    pool = model.add_pool(2)
    for duration in (3, 3, 2, 2, 2):
        model.add_task(model.add_job(), duration=duration, machine=pool)
    problem = model.build()
    with pytest.raises(UnsupportedError, match="one machine or one flow line"):
        sch.solve(problem, "tour")
    assert sch.solve(problem, "auto", work_limit=1, workers=1).objective == 6
