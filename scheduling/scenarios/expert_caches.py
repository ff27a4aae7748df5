"""What scenarios of expert caches share: traces, checked replays, and rates of hits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scheduling.errors import CheckError
from scheduling.instances.caching.routing import RoutingTrace, routing_trace
from scheduling.models.base import Status, TierValue, relative_gap
from scheduling.models.caching.check import check_caching, cost_of
from scheduling.models.caching.problem import CachingProblem
from scheduling.models.caching.solution import CachingSolution
from scheduling.scenarios.solving import solve

TOKENS, EXPERTS, TOP = 1500, 64, 6


def trace(seed: int, memory: float = 0.98) -> RoutingTrace:
    """Draw the routing of one layer of 64 experts, 6 of which each token activates.

    The noise is such that LRU with room for a quarter of the experts hits about half of the uses.
    """
    return routing_trace(
        tokens=TOKENS, experts=EXPERTS, top=TOP, skew=0.5, memory=memory, noise=1.5, seed=seed
    )


def certified(
    problem: CachingProblem, found: CachingSolution, bound: int | None
) -> CachingSolution:
    """Add value and bound to what a policy kept, and check it.

    Raises
    ------
    CheckError
        When the policy kept what it could not have, or did better than the bound.
    """
    cost = cost_of(problem, found)
    gap = relative_gap(cost, bound)
    tier = TierValue(name="cost", objective=cost, bound=bound, gap=gap)
    solution = found.model_copy(
        update={
            "status": Status.OPTIMAL if tier.closed else Status.FEASIBLE,
            "tiers": (tier,),
            "objective": cost,
            "bound": bound,
            "gap": gap,
        }
    )
    violations = check_caching(problem, solution)
    if violations:
        raise CheckError(f"a replay failed the check: {violations[0]}")
    return solution


def hit_rate(problem: CachingProblem, solution: CachingSolution) -> float:
    """Share of the uses that are hits."""
    uses = sum(len(names) for names in problem.requests)
    return 1.0 - float(solution.objective or 0) / uses


def solved(problem: CachingProblem, solver: str) -> CachingSolution:
    """Solve with a rule of one pass."""
    found: CachingSolution = solve(problem, solver, work_limit=1, workers=1)
    return found


def noisy(traced: RoutingTrace, accuracy: float, seed: int) -> RoutingTrace:
    """Replace experts by random ones, so that each is right with some probability."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(traced.active.shape) >= accuracy
    drawn = rng.integers(0, traced.n_experts, traced.active.shape)
    return replace(traced, active=np.where(wrong, drawn, traced.active))
