"""Lists of assignments with balanced loads, and the bounds and schedules that come from them."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.instances.files import read
from scheduling.models.schedule.arrays import NEVER
from scheduling.models.schedule.bounds.balance import machine_prices, spreads
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.balance import balance
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.listing.solvers import Heft
from tests.brute_force import brute_force
from tests.properties import examples

Costs = list[list[int]]

rows = st.integers(1, 3).flatmap(
    lambda m: st.lists(
        st.lists(st.sampled_from([1, 2, 3, 5, 8, NEVER]), min_size=m, max_size=m).filter(
            lambda row: min(row) < NEVER
        ),
        min_size=1,
        max_size=6,
    )
)


def every_load(costs: Costs) -> dict[tuple[int, ...], int]:
    """Largest load of each assignment."""
    found = {}
    for choice in product(range(len(costs[0])), repeat=len(costs)):
        loads = [0] * len(costs[0])
        for row, machine in zip(costs, choice, strict=True):
            loads[machine] += row[machine]
        if max(loads) < NEVER:
            found[choice] = max(loads)
    return found


@given(rows, st.integers(-2, 5))
def test_all_assignments_within_the_limit_are_listed(costs: Costs, above: int) -> None:
    known = every_load(costs)
    prices = machine_prices(np.array(costs))
    assert prices[1] <= min(known.values())
    limit = min(known.values()) + above
    found = spreads(np.array(costs), limit, prices)
    assert found is not None
    listed = {
        tuple(row): load for row, load in zip(found.machine.tolist(), found.load, strict=True)
    }
    assert listed == {choice: load for choice, load in known.items() if load <= limit}
    assert len(listed) == len(found.load)
    assert found.load.tolist() == sorted(found.load)


def test_too_many_pairs_are_not_looked_at() -> None:
    costs = np.full((12, 3), 5)
    assert spreads(costs, 100, machine_prices(costs), most=1000) is None
    many = np.full((60, 20), 5)
    assert spreads(many, 300, machine_prices(many)) is None
    assert spreads(costs, 100, machine_prices(costs), over=lambda: True) is None


def graph(works: list[int], comm: int) -> ScheduleProblem:
    """A task before and a task behind all others, on three machines of speeds 1, 2 and 3."""
    speeds = (1, 2, 3)
    machines = [{"type": "machine", "id": f"M{s}"} for s in speeds]
    tasks = [
        {
            "id": str(k),
            "modes": [{"duration": max(1, work // s), "machine": f"M{s}"} for s in speeds],
        }
        for k, work in enumerate([1, *works, 2])
    ]
    last = len(works) + 1
    links = [
        {"before": a, "after": b, "transfer": comm}
        for k in range(1, last)
        for a, b in (("0", str(k)), (str(k), str(last)))
    ]
    return ScheduleProblem.model_validate(
        {"resources": machines, "jobs": [{"id": "J", "tasks": tasks}], "precedences": links}
    )


def balanced(problem: ScheduleProblem) -> Board[Candidate]:
    """A board on which a construction and then balanced assignments have posted."""
    data = CompiledSchedule(problem)
    board: Board[Candidate] = Board(0, (), time.monotonic())
    budget = Budget(None, 10.0, 1, 0)
    Heft().search(data, board, budget, None)
    balance(data, board, budget, "balance")
    return board


def test_a_bag_of_tasks_is_settled_by_its_balanced_assignments() -> None:
    works = [9013, 4527, 6211, 4199, 6481, 5441, 3971, 8393, 7063, 9211, 577, 481, 389, 845]
    board = balanced(graph(works, 0))
    assert board.closed
    assert board.objective is not None
    assert 0 <= board.objective - sum(works) // 6 < 12


@pytest.mark.shared
def test_a_published_workflow_is_proven(shared_data: Path) -> None:
    problem = read(shared_data / "dag" / "srasearch-chameleon-10a-001.json")
    assert isinstance(problem, ScheduleProblem)
    board = balanced(problem)
    assert board.closed
    assert board.objective == 1332808


@examples(30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=2), st.integers(0, 3))
def test_bounds_and_schedules_are_true(works: list[int], comm: int) -> None:
    problem = graph(works, comm)
    board = balanced(problem)
    best = brute_force(problem)
    assert best is not None
    assert board.objective is not None
    assert board.objective >= best[0]
    assert board.bound is None or board.bound <= best[0]
