"""Natural units of the goals of serving problems, whose solvers count in integers."""

from __future__ import annotations

from scheduling.models.base import Number
from scheduling.models.serving import problem as serving

_SCALES = {
    "cost": serving.COST_SCALE,
    "goodput": serving.GOODPUT_SCALE,
    "rate": serving.RATE_SCALE // serving.RATE_UNIT,
    "unserved": serving.RATE_SCALE // serving.RATE_UNIT,
}
UNITS = {
    "cost": "$/h",
    "goodput": "x demand",
    "rate": "req/s",
    "unserved": "req/s",
    "watts": "W",
    "gpus": "GPUs",
    "moves": "replicas",
}
"""Natural unit of each goal, for people."""


def natural(goal: str, value: Number | None) -> float | None:
    """Return the value of a tier in its natural unit instead of the solver's integers."""
    return None if value is None else value / _SCALES.get(goal, 1)


def unit(goal: str) -> str:
    """Return the natural unit of a goal, for people."""
    return UNITS[goal]
