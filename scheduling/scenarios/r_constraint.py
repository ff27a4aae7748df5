"""R-ConstraintBench: feasible schedules of projects with ever more constraints.

"R-ConstraintBench: Evaluating LLMs on NP-Complete Scheduling" (arXiv 2508.15204) asks language
models for feasible schedules of projects whose precedences grow level by level, first alone, then
with downtimes, time windows and exclusions. The score is the share of feasible answers by level and
its weighted area. Its instances and prompts are not public: the generator here follows the
description, and the models' figures stand beside as reported. Beyond the paper, projects that are
infeasible by construction must be proven so.
"""

from __future__ import annotations

from scheduling.instances.schedule.constraint_mix import constraint_mix
from scheduling.models.base import Status
from scheduling.models.checking import check
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.solvers.driver import solve

_LEVELS = (5, 10, 15, 20, 25, 30)
_TASKS = 25
_SEEDS = 2
_MIX = 0.75
_PUBLISHED_MIX = "0.661, the best model (GPT-5) in the paper's data-centre setting, as quoted of it"
_PUBLISHED_ALONE = "strong models near the ceiling of 1 (2508.15204, as quoted of it)"


def run(limits: Run) -> list[Row]:
    """Answer projects of all levels, then infeasible ones."""
    alone = _by_level(0.0, "auto", limits.share(4))
    mixed = _by_level(_MIX, "auto", limits.share(3))
    single = _by_level(_MIX, "sgs", limits.share(2))
    return [
        _row("precedences alone", alone, None, _PUBLISHED_ALONE),
        _row("precedences, downtimes, windows, exclusions", mixed, single, _PUBLISHED_MIX),
        _infeasible_row(limits),
    ]


def weighted_area(shares: dict[int, float]) -> float:
    """Weighted area under the curve: shares of feasible answers, weighted by their levels.

    The paper's weights are not known here; levels as weights let hard levels count more.
    """
    return sum(level * share for level, share in shares.items()) / sum(shares)


def _by_level(mix: float, solver: str, limits: Run) -> dict[int, float]:
    """Share of valid schedules by level; ``mix`` is the probability of further constraints."""
    shares = {}
    for number, level in enumerate(_LEVELS):
        projects = [
            constraint_mix(
                tasks=_TASKS, level=level, downtime=mix, windows=mix, disjunctions=mix, seed=seed
            )
            for seed in range(_SEEDS)
        ]
        seconds = limits.share(len(_LEVELS) - number).seconds / _SEEDS
        found = [_answered(project, solver, seconds) for project in projects]
        shares[level] = sum(found) / _SEEDS
    return shares


def _answered(problem: ScheduleProblem, solver: str, seconds: float) -> bool:
    """Whether the solver gives a schedule that the check accepts; the makespan does not matter."""
    answer = solve(problem, solver, time_limit=max(0.2, seconds))
    found = answer.status in (Status.OPTIMAL, Status.FEASIBLE)
    return found and not check(problem, answer)


def _row(
    case: str, shares: dict[int, float], baseline: dict[int, float] | None, published: str
) -> Row:
    area = weighted_area(shares)
    return Row(
        case=f"{case}: {len(_LEVELS)} levels, {_SEEDS} projects of {_TASKS} tasks each",
        measure="weighted area of feasible shares (WAUC)",
        baseline=None if baseline is None else "sgs, list scheduling and search",
        baseline_value=None if baseline is None else weighted_area(baseline),
        method="auto",
        value=area,
        gap=1.0 - area,
        published=published,
        verdict="every project answered"
        if area == 1.0
        else f"lowest share {min(shares.values()):g}",
    )


def _infeasible_row(limits: Run) -> Row:
    proven, total = 0, len(_LEVELS) * _SEEDS
    for number, level in enumerate(_LEVELS):
        seconds = limits.share(len(_LEVELS) - number).seconds / _SEEDS
        for seed in range(_SEEDS):
            problem = constraint_mix(tasks=_TASKS, level=level, infeasible=1, seed=seed)
            answer = solve(problem, "auto", time_limit=max(0.2, seconds))
            proven += answer.status is Status.INFEASIBLE
    return Row(
        case=f"infeasible by construction: {total} projects of {_TASKS} tasks",
        measure="share proven infeasible",
        baseline=None,
        baseline_value=None,
        method="auto",
        value=proven / total,
        gap=1.0 - proven / total,
        published=None,
        verdict=f"{proven} of {total} proven",
    )


SCENARIO = Scenario(
    name="r-constraint",
    system="R-ConstraintBench, feasible projects with growing constraints (arXiv 2508.15204)",
    problem="projects with growing mixes of constraints: feasible or proven not",
    wants="nothing: projects of the published generator",
    run=run,
    targets=(
        Target(("exclusions",), of="value", at_least=0.661, at_most=0.661, better="more"),
        Target(("proven infeasible",), of="value", at_least=1),
    ),
)
