"""Answers to placement problems."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution
from scheduling.models.placement.parts import PartUse


class Placement(Frozen):
    """One item on its node."""

    item: Name
    node: Name
    parts: Many[PartUse] = Field(default=(), description="What it takes of the node's parts.")


class PlacementSolution(Solution):
    """A placement with its certificate; items that are not listed stand nowhere."""

    kind: Literal["placement"] = "placement"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    placements: Many[Placement] = ()
