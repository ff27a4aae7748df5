"""Loads of machines that tasks choose: bounds that the relaxation of no-overlap does not give."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.instances.files import read
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.driver import solve
from tests.brute_force import brute_force

GRAPHS = {
    "topcuoglu10": 73,
    "rnd10p3_ccr0.1_1": 391,
    "rnd10p3_ccr1.0_1": 157,
    "rnd10p3_ccr5.0_1": 208,
    "rnd15p3_ccr1.0_1": 349,
    "rnd20p3_ccr5.0_1": 603,
    "rnd20p4_ccr1.0_1": 493,
}


def bag(costs: list[list[int]], edges: list[tuple[int, int, int]]) -> ScheduleProblem:
    """Tasks that may run on every machine, with transfers along edges."""
    machines = [{"type": "machine", "id": f"M{k}"} for k in range(len(costs[0]))]
    tasks = [
        {"id": f"T{i}", "modes": [{"duration": d, "machine": f"M{k}"} for k, d in enumerate(row)]}
        for i, row in enumerate(costs)
    ]
    links = [{"before": f"T{i}", "after": f"T{j}", "transfer": c} for i, j, c in edges]
    return ScheduleProblem.model_validate(
        {"resources": machines, "jobs": [{"id": "J", "tasks": tasks}], "precedences": links}
    )


def test_uneven_loads_are_bounded_at_once() -> None:
    """All work over the sum of speeds bounds the makespan, with what comes last behind it."""
    works = [70, 95, 110, 64, 88, 102, 91, 75, 83, 99]
    costs = [[6 * work, 3 * work, 2 * work] for work in works]
    last = [[600, 300, 200]]
    edges = [(i, len(works), 0) for i in range(len(works))]
    answer = solve(bag(costs + last, edges), "cp-sat", work_limit=0.2, workers=1)
    assert answer.bound is not None
    assert answer.bound >= sum(works) + 200  # 1/6 + 1/3 + 1/2 of the work a unit of time


@given(
    st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=2, max_size=4),
    st.integers(0, 5),
    st.integers(0, 4),
)
def test_loads_cut_no_optimum(costs: list[list[int]], comm: int, shape: int) -> None:
    edges = [(i, j, comm) for j in range(len(costs)) for i in range(j) if (i * j + shape) % 3 == 0]
    problem = bag(costs, edges)
    answer = solve(problem, "cp-sat", work_limit=5, workers=1)
    assert (answer.objective,) == brute_force(problem)
    assert answer.status == Status.OPTIMAL


@pytest.mark.parametrize("solver", ["cp-sat", "auto"])
def test_a_longer_mode_does_not_delay_what_follows_the_start(solver: str) -> None:
    """Behind the shorter mode one unit is left until the follower ends, behind the longer none."""
    problem = bag([[2, 3], [3, 9]], [])
    link = {"before": "T0", "after": "T2", "kind": "start-start", "min_lag": 3}
    content = problem.model_dump(mode="json")
    content["jobs"][0]["tasks"].append({"id": "T2", "modes": [{"duration": 0}]})
    content["precedences"] = [link]
    late = ScheduleProblem.model_validate(content)
    answer = solve(late, solver, work_limit=5, workers=1)
    assert (answer.objective,) == brute_force(late)


@pytest.mark.shared
@pytest.mark.parametrize("name", GRAPHS)
def test_published_graphs_are_proven(name: str, shared_data: Path) -> None:
    problem = read(shared_data / "dag" / f"{name}.json")
    answer = solve(problem, "auto", work_limit=20, workers=1)
    assert answer.status == Status.OPTIMAL
    assert answer.objective == GRAPHS[name]


def test_what_follows_only_the_start_of_a_task_is_no_tail_behind_a_longer_mode() -> None:
    problem = ScheduleProblem.model_validate(
        {
            "resources": [
                {"type": "machine", "id": "m"},
                {"type": "consumable", "id": "none left", "capacity": 0},
            ],
            "jobs": [
                {
                    "id": "j",
                    "tasks": [
                        {
                            "id": "a",
                            "modes": [
                                {"duration": 2, "machine": "m"},
                                {"duration": 0, "demands": {"none left": 1}},
                            ],
                        },
                        {"id": "b", "modes": [{"duration": 1}]},
                    ],
                }
            ],
            "precedences": [{"before": "a", "after": "b", "kind": "start-start"}],
        }
    )
    solution = solve(problem, "cp-sat", work_limit=5, workers=1)
    assert (solution.status, solution.objective) == ("optimal", 2)
