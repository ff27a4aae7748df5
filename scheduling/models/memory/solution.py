"""Answers to problems of static memory allocation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution
from scheduling.models.memory.problem import MOST_TOTAL


class Place(Frozen):
    """The offset of one buffer."""

    buffer: Name
    offset: Annotated[int, Field(ge=0, le=2 * MOST_TOTAL)]


class MemorySolution(Solution):
    """Offsets of all buffers with their certificate."""

    kind: Literal["memory"] = "memory"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    places: Many[Place] = ()
