"""MergePipe: which blocks of which expert models are read when models are merged.

Merging K fine-tuned models reads every parameter of all of them, although most barely differ from
the base. MergePipe plans which blocks to read within a budget of bytes; the base and the output are
read and written anyway. Here the plan is a knapsack whose optimum is certified.

Known by its abstract; inferred: a block's value is the size of its update, drawn lognormal with
some blocks that hardly change, and sizes are those of the matrices of a 7B model.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.allocation.problem import AllocationProblem, Claim
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

EXPERTS = (4, 8, 16)
_LAYERS = 32
_BLOCKS = {"q": 32, "k": 32, "v": 32, "o": 32, "gate": 86, "up": 86, "down": 86}
"""MiB of each block of a layer, in two bytes a parameter."""

_BUDGET = 6000
"""MiB that may be read of experts: about half of one of them."""

_UNITS = 10**4


def plan_problem(experts: int, seed: int) -> AllocationProblem:
    """State which blocks of the experts to read."""
    rng = np.random.default_rng(seed)
    claims = []
    for expert in range(experts):
        for layer in range(_LAYERS):
            for block, size in _BLOCKS.items():
                value = 1 + int(_UNITS * rng.lognormal(0.0, 1.5) * np.sqrt(size))
                claims.append(
                    Claim(id=f"{expert}/{layer}/{block}", gains=(0, value), costs=(0, size))
                )
    return AllocationProblem(name=f"mergepipe-{experts}", budget=_BUDGET, claims=tuple(claims))


def run(limits: Run) -> list[Row]:
    """Plan merges of more and more experts within the same budget."""
    return [
        row
        for experts in EXPERTS
        for row in _rows(plan_problem(experts, seed=1), experts, limits.seconds / len(EXPERTS))
    ]


def _rows(problem: AllocationProblem, experts: int, seconds: float) -> list[Row]:
    base = _LAYERS * sum(_BLOCKS.values())
    rule: AllocationSolution = solve(problem, "greedy", time_limit=seconds)
    best: AllocationSolution = solve(problem, time_limit=seconds)
    read = sum(grant.amount for grant in rule.grants)
    everything = sum(claim.gains[1] for claim in problem.claims)
    case = f"{experts} experts, {len(problem.claims)} blocks, {_BUDGET} MiB of budget"
    return [
        Row(
            case=case,
            measure="GiB read and written, base and output included",
            baseline="read all blocks",
            baseline_value=(experts + 2) * base / 1024,
            method="plan",
            value=(read + 2 * base) / 1024,
            gap=None,
            published="up to 10 times less I/O, 11 times faster",
            verdict=f"{100 * int(rule.objective or 0) / everything:.0f} % of all updates",
        ),
        Row(
            case=case,
            measure="update that is merged, share of the optimum",
            baseline=None,
            baseline_value=None,
            method="largest update per byte",
            value=int(rule.objective or 0) / int(best.objective or 1),
            gap=1.0 - int(rule.objective or 0) / int(best.bound or 1),
            published=None,
            verdict="optimum proven" if best.gap == 0 else "optimum not proven",
        ),
    ]


SCENARIO = Scenario(
    name="mergepipe",
    system="MergePipe: merging models under a budget of I/O (known by its abstract)",
    problem="updates read under a budget of I/O, most value",
    wants="nothing: seeded blocks",
    run=run,
    targets=(
        Target(("read all blocks",), at_least=0.1, at_most=1, better="less"),
        Target(("update that is merged",), of="value", at_least=0.99),
    ),
)
