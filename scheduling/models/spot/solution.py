"""Answers to problems of spot capacity."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution
from scheduling.models.spot.problem import Tick


class InstanceRun(Frozen):
    """An instance in the ticks ``start <= t < end``."""

    region: Name | None = Field(default=None, description="Of a spot instance; none: on demand.")
    start: Tick
    end: Tick


class SpotSolution(Solution):
    """The instances that a job runs on, with their certificate."""

    kind: Literal["spot"] = "spot"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    runs: Many[InstanceRun] = ()
