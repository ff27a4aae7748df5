"""Problems of packing as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.packing.problem import PackingProblem

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PackingArrays:
    """The sequences that share chunks.

    Attributes
    ----------
    size
        Tokens of a chunk.
    number
        Position of each in the problem, by falling length.
    length
        Tokens of each, falling.
    own
        Chunks of the sequences that are too long to share.
    """

    size: int
    number: Ints
    length: Ints
    own: int


def compile_packing(problem: PackingProblem) -> PackingArrays:
    """Translate a problem into arrays."""
    lengths = np.array(problem.lengths, np.int64)
    number = np.flatnonzero(lengths <= problem.chunk_tokens)
    number = number[np.argsort(-lengths[number], kind="stable")]
    return PackingArrays(problem.chunk_tokens, number, lengths[number], problem.own_chunks)
