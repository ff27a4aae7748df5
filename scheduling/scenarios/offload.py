"""Offloading of mobile tasks: delay against energy, rules beside the exact front.

GMORL learns a policy for each weight of delay and energy; Com-DDPG and the ant colony of the IoT
study are known by their abstracts. Here GMORL's environment is drawn with a few tasks, the front is
exact, and rules are held against it by the area that their fronts dominate.
"""

from __future__ import annotations

from collections.abc import Callable

from scheduling.instances.offload.mobile_tasks import mobile_tasks
from scheduling.models.offload.problem import OffloadProblem
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.solvers.offload.front import Tradeoff, exact_front, front_of, volume
from scheduling.solvers.offload.rules import ant_colony, greedy_front, least_loaded, round_robin

_TASKS, _SERVERS = 12, 3
_SEEDS = 3
_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)

_RULES: dict[str, Callable[[OffloadProblem], list[Tradeoff]]] = {
    "round robin": lambda problem: front_of(problem, [round_robin(problem)]),
    "least loaded": lambda problem: front_of(problem, [least_loaded(problem)]),
    "least marginal cost": greedy_front,
    "ant colony": lambda problem: front_of(
        problem, [ant_colony(problem, weight) for weight in _WEIGHTS]
    ),
}


def shares(problem: OffloadProblem) -> dict[str, float]:
    """Return the area of each rule's front as a share of that of the exact one.

    Areas are below the largest delay and energy of any front's points, and a tenth more.
    """
    best = exact_front(problem)
    fronts = {name: rule(problem) for name, rule in _RULES.items()}
    points = [point for front in (best, *fronts.values()) for point in front]
    reference = (
        1.1 * max(point.delay_seconds for point in points),
        1.1 * max(point.joules for point in points),
    )
    whole = volume(best, reference)
    return {name: volume(front, reference) / whole for name, front in fronts.items()}


def run(limits: Run) -> list[Row]:
    """Compare the fronts over a few draws."""
    found = [
        shares(mobile_tasks(tasks=_TASKS, servers=_SERVERS, seed=seed))
        for seed in limits.each(range(_SEEDS))
    ]
    mean = {name: sum(one[name] for one in found) / len(found) for name in _RULES}
    base = next(iter(_RULES))
    return [
        Row(
            case=f"{_TASKS} tasks, {_SERVERS} servers; {len(found)} of {_SEEDS} draws",
            measure="area below delay and energy, of the exact front's",
            baseline=base,
            baseline_value=mean[base],
            method=name,
            value=share,
            gap=1.0 - share,
            published="hypervolume +121 % over baselines (GMORL, arXiv 2509.10474)",
            verdict=f"least share {min(one[name] for one in found):.3f}",
        )
        for name, share in mean.items()
    ]


SCENARIO = Scenario(
    name="offload",
    system="GMORL (arXiv 2509.10474), Com-DDPG, IoT DRL+ACO: mobile-edge offloading",
    problem="tasks of mobile devices to servers: delay and energy",
    wants="nothing: draws of GMORL's environment",
    run=run,
    targets=(
        Target(("area below", "marginal cost"), of="gap", at_most=0.1),
        Target(("area below", "ant colony|marginal cost"), at_least=2.21),
    ),
)
