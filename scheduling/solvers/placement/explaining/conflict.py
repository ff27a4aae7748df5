"""Minimal sets of needs that cannot be met together, proven by the nodes alone or by CP-SAT."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import shrink
from scheduling.solvers.placement.cpsat.solver import CpSat
from scheduling.solvers.placement.explaining.needs import Need, needs_of, without
from scheduling.solvers.placement.explaining.table import NodeTable
from scheduling.solvers.placement.family import CompiledPlacement


@dataclass(frozen=True, slots=True)
class Conflict:
    """Needs that cannot all be met.

    Attributes
    ----------
    needs
        In the order in which :func:`needs_of` yields them; empty: none was found in time.
    is_minimal
        Whether no need can be left out.
    empty
        Whether not even empty nodes meet them.
    """

    needs: tuple[Need, ...] = ()
    is_minimal: bool = False
    empty: bool = False


def on_empty_nodes(table: NodeTable, item: Item, needs: list[Need]) -> Conflict | None:
    """Find needs that no node meets, whatever else stands there; ``None``: some node meets all."""
    met = {need: table.meets(item, need) for need in needs}

    def conflicts(kept: list[Need]) -> bool:
        fits = np.ones(len(table.node_ids), bool)
        for need in kept:
            fits &= met[need]
        return not fits.any()

    if not conflicts(needs):
        return None
    kept, minimal = shrink(needs, conflicts)
    return Conflict(tuple(need for need in needs if need in kept), minimal, empty=True)


def in_the_cluster(
    problem: PlacementProblem,
    solution: PlacementSolution,
    item: Item,
    members: frozenset[str],
    budget: Budget,
) -> Conflict:
    """Find needs that no placement meets which also keeps all items of their priority placed.

    Parameters
    ----------
    problem
        The problem.
    solution
        A placement without the item.
    item
        What is left out.
    members
        Items whose own needs count as those of the item: itself, or its gang.
    budget
        For all searches together.
    """
    if budget.remaining() == 0:
        return Conflict()
    placed = {entry.item for entry in solution.placements}
    needs = list(needs_of(problem, item))

    def conflicts(kept: list[Need]) -> bool | None:
        dropped = set(needs) - set(kept)
        changed = _told_apart(without(problem, members, dropped), members)
        wanted = {item.id}
        if Need("priority") in kept:
            wanted |= {
                other.id
                for other in problem.items
                if other.id in placed and other.priority >= item.priority
            }
        holds = _placeable(changed, wanted, budget.part(0.3))
        return None if holds is None else not holds

    def expired() -> bool:
        return budget.remaining() == 0

    if not conflicts(needs):
        return Conflict()
    kept, minimal = shrink(needs, conflicts, expired)
    return Conflict(tuple(need for need in needs if need in kept), minimal)


def _told_apart(problem: PlacementProblem, members: frozenset[str]) -> PlacementProblem:
    """Return a problem in which no other item is equal to the members and may stand for them."""
    top = max(problem.priorities) + 1
    items = tuple(
        item.model_copy(update={"priority": top}) if item.id in members else item
        for item in problem.items
    )
    return problem.model_copy(update={"items": items})


def _placeable(problem: PlacementProblem, wanted: set[str], budget: Budget) -> bool | None:
    """Tell whether a placement holds all wanted items; ``None``: not settled."""
    from scheduling.solvers.cpsat.asking import ask
    from scheduling.solvers.cpsat.running import Outcome
    from scheduling.solvers.placement.cpsat.model import Formulation

    data = CompiledPlacement(problem)
    arrays = data.arrays
    if CpSat().refusal(data) is not None or budget.remaining() == 0:
        return None
    formulation = Formulation(arrays, ())
    counts = Counter(
        k
        for k, name in zip(arrays.of_class.tolist(), arrays.item_ids, strict=True)
        if name in wanted
    )
    for k, count in counts.items():
        formulation.model.add(formulation.placed[k] >= count)
    outcome = ask(formulation.model, budget).outcome
    return None if outcome is Outcome.UNKNOWN else outcome is not Outcome.INFEASIBLE
