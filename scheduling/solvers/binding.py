"""What binds a solution: changes of the problem, and what each of them gains, solved again.

Kinds whose problems have a solution as good as always are not explained by constraints that cannot
hold together but by the resource that determines the value. A family names in words what binds its
solution and lists changes that relieve it. Each changed problem is solved, and its bound tells a
change that gains nothing from one for which the time was short.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from scheduling.models.base import Problem, Solution, Status, TierValue
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Label
from scheduling.solvers.trials import solve_within

P = TypeVar("P", bound=Problem)
S = TypeVar("S", bound=Solution)

_SHARE = 0.4
"""Of the time, for the problem as it is."""


@dataclass(frozen=True, slots=True)
class Change(Generic[P]):
    """A change of a problem, in words, and the changed problem."""

    label: Label
    problem: P


@dataclass(frozen=True, slots=True)
class Relief:
    """What a change brings.

    Attributes
    ----------
    label
        The change.
    value, bound
        Of the objective with the change; ``None``: nothing found in time.
    gain
        Share of the value without the change by which it is better with it; below 0: worse.
    proven
        Whether value and bound are equal.
    useless
        Whether no answer with the change is better than the one found without it.
    """

    label: Label
    value: float | None
    bound: float | None
    gain: float | None
    proven: bool
    useless: bool

    def __str__(self) -> str:
        if self.value is None or self.gain is None:
            return f"{self.label}: nothing found in time"
        proof = ", proven best" if self.proven else ""
        if self.useless and self.gain <= 0:
            worse = f"{-self.gain:.1%} worse" if self.gain < 0 else "no gain"
            return f"{self.label}: {self.value:,.6g}, {worse}, no better is proven"
        if self.gain <= 0:
            return f"{self.label}: {self.value:,.6g}, nothing better found in time"
        return f"{self.label}: {self.value:,.6g}, {self.gain:.1%} better{proof}"


@dataclass(frozen=True, slots=True)
class BindingExplanation:
    """What determines the value of a solution.

    Attributes
    ----------
    status
        Of the solution without changes.
    tier
        Name, value and bound of the first objective.
    binds
        What binds, in words.
    reliefs
        Changes, those that gain most first.
    solution
        The solution without changes.
    seconds
        Wall time.
    """

    status: Status
    tier: TierValue | None
    binds: tuple[str, ...]
    reliefs: tuple[Relief, ...]
    solution: Solution
    seconds: float

    def record(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "status": self.status,
            "tier": None if self.tier is None else self.tier.model_dump(mode="json"),
            "binds": list(self.binds),
            "reliefs": [asdict(relief) for relief in self.reliefs],
            "solution": self.solution.model_dump(mode="json"),
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        if self.tier is None:
            return "Not settled within the time limit."
        proof = ", proven best" if self.tier.closed else ""
        lines = [f"{self.tier.name} {self.tier.objective:,.6g}{proof}", *self.binds]
        if self.reliefs:
            lines.append("What single changes bring, each solved again:")
            lines += [f"  - {relief}" for relief in self.reliefs]
        return "\n".join(lines)


def explain_binding(
    problem: P,
    budget: Budget,
    binds: Callable[[P, S], Sequence[str]],
    changes: Callable[[P, S], Sequence[Change[P]]],
) -> BindingExplanation:
    """Solve a problem, and again with each change.

    Parameters
    ----------
    problem
        Any problem of the family.
    budget
        For everything.
    binds
        Says what binds a solution.
    changes
        Lists changes of the problem, given its solution.
    """
    began = time.monotonic()
    solution: S = solve_within(problem, budget.part(_SHARE))
    if not solution.tiers:
        passed = time.monotonic() - began
        return BindingExplanation(solution.status, None, (), (), solution, passed)
    listed = changes(problem, solution)
    reliefs = []
    for number, change in enumerate(listed):
        if budget.remaining() == 0:
            reliefs.append(_unknown(change.label))
            continue
        share = budget.part(1.0 / (len(listed) - number))
        # What is valid still is where the search begins, so that time alone makes nothing worse.
        found: S = solve_within(change.problem, share, solution)
        reliefs.append(_relief(change.label, solution.tiers[0], found))
    reliefs.sort(key=lambda relief: -(relief.gain if relief.gain is not None else -1e300))
    return BindingExplanation(
        status=solution.status,
        tier=solution.tiers[0],
        binds=tuple(binds(problem, solution)),
        reliefs=tuple(reliefs),
        solution=solution,
        seconds=time.monotonic() - began,
    )


def _unknown(label: Label) -> Relief:
    """Return what is known of a change that was not solved in time."""
    return Relief(label, None, None, None, proven=False, useless=False)


def _relief(label: Label, before: TierValue, found: Solution) -> Relief:
    after = found.tiers[0] if found.tiers else None
    if after is None or after.objective is None or before.objective is None:
        return _unknown(label)
    value, bound, base = after.objective, after.bound, before.objective
    sign = 1 if before.sense == "min" else -1
    gain = sign * (base - value)
    useless = bound is not None and sign * (bound - base) >= 0
    return Relief(
        label=label,
        value=value,
        bound=bound,
        gain=gain / abs(base) if base else float(gain),
        proven=after.closed,
        useless=useless,
    )
