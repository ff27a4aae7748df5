"""Random tables: fields with few or many texts, of different lengths."""

from __future__ import annotations

import numpy as np

from scheduling.models.table.problem import TableProblem

_LENGTH = 0.15
"""Parameter of the geometric lengths of texts."""


def random_table(*, lines: int = 50, columns: int = 6, seed: int = 0) -> TableProblem:
    """Generate a table whose fields have few or many texts, of different lengths.

    Parameters
    ----------
    lines, columns
        Rows, and fields; each field has from 1 to so many texts as there are rows.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    found = []
    for field in range(columns):
        values = int(rng.integers(1, lines + 1))
        names = [f"{field}{'x' * int(rng.geometric(_LENGTH))}{v}" for v in range(values)]
        found.append([names[pick] for pick in rng.integers(0, values, lines)])
    return TableProblem(
        name=f"table-{lines}x{columns}-s{seed}",
        fields=tuple(f"field-{number}" for number in range(columns)),
        rows=tuple(zip(*found, strict=True)),
    )
