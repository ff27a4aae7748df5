"""Prefixes of prompts as blocks of tokens, each named by a number: what caches look up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks that each prompt of a table consists of, from its head on.

    A number stands for a block together with everything before it: prompts that begin with the
    same numbers begin with the same tokens.

    Parameters
    ----------
    tokens
        Tokens of a block; the last of a prompt may have fewer.
    numbers
        Numbers of all blocks, request after request.
    starts
        Where the blocks of each request start in ``numbers``, with the end of the last one behind:
        shape (requests + 1,).
    """

    tokens: int
    numbers: Ints
    starts: Ints

    def of(self, row: int) -> Ints:
        """Return the blocks of one request."""
        return self.numbers[self.starts[row] : self.starts[row + 1]]

    def taken(self, rows: Ints) -> Blocks:
        """Return the blocks of these requests, in this order."""
        counts = np.diff(self.starts)[rows]
        starts = np.concatenate(([0], np.cumsum(counts)))
        inside = np.arange(int(starts[-1])) - np.repeat(starts[:-1], counts)
        return Blocks(
            self.tokens, self.numbers[np.repeat(self.starts[rows], counts) + inside], starts
        )

    def cached_tokens(self, prompt_tokens: Ints) -> Ints:
        """Count the tokens at each prompt's head that an endless cache holds by then.

        A block is held from the first request with it on. At least one token of every prompt is
        left to compute.
        """
        rows = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        _, first, inverse = np.unique(self.numbers, return_index=True, return_inverse=True)
        missing = np.flatnonzero(rows[first][inverse] >= rows)
        # The first block that is missing ends the prefix; behind all of them stands the end.
        at = np.searchsorted(missing, self.starts[:-1])
        ends = np.append(missing, len(self.numbers))[at]
        held = np.minimum(ends, self.starts[1:]) - self.starts[:-1]
        return np.asarray(np.minimum(held * self.tokens, prompt_tokens - 1))
