"""Random clusters of virtual machines on hosts with two NUMA nodes, after those of VM2RL."""

from __future__ import annotations

import numpy as np

from scheduling.instances.placement.vms import Host, Machine, rescheduling
from scheduling.models.placement.problem import PlacementProblem

CORES = 44
MEMORY = 184_388
_PER_CORE = 4096

_SIZES = ((1, 2), (1, 4), (1, 8), (1, 16), (1, 32), (2, 4), (2, 8), (2, 16), (2, 32))
_SHARES = (0.26, 0.17, 0.15, 0.18, 0.06, 0.02, 0.04, 0.09, 0.03)
"""NUMA nodes and cores on each, and how many machines are so large, about as in the public data."""


def random_machines(
    *, hosts: int = 20, fill: float = 0.97, removed: float = 0.12, moves: int = 10, seed: int = 0
) -> PlacementProblem:
    """Generate virtual machines on hosts after departures, to be moved for fewer fragments.

    Machines of the sizes of public clouds arrive one by one, each on the first host with room,
    until a share of all cores is taken or 50 in a row find none; then some of those that fit one
    unit of 16 cores leave.

    Parameters
    ----------
    hosts
        Number of hosts, each with two NUMA nodes of 44 cores.
    fill
        Share of the cores at which arrivals end.
    removed
        Probability of a machine of at most 16 cores to leave.
    moves
        Most machines that may move.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    free = np.full((hosts, 2), CORES)
    machines: list[Machine] = []
    misses = 0
    while misses < 50 and free.sum() > (1 - fill) * 2 * CORES * hosts:
        count, cores = _SIZES[int(rng.choice(len(_SIZES), p=_SHARES))]
        fits = free >= cores
        rows = np.flatnonzero(fits.all(axis=1) if count == 2 else fits.any(axis=1))
        if not rows.size:
            misses += 1
            continue
        misses = 0
        host = int(rows[0])
        takes = (0, 1) if count == 2 else (int(fits[host].argmax()),)
        free[host, list(takes)] -= cores
        name = f"vm-{len(machines):05d}"
        machines.append(Machine(name, f"host-{host:04d}", takes, (cores, cores * _PER_CORE)))
    stay = rng.random(len(machines)) >= removed
    kept = [m for m, keep in zip(machines, stay, strict=True) if keep or m.need[0] > 16]
    rooms = ((CORES, MEMORY), (CORES, MEMORY))
    return rescheduling(
        [Host(f"host-{number:04d}", rooms) for number in range(hosts)],
        kept,
        moves=moves,
        name=f"machines-{hosts}-s{seed}",
    )
