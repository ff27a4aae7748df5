"""Gathers rows one by one, for a model that takes them in blocks."""

from __future__ import annotations

from collections.abc import Iterable

from scheduling.solvers.linear.model import LinearModel

Term = tuple[int, float]


class RowList:
    """Rows ``sum(value * x[column]) >= lower`` that are added to a model as one block."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._columns: list[int] = []
        self._values: list[float] = []
        self._lower: list[float] = []

    def at_least(self, terms: Iterable[Term], lower: float) -> None:
        """Add one row."""
        row = len(self._lower)
        for column, value in terms:
            self._rows.append(row)
            self._columns.append(column)
            self._values.append(value)
        self._lower.append(lower)

    def add_to(self, model: LinearModel, label: str) -> None:
        """Add all rows to a model."""
        model.add_rows(
            label, len(self._lower), self._rows, self._columns, self._values, lower=self._lower
        )
