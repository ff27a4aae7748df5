"""Answers to problems of software pipelining."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution


class Start(Frozen):
    """Where an operation of iteration 0 starts; iteration i does ``i * interval`` later."""

    operation: Name
    start: Annotated[int, Field(ge=0)]
    warp: Name | None = None


class LoopSolution(Solution):
    """A modulo schedule with its certificate."""

    kind: Literal["loop"] = "loop"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    interval: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Cycles from one iteration to the next."
    )
    stages: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Iterations that are under way together."
    )
    starts: Many[Start] = ()
