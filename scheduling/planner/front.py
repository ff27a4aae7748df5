"""Pareto fronts of plans over two goals, by epsilon-constraint.

One goal that has a limit (GPUs, cost or power) is capped ever more tightly while the other one is
optimised first; every search that is proven leaves no better plan above its cap (Haimes, Lasdon and
Wismer, "On a bicriterion formulation of the problems of integrated system identification and system
optimization", 1971). The front is complete when the last cap is proven to leave no plan.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from scheduling.errors import InputError
from scheduling.models.base import Problem, Status
from scheduling.models.serving.fleet import GoalName
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.problem import COST_SCALE
from scheduling.models.serving.units import natural
from scheduling.planner.answering import outcome, planned
from scheduling.planner.clock import Clock
from scheduling.planner.plan import require_fleet
from scheduling.planner.refusing import require_replicas
from scheduling.planner.relaxing import with_fleet
from scheduling.planner.resolve import Resolved, resolve
from scheduling.planner.stating import state
from scheduling.planner.templates import candidates
from scheduling.planner.untried import best_possible, proven
from scheduling.solvers.watching import whole

DEFAULT_TIME_LIMIT = 60.0
_CAPPED: dict[str, tuple[str, float]] = {
    "gpus": ("gpus", 1.0),
    "cost": ("cost_per_hour", 1 / COST_SCALE),
    "watts": ("watts", 1.0),
}
"""The limit that caps a goal, and the least step of its values."""

_TEMPLATE_SHARE = 0.5
"""Share of the time that finding kinds of replicas may take."""

_TRIAL_SHARE = 0.25
_PROOF_SHARE = 0.1
"""Shares of the time left for each search, and for what untried kinds of replicas could bring."""


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A plan that no other one beats in both goals.

    Parameters
    ----------
    values
        Of the two goals, in natural units.
    bound
        What no plan within the same cap on the first goal exceeds in the second.
    plan
        The plan.
    """

    values: tuple[float, float]
    bound: float | None
    plan: ServingPlan


@dataclass(frozen=True, slots=True)
class PlanFront:
    """Plans none of which is better than another one in both goals.

    Parameters
    ----------
    goals
        The two goals; the first one is capped.
    senses
        ``min`` or ``max`` of each.
    points
        By falling values of the first goal.
    status
        ``optimal`` when every point that no plan beats is there.
    """

    goals: tuple[GoalName, GoalName]
    senses: tuple[str, str]
    points: tuple[FrontPoint, ...]
    status: Status

    @property
    def reference(self) -> tuple[float, float] | None:
        """Worst values among the points, from which the hypervolume is measured."""
        if not self.points:
            return None
        worst = max if self.senses[1] == "min" else min
        return self.points[0].values[0], worst(point.values[1] for point in self.points)

    @property
    def hypervolume(self) -> float | None:
        """Area between the points and the reference."""
        return self._area([point.values[1] for point in self.points])

    @property
    def bound(self) -> float | None:
        """Area that no front exceeds; ``None`` when unknown.

        Between two caps no plan is better than the bound of the search under the upper one.
        """
        bounds = [point.bound for point in self.points]
        if self.status is not Status.OPTIMAL or None in bounds:
            return None
        return self._area([bound for bound in bounds if bound is not None])

    def _area(self, seconds: Sequence[float]) -> float | None:
        corner = self.reference
        if corner is None:
            return None
        sign = 1.0 if self.senses[1] == "min" else -1.0
        firsts = [point.values[0] for point in self.points]
        return sum(
            (upper - lower) * sign * (corner[1] - second)
            for (upper, lower), second in zip(pairwise(firsts), seconds[1:], strict=True)
        )

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": "plan-front",
            "goals": list(self.goals),
            "senses": list(self.senses),
            "status": self.status.value,
            "hypervolume": self.hypervolume,
            "bound": self.bound,
            "points": [
                {
                    "values": list(point.values),
                    "bound": point.bound,
                    "plan": point.plan.model_dump(mode="json"),
                }
                for point in self.points
            ],
        }


