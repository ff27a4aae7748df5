"""Answers to scheduling problems."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution


class ScheduledTask(Frozen):
    """One task in time: it runs in ``[start, end)`` in the mode with that index (from 0)."""

    task: Name
    mode: Annotated[int, Field(ge=0)] = 0
    start: int
    end: int


class ScheduleSolution(Solution):
    """A schedule with its certificate; ``tasks`` is empty when none was found."""

    kind: Literal["schedule"] = "schedule"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    tasks: Many[ScheduledTask] = ()
