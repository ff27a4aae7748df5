"""Values of objectives in the units that people read, where solvers count in parts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.experts.problem import LOAD_SCALE
from scheduling.models.serving import units

if TYPE_CHECKING:
    from scheduling.models.base import Number, Solution


def natural_value(kind: str, tier: str, value: Number | None) -> Number | None:
    """Return the value of a tier of a problem's kind in the unit that people read."""
    if kind == "serving":
        found = units.natural(tier, value)
    elif (kind, tier) == ("experts", "load"):
        found = None if value is None else value / LOAD_SCALE
    else:
        return value
    return int(found) if found is not None and found == int(found) else found


def natural(solution: Solution) -> Solution:
    """Return an answer with its certificate and its history in the units that people read.

    Names of tiers say the unit where it is not that of the problem's own numbers.
    """
    kind = solution.kind
    if not solution.tiers or kind not in ("serving", "experts"):
        return solution
    tiers = [
        tier.model_copy(
            update={
                "name": _named(kind, tier.name),
                "objective": natural_value(kind, tier.name, tier.objective),
                "bound": natural_value(kind, tier.name, tier.bound),
            }
        )
        for tier in solution.tiers
    ]
    first = next((tier.name for tier in solution.tiers if not tier.closed), solution.tiers[0].name)
    history = [
        (seconds, natural_value(kind, first, value), natural_value(kind, first, bound))
        for seconds, value, bound in solution.history
    ]
    return solution.model_copy(
        update={
            "tiers": tuple(tiers),
            "objective": natural_value(kind, first, solution.objective),
            "bound": natural_value(kind, first, solution.bound),
            "history": tuple(history),
        }
    )


def _named(kind: str, tier: str) -> str:
    return f"{tier} ({units.unit(tier)})" if kind == "serving" and tier in units.UNITS else tier
