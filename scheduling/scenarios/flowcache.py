"""FlowCache: which chunks of a video are recomputed in which denoising steps.

Autoregressive video models denoise chunks one behind the other, so that at one moment some change
fast and others hardly do. FlowCache lets every chunk reuse its last result until the change since
then exceeds a threshold. Here that rule is run beside one decision for all chunks, with as many
recomputed steps, and beside the optimum: the best steps of each chunk for every number of them, and
the best numbers.

Inferred: chunks are seeded paths that change less and less, from starts that are staggered; the
threshold is the one that recomputes as often as the published speed-up leaves room for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scheduling.instances.allocation.recomputing import (
    Ints,
    best_recomputing,
    loss_of,
    recomputing_problem,
)
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

Floats = NDArray[np.float64]

_CHUNKS, _STEPS, _DELAY, _WIDTH = 8, 64, 6, 32
_UNITS = 10**6
SPEEDUPS = (2.38, 6.7)
"""Published, on MAGI-1 and SkyReels-V2; taken as recomputed steps against all steps."""


def paths(seed: int) -> list[Floats]:
    """Draw the features of each chunk over its denoising steps."""
    rng = np.random.default_rng(seed)
    found = []
    for chunk in range(_CHUNKS):
        decay = rng.uniform(8, 20)
        speed = 0.05 + np.exp(-np.maximum(0, np.arange(_STEPS) - _DELAY * (chunk % 3)) / decay)
        steps = rng.normal(0.0, 1.0, (_STEPS, _WIDTH)) * speed[:, None] * rng.lognormal(-2.5, 0.6)
        found.append(rng.normal(0.0, 1.0, _WIDTH) + np.cumsum(steps, axis=0))
    return found


def distances(path: Floats) -> Floats:
    """Relative L1 distance of the features of step t from those of step s, at ``[s, t]``."""
    off = np.abs(path[None, :, :] - path[:, None, :]).sum(axis=2)
    return np.asarray(off / np.abs(path).sum(axis=1)[:, None])


def by_threshold(off: Floats, threshold: float) -> tuple[int, ...]:
    """Recompute when the changes from step to step since the last time sum to the threshold."""
    found, summed = [0], 0.0
    for step in range(1, len(off)):
        summed += off[step - 1, step]
        if summed >= threshold:
            found.append(step)
            summed = 0.0
    return tuple(found)


def tuned(count: Callable[[float], int], most: int) -> float:
    """Return the least threshold at which no more than ``most`` steps are recomputed."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if count(middle) > most else (low, middle)
    return high


def run(limits: Run) -> list[Row]:
    """Compare one decision for all chunks, one for each, and the optimum, at each speed-up."""
    offs = [distances(path) for path in paths(seed=1)]
    tables = [np.rint(_UNITS * off).astype(np.int64) for off in offs]
    mean = np.mean(offs, axis=0)
    rows: list[Row] = []
    for speedup in SPEEDUPS:
        most = int(_CHUNKS * _STEPS / speedup)
        rows.append(_row(offs, mean, tables, most, limits.seconds / len(SPEEDUPS)))
    return rows


def _row(offs: list[Floats], mean: Floats, tables: list[Ints], most: int, seconds: float) -> Row:
    one = by_threshold(mean, tuned(lambda value: _CHUNKS * len(by_threshold(mean, value)), most))
    threshold = tuned(lambda value: sum(len(by_threshold(off, value)) for off in offs), most)
    together = sum(loss_of(loss, one) for loss in tables)
    apart = sum(
        loss_of(loss, by_threshold(off, threshold)) for off, loss in zip(offs, tables, strict=True)
    )
    found = {f"chunk {number}": best_recomputing(loss) for number, loss in enumerate(tables)}
    problem = recomputing_problem("flowcache", found, dict.fromkeys(found, 1), most)
    answer: AllocationSolution = solve(problem, time_limit=seconds)
    bound = sum(entry.loss[0] for entry in found.values()) - int(answer.bound or 0)
    return Row(
        case=f"{_CHUNKS} chunks of {_STEPS} steps, {most} of {_CHUNKS * _STEPS} computed",
        measure="relative L1 distance of reused features, summed",
        baseline="one threshold on the mean of all chunks",
        baseline_value=together / _UNITS,
        method="threshold of each chunk (FlowCache)",
        value=apart / _UNITS,
        gap=(apart - bound) / apart,
        published="2.38 times faster on MAGI-1, 6.7 times on SkyReels-V2",
        verdict=f"optimum {bound / _UNITS:.3f}" if answer.gap == 0 else "optimum not proven",
    )


SCENARIO = Scenario(
    name="flowcache",
    system="FlowCache: chunk-wise caching in autoregressive video generation (arXiv 2602.10825)",
    problem="which chunks are recomputed under a budget",
    wants="nothing: seeded features",
    run=run,
    targets=(Target(("one threshold",), at_most=1),),
)
