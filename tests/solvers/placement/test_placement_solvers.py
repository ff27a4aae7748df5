"""Solvers of placements against brute force, and the order of steps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.placement.random_clusters import random_cluster, with_running
from scheduling.models.base import Status
from scheduling.models.placement.arrays import Ints
from scheduling.models.placement.bounds import goal_bound
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.models.placement.steps import replay
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.ordering import order_steps
from scheduling.solvers.placement.pools import Pools
from scheduling.solvers.placement.relaxation import raise_linear_bound
from tests.placements import best_values, placement_problems
from tests.properties import examples
from tests.solvers.placement.definitions import (
    bounded_by_formula,
    carried_out,
    exact,
    no_better_than_the_optimum,
    values_of,
)


@given(placement_problems(max_items=4, max_nodes=2))
@examples(60)
def test_cp_sat_finds_what_brute_force_finds(problem: PlacementProblem) -> None:
    exact(problem, best_values(problem), "cp-sat")


@pytest.mark.parametrize("solver", ["auto", "cp-sat", "mip"])
@pytest.mark.parametrize(
    ("goals", "eviction_cost"),
    [(["cost", "moves", "evictions"], 1), (["cost", "evictions", "moves"], 0)],
)
def test_an_equal_one_that_waits_may_stand_in_for_one_that_runs(
    solver: str, goals: list[str], eviction_cost: int
) -> None:
    """Where moves count first, evicting one and starting the other beats a move."""
    problem = PlacementProblem.model_validate(
        {
            "nodes": [
                {"id": "dear", "capacity": {"cpu": 1}, "cost": 5},
                {"id": "cheap", "capacity": {"cpu": 1}},
            ],
            "items": [
                {
                    "id": name,
                    "demands": {"cpu": 1},
                    "node": node,
                    "eviction_cost": eviction_cost,
                }
                for name, node in (("runs", "dear"), ("waits", None))
            ],
            "quotas": [{"id": "one", "limits": {"cpu": 1}}],
            "goals": goals,
        }
    )
    exact(problem, best_values(problem), solver)


@pytest.mark.parametrize("solver", ["auto", "cp-sat", "mip", "lns"])
@pytest.mark.parametrize(("room", "drained"), [(4, True), (3, False)])
def test_a_node_where_more_runs_than_fits_is_drained_for_what_fits(
    solver: str, room: int, drained: bool
) -> None:
    problem = PlacementProblem.model_validate(
        {
            "nodes": [
                {"id": "broken", "capacity": {"gpu": 3, "cpu": 9}, "labels": {"disk": "ssd"}},
                {"id": "spare", "capacity": {"gpu": room, "cpu": 9}},
            ],
            "items": [
                *({"id": f"r{k}", "demands": {"gpu": 2}, "node": "broken"} for k in range(2)),
                {"id": "new", "demands": {"gpu": 3}, "node_selector": {"disk": "ssd"}},
                {"id": "free", "demands": {"cpu": 1}, "node_selector": {"disk": "ssd"}},
            ],
            "goals": ["evictions", "moves"],
        }
    )
    solution = sch.solve(problem, solver, work_limit=20.0, workers=1)
    assert values_of(solution) == best_values(problem)
    carried_out(problem, solution)
    where = {entry.item: entry.node for entry in solution.placements}
    assert where["free"] == "broken"
    assert where.get("new") == ("broken" if drained else None)
    assert {where["r0"], where["r1"]} == ({"spare"} if drained else {"broken"})


@given(placement_problems(max_items=4, max_nodes=3, rules=False))
@examples(30)
def test_auto_is_optimal_on_small_problems_and_bounded(problem: PlacementProblem) -> None:
    exact(problem, best_values(problem), "auto")


@pytest.mark.parametrize(
    "solver", ["best-fit", "default-scheduler", "greedy:goals", "guided", "lns"]
)
@given(problem=placement_problems(max_items=4, max_nodes=2))
@examples(25)
def test_heuristics_answer_validly_and_never_better_than_the_best(
    solver: str, problem: PlacementProblem
) -> None:
    no_better_than_the_optimum(problem, best_values(problem), solver)


@given(placement_problems(max_items=4, max_nodes=2))
@examples(40)
def test_formula_bound_is_below_the_best_of_the_first_priority(problem: PlacementProblem) -> None:
    bounded_by_formula(problem, best_values(problem))


@given(placement_problems(max_items=4, max_nodes=2))
@examples(40)
def test_formula_bounds_of_goals_are_below_the_best(problem: PlacementProblem) -> None:
    best = best_values(problem)
    arrays = compile_placement(problem)
    for index, goal in enumerate(problem.goals, arrays.n_priorities):
        assert goal_bound(arrays, goal, best[:index]) <= best[index]


@pytest.mark.parametrize("inside", [False, True])
def test_what_runs_without_capacity_is_in_no_balance(inside: bool) -> None:
    """It stays where nothing is measured; the bound takes it for nothing."""
    nodes: list[dict[str, Any]] = [{"id": "bare"}, {"id": "n"}]
    items: list[dict[str, Any]] = [{"id": "a", "node": "bare"}, {"id": "b", "node": "n"}]
    for entry, capacity in zip(nodes, ({}, {"cpu": 4}), strict=True):
        entry["capacity"] = {} if inside else capacity
        entry["parts"] = [{"id": "g", "kind": "gpu", "capacity": capacity}] if inside else []
    for entry, amount in zip(items, (4, 1), strict=True):
        if inside:
            entry["shares"] = [{"kind": "gpu", "options": [{"cpu": amount}]}]
            entry["parts"] = [{"part": "g"}]
        else:
            entry["demands"] = {"cpu": amount}
    items[1]["pinned"] = True
    balance = {"resource": "cpu", "kind": "gpu" if inside else None}
    problem = PlacementProblem.model_validate(
        {"nodes": nodes, "items": items, "goals": ["balance"], "balance": balance}
    )
    exact(problem, (0, 250_000), "auto")


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("solver", ["cp-sat", "lns", "auto"])
def test_nodes_that_are_trillions_of_times_full(solver: str, *, pinned: bool) -> None:
    """Shares in millionths pass 64 bits there, and so do limits on them for the next goal."""
    nodes = [{"id": "small", "capacity": {"cpu": 1}}, {"id": "large", "capacity": {"cpu": 10**15}}]
    items = [
        {"id": "runs", "demands": {"cpu": 10**13}, "node": "small", "pinned": pinned},
        {"id": "waits", "demands": {"cpu": 1}},
    ]
    document = {"nodes": nodes, "items": items, "goals": ["balance", "nodes"]}
    problem = PlacementProblem.model_validate({**document, "balance": {"resource": "cpu"}})
    best = (0, 10**19, 2) if pinned else (0, 10_001, 1)
    answer: PlacementSolution = sch.solve(problem, solver, work_limit=2, workers=1)
    assert values_of(answer) == best
    assert all((tier.bound or 0) <= value for tier, value in zip(answer.tiers, best, strict=True))


@given(placement_problems(max_items=4, max_nodes=2))
@examples(40)
def test_bound_of_the_linear_program_is_below_the_best(problem: PlacementProblem) -> None:
    best = best_values(problem)
    pools = Pools.of_nodes(compile_placement(problem))
    for tier in range(pools.arrays.n_priorities):
        board: Board[Ints] = Board(tier, best[:tier], 0.0)
        raise_linear_bound(pools, board, Budget(None, None, 1, 0), "test")
        assert (board.bound or 0) <= best[tier]


def test_linear_bound_knows_quotas_and_limits_on_moves() -> None:
    document = {
        "nodes": [{"id": "a", "capacity": {"cpu": 4}}, {"id": "b", "capacity": {"cpu": 2}}],
        "items": [
            {"id": "big", "demands": {"cpu": 4}, "priority": 1},
            {"id": "small", "demands": {"cpu": 2}, "node": "a", "priority": 1},
        ],
    }

    def bound(**rules: object) -> int | None:
        problem = PlacementProblem.model_validate({**document, **rules})
        board: Board[Ints] = Board(0, (), 0.0)
        pools = Pools.of_nodes(compile_placement(problem))
        raise_linear_bound(pools, board, Budget(None, None, 1, 0), "test")
        return board.bound

    assert bound() == 0
    assert bound(max_moves=0) == 1
    assert bound(quotas=[{"id": "q", "limits": {"cpu": 5}}]) == 1


@given(placement_problems(max_items=5, max_nodes=3, rules=False))
@examples(40)
def test_steps_lead_to_the_placement_with_room_at_every_step(problem: PlacementProblem) -> None:
    solution = sch.solve(problem, "cp-sat", work_limit=20, workers=1)
    assume(solution.status is Status.OPTIMAL)
    carried_out(problem, solution)


def test_a_cycle_of_moves_is_broken_by_a_detour_or_an_eviction() -> None:
    def swapped(spare: int) -> tuple[PlacementProblem, PlacementSolution]:
        problem = PlacementProblem.model_validate(
            {
                "nodes": [
                    {"id": "a", "capacity": {"cpu": 4}, "labels": {"disk": "ssd"}},
                    {"id": "b", "capacity": {"cpu": 4}},
                    {"id": "c", "capacity": {"cpu": spare}},
                ],
                "items": [
                    {"id": "x", "demands": {"cpu": 3}, "node": "b", "priority": 1},
                    {"id": "y", "demands": {"cpu": 4}, "node": "a", "priority": 1},
                ],
            }
        )
        placements = [{"item": "x", "node": "a"}, {"item": "y", "node": "b"}]
        document = {"kind": "placement", "status": "feasible", "placements": placements}
        return problem, PlacementSolution.model_validate(document)

    problem, solution = swapped(3)
    steps = order_steps(problem, solution)
    assert [step.action for step in steps] == ["move", "move", "move"]
    assert steps[0].destination == "c"
    problem, solution = swapped(2)
    steps = order_steps(problem, solution)
    assert [step.action for step in steps] == ["evict", "move", "start"]


def test_dry_run_names_a_step_without_room() -> None:
    problem = random_cluster(nodes=2, pods_per_node=3, priorities=1, usage=1.0, seed=1)
    solution = sch.solve(problem, "cp-sat", work_limit=20, workers=1)
    steps = order_steps(problem, solution)
    wrong = [step.model_copy(update={"destination": "node-000"}) for step in steps]
    assert any(entry.constraint == "step" for entry in replay(problem, solution, wrong))


@given(seed=st.integers(0, 50))
@examples(10)
def test_auto_is_never_worse_than_the_default_scheduler(seed: int) -> None:
    problem = random_cluster(nodes=3, pods_per_node=4, priorities=2, usage=1.0, seed=seed)
    default = sch.solve(problem, "default-scheduler", work_limit=1, workers=1)
    running = with_running(problem, default)
    solution = sch.solve(running, "auto", work_limit=4, workers=1)
    assert values_of(solution)[:2] <= values_of(default)[:2]


def test_same_seed_and_work_give_the_same_answer() -> None:
    problem = random_cluster(nodes=4, pods_per_node=6, priorities=3, usage=1.02, seed=3)
    runs = [sch.solve(problem, "auto", work_limit=1, workers=1, seed=7) for _ in range(2)]
    first, second = (run.model_dump(exclude={"seconds", "history"}) for run in runs)
    assert first == second
