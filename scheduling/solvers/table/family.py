"""The family ``table`` as the driver sees it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from scheduling.models.table.arrays import Line, Lines, TableArrays, compile_table
from scheduling.models.table.bounds import chain_bound
from scheduling.models.table.check import check_table
from scheduling.models.table.groups import TableGroups, find_groups
from scheduling.models.table.problem import TableProblem
from scheduling.models.table.solution import TableLine, TableSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family

QUICK = 10_000
"""Rows in groups that are found in a moment, for the bound by formula."""


class CompiledTable(Compiled[TableProblem, TableArrays, Lines, TableSolution]):
    """A table with its numbers; a candidate has all lines in their order."""

    solution = TableSolution

    @staticmethod
    def compiled(problem: TableProblem) -> TableArrays:
        """Compile the numbers."""
        return compile_table(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("saved",)

    @property
    def senses(self) -> tuple[str, ...]:
        """What is saved is maximised."""
        return ("max",)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [-chain_bound(self.arrays, self.groups)]

    @cached_property
    def groups(self) -> TableGroups:
        """Groups of rows with equal cells; of large tables the larger ones."""
        return find_groups(self.arrays, QUICK)

    def values(self, candidate: Lines) -> tuple[int, ...]:
        """Return what is saved, with its sign turned."""
        return (-self.arrays.saved(candidate),)

    def candidate(self, solution: TableSolution) -> Lines | None:
        """Translate a solution; one without each row and field once is none."""
        place = {name: number for number, name in enumerate(self.problem.fields)}
        rows = sorted(line.row for line in solution.lines)
        if rows != list(range(len(self.problem.rows))):
            return None
        if any(sorted(line.fields) != sorted(place) for line in solution.lines):
            return None
        return tuple(
            Line(line.row, tuple(place[name] for name in line.fields)) for line in solution.lines
        )

    def fields(self, candidate: Lines) -> dict[str, Any]:
        """Return the lines of the solution."""
        names = self.problem.fields
        return {
            "lines": tuple(
                TableLine(row=line.row, fields=tuple(names[field] for field in line.fields))
                for line in candidate
            )
        }


def offer(data: CompiledTable, board: Board[Lines], lines: Lines, solver: str) -> bool:
    """Post lines; tell whether they are the best so far."""
    return board.offer(lines, data.values(lines), solver)


FAMILY: Family[Lines] = Family(
    kind="table",
    compile=CompiledTable,
    check=check_table,
    home="scheduling.solvers.table",
    solvers={
        "auto": "auto:Auto",
        "mip": "mip:Mip",
        "group-recursion": "grouping:GroupRecursion",
        "trees": "trees:Trees",
        "sorted": "grouping:Sorted",
        "as-is": "grouping:AsIs",
        "dynamic-program": "dynamic:DynamicProgram",
    },
)
