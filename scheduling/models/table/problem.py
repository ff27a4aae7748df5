"""A table whose rows become prompts, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Many, Name, Problem
from scheduling.models.faults import repeated

if TYPE_CHECKING:
    from scheduling.models.table.solution import TableSolution

MOST_CELLS = 10**6

Cell = Annotated[str, Field(max_length=10**4)]


class TableProblem(Problem):
    """Order the rows of a table, and the fields in each row, so that prompts share long prefixes.

    A row is a prompt of its cells. It shares with the row before it the leading cells that are of
    the same field and equal, and what counts is the sum of the squares of their lengths, which is
    most when long cells lead.

    Source: Liu and others, "Optimizing LLM queries in relational data analytics workloads", MLSys
    2025.

    Raises
    ------
    InputError
        For rows of another number of cells than there are fields.
    """

    kind: Literal["table"] = "table"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> TableSolution: ...

    fields: Annotated[Many[Name], Field(min_length=1, max_length=1000)]
    rows: Annotated[Many[Many[Cell]], Field(min_length=1, max_length=10**5)]

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("fields", self.fields)
        count = len(self.fields)
        for number, row in enumerate(self.rows):
            if len(row) != count:
                yield Fault(f"rows[{number}]", f"{len(row)} cells", f"{count}, one for each field")
        if len(self.rows) * count > MOST_CELLS:
            yield Fault("rows", f"{len(self.rows) * count} cells", f"at most {MOST_CELLS}")
