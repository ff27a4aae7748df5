"""Answers to problems of packing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Many, Solution

Sequence = Annotated[int, Field(ge=0)]


class PackingSolution(Solution):
    """Which sequences lie in each chunk, with its certificate.

    Sequences count from 0; those that are too long for a chunk have chunks of their own and are not
    listed.
    """

    kind: Literal["packing"] = "packing"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    chunks: Many[Many[Sequence]] = ()
