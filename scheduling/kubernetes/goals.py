"""Goals of a cluster's operator by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scheduling.errors import Fault, InputError
from scheduling.models.placement.problem import Goal, PlacementProblem

GOALS: dict[str, Goal] = {
    "evictions": "evictions",
    "moves": "moves",
    "nodes": "nodes",
    "preferences": "preferences",
}
"""Goals that a snapshot has the data for."""


def with_goals(problem: PlacementProblem, names: Sequence[str]) -> PlacementProblem:
    """Return a cluster's problem with other goals behind the placed pods.

    Parameters
    ----------
    problem
        The problem of a snapshot.
    names
        Names of goals, the most important first.

    Raises
    ------
    InputError
        For a name that is unknown or there twice.
    """
    known = ", ".join(GOALS)
    faults = [Fault("--goal", repr(name), known) for name in names if name not in GOALS]
    faults += [
        Fault("--goal", f"{name!r} {count} times", "each once")
        for name, count in Counter(names).items()
        if count > 1
    ]
    if faults:
        raise InputError(faults)
    return problem.model_copy(update={"goals": tuple(GOALS[name] for name in names)})
