"""Answers to problems of rings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Many, Solution


class RingSolution(Solution):
    """An order of the nodes with its certificate."""

    kind: Literal["ring"] = "ring"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    order: Many[Annotated[int, Field(ge=0)]] = Field(
        default=(), description="Nodes, counted from 0; the last one sends to the first."
    )
