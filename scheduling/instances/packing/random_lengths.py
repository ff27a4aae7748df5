"""Random lengths of sequences with a long tail."""

from __future__ import annotations

import numpy as np

from scheduling.models.packing.problem import PackingProblem


def token_sequences(
    *,
    sequences: int = 1000,
    chunk: int = 8192,
    mean: int = 1000,
    deviation: float = 1.2,
    seed: int = 0,
) -> PackingProblem:
    """Generate lognormal lengths: most are short, a few longer than a chunk.

    Parameters
    ----------
    sequences
        How many.
    chunk
        Tokens of a chunk.
    mean
        Median length.
    deviation
        Standard deviation of the logarithm of the lengths.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = np.rint(mean * rng.lognormal(0.0, deviation, sequences)).astype(int)
    lengths = tuple(int(length) for length in np.clip(drawn, 1, 10**7))
    name = f"sequences-{sequences}-s{seed}"
    return PackingProblem(name=name, chunk_tokens=chunk, lengths=lengths)
