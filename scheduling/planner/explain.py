"""Why a fleet has no plan, and the least change of the request that gives it one."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduling.models.base import Problem, Status
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.units import natural
from scheduling.planner.answering import outcome, planned
from scheduling.planner.candidates import Candidates
from scheduling.planner.clock import Clock
from scheduling.planner.plan import require_fleet
from scheduling.planner.refusing import beyond_limits, impossible
from scheduling.planner.relaxing import Knob, knobs, same_templates, with_fleet
from scheduling.planner.resolve import Resolved, resolve
from scheduling.planner.stating import state
from scheduling.planner.templates import Memo, candidates
from scheduling.solvers.watching import whole

_FINE_STEPS = 128
"""Factors are tried on a geometric scale of so many steps."""

DEFAULT_TIME_LIMIT = 60.0
_TRIAL_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A change that makes a plan possible.

    Parameters
    ----------
    constraint
        The constraint that is loosened, as the user stated it.
    change
        What to loosen it to.
    factor
        By how much; ``None`` where it has no size.
    plan
        The plan that is possible then.
    """

    constraint: str
    change: str
    factor: float | None
    plan: ServingPlan

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "constraint": self.constraint,
            "change": self.change,
            "factor": self.factor,
            "plan": self.plan.model_dump(mode="json"),
        }


@dataclass(frozen=True, slots=True)
class PlanExplanation:
    """Why there is no plan.

    Parameters
    ----------
    faults
        Models that fit nowhere, targets that no replica keeps, and limits below the fewest
        replicas that serve every demand at any rate.
    served
        Largest factor at which all demands can be served together; ``None`` when unknown.
    relaxations
        Single changes that make a plan possible, the smallest first.
    beside
        Constraints whose loosening alone is proven not to help.
    complete
        Whether every constraint was tried to its end.
    """

    faults: tuple[str, ...]
    served: float | None
    relaxations: tuple[Relaxation, ...]
    beside: tuple[str, ...]
    complete: bool

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "faults": list(self.faults),
            "served": self.served,
            "relaxations": [one.record() for one in self.relaxations],
            "no_help_alone": list(self.beside),
            "complete": self.complete,
        }


def explain_plan(
    fleet: Problem,
    *,
    folder: str | os.PathLike[str] | None = None,
    time_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    brief: bool = False,
    runtime: str | None = None,
) -> PlanExplanation:
    """Say which constraints make a plan impossible, and by how much to loosen each of them.

    Each constraint is loosened alone: limits, pools and targets up to 16-fold, then back to the
    least that is enough; other precisions and modes one at a time. Every change that is reported
    has a plan that was solved for and checked.

    Parameters
    ----------
    fleet, folder, workers, seed, runtime
        As of :func:`scheduling.plan`.
    time_limit
        Wall-clock seconds for everything; Ctrl-C ends it early. Default: 60.
    brief
        Only find how much of the demands can be served.

    Raises
    ------
    InputError
        When the fleet names what does not exist.
    """
    began = time.monotonic()
    given = require_fleet(fleet)
    resolved = resolve(given, None if folder is None else Path(folder), runtime)
    with whole() as interrupted:
        clock = Clock(began + (time_limit or DEFAULT_TIME_LIMIT), workers, seed, interrupted)
        return _explained(resolved, clock, brief)


def _explained(resolved: Resolved, clock: Clock, brief: bool) -> PlanExplanation:
    trials = _Trials(resolved, clock)
    known = trials.candidates(resolved)
    if not known.complete:
        return PlanExplanation((), None, (), (), complete=False)
    refused = impossible(resolved, known) or beyond_limits(resolved, known.kept)
    faults = tuple(str(fault) for fault in refused)
    served = None if faults else trials.served()
    if brief:
        return PlanExplanation(faults, served, (), (), complete=False)
    found, beside = trials.relaxations()
    found.sort(key=lambda one: (one.factor is None, one.factor or 0.0, one.change))
    return PlanExplanation(
        faults, served, tuple(found), tuple(dict.fromkeys(beside)), trials.complete
    )


