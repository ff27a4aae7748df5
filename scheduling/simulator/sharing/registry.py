"""The policies of shared clusters by name."""

from __future__ import annotations

from collections.abc import Callable

from scheduling.errors import UnsupportedError
from scheduling.simulator.sharing.policies import (
    ClusterFair,
    Fair,
    Fifo,
    UserFair,
    UserWeightedFair,
)
from scheduling.simulator.sharing.policy import SharingPolicy

_MAKERS: dict[str, Callable[[], SharingPolicy]] = {
    "fifo": Fifo,
    "fair": Fair,
    "ujf": UserFair,
    "cfq": ClusterFair,
    "uwfq": UserWeightedFair,
}

POLICIES = tuple(_MAKERS)
"""Names of all policies."""


def policy(name: str) -> SharingPolicy:
    """Make a policy by name.

    Raises
    ------
    UnsupportedError
        When there is none of that name; it lists those there are.
    """
    if name.lower() in _MAKERS:
        return _MAKERS[name.lower()]()
    raise UnsupportedError.unknown("policy", name, POLICIES)
