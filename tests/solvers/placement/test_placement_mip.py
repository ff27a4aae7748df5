"""The mixed-integer program of placements: against CP-SAT and brute force, on two engines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.instances.placement.random_clusters import random_cluster
from scheduling.models.base import Status
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.goals import most_of
from scheduling.models.placement.problem import PlacementProblem
from tests.placements import best_values, placement_problems
from tests.properties import examples
from tests.solvers.placement.definitions import exact, values_of


def refused(problem: PlacementProblem) -> str | None:
    """What the program does not know of a problem."""
    arrays = compile_placement(problem)
    if any(arrays.parts.shares):
        return "parts of nodes"
    tolerated = any(item.max_degradation is not None for item in problem.items)
    limited = tolerated and bool(arrays.aims.clashes)
    if limited or "interference" in problem.goals:
        return "interference"
    return "fragmentation" if "fragmentation" in problem.goals else None


@given(placement_problems(max_items=4, max_nodes=2))
@examples(40)
def test_mip_and_cp_sat_find_what_brute_force_finds(problem: PlacementProblem) -> None:
    best = best_values(problem)
    exact(problem, best, "cp-sat")
    unknown = refused(problem)
    if unknown is not None:
        with pytest.raises(UnsupportedError, match=unknown):
            sch.solve(problem, "mip", time_limit=1e6, workers=1)
        return
    solution = sch.solve(problem, "mip", time_limit=1e6, workers=1)
    assert solution.status is Status.OPTIMAL
    assert values_of(solution) == best


@given(problem=placement_problems(max_items=4, max_nodes=3, rules=False), unit=st.integers(2, 3))
@examples(25)
def test_both_leave_equally_few_fragments(problem: PlacementProblem, unit: int) -> None:
    document = problem.model_dump()
    document["fragment"] = {"resource": "cpu", "unit": unit}
    document["goals"] = ["fragments", "moves"]
    measured = PlacementProblem.model_validate(document)
    theirs, ours = (
        sch.solve(measured, name, time_limit=1e6, workers=1) for name in ("cp-sat", "mip")
    )
    assert theirs.status is ours.status is Status.OPTIMAL
    assert values_of(theirs) == values_of(ours)


@given(
    problem=placement_problems(max_items=4, max_nodes=2, rules=False),
    unit=st.sampled_from([10**6, 2**30 + 1, 2**46]),
)
@examples(25)
def test_amounts_in_bytes_are_counted_to_the_last_one(problem: PlacementProblem, unit: int) -> None:
    """Amounts without a common divisor are too long for one row of an engine."""
    document = problem.model_dump()
    for node in document["nodes"]:
        node["capacity"]["memory"] = unit * node["capacity"]["memory"] + 1
    for number, item in enumerate(document["items"]):
        item["demands"]["memory"] = unit * item["demands"]["memory"] + number % 2
    document["goals"] = [goal for goal in problem.goals if goal != "fragmentation"]
    stated = PlacementProblem.model_validate(document)
    if refused(stated) is not None:
        return
    if "balance" in stated.goals and most_of(compile_placement(stated), "balance") > 10**9:
        with pytest.raises(UnsupportedError, match="shares in millionths"):
            sch.solve(stated, "mip", work_limit=20.0, workers=1)
        return
    exact(stated, best_values(stated), "mip")


@pytest.mark.parametrize(
    ("capacity", "need", "share"),
    [(10**6 + 1, 10**6, 10**6), (2**46 + 1, 1, 1), (2**46 + 1, 2**45, 500_000)],
)
def test_shares_of_bytes_are_rounded_up_exactly(capacity: int, need: int, share: int) -> None:
    problem = PlacementProblem.model_validate(
        {
            "nodes": [{"id": "n", "capacity": {"memory": capacity}}],
            "items": [{"id": "i", "demands": {"memory": need}, "node": "n"}],
            "goals": ["balance"],
            "balance": {"resource": "memory"},
        }
    )
    assert values_of(exact(problem, best_values(problem), "mip")) == (0, share)


@pytest.mark.parametrize("capacity", [10**12 + 7, 2**50 - 1])
@pytest.mark.parametrize(("quota", "preempts"), [(0, True), (0, False), (1, True)])
def test_one_byte_too_much_is_too_much(capacity: int, quota: int, preempts: bool) -> None:
    half = capacity // 2
    problem = PlacementProblem.model_validate(
        {
            "nodes": [{"id": "n", "capacity": {"memory": min(2**50, capacity + quota)}}],
            "items": [
                {"id": "small", "demands": {"memory": half}, "node": "n"},
                {
                    "id": "large",
                    "demands": {"memory": capacity - half + 1},
                    "preempts": preempts,
                    "eviction_cost": 0,
                },
            ],
            "quotas": [{"id": "q", "limits": {"memory": capacity}}] if quota else [],
            "goals": ["fragments"],
            "fragment": {"resource": "memory", "unit": half - 1},
        }
    )
    exact(problem, values_of(sch.solve(problem, "cp-sat", work_limit=5, workers=1)), "mip")


def test_an_engine_of_pyomo_finds_what_highs_finds() -> None:
    problem = random_cluster(nodes=3, pods_per_node=3, priorities=2, usage=1.05, seed=2)
    ours = sch.solve(problem, "mip", time_limit=1e6, workers=1)
    theirs = sch.solve(problem, "mip:appsi_highs", time_limit=1e6, workers=1)
    assert ours.status is theirs.status is Status.OPTIMAL
    assert values_of(ours) == values_of(theirs)
