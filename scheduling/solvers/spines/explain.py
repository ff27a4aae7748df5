"""What binds flows over spines: the busiest leaves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import fsum

from scheduling.models.spines.problem import LeafSpine
from scheduling.models.spines.solution import LeafSpineSolution
from scheduling.solvers.binding import BindingExplanation, Change, explain_binding
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Label

_NEAR = 1e-9
_SHOWN = 3


def explain_spines(problem: LeafSpine, budget: Budget) -> BindingExplanation:
    """Name the busiest leaves, and what spines and smaller flows bring."""
    return explain_binding(problem, budget, _binds, lambda p, _: list(_changes(p)))


def _busiest(problem: LeafSpine) -> list[tuple[str, str, float]]:
    """Return the leaves whose flows need most of their links: direction, name and load."""
    sizes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for flow in problem.flows:
        sizes["from", flow.source].append(flow.size)
        sizes["to", flow.target].append(flow.size)
    loads = {leaf: fsum(found) for leaf, found in sizes.items()}
    most = max(loads.values())
    return [(*leaf, load) for leaf, load in loads.items() if load >= most * (1 - _NEAR)]


def _binds(problem: LeafSpine, solution: LeafSpineSolution) -> list[str]:
    del solution
    found = _busiest(problem)
    shown = ", ".join(f"{side} {leaf!r}" for side, leaf, _ in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    load = found[0][2]
    said = f"The most flows are those {shown}{more}: {load:.6g} over {problem.spines} spines"
    return [f"{said}, {load / problem.spines:.6g} a link."]


def _changes(problem: LeafSpine) -> Iterator[Change[LeafSpine]]:
    more = problem.model_copy(update={"spines": problem.spines + 1})
    yield Change(Label("spines", (), f"{problem.spines + 1} spines"), more)
    if problem.spines > 1:
        fewer = problem.model_copy(update={"spines": problem.spines - 1})
        yield Change(
            Label("spines", (), f"{problem.spines - 1} spine{'s' * (problem.spines > 2)}"), fewer
        )
    found = _busiest(problem)
    for side, leaf, _ in found[:_SHOWN]:
        halved = _halved(problem, {(side, leaf)})
        yield Change(Label("leaf", (leaf,), f"flows {side} {leaf!r} half as large"), halved)
    if len(found) > 1:
        halved = _halved(problem, {(side, leaf) for side, leaf, _ in found})
        names = tuple(dict.fromkeys(leaf for _, leaf, _ in found))
        yield Change(Label("leaves", names, "flows of all these half as large"), halved)


def _halved(problem: LeafSpine, leaves: set[tuple[str, str]]) -> LeafSpine:
    flows = tuple(
        flow.model_copy(update={"size": flow.size / 2})
        if ("from", flow.source) in leaves or ("to", flow.target) in leaves
        else flow
        for flow in problem.flows
    )
    return problem.model_copy(update={"flows": flows})