class _Trials:
    """Solves a fleet again and again with something changed."""

    def __init__(self, resolved: Resolved, clock: Clock) -> None:
        self._resolved, self._clock = resolved, clock
        self._found: Candidates | None = None
        self._memo = Memo()
        self.complete = True

    def candidates(self, resolved: Resolved) -> Candidates:
        """Return the candidates of a changed fleet; those of the given one are found once."""
        if not same_templates(resolved, self._resolved):
            return candidates(resolved, clock=self._clock, memo=self._memo)
        if self._found is None:
            self._found = candidates(resolved, clock=self._clock, memo=self._memo)
        return self._found

    def served(self) -> float | None:
        """Return the largest factor at which all demands can be served together."""
        most = with_fleet(self._resolved, goals=("goodput",), running=None, max_changes=None)
        problem = state(most, self.candidates(self._resolved).kept)
        solution = self._clock.solve(problem, _TRIAL_SHARE)
        return natural("goodput", solution.tiers[0].objective) if solution.tiers else None

    def relaxations(self) -> tuple[list[Relaxation], list[str]]:
        """Return the changes that help alone, and the constraints for which none does.

        Where none helps alone, a smallest set of constraints to loosen together.
        """
        found: list[Relaxation] = []
        beside: list[str] = []
        tried = list(knobs(self._resolved))
        for knob in tried:
            if self._clock.over:
                self.complete = False
                break
            relaxation, proven = self._least(knob)
            if relaxation is not None:
                found.append(relaxation)
            elif proven:
                beside.append(knob.constraint)
        if not found and not self._clock.over:
            together = self._together(tried)
            found = [] if together is None else [together]
        helping = {one.constraint for one in found}
        return found, [constraint for constraint in beside if constraint not in helping]

    def _least(self, knob: Knob) -> tuple[Relaxation | None, bool]:
        """Loosen a constraint as far as it goes, then as little as is enough.

        Without a relaxation, also say whether it is proven that there is none.
        """
        factors = {knob: knob.most}
        before, self.complete = self.complete, True
        plan = self._plan(factors)
        proven, self.complete = self.complete, self.complete and before
        if plan is None:
            return None, proven
        plan = self._tighten(knob, factors, plan)
        return _relaxation(factors, plan), True

    def _together(self, tried: list[Knob]) -> Relaxation | None:
        """Loosen all, take back what is not needed, and loosen the rest as little as is enough."""
        factors = {knob: knob.most for knob in tried}
        plan = self._plan(factors)
        if plan is None:
            return None
        # Other precisions and modes are taken back first, then pools, then limits and targets.
        for knob in reversed(tried):
            without = {other: factor for other, factor in factors.items() if other is not knob}
            possible = self._plan(without)
            if possible is not None:
                factors, plan = without, possible
        for knob in list(factors):
            plan = self._tighten(knob, factors, plan)
        return _relaxation(factors, plan)

    def _tighten(self, knob: Knob, factors: dict[Knob, float], plan: ServingPlan) -> ServingPlan:
        """Lower a constraint's factor as far as a plan stays possible; return that plan."""
        steps = knob.steps
        low, high = (0, len(steps) - 1) if steps is not None else (0, _FINE_STEPS)
        while low < high and not self._clock.over:
            middle = (low + high) // 2
            factor = steps[middle] if steps is not None else knob.most ** (middle / _FINE_STEPS)
            possible = self._plan({**factors, knob: factor})
            if possible is None:
                low = middle + 1
            else:
                high, plan = middle, possible
                factors[knob] = factor
        return plan

    def _plan(self, factors: Mapping[Knob, float]) -> ServingPlan | None:
        resolved = self._resolved
        for knob, factor in factors.items():
            resolved = knob.loosened(resolved, factor)
        found = self.candidates(resolved)
        if impossible(resolved, found):
            self.complete &= found.complete
            return None
        solution = self._clock.solve(state(resolved, found.kept), _TRIAL_SHARE)
        if outcome(solution) is Status.UNKNOWN or not found.complete:
            self.complete = False
        return planned(resolved, found.kept, solution)


def _relaxation(factors: Mapping[Knob, float], plan: ServingPlan) -> Relaxation:
    sizes = [factor for knob, factor in factors.items() if knob.gradual]
    return Relaxation(
        "; ".join(knob.constraint for knob in factors),
        " and ".join(knob.words(factor) for knob, factor in factors.items()),
        max(sizes, default=None),
        plan,
    )
