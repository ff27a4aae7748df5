"""What scenarios of expert caches share: traces, checked replays, and rates of hits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scheduling.errors import CheckError
from scheduling.instances.caching.routing import RoutingTrace, routing_trace
from scheduling.models.base import one_tier
from scheduling.models.caching.check import check_caching, cost_of
from scheduling.models.caching.problem import CachingProblem
from scheduling.models.caching.solution import CachingSolution
from scheduling.scenarios.scenario import Row
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
    solution = found.model_copy(update=one_tier("cost", cost_of(problem, found), bound))
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


def beside_lru(
    traced: RoutingTrace,
    problem: CachingProblem,
    kept: CachingSolution,
    method: str,
    published: str,
) -> Row:
    """Hold what a policy kept against LRU and the best there is.

    Parameters
    ----------
    traced, problem
        The routes, and the cache of their experts.
    kept
        What the policy kept.
    method, published
        Its name, and the figures of its paper.
    """
    lru, best = solved(problem, "lru"), solved(problem, "belady")
    mine = certified(problem, kept, int(best.bound or 0))
    gain = 100 * (hit_rate(problem, mine) - hit_rate(problem, lru))
    return Row(
        case=f"{len(problem.requests)} tokens, {problem.capacity} of {traced.n_experts} experts "
        "cached",
        measure="% of activations that hit",
        baseline="lru",
        baseline_value=100 * hit_rate(problem, lru),
        method=method,
        value=100 * hit_rate(problem, mine),
        gap=mine.gap,
        published=published,
        verdict=f"{gain:+.1f} points; at best {100 * hit_rate(problem, best):.1f} %",
    )


def noisy(traced: RoutingTrace, accuracy: float, seed: int) -> RoutingTrace:
    """Replace experts by random ones, so that each is right with some probability."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(traced.active.shape) >= accuracy
    drawn = rng.integers(0, traced.n_experts, traced.active.shape)
    return replace(traced, active=np.where(wrong, drawn, traced.active))
