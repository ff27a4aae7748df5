"""Solver columns: against brute force, on small clusters of virtual machines, and its refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.instances.files import read
from scheduling.instances.placement.vms import Host, Machine, rescheduling
from scheduling.models.base import Status
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from tests.part_placements import best_part_values, part_problems
from tests.placements import best_values, placement_problems
from tests.properties import examples
from tests.solvers.placement.definitions import carried_out, exact, settled, taken, values_of

GOALS = ("fragments", "nodes", "cost", "moves", "evictions")
WORK = 4.0


def fragments(solution: PlacementSolution) -> tuple[object, object]:
    tier = next(tier for tier in solution.tiers if tier.name == "fragments")
    return tier.objective, tier.bound


@given(part_problems(), st.permutations(GOALS), st.integers(1, 3))
@examples(30)
def test_it_finds_what_brute_force_finds_on_parts(
    problem: PlacementProblem, goals: list[str], count: int
) -> None:
    problem = settled(problem, goals[:count])
    assume(taken(problem))
    exact(problem, best_part_values(problem), "columns", WORK)


@given(placement_problems(max_items=5, rules=False), st.permutations(GOALS[1:]), st.integers(1, 3))
@examples(60)
def test_it_finds_what_brute_force_finds_on_whole_nodes(
    problem: PlacementProblem, goals: list[str], count: int
) -> None:
    problem = settled(problem, goals[:count])
    assume(taken(problem))
    exact(problem, best_values(problem), "columns", WORK)


@st.composite
def clusters(draw: st.DrawFn) -> PlacementProblem:
    """Draw virtual machines on hosts of one size with two NUMA nodes."""
    count = draw(st.integers(2, 4))
    hosts = [Host(f"h{number}", ((12, 12), (12, 12))) for number in range(count)]
    free = {(host.name, part): 12 for host in hosts for part in (0, 1)}
    machines: list[Machine] = []
    for number in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(hosts)).name
        takes = draw(st.sampled_from([(0,), (1,), (0, 1)]))
        cores = draw(st.sampled_from([2, 3, 4, 6]))
        if all(free[name, part] >= cores for part in takes):
            for part in takes:
                free[name, part] -= cores
            pinned = draw(st.sampled_from([False, False, False, True]))
            machines.append(Machine(f"v{number}", name, takes, (cores, cores), pinned))
    return rescheduling(hosts, machines, unit=4, moves=draw(st.integers(0, 4)))


@given(clusters())
@examples(20)
def test_it_agrees_with_cp_sat_and_its_plans_can_be_carried_out(problem: PlacementProblem) -> None:
    assume(problem.items)
    theirs = sch.solve(problem, "cp-sat", work_limit=30, workers=1)
    assert theirs.status is Status.OPTIMAL
    carried_out(problem, exact(problem, values_of(theirs), "columns", WORK))


def cluster(**more: Any) -> PlacementProblem:
    """Six machines whose two moves leave one more whole unit free."""
    hosts = [Host(name, ((16, 16), (16, 16))) for name in ("a", "b", "c")]
    machines = [
        Machine("v1", "a", (0,), (9, 9)),
        Machine("v2", "a", (1,), (4, 4)),
        Machine("v3", "b", (0,), (4, 4)),
        Machine("v4", "b", (1,), (9, 9)),
        Machine("v5", "c", (0, 1), (6, 6)),
    ]
    problem = rescheduling(hosts, machines, unit=8, moves=more.pop("moves", 2))
    return problem.model_copy(update=more)


def test_bounds_are_values_that_are_possible() -> None:
    answer = sch.solve(cluster(moves=0), "columns", work_limit=WORK, workers=1)
    # Free are 7 + 12 + 12 + 7 + 10 + 10 in pieces, 7 + 4 + 4 + 7 + 2 + 2 below the unit of 8.
    assert fragments(answer) == (26, 26)
    moved = sch.solve(cluster(moves=1), "columns", work_limit=WORK, workers=1)
    assert (fragments(moved), moved.status) == ((18, 18), Status.OPTIMAL)


def test_auto_answers_with_columns() -> None:
    answer = sch.solve(cluster(), "auto", work_limit=WORK, workers=1)
    assert answer.status is Status.OPTIMAL
    assert values_of(answer) == (0, 10, 2)


def test_the_same_call_gives_the_same_answer() -> None:
    first, second = (
        sch.solve(cluster(), "columns", work_limit=WORK, workers=1, seed=3) for _ in range(2)
    )
    assert first.placements == second.placements


def test_two_workers_agree_with_one() -> None:
    answer = sch.solve(cluster(), "columns", time_limit=1e6, workers=2)
    assert answer.status is Status.OPTIMAL


def test_budgets_bind_the_moves_that_are_chosen() -> None:
    document = cluster(moves=1).model_dump(mode="json")
    everyone = {"id": "pdb", "selector": {}, "allowed": 0}
    frozen = PlacementProblem.model_validate({**document, "budgets": [everyone]})
    answer = sch.solve(frozen, "columns", work_limit=WORK, workers=1)
    assert fragments(answer) == (26, 26)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"goals": ["preferences"]}, "the goal 'preferences'"),
        ({"items": [{"id": "new", "demands": {"cpu": 1}}]}, "items that wait for a place"),
        (
            {
                "items": [
                    {
                        "id": "x",
                        "demands": {"cpu": 1},
                        "node": "n",
                        "anti_affinity": [{"selector": {}, "topology": "zone"}],
                    }
                ]
            },
            "items with 'anti_affinity'",
        ),
        ({"items": [{"id": "x", "node": "n"}]}, "items that take nothing"),
        (
            {
                "nodes": [{"id": "n", "capacity": {"cpu": 10**6}}],
                "items": [
                    {"id": "x", "demands": {"cpu": 7}, "node": "n"},
                    {"id": "y", "demands": {"cpu": 11}, "node": "n"},
                ],
            },
            "what is taken of a node has 1000001 values",
        ),
    ],
)
def test_refusals_name_what_is_not_known(change: dict[str, Any], reason: str) -> None:
    document: dict[str, Any] = {
        "nodes": [{"id": "n", "capacity": {"cpu": 4}}],
        "items": [{"id": "x", "demands": {"cpu": 1}, "node": "n"}],
        "goals": ["nodes"],
    }
    problem = PlacementProblem.model_validate({**document, **change})
    with pytest.raises(UnsupportedError, match=reason):
        sch.solve(problem, "columns", work_limit=1, workers=1)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["churn-large2-010-a", "churn-large2-010-b"])
def test_published_clusters(name: str, shared_data: Path) -> None:
    known = json.loads((shared_data / "vmr2l" / "best_known.json").read_text())["instances"][name]
    for moves, entry in known["mnl"].items():
        path = shared_data / "vmr2l" / "instances" / f"{name}.json"
        problem = read(path, f"vmr2l:{moves}")
        answer = sch.solve(problem, "columns", work_limit=20, workers=1)
        assert answer.status is Status.OPTIMAL
        assert fragments(answer)[0] == known["free_cpu"] - 16 * entry["best_slots"]
