"""Gangs: as a whole or so many at least, and in one domain of a label."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.base import Status
from scheduling.models.placement.check import check_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import Placement, PlacementSolution
from tests.placements import best_values, is_valid
from tests.properties import examples

SOLVERS = ("cp-sat", "mip", "best-fit", "default-scheduler", "auto")


def stated(
    nodes: list[tuple[int, str | None]],
    items: list[tuple[int, str | None]],
    **gang: Any,
) -> PlacementProblem:
    """Return a gang of items ``(cpu, node)`` on nodes ``(cpu, zone)``."""
    return PlacementProblem.model_validate(
        {
            "kind": "placement",
            "nodes": [
                {
                    "id": f"n{k}",
                    "capacity": {"cpu": cpu},
                    "labels": {} if zone is None else {"zone": zone},
                }
                for k, (cpu, zone) in enumerate(nodes)
            ],
            "items": [
                {"id": f"i{k}", "demands": {"cpu": cpu}, "node": node, "gang": "g"}
                for k, (cpu, node) in enumerate(items)
            ],
            "gangs": [{"id": "g", **gang}],
        }
    )


def placed(problem: PlacementProblem, solver: str) -> dict[str, str]:
    solution = sch.solve(problem, solver, work_limit=5, workers=1)
    assert check_placement(problem, solution) == []
    return {entry.item: entry.node for entry in solution.placements}


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_gang_stands_in_one_zone_or_nowhere(solver: str) -> None:
    nodes: list[tuple[int, str | None]] = [(3, "a"), (2, "b"), (2, "b"), (9, None)]
    problem = stated(nodes, [(2, None), (2, None)], topology="zone")
    assert sorted(placed(problem, solver).values()) == ["n1", "n2"]
    wide = stated(nodes, [(2, None)] * 3, topology="zone")
    assert placed(wide, solver) == {}


@pytest.mark.parametrize("solver", SOLVERS)
def test_so_many_at_least_or_none(solver: str) -> None:
    nodes: list[tuple[int, str | None]] = [(4, "a")]
    assert len(placed(stated(nodes, [(2, None)] * 3, least=2), solver)) == 2
    assert placed(stated(nodes, [(2, None)] * 3, least=3), solver) == {}
    assert placed(stated(nodes, [(2, None)] * 2, least=3), solver) == {}
    assert placed(stated(nodes, [(2, None)] * 3), solver) == {}


def test_the_check_finds_gangs_that_are_too_small_or_stand_apart() -> None:
    nodes: list[tuple[int, str | None]] = [(4, "a"), (4, "b"), (4, None)]
    apart = stated(nodes, [(2, None), (2, None)], topology="zone")
    assert is_valid(apart, {"i0": "n0", "i1": "n0"})
    assert not is_valid(apart, {"i0": "n0", "i1": "n1"})
    assert not is_valid(apart, {"i0": "n2", "i1": "n2"})
    few = stated(nodes, [(2, None)] * 4, least=3)
    assert is_valid(few, {"i0": "n0", "i1": "n0", "i3": "n1"})
    assert not is_valid(few, {"i0": "n0", "i1": "n0"})
    running = stated(nodes, [(2, "n0"), (2, "n1"), (2, None)], topology="zone", least=2)
    # What runs may go on breaking the rule, until something arrives.
    assert is_valid(running, {"i0": "n0", "i1": "n1"})
    assert not is_valid(running, {"i0": "n0", "i1": "n1", "i2": "n0"})
    assert is_valid(running, {"i0": "n0", "i1": "n0"})
    assert not is_valid(running, {"i0": "n0"})
    entries = (Placement(item="i0", node="n0"),)
    solution = PlacementSolution(status=Status.FEASIBLE, placements=entries)
    named = [entry for entry in check_placement(running, solution) if entry.constraint == "gang"]
    assert (named[0].amount, named[0].unit) == (1, "items")


@examples(40)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["a", "b", None])), min_size=1, max_size=3
    ),
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from([None, None, "n0"])), min_size=1, max_size=4
    ),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from([None, "zone"]),
)
def test_gangs_reach_the_best_value(
    nodes: list[tuple[int, str | None]],
    items: list[tuple[int, str | None]],
    least: int | None,
    topology: str | None,
) -> None:
    problem = stated(nodes, items, least=least, topology=topology)
    best = best_values(problem)
    for solver in ("cp-sat", "mip", "auto"):
        solution = sch.solve(problem, solver, work_limit=5, workers=1)
        assert tuple(tier.objective for tier in solution.tiers) == best
        assert solution.status is Status.OPTIMAL


def test_gangs_are_named_once() -> None:
    with pytest.raises(InputError, match="gangs: found 'g' 2 times"):
        PlacementProblem.model_validate(
            {"kind": "placement", "nodes": [], "gangs": [{"id": "g"}, {"id": "g"}]}
        )
