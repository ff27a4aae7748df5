"""Pareto fronts: exact on tiny problems, bounded on others, and their independent check."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.base import Status
from scheduling.models.check_front import check_front
from scheduling.models.front import ParetoFront
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.serving.problem import Goal, ServingProblem
from scheduling.solvers.boxes import Space, dominates, hypervolume
from tests.brute_force import TooLargeError, brute_front
from tests.properties import examples
from tests.servings import best_values, serving_problems
from tests.strategies import choice_problems

LIMIT = 10_000


def values(front: ParetoFront) -> list[tuple[Any, ...]]:
    return [tuple(tier.objective for tier in point.tiers) for point in front.points]


def true_front(problem: ScheduleProblem) -> list[tuple[int, ...]]:
    try:
        return brute_front(problem, LIMIT)
    except TooLargeError:
        assume(False)
        raise


@given(choice_problems(max_jobs=2, tiers=3))
@examples(60)
def test_fronts_are_exact(problem: ScheduleProblem) -> None:
    assume(len(problem.objective.tiers) > 1)
    expected = true_front(problem)
    front = sch.pareto(problem, "cp-sat", work_limit=20.0, workers=1)
    assert front.status is (Status.OPTIMAL if expected else Status.INFEASIBLE)
    assert values(front) == expected
    assert front.objective == front.bound
    assert sch.check(problem, front) == []


def trade_off(jobs: int = 6) -> ScheduleProblem:
    """Jobs that are quick or cheap."""
    model = sch.ScheduleModel("trade-off")
    machine = model.add_machine("m")
    for number in range(jobs):
        task = model.add_task(model.add_job())
        model.add_mode(task, duration=2 + number, machine=machine, cost=3 * number + 2)
        model.add_mode(task, duration=4 + 2 * number, machine=machine, cost=number % 3)
    model.minimize(["makespan", "cost"])
    return model.build()


def test_points_are_ordinary_solutions_with_bounds() -> None:
    problem = trade_off()
    front = sch.pareto(problem, "cp-sat", work_limit=20.0, workers=1)
    assert front.status is Status.OPTIMAL
    first, last = front.points[0], front.points[-1]
    assert first.status is Status.OPTIMAL
    assert last.status is Status.FEASIBLE
    assert last.tiers[0].bound == first.tiers[0].objective
    assert last.tiers[1].gap == 0.0
    for point in front.points:
        assert sch.check(problem, point) == []


def test_a_front_without_proof_is_bounded() -> None:
    problem = trade_off()
    complete = sch.pareto(problem, "cp-sat", work_limit=20.0, workers=1)
    front = sch.pareto(problem, "insertion", work_limit=0.2, workers=1)
    assert front.status is Status.FEASIBLE
    assert sch.check(problem, front) == []
    assert front.objective is not None
    assert front.bound is not None
    assert front.objective < front.bound
    best = hypervolume(values(complete), tuple(front.reference))
    assert front.objective <= best <= front.bound


def test_same_call_gives_the_same_front() -> None:
    fronts = [sch.pareto(trade_off(), "auto", work_limit=0.5, workers=1) for _ in range(2)]
    assert values(fronts[0]) == values(fronts[1])


def test_an_interrupt_returns_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def stop_later(report: object) -> None:
        seen.append(1)
        if len(seen) == 12:
            raise KeyboardInterrupt

    front = sch.pareto(trade_off(9), "cp-sat", time_limit=60, workers=1, on_progress=stop_later)
    assert front.points
    assert front.status is Status.FEASIBLE
    assert sch.check(trade_off(9), front) == []


def test_infeasible_and_unfit_problems() -> None:
    model = sch.ScheduleModel()
    model.add_task(model.add_job(deadline=2), duration=3)
    model.minimize(["makespan", "cost"])
    assert sch.pareto(model.build(), work_limit=1.0).status is Status.INFEASIBLE
    model.minimize("makespan")
    with pytest.raises(sch.InputError, match="two or more tiers"):
        sch.pareto(model.build())
    with pytest.raises(sch.UnsupportedError, match="cost in the objective"):
        sch.pareto(trade_off(), "tabu")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"objective": 1}, "hypervolume"),
        ({"bound": 10**6}, "hypervolume"),
        ({"status": Status.FEASIBLE}, "status"),
        ({"reference": (1, 1)}, "reference"),
        ({"criteria": ("makespan",)}, "criteria"),
        ({"lower": ((0, 0),)}, "bound"),
        ({"tiers": ()}, "hypervolume"),
    ],
)
def test_changed_fronts_are_caught(change: dict[str, Any], constraint: str) -> None:
    problem = trade_off(4)
    front = sch.pareto(problem, "cp-sat", work_limit=20.0, workers=1)
    found = check_front(problem, front.model_copy(update=change))
    assert constraint in {violation.constraint for violation in found}


def test_dominated_and_unordered_points_are_caught() -> None:
    problem = trade_off(4)
    front = sch.pareto(problem, "cp-sat", work_limit=20.0, workers=1)
    turned = front.model_copy(update={"points": front.points[::-1]})
    assert {v.constraint for v in check_front(problem, turned)} == {"order"}
    slow = front.points[0]
    assert isinstance(slow, ScheduleSolution)
    late = [
        entry.model_copy(update={"start": entry.start + 1, "end": entry.end + 1})
        for entry in slow.tasks
    ]
    tier = slow.tiers[0]
    value = 1 + int(tier.objective or 0)
    worse = slow.model_copy(
        update={
            "tasks": tuple(late),
            "status": Status.FEASIBLE,
            "objective": value,
            "gap": 1 / value,
            "tiers": (
                tier.model_copy(update={"objective": value, "gap": 1 / value}),
                *slow.tiers[1:],
            ),
        }
    )
    more = front.model_copy(update={"points": (slow, worse, *front.points[1:])})
    assert "dominated" in {v.constraint for v in check_front(problem, more)}


vectors = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=6)


@given(vectors)
def test_hypervolume_counts_cells(points: list[tuple[int, int, int]]) -> None:
    reference = (5, 6, 7)
    cells = sum(
        any(dominates(p, (x, y, z)) for p in points)
        for x in range(reference[0])
        for y in range(reference[1])
        for z in range(reference[2])
    )
    assert hypervolume(points, reference) == cells


@given(vectors)
def test_boxes_and_points_cover_the_space_once(points: list[tuple[int, int, int]]) -> None:
    space = Space((0, 0, 0))
    for point in points:
        space.insert(point)
    for x in range(8):
        for y in range(8):
            for z in range(8):
                vector = (x, y, z)
                inside = sum(
                    dominates(box.low, vector)
                    and all(a < b for a, b in zip(vector, box.high, strict=True))
                    for box in space.boxes
                )
                assert inside == (not any(dominates(p, vector) for p in points))


@examples(15, suppress_health_check=list(HealthCheck))
@given(problem=serving_problems())
def test_fronts_of_fleets_end_at_the_best_of_each_order(problem: ServingProblem) -> None:
    assume(all(demand.requests_per_second is not None for demand in problem.demands))
    goals: tuple[Goal, ...] = ("cost", "gpus")
    asked = problem.model_copy(update={"goals": goals})
    front = sch.pareto(asked, "mip", work_limit=60, workers=1)
    ends = [
        best_values(problem.model_copy(update={"goals": order})) for order in (goals, goals[::-1])
    ]
    assert sch.check(asked, front) == []
    first, last = ends
    if first is None or last is None:
        assert front.status is Status.INFEASIBLE
        return
    assert front.status is Status.OPTIMAL
    assert front.vectors[0] == tuple(first)
    assert front.vectors[-1] == tuple(last)[::-1]


def test_fronts_of_fleets_trade_goodput_for_cost() -> None:
    problem = generate("serving-fleet", {"models": 1, "nodes": 1, "types": 1, "seed": 1})
    asked = problem.model_copy(update={"goals": ("cost", "goodput")})
    front = sch.pareto(asked, "mip", work_limit=5, workers=1)
    assert sch.check(asked, front) == []
    assert len(front.points) > 2
    assert front.labels == ("cost", "-goodput")
    costs, factors = zip(*front.vectors, strict=True)
    assert list(costs) == sorted(costs)
    assert list(factors) == sorted(factors, reverse=True)
    worse = front.model_copy(update={"points": front.points[::-1]})
    assert sch.check(asked, worse)
