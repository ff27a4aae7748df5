"""Answers to problems of offloading."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution


class Sent(Frozen):
    """A task and the server that it goes to."""

    task: Name
    server: Name


class OffloadSolution(Solution):
    """A server for each task, with its certificate."""

    kind: Literal["offload"] = "offload"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    sent: Many[Sent] = ()
