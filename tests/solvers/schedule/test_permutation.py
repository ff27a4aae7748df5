"""Flow lines: recognition, the value of every place, searches and exact models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.instances.files import read
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.schedule.family import FAMILY, CompiledSchedule
from scheduling.solvers.schedule.permutation.kernels import insertion, plant
from scheduling.solvers.schedule.permutation.line import Line, line_refusal
from scheduling.solvers.schedule.permutation.walk import Walk
from tests.brute_force import brute_force
from tests.properties import examples
from tests.solvers.schedule.flow_lines import (
    Fields,
    flow,
    hybrid_lines,
    least,
    lines,
    machines,
)
from tests.solving import solve


@examples(120)
@given(st.one_of(lines(), hybrid_lines()), st.randoms(use_true_random=False))
def test_every_order_is_a_valid_schedule_and_is_read_back(
    problem: ScheduleProblem, random: Any
) -> None:
    data = CompiledSchedule(problem)
    assert line_refusal(data.arrays) is None
    line = Line.of(data.arrays, 0)
    jobs = list(range(line.jobs))
    random.shuffle(jobs)
    orders: list[list[int]] = [[] for _ in range(line.lines)]
    for job in jobs:
        orders[random.randrange(line.lines)].append(job)
    candidate = line.candidate(orders)
    value = data.values(candidate)[0]
    entry = {"name": "value", "sense": "min", "objective": value, "bound": None, "gap": None}
    answer = data.answer(
        candidate,
        {"status": "feasible", "objective": value, "bound": None, "gap": None, "tiers": (entry,)}
        | {"solver": "test", "seconds": 0.0, "history": ()},
    )
    assert check_schedule(problem, answer) == []
    if np.all(data.arrays.duration > 0) and not line.units.size:
        assert line.orders(candidate) == orders


@examples(150)
@given(st.one_of(lines(), hybrid_lines()), st.integers(0, 2**20))
def test_the_best_place_is_the_best_of_all_places(problem: ScheduleProblem, seed: int) -> None:
    data = CompiledSchedule(problem)
    line = Line.of(data.arrays, 0)
    rng = np.random.default_rng(seed)
    orders: list[list[int]] = [[] for _ in range(line.lines)]
    for other in rng.permutation(line.jobs).tolist():
        orders[int(rng.integers(line.lines))].append(other)
    walk = Walk(line, 0)
    walk.start_from(orders)
    job = int(rng.integers(line.jobs))
    insertion.remove(walk.search, job)
    rest = [[other for other in order if other != job] for order in orders]
    values = {}
    for f, order in enumerate(rest):
        for p in range(len(order) + 1):
            changed = [list(row) for row in rest]
            changed[f].insert(p, job)
            values[f, p] = data.values(line.candidate(changed))[0]
    place = insertion.find_place(walk.plant, walk.search, job)
    assert values[place] == min(values.values())
    if line.sums:
        offset = 0
        if "total_flow" in str(problem.objective):
            offset = int(data.arrays.job_weight @ data.arrays.job_release)
        assert walk.search.counter[plant.MAIN] - offset == values[place]


@examples(40)
@given(st.one_of(lines(), hybrid_lines()))
def test_searches_end_between_the_optimum_and_the_construction(problem: ScheduleProblem) -> None:
    best = least(CompiledSchedule(problem))
    built = solve(problem, "neh", work_limit=1, workers=1)
    found = solve(problem, "iterated-greedy", work_limit=0.0005, workers=1)
    assert built.objective >= found.objective >= best
    for answer in (built, found):
        assert check_schedule(problem, answer) == []
        assert answer.bound is None or answer.bound <= best


def test_the_search_finds_optima_of_small_shops() -> None:
    rng = np.random.default_rng(5)
    missed = 0
    for measure in ("makespan", "total_completion", "total_tardiness"):
        for _ in range(5):
            jobs = [
                {
                    "id": f"J{j}",
                    "chain": True,
                    "due": int(rng.integers(20, 60)),
                    "tasks": [
                        {
                            "id": f"{j}.{k}",
                            "modes": [{"duration": int(rng.integers(1, 20)), "machine": f"M{k}"}],
                        }
                        for k in range(3)
                    ],
                }
                for j in range(6)
            ]
            problem = ScheduleProblem.model_validate(
                {
                    "resources": [{"type": "machine", "id": f"M{k}"} for k in range(3)],
                    "jobs": jobs,
                    "same_order": [["M0", "M1", "M2"]],
                    "objective": measure,
                }
            )
            answer = solve(problem, "iterated-greedy", work_limit=0.01, workers=1)
            missed += answer.objective > least(CompiledSchedule(problem))
    assert missed == 0


@examples(25)
@given(lines(most_jobs=3, most_stages=2, most_lines=1, objectives=("makespan", "total_tardiness")))
def test_orders_hold_the_optimum(problem: ScheduleProblem) -> None:
    found = brute_force(problem)
    assert found is not None
    assert least(CompiledSchedule(problem)) == found[0]


@examples(30)
@given(
    lines(
        most_jobs=3,
        most_stages=2,
        most_lines=1,
        moments=True,
        objectives=("makespan", "total_tardiness", "max_lateness", "total_completion"),
    )
)
def test_lines_whose_orders_miss_the_optimum_are_refused(problem: ScheduleProblem) -> None:
    found = brute_force(problem, 4_000)
    assert found is not None
    data = CompiledSchedule(problem)
    reason = line_refusal(data.arrays)
    if least(data) > found[0]:
        assert reason is not None
    for name in {"mip", "tour", "auto"} & set(FAMILY.takers(data)):
        answer = solve(problem, name, work_limit=0.2, workers=1)
        assert answer.status is not Status.INFEASIBLE
        assert answer.bound is None or answer.bound <= found[0]
        assert answer.status is not Status.OPTIMAL or answer.objective == found[0]


@pytest.mark.parametrize("no_wait", [False, True])
def test_a_task_without_duration_runs_inside_another(no_wait: bool) -> None:
    def job(name: str, release: int, *lengths: int) -> Fields:
        modes = [[{"duration": length, "machine": f"M{k}"}] for k, length in enumerate(lengths)]
        tasks = [{"id": f"{name}{k}", "modes": mode} for k, mode in enumerate(modes)]
        dates = {"release": release, "due": release}
        return {"id": name, "tasks": tasks, "chain": len(tasks) > 1, "no_wait": no_wait, **dates}

    long, short = ((5, 3), (0, 3)) if no_wait else ((5,), (0,))
    fields = {
        "resources": [{"type": "machine", "id": f"M{k}"} for k in range(len(long))],
        "jobs": [job("long", 0, *long), job("short", 2, *short)],
        "objective": "makespan" if no_wait else "total_tardiness",
    }
    problem = ScheduleProblem.model_validate(fields)
    data = CompiledSchedule(problem)
    answer = solve(problem, work_limit=1, workers=1)
    assert answer.status is Status.OPTIMAL
    assert (answer.objective,) == brute_force(problem)
    assert least(data) > answer.objective
    for name in ("neh", "iterated-greedy", "tour"):
        assert "without duration" in (FAMILY.solver(name).refusal(data) or "")


def changed(change: str) -> ScheduleProblem:
    """Return a flow shop with something that is no flow line."""
    fields = flow()
    jobs = fields["jobs"]
    match change:
        case "order":
            fields["same_order"] = []
        case "deadline":
            jobs[0]["deadline"] = 50
        case "waiting":
            jobs[0]["no_wait"] = True
        case "route":
            jobs[0]["tasks"].reverse()
        case "sizes":
            jobs[0]["tasks"].pop()
        case "blocking":
            jobs[0]["blocking"] = True
        case "two maxima":
            fields["objective"] = {"makespan": 1, "max_tardiness": 1}
        case "precedence":
            fields["precedences"] = [{"before": "0.0", "after": "1.0"}]
        case "modes":
            for job in jobs:
                for task in job["tasks"]:
                    task["modes"] *= 2
        case "huge":
            for job in jobs:
                job["weight"] = 10**6
                job["tasks"][0]["modes"][0]["duration"] = 10**12
            fields["objective"] = "total_completion"
    return ScheduleProblem.model_validate(fields)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("order", "same order of jobs"),
        ("deadline", "deadlines"),
        ("waiting", "all wait at will"),
        ("route", "same machines in the same order"),
        ("sizes", "same machines in the same order"),
        ("blocking", "blocking"),
        ("two maxima", "at most one of makespan"),
        ("precedence", "same machines in the same order"),
        ("modes", "same machines in the same order"),
        ("huge", "coarser unit"),
    ],
)
def test_what_is_no_flow_line_is_refused_by_name(change: str, named: str) -> None:
    reason = FAMILY.solver("iterated-greedy").refusal(CompiledSchedule(changed(change)))
    assert reason is not None
    assert named in reason
    assert FAMILY.solver("neh").refusal(CompiledSchedule(changed(change))) == reason


@pytest.mark.parametrize("solver", ["neh", "iterated-greedy", "auto"])
def test_same_seed_and_work_give_the_same_answer(solver: str) -> None:
    rng = np.random.default_rng(3)
    rows = rng.integers(1, 30, (12, 3)).tolist()
    problem = machines(rows, objective="total_tardiness")
    answers = [solve(problem, solver, work_limit=0.05, workers=1, seed=4) for _ in range(2)]
    assert answers[0].tasks == answers[1].tasks


def test_auto_closes_small_lines() -> None:
    rng = np.random.default_rng(8)
    fields = flow()
    for job in fields["jobs"]:
        job["no_wait"] = True
        for task in job["tasks"]:
            task["modes"][0]["duration"] = int(rng.integers(1, 9))
    problem = ScheduleProblem.model_validate(fields)
    for one in (problem, machines(rng.integers(1, 30, (8, 3)).tolist())):
        answer = solve(one, work_limit=0.3, workers=1)
        assert answer.status is Status.OPTIMAL


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("pfsp/5.txt", 1250),
        ("sdst-pfsp/144.txt", 2710),
        ("tct-pfsp/6.txt", 13200),
        ("dpfsp/27.txt", 565),
    ],
)
def test_known_instances_come_close_to_the_best_known(path: str, most: int) -> None:
    folder = os.environ.get("SCHEDULING_DATA")
    if not folder or not (Path(folder) / "variants").exists():
        pytest.skip("SCHEDULING_DATA is not set")
    problem = read(Path(folder) / "variants" / path, path.partition("/")[0])
    answer = solve(problem, "iterated-greedy", work_limit=0.5, workers=1)
    assert answer.objective <= most
