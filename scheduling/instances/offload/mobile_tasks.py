"""Tasks of mobile users for edge servers and a cloud, with GMORL's radio and processors.

Constants are those of the environment beside arXiv 2509.10474: bandwidth, path loss, noise, power,
frequencies, cycles a bit and energy of a cycle. Sizes in the mean, the distances of users and how
often tasks come are parameters here.
"""

from __future__ import annotations

import math

import numpy as np

from scheduling.models.offload.problem import Offer, OffloadProblem, OffloadTask

_BANDWIDTH = 16.6e6
_POWER_WATTS = 0.01
_NOISE_DBM_HZ = -174.0
_SHADOW_DB = 8.0
_CYCLES_PER_BIT = 1e3
_JOULES = 5e-31
"""Energy of a cycle is this times the square of the frequency."""

_CLOUD_HERTZ = 4e9
_EDGE_HERTZ = 2e9
_SPREAD_HERTZ = 0.5e9
_BITS = (1e5, 1e8)


def mobile_tasks(
    *,
    tasks: int = 12,
    servers: int = 3,
    gap: float = 0.5,
    megabits: float = 5.0,
    kilometres: float = 0.2,
    seed: int = 0,
) -> OffloadProblem:
    """Generate tasks that come with exponential gaps, each with a link of its own to each server.

    Parameters
    ----------
    tasks, servers
        Sizes; the first server is the cloud.
    gap
        Mean seconds between two tasks.
    megabits
        Mean of the exponential sizes, before they are cut to 0.1 to 100.
    kilometres
        Largest distance of a user from a server.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    spread = rng.uniform(-_SPREAD_HERTZ, _SPREAD_HERTZ, servers)
    hertz = [_CLOUD_HERTZ, *(_EDGE_HERTZ + spread[1:])]
    names = ["cloud", *(f"edge-{k}" for k in range(1, servers))]
    arrivals = np.cumsum([0.0, *rng.exponential(gap, tasks - 1)])
    found = []
    for number in range(tasks):
        bits = float(np.clip(rng.exponential(megabits * 1e6), *_BITS))
        offers = []
        for name, frequency in zip(names, hertz, strict=True):
            seconds = bits / _rate(rng, kilometres)
            cycles = _CYCLES_PER_BIT * bits
            energy = _POWER_WATTS * seconds + _JOULES * cycles * float(frequency) ** 2
            offers.append(
                Offer(
                    server=name,
                    upload_seconds=seconds,
                    work_seconds=cycles / float(frequency),
                    joules=energy,
                )
            )
        found.append(
            OffloadTask(
                id=f"task-{number:03d}",
                arrival_seconds=float(arrivals[number]),
                offers=tuple(offers),
            )
        )
    return OffloadProblem(name=f"mobile-{tasks}x{servers}-s{seed}", tasks=tuple(found))


def _rate(rng: np.random.Generator, kilometres: float) -> float:
    """Draw the bits a second of a link: path loss, shadowing, Rayleigh fading, noise."""
    distance = float(rng.uniform(0.1 * kilometres, kilometres))
    loss = 133.6 + 35.0 * math.log10(distance) + float(rng.normal(0.0, _SHADOW_DB))
    gain = 10.0 ** (-loss / 10.0) * float(rng.exponential(1.0))
    noise = 10.0 ** ((_NOISE_DBM_HZ - 30.0) / 10.0) * _BANDWIDTH
    return max(1e5, _BANDWIDTH * math.log2(1.0 + _POWER_WATTS * gain / noise))
