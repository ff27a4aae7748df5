"""Answers to problems of checkpoints."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Solution


class CheckpointSolution(Solution):
    """When copies are taken, with its certificate."""

    kind: Literal["checkpoint"] = "checkpoint"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    steps: Annotated[int, Field(ge=1, le=10**12)] | None = Field(
        default=None, description="Steps between two copies of the first level."
    )
    every: Annotated[int, Field(ge=1, le=10**5)] | None = Field(
        default=None, description="Of how many copies one is of the second level; 1 with one level."
    )
