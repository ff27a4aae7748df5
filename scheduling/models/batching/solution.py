"""Answers to batching problems."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution


class Start(Frozen):
    """The iteration in which a request starts that runs to its end."""

    request: Name
    start: Annotated[int, Field(ge=0)]


class Attempt(Frozen):
    """A start that was evicted after ``slots`` iterations."""

    request: Name
    start: Annotated[int, Field(ge=0)]
    slots: Annotated[int, Field(ge=1)]


class BatchingSolution(Solution):
    """Starts with their certificate; the objective is the tier of that name."""

    kind: Literal["batching"] = "batching"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    starts: Many[Start] = ()
    evicted: Many[Attempt] = ()
