"""LLM-SQL: rows and fields of a table in an order in which rows begin like the one before.

Prompts made of rows share a prefix with the prompt before as far as their leading cells are equal,
so both the order of the rows and the order of the fields in each row are chosen. A leading cell
that is equal counts with the square of its length. The greedy group recursion (GGR) takes the value
that saves most by grouping, and goes on within the group and beside it.

Source: Liu and others, "Optimizing LLM queries in relational data analytics workloads", MLSys 2025;
a task of "Barbarians at the Gate" (arXiv 2510.06189).
"""

from __future__ import annotations

from scheduling.instances.table.random_tables import random_table
from scheduling.scenarios.scenario import Row
from scheduling.scenarios.solving import solve

_FIELDS = 6
_TABLES, _ROWS = 30, 100


def row() -> Row:
    """Order generated tables by the recursion, and best by the program of their groups of rows."""
    tables = [random_table(lines=_ROWS, columns=_FIELDS, seed=seed) for seed in range(_TABLES)]
    given, rule, best = (
        [solve(table, solver).tiers[0].objective for table in tables]
        for solver in ("as-is", "group-recursion", "mip")
    )
    worst = min(found / most for found, most in zip(rule, best, strict=True) if most)
    return Row(
        case=f"{_TABLES} tables of {_ROWS} rows and {_FIELDS} fields",
        measure="squared lengths of leading cells shared, summed",
        baseline="as they are",
        baseline_value=float(sum(given)),
        method="greedy group recursion",
        value=float(sum(rule)),
        gap=1.0 - sum(rule) / sum(best),
        published=None,
        verdict=f"{sum(rule) / sum(best):.3f} of the optimum, at worst {worst:.3f}",
    )
