"""Why a fleet has no plan, and the least change of the request that gives it one."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduling.models.base import Problem
from scheduling.models.serving.plan import ServingPlan
from scheduling.planner.answering import natural, planned
from scheduling.planner.plan import DEFAULT_TIME_LIMIT, Clock, require_fleet
from scheduling.planner.refusing import impossible
from scheduling.planner.relaxing import MOST_FACTOR, Knob, knobs, with_fleet
from scheduling.planner.resolve import Resolved, resolve
from scheduling.planner.stating import state
from scheduling.planner.templates import Candidates, candidates

_FINE = 1.02
"""Factors are narrowed to this ratio."""

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
        Models that fit nowhere and targets that no replica keeps.
    served
        Largest factor at which all demands can be served together; ``None`` when unknown.
    relaxations
        Single changes that make a plan possible, the smallest first.
    beside
        Constraints whose loosening alone does not help.
    """

    faults: tuple[str, ...]
    served: float | None
    relaxations: tuple[Relaxation, ...]
    beside: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "faults": list(self.faults),
            "served": self.served,
            "relaxations": [one.record() for one in self.relaxations],
            "no_help_alone": list(self.beside),
        }


def explain_plan(
    fleet: Problem,
    *,
    folder: str | os.PathLike[str] | None = None,
    time_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
) -> PlanExplanation:
    """Say which constraints make a plan impossible, and by how much to loosen each of them.

    Each constraint is loosened alone: limits, pools and targets up to 16-fold, then back to the
    least that is enough; other precisions and modes one at a time. Every change that is reported
    has a plan that was solved for and checked.

    Parameters
    ----------
    fleet, folder, time_limit, workers, seed
        As of :func:`scheduling.plan`.

    Raises
    ------
    InputError
        When the fleet names what does not exist.
    """
    began = time.monotonic()
    resolved = resolve(require_fleet(fleet), None if folder is None else Path(folder))
    clock = Clock(began + (time_limit or DEFAULT_TIME_LIMIT), workers, seed)
    trials = _Trials(resolved, clock)
    faults = tuple(str(fault) for fault in impossible(resolved, trials.candidates(resolved)))
    served = None if faults else trials.served()
    found, beside = trials.relaxations()
    found.sort(key=lambda one: (one.factor is None, one.factor or 0.0, one.change))
    return PlanExplanation(faults, served, tuple(found), tuple(dict.fromkeys(beside)))


class _Trials:
    """Solves a fleet again and again with something changed."""

    def __init__(self, resolved: Resolved, clock: Clock) -> None:
        self._resolved, self._clock = resolved, clock
        self._found: Candidates | None = None

    def candidates(self, resolved: Resolved) -> Candidates:
        """Return the candidates of a changed fleet; those of the given one are found once."""
        if not _same_templates(resolved, self._resolved):
            return candidates(resolved)
        if self._found is None:
            self._found = candidates(resolved)
        return self._found

    def served(self) -> float | None:
        """Return the largest factor at which all demands can be served together."""
        most = with_fleet(self._resolved, goals=("goodput",), running=None, max_changes=None)
        problem = state(most, self.candidates(self._resolved).kept)
        solution = self._clock.solve(problem, _TRIAL_SHARE)
        return natural("goodput", solution.tiers[0].objective) if solution.tiers else None

    def relaxations(self) -> tuple[list[Relaxation], list[str]]:
        """Return the changes that help alone, and the constraints for which none does."""
        found: list[Relaxation] = []
        beside: list[str] = []
        for knob in knobs(self._resolved):
            if self._clock.over:
                break
            relaxation = self._least(knob)
            if relaxation is None:
                beside.append(knob.constraint)
            else:
                found.append(relaxation)
        helping = {one.constraint for one in found}
        return found, [constraint for constraint in beside if constraint not in helping]

    def _least(self, knob: Knob) -> Relaxation | None:
        """Loosen a constraint as far as it goes, then as little as is enough."""
        if knob.steps is not None:
            return self._least_step(knob, knob.steps)
        plan = self._plan(knob, MOST_FACTOR)
        if plan is None:
            return None
        low, high = 1.0, MOST_FACTOR
        while high / low > _FINE and not self._clock.over:
            middle = (low * high) ** 0.5
            possible = self._plan(knob, middle)
            if possible is None:
                low = middle
            else:
                high, plan = middle, possible
        return Relaxation(knob.constraint, knob.words(high), high, plan)

    def _least_step(self, knob: Knob, steps: tuple[float, ...]) -> Relaxation | None:
        plan = self._plan(knob, steps[-1]) if steps else None
        if plan is None:
            return None
        low, high = 0, len(steps) - 1
        while low < high and not self._clock.over:
            middle = (low + high) // 2
            possible = self._plan(knob, steps[middle])
            if possible is None:
                low = middle + 1
            else:
                high, plan = middle, possible
        factor = steps[high]
        size = factor if knob.gradual else None
        return Relaxation(knob.constraint, knob.words(factor), size, plan)

    def _plan(self, knob: Knob, factor: float) -> ServingPlan | None:
        resolved = knob.loosened(factor)
        found = self.candidates(resolved)
        if impossible(resolved, found):
            return None
        solution = self._clock.solve(state(resolved, found.kept), _TRIAL_SHARE)
        return planned(resolved, found.kept, solution)


def _same_templates(one: Resolved, other: Resolved) -> bool:
    """Tell whether two fleets differ in nothing that templates depend on."""
    parts = (
        (one.models, other.models),
        (one.pools, other.pools),
        (one.loads, other.loads),
        (one.fleet.options, other.fleet.options),
        (one.fleet.running, other.fleet.running),
    )
    return all(mine is theirs for mine, theirs in parts)
