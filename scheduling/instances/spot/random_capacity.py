"""Random spot capacity: regions that have it and lose it for geometric times."""

from __future__ import annotations

import numpy as np

from scheduling.models.spot.problem import Region, Span, SpotProblem


def spot_capacity(
    *, work: int = 200, deadline: int = 300, changeover: int = 2, sites: int = 2, seed: int = 0
) -> SpotProblem:
    """Generate a job and regions whose spot capacity comes and goes.

    Parameters
    ----------
    work, deadline, changeover
        Of the job, in ticks.
    sites
        Number of regions; each has capacity for 5 to 40 ticks in the mean, then none for 5 to 40.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    regions = []
    for number in range(sites):
        means = rng.uniform(5.0, 40.0, 2)
        tick, has, spans = 0, bool(rng.integers(2)), []
        while tick < deadline:
            length = int(rng.geometric(1.0 / means[int(has)]))
            if has:
                spans.append(Span(start=tick, end=min(deadline, tick + length)))
            tick, has = tick + length, not has
        regions.append(Region(id=f"region-{number}", available=tuple(spans)))
    return SpotProblem(
        name=f"spot-{work}-of-{deadline}-s{seed}",
        work=work,
        deadline=deadline,
        changeover=changeover,
        regions=tuple(regions),
    )