def plan_front(
    fleet: Problem,
    goals: tuple[GoalName, GoalName],
    *,
    folder: str | os.PathLike[str] | None = None,
    time_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
) -> PlanFront:
    """Find the plans that no other one beats in both of two goals.

    Parameters
    ----------
    fleet, folder, workers, seed
        As of :func:`scheduling.plan`; the goals of the fleet are replaced.
    goals
        Two of ``cost``, ``gpus``, ``watts`` and ``goodput``.
    time_limit
        Wall-clock seconds for the whole front; Ctrl-C ends it early. Default: 60.

    Raises
    ------
    InputError
        When the goals are equal, or the fleet names what does not exist.
    """
    began = time.monotonic()
    if goals[0] == goals[1]:
        raise InputError.single("goal", f"{goals[0]} twice", "two different goals")
    capped, other = goals if goals[0] in _CAPPED else (goals[1], goals[0])
    base = resolve(require_fleet(fleet), None if folder is None else Path(folder))
    resolved = with_fleet(base, goals=(other, capped))
    _prices_known(resolved, goals)
    with whole() as interrupted:
        clock = Clock(began + (time_limit or DEFAULT_TIME_LIMIT), workers, seed, interrupted)
        return _traced(resolved, capped, other, clock)


def _traced(resolved: Resolved, capped: GoalName, other: GoalName, clock: Clock) -> PlanFront:
    """Solve for one goal under ever tighter caps on the other."""
    found = candidates(resolved, clock=clock.part(_TEMPLATE_SHARE))
    if found.complete:
        require_replicas(resolved, found)
    points: list[FrontPoint] = []
    status = Status.UNKNOWN
    field, step = _CAPPED[capped]
    while not clock.over:
        solution = clock.solve(state(resolved, found.kept), _TRIAL_SHARE)
        if not found.complete:
            solution = proven(solution, best_possible(resolved, found, clock, _PROOF_SHARE))
        plan = planned(resolved, found.kept, solution)
        if plan is None:
            status = outcome(solution)
            break
        value = natural(capped, solution.tiers[1].objective) or 0.0
        second = natural(other, solution.tiers[0].objective) or 0.0
        bound = natural(other, solution.tiers[0].bound)
        points.append(FrontPoint((value, second), bound, plan))
        if value < step:
            status = Status.INFEASIBLE
            break
        cap = round(value - step) if field == "gpus" else value - step
        limits = resolved.fleet.limits.model_copy(update={field: cap})
        resolved = with_fleet(resolved, limits=limits)
    kept = _undominated(points, other)
    closed = all(point.plan.status == Status.OPTIMAL.value for point in kept)
    if status is Status.INFEASIBLE and kept:
        status = Status.OPTIMAL if closed else Status.FEASIBLE
    elif kept:
        status = Status.FEASIBLE
    senses = ("min", "max" if other == "goodput" else "min")
    return PlanFront((capped, other), senses, tuple(kept), status)


def goal_pair(names: tuple[str, str]) -> tuple[GoalName, GoalName]:
    """Return two names as goals.

    Raises
    ------
    InputError
        For a name that is no goal.
    """
    known = get_args(GoalName)
    strange = [name for name in names if name not in known]
    if strange:
        raise InputError.single("goal", repr(strange[0]), f"one of: {', '.join(known)}")
    first, second = (goal for name in names for goal in known if goal == name)
    return first, second


def _prices_known(resolved: Resolved, goals: Sequence[str]) -> None:
    for row, pool in enumerate(resolved.pools):
        if "cost" in goals and pool.price_per_hour is None:
            place = f"pools[{row}].price_per_hour"
            raise InputError.single(place, "nothing", "dollars an hour, as the goal cost asks for")


def _undominated(points: Sequence[FrontPoint], other: str) -> list[FrontPoint]:
    """Drop points that a later search, under a tighter cap, equals or beats in the other goal."""
    sign = -1.0 if other == "goodput" else 1.0
    kept: list[FrontPoint] = []
    for point in points:
        while kept and sign * kept[-1].values[1] >= sign * point.values[1]:
            kept.pop()
        kept.append(point)
    return kept
