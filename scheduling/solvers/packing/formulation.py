"""The CP-SAT model of a packing. Importing this module loads OR-Tools."""

from __future__ import annotations

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.packing.arrays import Ints, PackingArrays


class Formulation:
    """A binary for each sequence and chunk.

    Chunks are interchangeable: they are numbered by their longest sequences, so that the k-th
    longest sequence lies in one of the first k chunks.

    Parameters
    ----------
    arrays
        The problem.
    start
        A packing: no more chunks than it has are needed.
    """

    def __init__(self, arrays: PackingArrays, start: Ints) -> None:
        self.model = cp_model.CpModel()
        most, count = len(np.unique(start)), len(arrays.length)
        self._used = [self.model.new_bool_var("") for _ in range(most)]
        self._lies = [
            [self.model.new_bool_var("") for _ in range(min(k + 1, most))] for k in range(count)
        ]
        for row in self._lies:
            self.model.add_exactly_one(row)
        lengths = arrays.length.tolist()
        for chunk, used in enumerate(self._used):
            inside = [
                (row[chunk], lengths[k]) for k, row in enumerate(self._lies) if chunk < len(row)
            ]
            literals, tokens = zip(*inside, strict=True)
            total = cp_model.LinearExpr.weighted_sum(list(literals), list(tokens))
            self.model.add(total <= arrays.size * used)
            if chunk:
                self.model.add_implication(used, self._used[chunk - 1])
        self._chunks = cp_model.LinearExpr.sum(self._used)
        self.model.minimize(self._chunks + arrays.own)
        for row, place in zip(self._lies, _in_order(start).tolist(), strict=True):
            for chunk, literal in enumerate(row):
                self.model.add_hint(literal, chunk == place)

    def at_least(self, chunks: int) -> None:
        """Add a bound that is known of the chunks that are shared."""
        self.model.add(self._chunks >= chunks)

    def packing(self, values: list[int]) -> Ints:
        """Return the chunk of each sequence from the values of all variables."""
        return np.array(
            [
                next(chunk for chunk, literal in enumerate(row) if values[literal.index])
                for row in self._lies
            ],
            np.int64,
        )


def _in_order(chunk: Ints) -> Ints:
    """Return chunks numbered by their first, longest sequences."""
    _, first, inverse = np.unique(chunk, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
