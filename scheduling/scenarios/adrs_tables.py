"""LLM-SQL: rows and fields of a table in an order in which rows begin like the one before.

Prompts made of rows share a prefix with the prompt before as far as their leading cells are equal,
so both the order of the rows and the order of the fields in each row are chosen. A leading cell
that is equal counts with the square of its length. The greedy group recursion (GGR) takes the value
that saves most by grouping, and goes on within the group and beside it.

Source: Liu and others, "Optimizing LLM queries in relational data analytics workloads", MLSys 2025;
a task of "Barbarians at the Gate" (arXiv 2510.06189).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise, permutations

import numpy as np

from scheduling.scenarios.scenario import Row

Table = tuple[tuple[str, ...], ...]
"""Cells by row and field."""

Line = tuple[int, tuple[int, ...]]
"""A row, and the order of its fields."""

_LARGEST_ROWS, _LARGEST_FIELDS = 10, 4
_TABLES, _ROWS = 30, 8


def table(rows: int, fields: int, seed: int) -> Table:
    """Draw a table whose fields have few or many values, of different lengths."""
    rng = np.random.default_rng(seed)
    columns = []
    for field in range(fields):
        values = int(rng.integers(1, rows + 1))
        names = [f"{field}{'x' * int(rng.geometric(0.15))}{v}" for v in range(values)]
        columns.append([names[pick] for pick in rng.integers(0, values, rows)])
    return tuple(zip(*columns, strict=True))


def saved(cells: Table, lines: Sequence[Line]) -> int:
    """Sum of the squares of the lengths of leading cells that the line before has as well."""
    total = 0
    for (above, before), (row, fields) in pairwise(lines):
        for ours, theirs in zip(fields, before, strict=True):
            if ours != theirs or cells[row][ours] != cells[above][theirs]:
                break
            total += len(cells[row][ours]) ** 2
    return total


def grouped(cells: Table) -> list[Line]:
    """Order a table by the greedy group recursion."""
    return _recursion(cells, tuple(range(len(cells))), tuple(range(len(cells[0]))))


def _recursion(cells: Table, rows: tuple[int, ...], fields: tuple[int, ...]) -> list[Line]:
    if not rows:
        return []
    counts = Counter((field, cells[row][field]) for field in fields for row in rows)
    shared = {key: len(key[1]) ** 2 * (count - 1) for key, count in counts.items() if count > 1}
    if not shared:
        return [(row, fields) for row in rows]
    field, value = max(shared, key=lambda key: (shared[key], -key[0], key[1]))
    inside = tuple(row for row in rows if cells[row][field] == value)
    others = tuple(other for other in fields if other != field)
    ahead = [(row, (field, *rest)) for row, rest in _recursion(cells, inside, others)]
    outside = tuple(row for row in rows if cells[row][field] != value)
    return ahead + _recursion(cells, outside, fields)


def most_saved(cells: Table) -> int:
    """Return the most that any order saves: a dynamic program over sets of rows and last lines.

    Raises
    ------
    ValueError
        For tables of more than 10 rows or 4 fields.
    """
    rows, fields = len(cells), len(cells[0])
    if rows > _LARGEST_ROWS or fields > _LARGEST_FIELDS:
        raise ValueError(f"{rows} rows and {fields} fields are too many to try all orders")
    orders = list(permutations(range(fields)))
    lines = [(row, order) for row in range(rows) for order in orders]
    gain = np.array([[saved(cells, (first, then)) for then in lines] for first in lines])
    width = len(orders)
    best: dict[int, dict[int, np.ndarray]] = defaultdict(dict)
    for row in range(rows):
        best[1 << row][row] = np.zeros(width, np.int64)
    for mask in range(1, 1 << rows):
        for last, value in best[mask].items():
            for row in range(rows):
                if mask >> row & 1:
                    continue
                step = gain[last * width : (last + 1) * width, row * width : (row + 1) * width]
                reached = (value[:, None] + step).max(axis=0)
                known = best[mask | 1 << row].get(row)
                best[mask | 1 << row][row] = (
                    reached if known is None else np.maximum(known, reached)
                )
        if mask != (1 << rows) - 1:
            del best[mask]
    return max(int(value.max()) for value in best[(1 << rows) - 1].values())


def row() -> Row:
    """Order generated tables by the recursion, and by trying everything."""
    tables = [table(_ROWS, _LARGEST_FIELDS, seed) for seed in range(_TABLES)]
    given = [
        saved(cells, [(r, tuple(range(_LARGEST_FIELDS))) for r in range(_ROWS)]) for cells in tables
    ]
    rule = [saved(cells, grouped(cells)) for cells in tables]
    best = [most_saved(cells) for cells in tables]
    worst = min(found / most for found, most in zip(rule, best, strict=True) if most)
    return Row(
        case=f"{_TABLES} tables of {_ROWS} rows and {_LARGEST_FIELDS} fields",
        measure="squared lengths of leading cells shared, summed",
        baseline="as they are",
        baseline_value=float(sum(given)),
        method="greedy group recursion",
        value=float(sum(rule)),
        gap=1.0 - sum(rule) / sum(best),
        published=None,
        verdict=f"{sum(rule) / sum(best):.3f} of the optimum, at worst {worst:.3f}",
    )
