"""Random layers of experts: lognormal loads that drift from window to window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.models.experts.problem import Device, Expert, ExpertProblem

_TOKENS_PER_DEVICE = 16384


def expert_windows(
    *, experts: int, devices: int, sigma: float, drift: float, windows: int, seed: int
) -> list[list[int]]:
    """Draw the loads of experts over windows of time, in tokens.

    Parameters
    ----------
    experts, devices
        Sizes; the loads of a window sum to about 16384 tokens per device.
    sigma
        Standard deviation of the logarithm of the experts' weights.
    drift
        The same of the step of each weight from one window to the next.
    windows
        Number of windows.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    weights: NDArray[np.float64] = rng.lognormal(0.0, sigma, experts)
    found = []
    for _ in range(windows):
        scale = _TOKENS_PER_DEVICE * devices / weights.sum()
        found.append([int(load) for load in np.rint(weights * scale)])
        weights = weights * rng.lognormal(0.0, drift, experts)
    return found


def expert_layer(
    *,
    experts: int = 64,
    devices: int = 8,
    slots: int = 9,
    nodes: int = 2,
    groups: int = 8,
    sigma: float = 0.8,
    hierarchical: int = 0,
    seed: int = 0,
) -> ExpertProblem:
    """Generate a layer of experts with lognormal loads, and devices that hold nothing yet.

    Parameters
    ----------
    experts, devices, slots
        Sizes; ``slots`` is the number of copies on each device.
    nodes, groups
        Consecutive devices form nodes of equal size, consecutive experts groups of equal size.
    sigma
        Standard deviation of the logarithm of the loads.
    hierarchical
        1: the copies of a group stay on one node.
    seed
        Seed of the draws.
    """
    if devices % nodes:
        raise InputError.single("nodes", str(nodes), f"a divisor of {devices} devices")
    if experts % groups:
        raise InputError.single("groups", str(groups), f"a divisor of {experts} experts")
    loads = expert_windows(
        experts=experts, devices=devices, sigma=sigma, drift=0.0, windows=1, seed=seed
    )[0]
    return layer(
        f"experts-{experts}x{devices}-s{seed}", loads, devices, slots, nodes, groups, hierarchical
    )


def layer(
    name: str,
    loads: list[int],
    devices: int,
    slots: int,
    nodes: int,
    groups: int,
    hierarchical: int,
) -> ExpertProblem:
    """State a layer with consecutive groups and nodes."""
    in_group, in_node = len(loads) // groups, devices // nodes
    return ExpertProblem(
        name=name,
        experts=tuple(
            Expert(id=f"expert-{number:03d}", load=load, group=f"group-{number // in_group:02d}")
            for number, load in enumerate(loads)
        ),
        devices=tuple(
            Device(id=f"gpu-{number:03d}", slots=slots, node=f"node-{number // in_node:02d}")
            for number in range(devices)
        ),
        hierarchical=bool(hierarchical),
    )
