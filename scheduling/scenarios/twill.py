"""Flash attention's loops as software pipelines: the least interval, and what runs under what.

Twill finds the pipelines of FlashAttention-3 and -4 by a solver: loads on a warp of their own, and
the softmax of one tile while the tensor cores multiply for others. Here the bundled loops are
solved to proof; the interval equals the load of the busiest unit.
"""

from __future__ import annotations

from typing import cast

from scheduling.instances import bundled
from scheduling.models.loop.arrays import compile_loop
from scheduling.models.loop.bounds import interval_bound
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

LOOPS = ("flash-attention-hopper", "flash-attention-blackwell")
_HIDDEN, _OVER = "exp", "tensor"


def covered(problem: LoopProblem, solution: LoopSolution, unit: str, other: str) -> float:
    """Return the share of the cycles on a unit in which another unit works as well."""
    interval = solution.interval or 1
    start = {entry.operation: entry.start for entry in solution.starts}

    def slots(name: str) -> list[int]:
        return [
            (start[operation.id] + use.offset + cycle) % interval
            for operation in problem.operations
            for use in operation.uses
            if use.unit == name
            for cycle in range(use.cycles)
        ]

    busy, beside = slots(unit), set(slots(other))
    return sum(slot in beside for slot in busy) / len(busy)


def loading_warps(problem: LoopProblem, solution: LoopSolution) -> tuple[int, int]:
    """Return the number of warps that load, and of those that load and compute."""
    loads = {operation.id for operation in problem.operations if operation.variable}
    producers = {entry.warp for entry in solution.starts if entry.operation in loads}
    others = {entry.warp for entry in solution.starts if entry.operation not in loads}
    return len(producers), len(producers & others)


def run(limits: Run) -> list[Row]:
    """Solve both loops."""
    rows: list[Row] = []
    for name in LOOPS:
        problem = cast("LoopProblem", bundled.load(name))
        rows += _rows(problem, max(1.0, limits.seconds / len(LOOPS)))
    return rows


def _rows(problem: LoopProblem, seconds: float) -> list[Row]:
    answer: LoopSolution = solve(problem, time_limit=seconds)
    name = problem.name or "loop"
    if answer.interval is None:
        return []
    tier = answer.tiers[0]
    floor = interval_bound(compile_loop(problem))
    alone = sum(operation.latency for operation in problem.operations)
    producers, mixed = loading_warps(problem, answer)
    proven = "proven" if tier.closed else "not proven"
    reached = "the load of the busiest unit" if answer.interval == floor else f"bound {floor}"
    share = covered(problem, answer, _HIDDEN, _OVER)
    return [
        Row(
            case=f"{name}, {answer.stages} iterations under way",
            measure="clock cycles from one tile of keys to the next",
            baseline="one operation after the other",
            baseline_value=float(alone),
            method="auto",
            value=float(answer.interval),
            gap=tier.gap,
            published="FlashAttention's pipelines found, in 28 s (Hopper forward)",
            verdict=f"{proven}, {reached}",
        ),
        Row(
            case=f"{name}, steady state",
            measure="% of the cycles of exponentials under matrix products",
            baseline=None,
            baseline_value=None,
            method="auto",
            value=100.0 * share,
            gap=None,
            published="softmax of one tile under the products of others; a warp for loads",
            verdict=f"{producers} warp for loads, {mixed} of them with other work",
        ),
    ]


SCENARIO = Scenario(
    name="twill",
    system="Twill: optimal software pipelining and warp specialization (arXiv 2512.18134)",
    problem="software pipelines with warp specialisation, least interval",
    wants="nothing: bundled loops",
    run=run,
    targets=(Target(("clock cycles",), of="gap", at_most=0),),
)
