"""The policies of online schedules by name."""

from __future__ import annotations

from collections.abc import Callable

from scheduling.errors import UnsupportedError
from scheduling.simulator.schedule.policies import mapping
from scheduling.simulator.schedule.policies.dispatching import (
    Dispatching,
    GivenPriority,
    OneByOne,
    RandomPriority,
)
from scheduling.simulator.schedule.policies.resolving import Resolving
from scheduling.simulator.schedule.policy import Policy
from scheduling.solvers.schedule.dispatch_rules import DUE_RULES, RULES

PERIODIC = "resolve"
"""Name that takes a period behind a colon: ``resolve:50``."""

_MAKERS: dict[str, Callable[[int], Policy]] = {
    **{name: lambda _, name=name: Dispatching(name) for name in (*RULES, *DUE_RULES)},  # type: ignore[misc]
    "random": RandomPriority,
    "priority": lambda _: GivenPriority(),
    "sequential": lambda _: OneByOne(),
    "heft": lambda _: mapping.heft(),
    "eft": lambda _: mapping.eft(),
    "etf": lambda _: mapping.etf(),
    "stf": lambda _: mapping.stf(),
    "met": lambda _: mapping.met(),
    "round-robin": lambda _: mapping.RoundRobin(),
    PERIODIC: lambda seed: Resolving(seed=seed),
}

POLICIES = tuple(_MAKERS)
"""Names of all policies."""


def policy(name: str, seed: int = 0) -> Policy:
    """Make a policy by name.

    Parameters
    ----------
    name
        One of :data:`POLICIES`; ``resolve:50`` plans anew every 50 units of time.
    seed
        Seed of its random choices.

    Raises
    ------
    UnsupportedError
        When there is none of that name; it lists those there are.
    """
    base, colon, period = name.partition(":")
    if colon and base == PERIODIC and period.isascii() and period.isdigit() and int(period) > 0:
        return Resolving(every=int(period), seed=seed)
    if name not in _MAKERS:
        raise UnsupportedError.unknown("policy", name, POLICIES, also=[f"{PERIODIC}:PERIOD"])
    return _MAKERS[name](seed)
