"""Why items stand nowhere, and what would admit them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from scheduling.models.base import Status
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.board import Budget
from scheduling.solvers.placement.explaining.conflict import (
    Conflict,
    in_the_cluster,
    on_empty_nodes,
)
from scheduling.solvers.placement.explaining.explanation import (
    Change,
    LeftOut,
    PlacementExplanation,
)
from scheduling.solvers.placement.explaining.table import NodeTable
from scheduling.solvers.placement.explaining.trials import try_changes
from scheduling.solvers.placement.explaining.words import labels_of
from scheduling.solvers.trials import solve_within

_EQUAL = {
    "demands",
    "tolerations",
    "node_selector",
    "node_affinity",
    "volumes",
    "affinity",
    "anti_affinity",
    "spread",
    "ports",
    "namespace",
    "priority",
    "shares",
    "together",
    "preempts",
}
"""Fields in which items that are explained together agree."""

_REASONED = 50
"""So many groups have the reasons of the nodes when the time is over, which takes milliseconds."""

_SOLVE_SHARE, _CONFLICT_SHARE = 0.3, 0.5
"""Shares of what is left of the time for the placement, and then for the conflicts."""


def explain_placement(problem: PlacementProblem, budget: Budget) -> PlacementExplanation:
    """Solve a problem and explain what its placement leaves out."""
    started = time.monotonic()
    solution: PlacementSolution = solve_within(problem, budget.part(_SOLVE_SHARE))
    found = explain_solution(problem, solution, budget)
    return replace(found, seconds=time.monotonic() - started)


def left_out(problem: PlacementProblem, solution: PlacementSolution) -> list[LeftOut]:
    """Group what a solution leaves out, with the reasons of the nodes; no search."""
    table = NodeTable(problem, solution)
    return [_group(table, members) for members in _groups(problem, solution)]


def explain_solution(
    problem: PlacementProblem, solution: PlacementSolution, budget: Budget
) -> PlacementExplanation:
    """Explain what a solution leaves out, and try what would admit it.

    Parameters
    ----------
    problem, solution
        The problem and its answer.
    budget
        For everything together; conflicts and changes for which no time is left are not found.
    """
    started = time.monotonic()
    groups = list(_groups(problem, solution))
    if not groups:
        return PlacementExplanation(Status.FEASIBLE, solution=solution)
    table = NodeTable(problem, solution)
    explained = []
    settled = _settled(problem, solution)
    searching = budget.part(_CONFLICT_SHARE)
    for number, members in enumerate(groups):
        part = searching.part(1 / (len(groups) - number))
        if budget.remaining() != 0:
            group, conflict = _explained(table, members, part)
        else:
            first = number < _REASONED
            group, conflict = _group(table, members) if first else _named(members), Conflict()
        proven = bool(conflict.needs) or members[0].priority in settled
        explained.append((replace(group, proven=proven), conflict))
    changes = try_changes(table, solution, groups, [conflict for _, conflict in explained], budget)
    named = [replace(group, remedy=_cheapest(group, changes)) for group, _ in explained]
    proven = any(group.proven for group in named)
    return PlacementExplanation(
        Status.INFEASIBLE if proven else Status.UNKNOWN,
        tuple(named),
        tuple(changes),
        solution,
        time.monotonic() - started,
    )


def _groups(problem: PlacementProblem, solution: PlacementSolution) -> Iterator[tuple[Item, ...]]:
    """Yield the items that are left out, equal ones and gangs together, by falling priority."""
    placed = {entry.item for entry in solution.placements}
    found: dict[str, list[Item]] = {}
    for item in problem.items:
        if item.id not in placed:
            key = item.gang or item.model_dump_json(include=_EQUAL)
            found.setdefault(key, []).append(item)
    yield from map(tuple, sorted(found.values(), key=lambda group: -group[0].priority))


def _group(table: NodeTable, members: tuple[Item, ...]) -> LeftOut:
    item = members[0]
    reasons = table.reasons(item, table.node_needs(item))
    return replace(_named(members), reasons=reasons)


def _named(members: tuple[Item, ...]) -> LeftOut:
    return LeftOut(tuple(entry.id for entry in members), ())


def _explained(
    table: NodeTable, members: tuple[Item, ...], budget: Budget
) -> tuple[LeftOut, Conflict]:
    group, item = _group(table, members), members[0]
    conflict = on_empty_nodes(table, item, table.node_needs(item))
    if conflict is None:
        kin = frozenset(group.items if item.gang else (item.id,))
        conflict = in_the_cluster(table.problem, table.solution, item, kin, budget)
    named = labels_of(table, item, list(conflict.needs), empty=conflict.empty)
    return replace(group, conflict=named, is_minimal=conflict.is_minimal), conflict


def _settled(problem: PlacementProblem, solution: PlacementSolution) -> set[int]:
    """Return the priorities of which the bounds prove that no more items can be placed."""
    levels = zip(problem.priorities, solution.tiers, strict=False)
    return {priority for priority, _ in takewhile(lambda level: level[1].closed, levels)}


def _cheapest(group: LeftOut, changes: Sequence[Change]) -> Change | None:
    wanted = set(group.items)
    useful = [change for change in changes if wanted & set(change.admitted)]
    return min(
        useful,
        key=lambda c: (len(c.displaced), c.disturbed, -len(wanted & set(c.admitted))),
        default=None,
    )
