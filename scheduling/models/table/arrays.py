"""Tables as numbers, for solvers and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.table.problem import TableProblem

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Line(NamedTuple):
    """A row and the order of its fields, both by number."""

    row: int
    fields: tuple[int, ...]


Lines = tuple[Line, ...]


@dataclass(frozen=True, eq=False)
class TableArrays:
    """Cells by row and field.

    Attributes
    ----------
    value
        Number of the cell's text among those of its field.
    weight
        Square of its length.
    """

    value: Ints
    weight: Ints

    def saved(self, lines: Sequence[Line]) -> int:
        """Return the sum of the weights of leading cells that the line before has as well."""
        total = 0
        for above, line in pairwise(lines):
            for field, other in zip(line.fields, above.fields, strict=True):
                if field != other or self.value[line.row, field] != self.value[above.row, field]:
                    break
                total += int(self.weight[line.row, field])
        return total


def compile_table(problem: TableProblem) -> TableArrays:
    """Give the texts of each field numbers."""
    columns = list(zip(*problem.rows, strict=True))
    value = np.zeros((len(problem.rows), len(columns)), np.int64)
    weight = np.zeros_like(value)
    for field, column in enumerate(columns):
        number: dict[str, int] = {}
        value[:, field] = [number.setdefault(text, len(number)) for text in column]
        weight[:, field] = [len(text) ** 2 for text in column]
    return TableArrays(value, weight)
