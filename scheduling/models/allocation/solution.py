"""Answers to problems of allocation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.allocation.problem import Amount
from scheduling.models.base import Frozen, Many, Name, Solution


class Grant(Frozen):
    """What one claim is granted: the cost of one of its levels."""

    claim: Name
    amount: Amount


class AllocationSolution(Solution):
    """What each claim is granted, with its certificate."""

    kind: Literal["allocation"] = "allocation"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    grants: Many[Grant] = ()
