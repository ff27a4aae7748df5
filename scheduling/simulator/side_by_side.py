"""Policies side by side: those that are asked for, and a run of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from scheduling.errors import InputError

_Policy = TypeVar("_Policy")
_Run = TypeVar("_Run")


def chosen(
    policy: str | _Policy | Sequence[str | _Policy], make: Callable[[str], _Policy]
) -> list[_Policy]:
    """Return the policies that are asked for.

    Parameters
    ----------
    policy
        Policies by name or as objects, one or several.
    make
        Makes a policy by name.

    Raises
    ------
    InputError
        When no policy is named.
    UnsupportedError
        When there is none of a name.
    """
    named = [policy] if isinstance(policy, str) or not isinstance(policy, Sequence) else policy
    if not named:
        raise InputError.single("policy", "none", "at least one policy")
    return [make(entry) if isinstance(entry, str) else cast("_Policy", entry) for entry in named]


def run_each(
    policies: Sequence[_Policy],
    run: Callable[[_Policy], _Run],
    on_run: Callable[[_Run], None] | None,
) -> list[_Run]:
    """Run policies one after the other, and tell of each.

    Parameters
    ----------
    policies
        In the order in which they were asked for.
    run
        Runs one.
    on_run
        Called after each.
    """
    found: list[_Run] = []
    for policy in policies:
        found.append(run(policy))
        if on_run is not None:
            on_run(found[-1])
    return found
