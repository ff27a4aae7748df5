"""Answers to problems of flows over spines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Solution

Place = Annotated[int, Field(ge=0)]


class FlowPart(Frozen):
    """A part of a flow on one spine, both counted from 0."""

    flow: Place
    spine: Place
    size: Annotated[float, Field(gt=0, le=10**15)]


class LeafSpineSolution(Solution):
    """Where each flow goes, with its certificate."""

    kind: Literal["leaf-spine"] = "leaf-spine"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    parts: Many[FlowPart] = ()
