"""Answers to problems of placement in tiers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution
from scheduling.models.tiers.problem import Step


class Residence(Frozen):
    """A tensor in one memory in the steps ``since <= t < until``."""

    tensor: Name
    memory: Name
    since: Step
    until: Step


class TieredSolution(Solution):
    """Where tensors are, with the certificate.

    Those with a home have residences elsewhere only; all others have one for each of their steps.
    """

    kind: Literal["tiers"] = "tiers"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    residences: Many[Residence] = ()
