"""The policies of edge and cloud by name."""

from __future__ import annotations

from collections.abc import Callable

from scheduling.errors import UnsupportedError
from scheduling.simulator.edge.policies import (
    Adapting,
    CloudAlone,
    EdgeAlone,
    EdgeAndCloud,
    Guaranteeing,
    MigratingTasks,
    Stealing,
)
from scheduling.simulator.edge.world import EdgePolicy

_MAKERS: dict[str, Callable[[], EdgePolicy]] = {
    "edge": EdgeAlone,
    "cloud": CloudAlone,
    "e+c": EdgeAndCloud,
    "dem": MigratingTasks,
    "dems": Stealing,
    "dems-a": Adapting,
    "gems": Guaranteeing,
}

POLICIES = tuple(_MAKERS)
"""Names of all policies."""


def policy(name: str) -> EdgePolicy:
    """Make a policy by name.

    Raises
    ------
    UnsupportedError
        When there is none of that name; it lists those there are.
    """
    if name.lower() in _MAKERS:
        return _MAKERS[name.lower()]()
    raise UnsupportedError.unknown("policy", name, POLICIES)
