"""Answers to problems of ordering."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Many, Solution


class OrderingSolution(Solution):
    """An order of all transactions, by their numbers from 0, with its certificate."""

    kind: Literal["ordering"] = "ordering"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    order: Many[Annotated[int, Field(ge=0)]] = ()
