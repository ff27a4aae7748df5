"""Explanations of random placements."""

from __future__ import annotations

import time

from hypothesis import assume, given

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.placement.check import check_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.solvers.board import Budget
from scheduling.solvers.placement.explaining.conflict import in_the_cluster, on_empty_nodes
from scheduling.solvers.placement.explaining.explain import (
    explain_solution,
)
from scheduling.solvers.placement.explaining.needs import Need, needs_of, without
from scheduling.solvers.placement.explaining.table import NodeTable
from tests.placements import best_values, placement_problems
from tests.properties import examples


@examples(12)
@given(placement_problems(max_items=4, max_nodes=2))
def test_conflicts_are_minimal_and_changes_hold(problem: PlacementProblem) -> None:
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    assume(solution.status is Status.OPTIMAL)
    placed = {entry.item for entry in solution.placements}
    missing = [entry for entry in problem.items if entry.id not in placed]
    assume(missing)
    found = explain_solution(problem, solution, Budget(time.monotonic() + 60, None, 1, 0))
    assert sorted(name for group in found.left_out for name in group.items) == sorted(
        entry.id for entry in missing
    )
    for change in found.changes:
        assert check_placement(change.problem, change.solution) == []
        assert set(change.admitted) <= {entry.item for entry in change.solution.placements}
        assert set(change.admitted).isdisjoint(placed)


@examples(10)
@given(placement_problems(max_items=3, max_nodes=2))
def test_no_need_of_a_conflict_can_be_left_out(problem: PlacementProblem) -> None:
    """Brute force on the problem without all but some needs tells the same as the conflict."""
    solution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    placed = {entry.item for entry in solution.placements}
    missing = [entry for entry in problem.items if entry.id not in placed and not entry.gang]
    assume(solution.status is Status.OPTIMAL)
    assume(missing)
    entry = missing[0]
    table = NodeTable(problem, solution)
    conflict = on_empty_nodes(table, entry, table.node_needs(entry))
    if conflict is None:
        budget = Budget(time.monotonic() + 60, None, 1, 0)
        conflict = in_the_cluster(problem, solution, entry, frozenset({entry.id}), budget)
    assert conflict.needs
    assert conflict.is_minimal
    others = set(needs_of(problem, entry)) - set(conflict.needs) - {Need("priority")}
    for need in conflict.needs:
        freed = without(problem, {entry.id}, others | ({need} - {Need("priority")}))
        # Raised above all, the item is placed where anything but the needs allows it.
        if need == Need("priority") or Need("priority") not in conflict.needs:
            top = max(freed.priorities) + 1
            items = tuple(
                other.model_copy(update={"priority": top}) if other.id == entry.id else other
                for other in freed.items
            )
            freed = freed.model_copy(update={"items": items, "goals": ()})
            assert best_values(freed)[0] == 0
