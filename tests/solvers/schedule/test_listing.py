"""HEFT, CPOP and PEFT: published values, an independent reading of HEFT, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.instances.schedule.assemble import task_graph
from scheduling.instances.schedule.random_graphs import TOPCUOGLU_COST, TOPCUOGLU_EDGES
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import CompiledSchedule
from scheduling.solvers.schedule.listing.graph import task_graph as compile_graph
from scheduling.solvers.schedule.listing.ranks import (
    downward_ranks,
    optimistic_costs,
    upward_ranks,
)
from scheduling.solvers.schedule.listing.solvers import Heft, critical_path

NAMES = ("heft", "cpop", "peft")


def graph(cost: Any, edges: Any = ()) -> ScheduleProblem:
    return ScheduleProblem.model_validate(task_graph(cost, edges))


def example() -> ScheduleProblem:
    return graph(TOPCUOGLU_COST, TOPCUOGLU_EDGES)


def heft_value(cost: list[list[int]], edges: list[tuple[int, int, int]]) -> int:
    """Return HEFT's makespan by trying every start from the ready time on, one by one."""
    n, m = len(cost), len(cost[0])
    rank = [0.0] * n
    for i in reversed(range(n)):
        ways = (c + rank[v] for u, v, c in edges if u == i)
        rank[i] = sum(cost[i]) / m + max(ways, default=0.0)
    where: dict[int, tuple[int, int, int]] = {}
    for i in sorted(range(n), key=lambda i: (-round(rank[i], 6), i)):
        best = None
        for p in range(m):
            ready = [where[u][1] + (c if where[u][2] != p else 0) for u, v, c in edges if v == i]
            start = max(ready, default=0)
            busy = [(s, e) for s, e, q in where.values() if q == p]
            while any(s < start + cost[i][p] and start < e for s, e in busy):
                start += 1
            if best is None or start + cost[i][p] < best[1]:
                best = start, start + cost[i][p], p
        assert best is not None
        where[i] = best
    return max(end for _, end, _ in where.values())


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[list[int]], list[tuple[int, int, int]]]:
    n, m = draw(st.integers(1, 8)), draw(st.integers(1, 3))
    row = st.lists(st.integers(1, 12), min_size=m, max_size=m)
    cost = draw(st.lists(row, min_size=n, max_size=n))
    pairs = [(i, j) for j in range(n) for i in range(j)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return cost, [(i, j, draw(st.integers(0, 15))) for i, j in chosen]


@given(graphs())
def test_heft_agrees_with_an_independent_reading(
    case: tuple[list[list[int]], list[tuple[int, int, int]]],
) -> None:
    assert sch.solve(graph(*case), "heft").objective == heft_value(*case)


@given(graphs())
def test_every_list_gives_a_checked_schedule(
    case: tuple[list[list[int]], list[tuple[int, int, int]]],
) -> None:
    problem = graph(*case)
    for name in NAMES:
        answer = sch.solve(problem, name)
        assert answer.objective is not None
        assert sch.check(problem, answer) == []


def test_the_example_of_the_paper() -> None:
    values = {name: sch.solve(example(), name).objective for name in NAMES}
    assert values == {"heft": 80, "cpop": 86, "peft": 85}


def test_ranks_of_the_example() -> None:
    compiled = compile_graph(CompiledSchedule(example()).arrays)
    assert compiled.scale == 3
    up = upward_ranks(compiled)
    assert [round(rank / 3, 3) for rank in up] == [
        *(108.0, 77.0, 80.0, 80.0, 69.0, 63.333, 42.667, 35.667, 44.333, 14.667)
    ]
    down = downward_ranks(compiled)
    assert [round(rank / 3, 3) for rank in down] == [
        *(0.0, 31.0, 25.0, 22.0, 24.0, 27.0, 62.333, 66.667, 63.667, 93.333)
    ]
    priority = [u + d for u, d in zip(up, down, strict=True)]
    assert critical_path(compiled, priority) == {0, 1, 8, 9}


def test_optimistic_costs_look_ahead() -> None:
    table = optimistic_costs(
        compile_graph(CompiledSchedule(graph([[1, 9], [7, 2]], [(0, 1, 4)])).arrays)
    )
    assert table == [{0: 6, 1: 2}, {0: 0, 1: 0}]  # moving costs 4 + 2, less than 7 at home


def test_a_short_task_fills_a_gap() -> None:
    cost = [[5, 99], [99, 1], [9, 99], [2, 99]]
    problem = graph(cost, [(0, 1, 0), (1, 2, 6)])
    starts = {task.task: task.start for task in sch.solve(problem, "heft").tasks}
    assert starts == {"T0": 0, "T1": 5, "T2": 12, "T3": 5}


def test_releases_lags_and_machines_that_cannot_run_a_task() -> None:
    model = sch.ScheduleModel()
    fast, slow = model.add_machine(), model.add_machine()
    job = model.add_job(release=3)
    first = model.add_task(job, duration=2, machine=fast)
    second = model.add_task(job, duration=9, machine=slow)
    model.add_mode(second, duration=4, machine=slow)
    model.add_precedence(first, second, min_lag=1, transfer=5)
    for name in NAMES:
        answer = sch.solve(model.build(), name)
        assert [(task.start, task.mode) for task in answer.tasks] == [(3, 0), (11, 1)]


def test_tasks_without_duration_take_no_room() -> None:
    problem = graph([[4], [0], [3]], [(0, 1, 2), (1, 2, 2)])
    for name in NAMES:
        assert sch.solve(problem, name).objective == 7


def test_the_order_follows_precedences_when_ranks_tie() -> None:
    problem = graph([[0], [0], [0]], [(2, 1, 0), (1, 0, 0)])
    for name in NAMES:
        assert sch.solve(problem, name).objective == 0


def test_a_stopped_board_gets_nothing() -> None:
    data = CompiledSchedule(example())
    board: Board[Any] = Board(0, (), 0.0)
    board.stop()
    Heft().search(data, board, Budget(None, None, 1, 0), None)
    assert board.best is None


REFUSED = (
    "modes without a machine",
    "demands",
    "deadlines",
    "calendars",
    "maximal lags",
    "end-start",
    "negative lags",
    "setups",
)


@pytest.mark.parametrize("words", REFUSED)
def test_refusals_name_the_feature(words: str) -> None:
    model = sch.ScheduleModel()
    rest = model.add_calendar([(5, 6)])
    setups: dict[tuple[str | None, str], int] | None
    setups = {("a", "b"): 1} if words == "setups" else None
    machine = model.add_machine(calendar=rest if words == "calendars" else None, setups=setups)
    crew = model.add_renewable(1)
    job = model.add_job(deadline=30 if words == "deadlines" else None)
    demands = {crew: 1} if words == "demands" else None
    other = model.add_machine() if words == "demands" else machine
    spots = (None, None) if words == "modes without a machine" else (machine, other)
    tasks = [
        model.add_task(job, duration=2, machine=spot, demands=demands, state=state)
        for spot, state in zip(spots, ("a", "b"), strict=True)
    ]
    if words == "maximal lags":
        model.add_precedence(*tasks, max_lag=4)
    if words == "end-start":
        model.add_precedence(*tasks, kind="start-start")
    if words == "negative lags":
        model.add_precedence(*tasks, min_lag=-1)
    with pytest.raises(sch.UnsupportedError, match=f"heft.*{words}"):
        sch.solve(model.build(), "heft")


def test_streams_of_jobs_start_no_earlier_than_they_come() -> None:
    problem = generate("soc-stream", {"jobs": 6, "gap": 20.0})
    assert isinstance(problem, ScheduleProblem)
    for name in NAMES:
        answer = sch.solve(problem, name)
        assert sch.check(problem, answer) == []
        assert answer.objective is not None
        assert answer.objective >= 6 * 73


@pytest.mark.shared
def test_reference_values(shared_data: Path) -> None:
    folder = shared_data / "dag"
    known = json.loads((folder / "best_known.json").read_text())
    count = 0
    for name, entry in known.items():
        value = entry.get("heft", entry.get("heft_ms"))
        if value is not None:
            count += 1
            assert sch.solve(sch.read(folder / f"{name}.json"), "heft").objective == value, name
    assert count >= 25
