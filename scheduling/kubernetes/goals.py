"""Goals of a cluster's operator by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scheduling.errors import Fault, InputError
from scheduling.models.faults import repeated
from scheduling.models.placement.fragmentation import typical_requests
from scheduling.models.placement.measures import Balance, Workload
from scheduling.models.placement.problem import Goal, PlacementProblem

_SIMPLE: tuple[Goal, ...] = ("evictions", "moves", "nodes", "preferences", "spread")

_MEASURES: dict[Goal, Callable[[PlacementProblem, str], dict[str, Any]]] = {
    "spread": lambda _, label: {"spread_topology": label},
    "balance": lambda _, resource: {"balance": Balance(resource=resource)},
    "fragmentation": lambda problem, resource: {
        "workload": Workload(resource=resource, requests=typical_requests(problem.items))
    },
}

KNOWN = (*_SIMPLE, "spread:LABEL", "balance:RESOURCE", "fragmentation:RESOURCE")
"""Goals that a snapshot has the data for."""


def with_goals(problem: PlacementProblem, names: Sequence[str]) -> PlacementProblem:
    """Return a cluster's problem with other goals behind the placed pods.

    Parameters
    ----------
    problem
        The problem of a snapshot.
    names
        Names of goals, the most important first: those of :data:`KNOWN`. Fragmentation is measured
        against what the cluster's own pods ask for.

    Raises
    ------
    InputError
        For a name that is unknown or there twice, or a resource or label that no node has.
    """
    faults: list[Fault] = []
    changes: dict[str, Any] = {}
    goals: list[Goal] = []
    for name in names:
        head, colon, tail = name.partition(":")
        measure = next((goal for goal in _MEASURES if goal == head and colon), None)
        simple = next((goal for goal in _SIMPLE if goal == name), None)
        if measure is not None and not _is_there(problem, measure, tail):
            what = "label" if measure == "spread" else "resource"
            faults.append(Fault("--goal", repr(name), f"a {what} that a node has"))
        elif measure is not None:
            changes |= _MEASURES[measure](problem, tail)
            goals.append(measure)
        elif simple is not None:
            goals.append(simple)
        else:
            faults.append(Fault("--goal", repr(name), ", ".join(KNOWN)))
    faults += repeated("--goal", goals)
    if faults:
        raise InputError(faults)
    return problem.model_copy(update={**changes, "goals": tuple(goals)})


def _is_there(problem: PlacementProblem, goal: Goal, name: str) -> bool:
    return any(name in (n.labels if goal == "spread" else n.capacity) for n in problem.nodes)
