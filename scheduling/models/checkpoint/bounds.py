"""Bound of the waste by formula."""

from __future__ import annotations

from math import floor

from scheduling.models.checkpoint.problem import BILLION, CheckpointProblem
from scheduling.models.checkpoint.waste import relaxed_interval, relaxed_waste

_ROUNDING = 1e-12


def waste_bound(problem: CheckpointProblem) -> int:
    """Return billionths of time that every plan wastes at least: the relaxed waste at its least."""
    least = relaxed_waste(problem, relaxed_interval(problem))
    return max(0, floor((least - _ROUNDING) * BILLION))
