"""V_0: rollouts shared out over prompts, and prompts routed to models, by predicted success.

Before any rollout, V_0 predicts how likely a model solves a prompt. In training it shares a budget
of rollouts out over prompts by marginal gains; in use it sends each prompt to the model with the
most success less its price. Both are problems of allocation: where the utility is concave the rule
is best possible, and the gap is certified where it is not.

Predictions are seeded: successes from a beta distribution, models and prompts from a logistic one.
The utility ``B q (1 - q^(B - 1))`` with ``q = 1 - p`` is as the paper was read, and convex for few
rollouts; the other is the probability that a group's outcomes differ, which is concave.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scheduling.models.allocation.problem import AllocationProblem, Claim
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

Utility = Callable[[int, float], float]

_PROMPTS, _MEAN, _MOST = 512, 8, 64
_MODELS = 11
_UNITS = 10**9
_ROUNDING = 2
_PAPER = "Intra-AUC .913 against .840; AIME24 41 to 50 %"


def as_read(rollouts: int, success: float) -> float:
    """Return the utility of a group as the paper was read."""
    failure = 1.0 - success
    return rollouts * failure * (1.0 - failure ** (rollouts - 1))


def differing(rollouts: int, success: float) -> float:
    """Probability that the outcomes of a group are not all alike."""
    return 1.0 - success**rollouts - (1.0 - success) ** rollouts


def rollouts_problem(utility: Utility, seed: int) -> AllocationProblem:
    """State how many rollouts each prompt is granted: two at least, as a group needs."""
    rng = np.random.default_rng(seed)
    levels = range(2, _MOST + 1)
    claims = tuple(
        Claim(
            id=f"prompt {number}",
            gains=tuple(round(_UNITS * utility(count, success)) for count in levels),
            costs=tuple(levels),
        )
        for number, success in enumerate(rng.beta(0.7, 0.9, _PROMPTS).tolist())
    )
    return AllocationProblem(name="rollouts", budget=_MEAN * _PROMPTS, claims=claims)


def uniform_gain(problem: AllocationProblem) -> int:
    """Return the gain when every prompt has equally many rollouts."""
    return sum(claim.gains[_MEAN - 2] for claim in problem.claims)


def concave_prompts(problem: AllocationProblem) -> int:
    """Count the prompts whose gains are concave, but for the rounding to integers."""
    bends = (np.diff(claim.gains, 2) for claim in problem.claims)
    return sum(bool((bend <= _ROUNDING).all()) for bend in bends)


def routing_table(seed: int) -> tuple[list[list[int]], list[int]]:
    """Return predicted successes in billionths by prompt and model, and the price of each model."""
    rng = np.random.default_rng(seed)
    ability = np.sort(rng.normal(0.0, 1.2, _MODELS))
    prices = np.maximum(1, np.rint(10 * np.exp(0.9 * (ability - ability[0])))).astype(int)
    hard = rng.normal(0.3, 1.5, (_PROMPTS, 1))
    noise = rng.normal(0.0, 0.5, (_PROMPTS, _MODELS))
    success = 1.0 / (1.0 + np.exp(hard - ability - noise))
    return np.rint(_UNITS * success).astype(int).tolist(), prices.tolist()


def routing_problem(table: list[list[int]], prices: list[int], budget: int) -> AllocationProblem:
    """State which model answers each prompt; of models at one price only the best counts."""
    claims = []
    for number, row in enumerate(table):
        best: dict[int, int] = {}
        for price, success in zip(prices, row, strict=True):
            best[price] = max(success, best.get(price, 0))
        costs = tuple(sorted(best))
        gains = tuple(best[price] for price in costs)
        claims.append(Claim(id=f"prompt {number}", gains=gains, costs=costs))
    return AllocationProblem(name="routing", budget=budget, claims=tuple(claims))


def by_price(table: list[list[int]], prices: list[int], beta: float) -> tuple[int, int]:
    """Route by success less beta times price; return what is gained and what it costs."""
    picks = [
        max(range(len(prices)), key=lambda model: row[model] - beta * prices[model])
        for row in table
    ]
    gained = sum(row[pick] for row, pick in zip(table, picks, strict=True))
    return gained, sum(prices[pick] for pick in picks)


def best_beta(table: list[list[int]], prices: list[int], budget: int) -> tuple[int, int]:
    """Return gain and cost of routing at the least beta that keeps within a budget."""
    low, high = 0.0, float(_UNITS)
    for _ in range(60):
        middle = (low + high) / 2
        within = by_price(table, prices, middle)[1] <= budget
        low, high = (low, middle) if within else (middle, high)
    return by_price(table, prices, high)


def run(limits: Run) -> list[Row]:
    """Share out rollouts under both utilities, and route under a budget."""
    share = limits.seconds / 3
    return [
        _rollouts("probability of differing outcomes", differing, share),
        _rollouts("utility as read", as_read, share),
        _routing(share),
    ]


def _rollouts(name: str, utility: Utility, seconds: float) -> Row:
    problem = rollouts_problem(utility, seed=1)
    rule: AllocationSolution = solve(problem, "marginal", time_limit=seconds)
    best: AllocationSolution = solve(problem, time_limit=seconds)
    gained, bound = int(rule.objective or 0), int(best.bound or 0)
    same = "the rule is best possible"
    if gained != best.objective:
        wide: AllocationSolution = solve(problem, "greedy", time_limit=seconds)
        same = f"along envelopes {int(wide.objective or 0) / _UNITS:.1f}"
    shape = f"{concave_prompts(problem)} of {_PROMPTS} prompts concave"
    return Row(
        case=f"{_PROMPTS} prompts, {problem.budget} rollouts",
        measure=f"{name}, summed",
        baseline=f"{_MEAN} rollouts each",
        baseline_value=uniform_gain(problem) / _UNITS,
        method="marginal gains",
        value=gained / _UNITS,
        gap=1.0 - gained / bound,
        published=_PAPER,
        verdict=f"{shape}; {same}",
    )


def _routing(seconds: float) -> Row:
    table, prices = routing_table(seed=1)
    budget = _PROMPTS * prices[_MODELS // 2]
    gained, spent = best_beta(table, prices, budget)
    best: AllocationSolution = solve(routing_problem(table, prices, budget), time_limit=seconds)
    own: AllocationSolution = solve(routing_problem(table, prices, spent), time_limit=seconds)
    verdict = "best possible for what it spends" if own.objective == gained else "not best"
    return Row(
        case=f"{_PROMPTS} prompts, {_MODELS} models",
        measure="prompts solved, expected",
        baseline="the model in the middle for all",
        baseline_value=sum(row[_MODELS // 2] for row in table) / _UNITS,
        method="success less beta times price",
        value=gained / _UNITS,
        gap=1.0 - gained / int(best.bound or 1),
        published="Pareto frontier of performance and cost over 11 models",
        verdict=f"{verdict}, {spent} of {budget}",
    )


SCENARIO = Scenario(
    name="v0-router",
    system="V_0: a value model for rollout budgets and routing (arXiv 2602.03584)",
    problem="rollout budgets and routes by predicted value",
    wants="nothing: seeded predictions",
    run=run,
    targets=(
        Target(("rollouts each",), at_least=1),
        Target(("success less beta",), at_least=1),
        Target(("differing outcomes",), of="gap", at_most=0),
    ),
)
