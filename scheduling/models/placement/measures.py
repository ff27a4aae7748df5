"""What goals measure: even use of nodes, and items that slow each other down."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scheduling.models.base import Frozen, Name
from scheduling.models.placement.rules import Selector

MILLIONTHS = 10**6
"""Balance is stated in millionths of a capacity."""


class Balance(Frozen):
    """The fullest node, or part of a kind, in millionths: ``max ceil(10^6 * used / capacity)``.

    Used is what is used at the fullest moment; what has no capacity does not count.
    """

    resource: Name
    kind: Name | None = Field(default=None, description="Kind of parts; none: whole nodes.")


class Interference(Frozen):
    """Items that ``neighbour`` means slow down items that ``victim`` means on the same node.

    Each victim loses ``degradation`` for each such neighbour, whatever their namespaces and
    windows; a victim is no neighbour of itself. What several rules and neighbours take adds up.
    """

    victim: Selector = Field(default_factory=Selector)
    neighbour: Selector = Field(default_factory=Selector)
    degradation: Annotated[int, Field(ge=1, le=10**6)] = Field(
        description="Such as per mille of the victim's speed."
    )
