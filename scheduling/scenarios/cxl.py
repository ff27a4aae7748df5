"""Training with CXL memory: which tensors lie in local DRAM, which on the cards.

Optimizer steps on the host read and write all parameters, gradients and moments; part of them lies
on CXL cards with less bandwidth. What is used often by its size belongs to DRAM, and the rest is
spread over several cards so that their bandwidths add up. Here each phase takes as long as its
busiest memory, and the placement is certified.

Known by its abstract; inferred: a 7B model in mixed precision, one tensor of each kind for each
group of layers, two phases, and bandwidths of a two-channel host and of CXL 2.0 cards.
"""

from __future__ import annotations

from scheduling.models.tiers.problem import Tensor, TieredProblem, TierMemory, Use
from scheduling.models.tiers.solution import TieredSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_GROUPS = 8
_PARAMETERS = 7 * 10**9
_MIB = 2**20
_DRAM_RATE, _CARD_RATE = 70_000, 22_000
"""MiB a second."""

_DRAM_GIB = 32
_KINDS = {
    "weights": (2, 2, 2),
    "gradients": (2, 2, 2),
    "master": (4, 0, 8),
    "momentum": (4, 0, 8),
    "variance": (4, 0, 8),
}
"""Bytes for each parameter, and those that the transfer and the optimizer phase use."""


def training(cards: int, dram_gib: int = _DRAM_GIB) -> TieredProblem:
    """State the phases of a step: transfers to and from the GPU, and the optimizer.

    Sizes are in MiB and ticks are milliseconds; without a link nothing moves between them.
    """
    each = _PARAMETERS // _GROUPS
    tensors = []
    for group in range(_GROUPS):
        for kind, (size, *used) in _KINDS.items():
            uses = tuple(
                Use(step=step, bytes=each * count // _MIB)
                for step, count in enumerate(used)
                if count
            )
            tensors.append(Tensor(id=f"{kind} {group}", size=each * size // _MIB, uses=uses))
    memories = [TierMemory(id="dram", bandwidth=_DRAM_RATE // 1000, capacity=dram_gib * 1024)]
    memories += [
        TierMemory(id=f"card {number}", bandwidth=_CARD_RATE // 1000, capacity=256 * 1024)
        for number in range(cards)
    ]
    return TieredProblem(
        name=f"cxl-{cards}", memories=tuple(memories), compute=(0, 0), tensors=tuple(tensors)
    )


def run(limits: Run) -> list[Row]:
    """Place the tensors with one and with two cards, and with the cards alone."""
    share = limits.seconds / 4
    return [_placed(1, share), _placed(2, share), _cards(share)]


def _placed(cards: int, seconds: float) -> Row:
    problem = training(cards)
    hot: TieredSolution = solve(problem, "density", work_limit=1)
    best: TieredSolution = solve(problem, time_limit=seconds)
    return Row(
        case=f"{len(problem.tensors)} tensors, {_DRAM_GIB} GiB of DRAM, {cards} CXL card(s)",
        measure="milliseconds of both phases",
        baseline="hot first",
        baseline_value=float(hot.objective or 0),
        method="auto",
        value=float(best.objective or 0),
        gap=best.gap,
        published=None,
        verdict="proven" if best.gap == 0 else "not proven",
    )


def _cards(seconds: float) -> Row:
    small = 1
    one: TieredSolution = solve(training(1, small), time_limit=seconds)
    two: TieredSolution = solve(training(2, small), time_limit=seconds)
    speedup = float(one.objective or 0) / float(two.objective or 1)
    return Row(
        case=f"{small} GiB of DRAM left: the cards hold nearly all",
        measure="milliseconds of both phases",
        baseline="one card",
        baseline_value=float(one.objective or 0),
        method="two cards",
        value=float(two.objective or 0),
        gap=two.gap,
        published="several cards for their bandwidth",
        verdict=f"{speedup:.2f} times faster",
    )


SCENARIO = Scenario(
    name="cxl",
    system="CXL memory allocation for training (known by its abstract)",
    problem="training state on local and CXL memory",
    wants="nothing: sizes of a 7B model",
    run=run,
    targets=(
        Target(("^hot first$",), at_most=1),
        Target(("^two cards$",), at_most=1 / 1.5),
    ),
)
