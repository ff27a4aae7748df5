"""What is in a table, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.table.family import CompiledTable


def profile(data: CompiledTable) -> dict[str, Any]:
    """Return sizes and texts, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    problem = data.problem
    texts = {
        name: len(set(col))
        for name, col in zip(problem.fields, zip(*problem.rows, strict=True), strict=True)
    }
    characters = sum(len(cell) for row in problem.rows for cell in row)
    return {
        "rows": len(problem.rows),
        "fields": len(problem.fields),
        "characters": characters,
        "texts_by_field": texts,
    }
