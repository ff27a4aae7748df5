"""The builder: a mixed-integer linear model as labelled blocks of variables and rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import inf, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Columns:
    """A block of variables; every array has one entry for each of them."""

    label: str
    first: int
    shape: tuple[int, ...]
    lower: Floats
    upper: Floats
    cost: Floats
    integer: bool


@dataclass(frozen=True, eq=False)
class Rows:
    """A block of rows ``lower <= matrix @ x <= upper`` with its matrix in coordinates."""

    label: str
    first: int
    lower: Floats
    upper: Floats
    row: Ints
    column: Ints
    value: Floats


@dataclass(frozen=True, eq=False)
class Matrix:
    """Coefficients by columns: those of column j are at ``start[j]:start[j + 1]``."""

    start: Ints
    index: Ints
    value: Floats


class LinearModel:
    """Minimise ``offset + cost @ x`` over blocks of variables, subject to blocks of rows.

    Parameters
    ----------
    name
        Name written to files.
    offset
        Constant part of the objective.
    """

    def __init__(self, name: str = "model", offset: float = 0.0) -> None:
        self.name = name
        self.offset = offset
        self.columns: list[Columns] = []
        self.rows: list[Rows] = []
        self.n_columns = 0
        self.n_rows = 0
        self._extra: list[tuple[Ints, Floats]] = []

    def add_columns(
        self,
        label: str,
        shape: int | tuple[int, ...],
        *,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = inf,
        cost: ArrayLike = 0.0,
        integer: bool = False,
    ) -> Ints:
        """Add variables and return their indices in an array of the given shape.

        ``lower``, ``upper`` and ``cost`` are broadcast to that shape.

        Raises
        ------
        ValueError
            When a cost is not finite or a limit is not a number.
        """
        dimensions = (shape,) if isinstance(shape, int) else shape
        first, count = self.n_columns, prod(dimensions)
        block = Columns(
            label,
            first,
            dimensions,
            _spread(lower, dimensions),
            _spread(upper, dimensions),
            _spread(cost, dimensions),
            integer,
        )
        if not np.isfinite(block.cost).all() or np.isnan([block.lower, block.upper]).any():
            raise ValueError(f"block {label!r}: costs must be finite and limits numbers")
        self.columns.append(block)
        self.n_columns += count
        return np.arange(first, first + count, dtype=np.int64).reshape(dimensions)

    def add_rows(
        self,
        label: str,
        count: int,
        row: ArrayLike,
        column: ArrayLike,
        value: ArrayLike,
        *,
        lower: ArrayLike = -inf,
        upper: ArrayLike = inf,
    ) -> Ints:
        """Add rows and return their indices.

        ``row`` counts from 0 inside the block; ``row``, ``column`` and ``value`` are broadcast
        against each other, and coefficients of the same place are added.

        Raises
        ------
        ValueError
            When a coefficient is not finite, a side is not a number, or a place does not exist.
        """
        rows, columns, values = np.broadcast_arrays(
            np.asarray(row, np.int64), np.asarray(column, np.int64), np.asarray(value, np.float64)
        )
        for places, end in ((rows, count), (columns, self.n_columns)):
            if places.size and not 0 <= places.min() <= places.max() < end:
                raise ValueError(f"block {label!r}: places must be in [0, {end})")
        first, shape = self.n_rows, (count,)
        block = Rows(
            label,
            first,
            _spread(lower, shape),
            _spread(upper, shape),
            rows.ravel() + first,
            columns.ravel(),
            values.ravel(),
        )
        if not np.isfinite(values).all() or np.isnan([block.lower, block.upper]).any():
            raise ValueError(f"block {label!r}: coefficients must be finite and sides numbers")
        self.rows.append(block)
        self.n_rows += count
        return np.arange(first, first + count, dtype=np.int64)

    def add_costs(self, columns: ArrayLike, values: ArrayLike) -> None:
        """Add ``values`` to the objective coefficients of ``columns``; repeated ones add up.

        Raises
        ------
        ValueError
            When a cost is not finite.
        """
        places, costs = np.broadcast_arrays(
            np.asarray(columns, np.int64), np.asarray(values, np.float64)
        )
        if not np.isfinite(costs).all():
            raise ValueError("costs must be finite")
        self._extra.append((places.ravel(), costs.ravel()))

    def with_integers_at(self, values: Floats) -> LinearModel:
        """Return the linear program that is left when the integers are those of a solution.

        Parameters
        ----------
        values
            Value of every variable; those of integers are rounded.
        """
        fixed = LinearModel(self.name, self.offset)
        for block in self.columns:
            at = np.rint(values[block.first : block.first + prod(block.shape)])
            limits: dict[str, Any] = (
                {"lower": at, "upper": at, "integer": False} if block.integer else {}
            )
            fixed.columns.append(replace(block, **limits))
        fixed.rows, fixed._extra = list(self.rows), list(self._extra)
        fixed.n_columns, fixed.n_rows = self.n_columns, self.n_rows
        return fixed

    def bounds(self) -> tuple[Floats, Floats]:
        """Lower and upper bound of every variable."""
        return _join([b.lower for b in self.columns]), _join([b.upper for b in self.columns])

    def costs(self) -> Floats:
        """Objective coefficient of every variable."""
        costs = _join([block.cost for block in self.columns])
        for columns, values in self._extra:
            np.add.at(costs, columns, values)
        return costs

    def integers(self) -> NDArray[np.bool_]:
        """Whether each variable must be an integer."""
        parts = [np.full(len(block.cost), block.integer) for block in self.columns]
        return np.concatenate(parts) if parts else np.zeros(0, np.bool_)

    def sides(self) -> tuple[Floats, Floats]:
        """Lower and upper side of every row."""
        return _join([b.lower for b in self.rows]), _join([b.upper for b in self.rows])

    def matrix(self) -> Matrix:
        """Return the coefficients, equal places added and zeros left out."""
        row = _join([block.row for block in self.rows])
        column = _join([block.column for block in self.rows])
        value = _join([block.value for block in self.rows])
        place = column.astype(np.int64) * max(self.n_rows, 1) + row.astype(np.int64)
        unique, inverse = np.unique(place, return_inverse=True)
        total = np.bincount(inverse, weights=value, minlength=len(unique))
        unique, total = unique[total != 0], total[total != 0]
        counts = np.bincount(unique // max(self.n_rows, 1), minlength=self.n_columns)
        start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return Matrix(start, unique % max(self.n_rows, 1), total)

    def column_names(self) -> list[str]:
        """Names such as ``start[3]`` or ``x[0,2]``, in the order of the indices."""
        return _names([(block.label, block.shape) for block in self.columns])

    def row_names(self) -> list[str]:
        """Names such as ``machine[3]``, in the order of the indices."""
        return _names([(block.label, (len(block.lower),)) for block in self.rows])


def _spread(values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    return np.broadcast_to(np.asarray(values, np.float64), shape).ravel()


def _join(parts: list[NDArray[np.float64]] | list[Ints]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)


def _names(blocks: list[tuple[str, tuple[int, ...]]]) -> list[str]:
    """Name what the blocks hold by place; blocks that share a label are numbered on in one go."""
    uses = Counter(label for label, _ in blocks)
    taken: Counter[str] = Counter()
    names: list[str] = []
    for label, shape in blocks:
        for place in np.ndindex(*shape):
            key = taken[label] if uses[label] > 1 else ",".join(str(number) for number in place)
            names.append(f"{label}[{key}]")
            taken[label] += 1
    return names
