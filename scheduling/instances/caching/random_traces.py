"""Random caching problems: popularity by Zipf's law, sizes and costs lognormal."""

from __future__ import annotations

import numpy as np

from scheduling.models.caching.problem import CachedObject, CachingProblem


def cache_trace(
    *,
    objects: int = 100,
    requests: int = 1000,
    zipf: float = 0.9,
    deviation: float = 0.0,
    share: float = 0.2,
    seed: int = 0,
) -> CachingProblem:
    """Generate requests for one object each, drawn independently by Zipf's law.

    Parameters
    ----------
    objects, requests
        Sizes.
    zipf
        Exponent of the popularity: the k-th object has the weight ``k ** -zipf``.
    deviation
        Standard deviation of the logarithm of sizes; 0: all are equal. Costs are drawn likewise.
    share
        Capacity as a share of all sizes.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    weight = np.arange(1, objects + 1, dtype=np.float64) ** -zipf
    drawn = rng.choice(objects, requests, p=weight / weight.sum())
    typical = 1.0 if deviation == 0 else 100.0
    sizes = np.maximum(1, np.rint(typical * rng.lognormal(0.0, deviation, objects)))
    costs = np.maximum(1, np.rint(typical * rng.lognormal(0.0, deviation, objects)))
    rows = zip(sizes.tolist(), costs.tolist(), strict=True)
    names = [f"o{number:05d}" for number in range(objects)]
    return CachingProblem(
        name=f"cache-{objects}x{requests}-s{seed}",
        capacity=int(share * sizes.sum()),
        objects=tuple(
            CachedObject(id=name, size=int(size), cost=int(cost))
            for name, (size, cost) in zip(names, rows, strict=True)
        ),
        requests=tuple((names[number],) for number in drawn),
    )
