"""Policies side by side: those that are asked for, and a run of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from scheduling.backends.carrying import StoppedError
from scheduling.errors import InputError
from scheduling.solvers.watching import one_of_many

_Policy = TypeVar("_Policy")
_Run = TypeVar("_Run")
_Comparison = TypeVar("_Comparison")

MOMENT = 0.1
"""Seconds for the bound of runs that the keyboard has stopped."""


class StoppedComparisonError(StoppedError[_Run]):
    """The keyboard stopped runs of policies; those that had ended stand side by side.

    Parameters
    ----------
    done, total
        As of :class:`~scheduling.backends.carrying.StoppedError`.
    comparison
        What ``simulate`` returns for the policies that had ended.
    """

    def __init__(self, done: Sequence[_Run], total: int, comparison: object) -> None:
        super().__init__(done, total)
        self.comparison = comparison


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

    Returns
    -------
    list
        A run for each policy, in order; fewer where the keyboard stopped them.

    Raises
    ------
    KeyboardInterrupt
        When the keyboard stops them before the first has ended.
    """
    found: list[_Run] = []
    try:
        with one_of_many():
            for policy in policies:
                ended = run(policy)
                found.append(ended)
                if on_run is not None:
                    on_run(ended)
    except KeyboardInterrupt:
        if not found:
            raise
    return found


def unless_stopped(comparison: _Comparison, runs: Sequence[_Run], asked: int) -> _Comparison:
    """Return a comparison that has a run for each policy that was asked for.

    Raises
    ------
    StoppedComparisonError
        With the comparison, when there are fewer.
    """
    if len(runs) < asked:
        raise StoppedComparisonError(runs, asked, comparison)
    return comparison
