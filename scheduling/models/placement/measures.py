"""What goals measure: even use of nodes, items that slow each other down, what cannot be used."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name
from scheduling.models.placement.parts import Demands, Share
from scheduling.models.placement.rules import NodeTerm, Selector

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


class Typical(Frozen):
    """A request that may come, with how often it does.

    It runs on a node that meets one of the terms of ``node_affinity``, has its demands free, and
    for each share enough parts with room for one of the options.
    """

    weight: Annotated[int, Field(ge=1, le=10**6)] = 1
    demands: Demands = Field(default_factory=dict)
    shares: Many[Share] = ()
    node_affinity: Many[NodeTerm] = Field(default=(), description="Empty: any node.")


class Workload(Frozen):
    """Requests against which fragmentation is measured (Weng et al., ATC 2023).

    Of what is free of ``resource`` a request cannot use: everything on nodes where it cannot run,
    or if it does not ask for the resource; elsewhere what parts have free that is less than it
    asks of one. The goal ``fragmentation`` is the sum over nodes and requests, by weight; divided
    by the sum of the weights it is the expected amount that a request cannot use.
    """

    resource: Name
    kind: Name | None = Field(default=None, description="Kind of parts; none: whole nodes.")
    requests: Many[Typical]
