"""Answers to problems of tables: lines in their order."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution


class TableLine(Frozen):
    """A row, counted from 0, and the order of its fields."""

    row: Annotated[int, Field(ge=0)]
    fields: Many[Name]


class TableSolution(Solution):
    """Rows and fields in their order, with their certificate."""

    kind: Literal["table"] = "table"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    lines: Many[TableLine] = ()
