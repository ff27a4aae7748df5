"""Infinite-LLM: blocks of long requests on other instances, against the best sharing.

Infinite-LLM's manager (arXiv 2401.02669) lends blocks one pair of instances at a time, as many as
win most for both. Which blocks every instance holds in the best case is an allocation: one budget,
the memory that long requests leave, over tables of tokens a second. Both are compared on fleets of
two to eight A100 with LLaMA2-7B by the roofline, whose long and short requests are drawn
(inferred); the thresholds of debtors and creditors, which the paper leaves open, let everybody in.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.allocation.solution import AllocationSolution
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.borrowing import (
    MILLITOKENS,
    Holder,
    borrow,
    sharing_problem,
    total_rate,
)
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_FLEETS = 60
_MOST = 8
_BLOCK = 256
_LONG = 0.4
_PUBLISHED = (
    "1.35 to 1.73 times the throughput of instances on their own, 1.4 to 3.4 times that of one "
    "instance of all GPUs (arXiv 2401.02669)"
)


def fleet(seed: int) -> list[Holder]:
    """Draw two to eight instances: some with a request that fills half their memory or more."""
    model, card = llm("llama-2-7b"), gpu("a100-80gb")
    precision = Precision(weights="fp16", compute="fp16", kv="fp16")
    cost = replica_cost(model, card, Layout(), precision)
    blocks = (kv_capacity(model, card, Layout(), precision) or 0) // _BLOCK
    rng = np.random.default_rng(seed)
    return [
        Holder(
            cost,
            blocks,
            long_blocks=int(rng.uniform(0.5, 1.0) * blocks) if rng.random() < _LONG else 0,
            short_blocks=int(rng.integers(2, 7)),
            shorts=int(rng.integers(0, 90)),
            block_size=_BLOCK,
        )
        for _ in range(int(rng.integers(2, _MOST + 1)))
    ]


def run(limits: Run) -> list[Row]:
    """Lend blocks in many fleets, and share them in the best way."""
    alone = lent = best = bound = 0.0
    ratios: list[float] = []
    loans = 0
    for seed in limits.each(range(_FLEETS)):
        holders = fleet(seed)
        held, made = borrow(holders)
        answer: AllocationSolution = solve(sharing_problem(holders), "dynamic-program")
        optimum = float(answer.objective or 0) / MILLITOKENS
        alone += total_rate(holders, [one.long_blocks for one in holders])
        lent += total_rate(holders, held)
        best += optimum
        bound += float(answer.bound or 0) / MILLITOKENS
        ratios.append(total_rate(holders, held) / optimum)
        loans += len(made)
    low = sum(ratio < 0.9 for ratio in ratios)
    ran = f"{len(ratios)} of {_FLEETS} fleets"
    case = f"{ran} of 2 to {_MOST} A100 with llama-2-7b (requests inferred)"
    return [
        Row(
            case=case,
            measure="tokens a second of all instances",
            baseline="no loans",
            baseline_value=alone / len(ratios),
            method="infinite-llm",
            value=lent / len(ratios),
            gap=1 - lent / bound,
            published=_PUBLISHED,
            verdict=f"{loans} loans, each a gain; the best sharing of these fleets is "
            f"{best / alone:.2f} times that without",
        ),
        Row(
            case=case,
            measure="share of the best sharing",
            baseline="best sharing",
            baseline_value=1.0,
            method="infinite-llm",
            value=float(np.mean(ratios)),
            gap=1 - float(np.mean(ratios)) * best / bound,
            published=None,
            verdict=f"worst {min(ratios):.3f}, {low} fleets below 0.9; the best sharing is "
            f"{'proven' if best == bound else 'not proven'}",
        ),
    ]


SCENARIO = Scenario(
    name="infinite-llm",
    system="Infinite-LLM: KV blocks on other instances (arXiv 2401.02669)",
    problem="KV blocks lent between instances",
    wants="nothing: a model and a GPU of the catalogue, by the roofline, and drawn requests",
    run=run,
    targets=(
        Target(
            ("no loans",),
            at_least=1.35,
            at_most=1.73,
            better="more",
            otherwise="fleets and lengths are drawn, and shorter than the published ones; no "
            "sharing of these fleets gains as much",
        ),
        Target(("share of the best sharing",), of="value", at_least=0.9),
    ),
)
