"""Answers to problems of prompts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution


class Piece(Frozen):
    """Operators of a prompt that run one after another without a break."""

    prompt: Name
    start: Annotated[int, Field(ge=0)]
    operators: Annotated[int, Field(ge=1)]


class PrefillSolution(Solution):
    """What runs when, with its certificate."""

    kind: Literal["prefill"] = "prefill"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    pieces: Many[Piece] = ()
