"""Random networks: all-to-all flows between leaves, links of sites far from each other."""

from __future__ import annotations

import numpy as np

from scheduling.models.ring.problem import RingProblem
from scheduling.models.spines.problem import Flow, LeafSpine


def leaf_flows(
    *, leaves: int = 8, spines: int = 4, degree: int = 6, deviation: float = 0.0, seed: int = 0
) -> LeafSpine:
    """Generate permutations of flows: every leaf sends and receives as many.

    Parameters
    ----------
    leaves, spines
        Sizes.
    degree
        Flows that each leaf sends, each to a leaf of its own choice among the others.
    deviation
        Standard deviation of the logarithm of the sizes; 0: all are 1.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    flows = []
    for _ in range(degree):
        shift = int(rng.integers(1, leaves)) if leaves > 1 else 0
        order = rng.permutation(leaves)
        for position, leaf in enumerate(order.tolist()):
            target = int(order[(position + shift) % leaves])
            size = float(rng.lognormal(0.0, deviation)) if deviation else 1.0
            flows.append(Flow(source=f"leaf-{leaf}", target=f"leaf-{target}", size=size))
    return LeafSpine(name=f"leaves-{leaves}x{spines}-s{seed}", spines=spines, flows=tuple(flows))


def site_ring(*, nodes: int = 16, sites: int = 4, seed: int = 0) -> RingProblem:
    """Generate links of nodes at sites: fast within a site, uneven between them.

    Parameters
    ----------
    nodes, sites
        Sizes; rates are about 10 within a site and 0.1 to 3 between sites.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    place = rng.integers(sites, size=nodes)
    between = rng.uniform(0.1, 3.0, (sites, sites))
    noise = rng.uniform(0.7, 1.3, (nodes, nodes))
    rates = np.where(place[:, None] == place[None, :], 10.0, between[place[:, None], place]) * noise
    table = tuple(tuple(round(float(rate), 3) for rate in row) for row in rates)
    return RingProblem(name=f"ring-{nodes}x{sites}-s{seed}", rates=table)
