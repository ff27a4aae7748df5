"""``simulate`` on checkpoints of a training run: plans side by side, with the least waste."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scheduling.errors import UnsupportedError
from scheduling.models.base import relative_gap
from scheduling.models.checkpoint.problem import CheckpointPlan, CheckpointProblem
from scheduling.models.checkpoint.waste import best_plan, daly_plan, expected_waste, young_plan
from scheduling.simulator.checkpoint.run import TrainingRun, simulate_checkpoints
from scheduling.simulator.side_by_side import chosen

PLANS: dict[str, Callable[[CheckpointProblem], CheckpointPlan]] = {
    "young": young_plan,
    "daly": daly_plan,
    "best": best_plan,
}
"""Plans by name: Young's formula, Daly's for the last level alone, and the least expected waste."""


@dataclass(frozen=True, slots=True)
class PlanRun:
    """What one plan did.

    Parameters
    ----------
    name
        Name of the rule that gives the plan.
    plan
        When copies are taken.
    expected
        Its expected waste, exactly.
    run
        A run with it.
    gap
        Distance of the expected waste from the least of all plans, relative.
    """

    name: str
    plan: CheckpointPlan
    expected: float
    run: TrainingRun
    gap: float | None


@dataclass(frozen=True, slots=True)
class CheckpointComparison:
    """Plans of one training run.

    Parameters
    ----------
    problem
        What was run.
    runs
        One a plan, in the order in which they were asked for.
    least
        The least expected waste of any plan.
    """

    problem: CheckpointProblem
    runs: tuple[PlanRun, ...]
    least: float


def simulate_training(
    problem: CheckpointProblem,
    policy: str | Sequence[str] = tuple(PLANS),
    *,
    failures: int = 50_000,
    seed: int = 0,
) -> CheckpointComparison:
    """Run plans of checkpoints side by side.

    Failures at a constant rate make every copy a fresh start, so that no rule that looks at the
    past wastes less than the best plan.

    Parameters
    ----------
    problem
        Rates and times.
    policy
        Names of :data:`PLANS`, one or several.
    failures
        Failures after which each run ends.
    seed
        Seed of the failures, the same for all plans.

    Raises
    ------
    InputError
        When no plan is named.
    UnsupportedError
        When there is no such plan.
    """
    named = chosen(policy, _known)
    least = expected_waste(problem, best_plan(problem))
    return CheckpointComparison(
        problem, tuple(_run(problem, name, least, failures, seed) for name in named), least
    )


def _known(name: str) -> str:
    if name not in PLANS:
        raise UnsupportedError.unknown("plan", name, PLANS)
    return name


def _run(problem: CheckpointProblem, name: str, least: float, failures: int, seed: int) -> PlanRun:
    plan = PLANS[name](problem)
    expected = expected_waste(problem, plan)
    run = simulate_checkpoints(problem, plan, failures=failures, seed=seed)
    return PlanRun(name, plan, expected, run, relative_gap(expected, least))
