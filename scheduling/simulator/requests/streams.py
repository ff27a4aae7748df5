"""Random numbers: one generator a purpose, all from one seed."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of a purpose; those of other purposes do not change it.

    Parameters
    ----------
    seed
        Seed of the whole run.
    purpose
        Name of what is drawn, such as ``"router"``.
    """
    return np.random.default_rng(np.random.SeedSequence((seed, crc32(purpose.encode()))))
