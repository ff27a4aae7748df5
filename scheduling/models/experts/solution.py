"""Answers to problems of expert placement."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution


class Filling(Frozen):
    """The experts in the slots of one device, one entry for each copy."""

    device: Name
    experts: Many[Name]


class ExpertSolution(Solution):
    """An expert placement with its certificate."""

    kind: Literal["experts"] = "experts"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    fillings: Many[Filling] = ()
