"""Random layers of experts for a CPU and a GPU, and bit planes of experts for a link and a GPU."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.expert_layers import HybridLayer
from scheduling.models.schedule.problem import ScheduleProblem

EXPERT_MEGABYTES = 17.3
"""Weights of an expert of DeepSeek-V2-Lite: 3 matrices of 2048 by 1408 in two bytes."""

_FLOP_PER_TOKEN = EXPERT_MEGABYTES * 1e6
_CPU_BANDWIDTH, _CPU_FLOPS = 60e9, 0.5e12
_GPU_BANDWIDTH, _GPU_FLOPS = 600e9, 80e12
_LINK_BANDWIDTH = 25e9
_SPREAD = 0.1


def hybrid_layer(experts: int, tokens: int, cached: float, sigma: float, seed: int) -> HybridLayer:
    """Draw a layer: tokens by lognormal weights of the experts, some experts on the GPU.

    Times are microseconds of an expert of DeepSeek-V2-Lite: bytes over bandwidth plus operations
    over throughput, of ten cores with 60 GB/s, a GPU with 600 GB/s, and a link of 25 GB/s, each
    within a tenth.

    Parameters
    ----------
    experts
        Experts with at least one token.
    tokens
        Tokens of all of them beyond the first.
    cached
        Share of the experts whose weights are on the GPU; the busier the more likely.
    sigma
        Standard deviation of the logarithm of the experts' weights.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0.0, sigma, experts)
    count = 1 + rng.multinomial(tokens, weight / weight.sum())
    size = EXPERT_MEGABYTES * 1e6
    cpu = size / _CPU_BANDWIDTH + count * _FLOP_PER_TOKEN / _CPU_FLOPS
    gpu = size / _GPU_BANDWIDTH + count * _FLOP_PER_TOKEN / _GPU_FLOPS
    load = size / _LINK_BANDWIDTH * rng.uniform(1 - _SPREAD, 1 + _SPREAD, experts)
    held = rng.choice(experts, round(cached * experts), replace=False, p=weight / weight.sum())
    load[held] = 0.0
    whole = [np.rint(1e6 * part).astype(np.int64) for part in (cpu, gpu, load)]
    return HybridLayer(np.maximum(whole[0], 1), np.maximum(whole[1], 1), whole[2])


def expert_offload(
    *, experts: int = 16, tokens: int = 64, share: float = 0.25, sigma: float = 1.0, seed: int = 0
) -> ScheduleProblem:
    """Generate a layer of experts for a CPU, a GPU and the link between them, in microseconds.

    Parameters
    ----------
    experts
        Experts with at least one token.
    tokens
        Tokens of all of them beyond the first.
    share
        Share of the experts whose weights are on the GPU.
    sigma
        Standard deviation of the logarithm of the experts' weights.
    seed
        Seed of the draws.
    """
    name = f"expert-offload-{experts}-s{seed}"
    return hybrid_layer(experts, tokens, share, sigma, seed).problem(name)
