"""Block-wise adaptive caching (BAC) in diffusion policies: which blocks are updated in which steps.

A transformer block of a diffusion policy changes its features unevenly over the denoising steps.
BAC finds each block's update steps by a dynamic program over the similarity of features, with the
same number of updates for all blocks. Here that program is run, and the number of updates of each
block is decided as well, under the same time in all: an allocation whose optimum is certified.

Inferred: the features are seeded random walks whose speed over the steps differs between blocks;
reuse is scored against the features of the step itself; errors that pass from block to block,
which BAC's union of updates is for, are not part of the model.
"""

from __future__ import annotations

import numpy as np

from scheduling.instances.allocation.recomputing import (
    Ints,
    Recomputing,
    best_recomputing,
    loss_of,
    recomputing_problem,
)
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

STEPS = 100
UPDATES = 20
"""Updates of each block under one schedule for all."""

_LAYERS = 8
_PARTS = {"self-attention": 3, "cross-attention": 2, "ffn": 4}
"""Blocks of a layer, and the time of one update of each; inferred."""

_UNITS = 10**6
_WIDTH = 64


def losses(seed: int) -> dict[str, Ints]:
    """Draw 1 minus the cosine similarity of features between steps, in millionths, by block."""
    rng = np.random.default_rng(seed)
    found = {}
    for layer in range(_LAYERS):
        for part in _PARTS:
            middle, width = rng.uniform(0, STEPS), rng.uniform(0.05, 0.3) * STEPS
            burst = np.exp(-0.5 * ((np.arange(STEPS) - middle) / width) ** 2)
            speed = rng.lognormal(-3.0, 0.7) * (0.2 + 3.0 * burst)
            steps = rng.normal(0.0, 1.0, (STEPS, _WIDTH)) * speed[:, None]
            features = rng.normal(0.0, 1.0, _WIDTH) + np.cumsum(steps, axis=0)
            features /= np.linalg.norm(features, axis=1, keepdims=True)
            off = np.maximum(0.0, 1.0 - features @ features.T)
            np.fill_diagonal(off, 0.0)
            found[f"layer {layer} {part}"] = np.rint(_UNITS * off).astype(np.int64)
    return found


def even(count: int) -> tuple[int, ...]:
    """Return steps at even distances, the first one among them."""
    return tuple(sorted({round(number * STEPS / count) for number in range(count)}))


def run(limits: Run) -> list[Row]:
    """Compare even steps, BAC's program for each block, and updates shared out over blocks."""
    tables = losses(seed=1)
    found: dict[str, Recomputing] = {name: best_recomputing(loss) for name, loss in tables.items()}
    cost = {name: _PARTS[name.split(" ", 2)[2]] for name in tables}
    spaced = sum(loss_of(loss, even(UPDATES)) for loss in tables.values())
    each = sum(entry.loss[UPDATES - 1] for entry in found.values())
    once = sum(entry.loss[0] for entry in found.values())
    budget = UPDATES * sum(cost.values())
    problem = recomputing_problem("bac", found, cost, budget)
    answer: AllocationSolution = solve(problem, time_limit=limits.seconds)
    shared = once - int(answer.objective or 0)
    bound = once - int(answer.bound or once)
    case = f"{len(tables)} blocks, {STEPS} steps, {UPDATES} updates a block on average"
    measure = "dissimilarity of reused features, summed"
    return [
        Row(
            case=case,
            measure=measure,
            baseline="even steps, all blocks alike",
            baseline_value=spaced / _UNITS,
            method="dynamic program of each block",
            value=each / _UNITS,
            gap=(each - bound) / each,
            published="up to 3 times faster without loss",
            verdict=f"{STEPS / UPDATES:.0f} times fewer updates; best for equal numbers",
        ),
        Row(
            case=case,
            measure=measure,
            baseline="dynamic program of each block",
            baseline_value=each / _UNITS,
            method="updates shared out over blocks",
            value=shared / _UNITS,
            gap=(shared - bound) / shared,
            published=None,
            verdict="the same time for all updates together",
        ),
    ]


SCENARIO = Scenario(
    name="bac",
    system="BAC: block-wise adaptive caching for diffusion policies (arXiv 2506.13456)",
    problem="which blocks are recomputed in each step",
    wants="nothing: seeded features",
    run=run,
    targets=(Target(("even steps",), at_most=1),),
)
