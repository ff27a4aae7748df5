"""The policies of shared clusters by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

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
    close = get_close_matches(name.lower(), POLICIES, n=1)
    guess = f" (did you mean {close[0]!r}?)" if close else ""
    raise UnsupportedError(f"no policy {name!r}{guess}; there are: {', '.join(POLICIES)}")
