"""Random allocation problems: gains that grow with falling or with uneven steps."""

from __future__ import annotations

import numpy as np

from scheduling.models.allocation.problem import AllocationProblem, Claim


def allocation(
    *, claims: int = 20, levels: int = 16, uneven: float = 0.0, share: float = 0.4, seed: int = 0
) -> AllocationProblem:
    """Generate claims whose gains rise, concave or uneven.

    Parameters
    ----------
    claims, levels
        Sizes; ``levels`` counts those above the lowest.
    uneven
        Standard deviation of the logarithm of a random factor of each step; 0: steps fall, so that
        gains are concave.
    share
        Budget as a share of what the highest levels cost.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    scale = rng.lognormal(0.0, 1.0, (claims, 1))
    decay = rng.uniform(0.5, 0.95, (claims, 1))
    steps = 1000.0 * scale * decay ** np.arange(levels)
    steps = steps * rng.lognormal(0.0, uneven, (claims, levels))
    gains = np.concatenate((np.zeros((claims, 1)), np.cumsum(np.rint(steps), axis=1)), axis=1)
    return AllocationProblem(
        name=f"allocation-{claims}x{levels}-s{seed}",
        budget=int(share * claims * levels),
        claims=tuple(
            Claim(id=f"claim-{number:04d}", gains=tuple(int(gain) for gain in row))
            for number, row in enumerate(gains)
        ),
    )
