"""Answers to problems of pipelines: the stages in the order in which they run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Solution

Place = Annotated[int, Field(ge=0)]


class Stage(Frozen):
    """Passes over the layers ``first <= k < end``, counted from 0."""

    passes: Literal["forward", "both", "backward"]
    first: Place
    end: Place


class PipelineSolution(Solution):
    """Stages of a step with their certificate.

    Forward stages come first, then one of both passes, then backward stages from the last layers to
    the first.
    """

    kind: Literal["pipeline"] = "pipeline"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    stages: Many[Stage] = ()
