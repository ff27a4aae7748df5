"""Typed problems of expert placement: how many copies of which expert, on which device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem

if TYPE_CHECKING:
    from scheduling.models.experts.solution import ExpertSolution

LOAD_SCALE = 1000
"""Tier ``load`` counts in thousandths of the unit of loads, rounded up."""

Goal = Literal["load", "bytes"]
Load = Annotated[int, Field(ge=0, le=2**31)]


class Expert(Frozen):
    """An expert of one layer: an equal share of its load goes to each of its copies."""

    id: Name
    load: Load = Field(description="Load of all its copies together, such as tokens of a window.")
    group: Name | None = Field(default=None, description="Routing group that it belongs to.")
    size: Annotated[int, Field(ge=1, le=2**40)] = Field(
        default=1, description="Bytes of its weights."
    )


class Device(Frozen):
    """A GPU with room for copies of experts; every slot is filled."""

    id: Name
    slots: Annotated[int, Field(ge=1, le=10**4)]
    node: Name | None = Field(default=None, description="Machine that it is part of.")
    holds: Many[Name] = Field(default=(), description="Experts whose weights it has now.")


class ExpertProblem(Problem):
    """A problem of expert placement, minimised in tiers by the order of ``goals``.

    With ``r_e`` copies of expert e, one for each slot that it fills, the load of a device is the
    sum of ``load_e / r_e`` over its slots. Every expert has at least one copy; several copies of
    one expert may stand on one device and share its weights there.

    ``load``: the largest load of a device, in thousandths, rounded up. ``bytes``: sum of the sizes
    of the experts that stand on a device which does not hold them now.

    With ``hierarchical``, all copies of a group's experts stand on one node, and each node has
    equally many groups.

    Source: the expert-parallel load balancer of DeepSeek (EPLB), whose rule is the solver ``eplb``.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["experts"] = "experts"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> ExpertSolution: ...

    experts: Annotated[Many[Expert], Field(min_length=1)]
    devices: Annotated[Many[Device], Field(min_length=1)]
    hierarchical: bool = False
    max_load: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None,
        strict=False,
        description="Largest load that a device may have, in the unit of the loads.",
    )
    goals: Annotated[Many[Goal], Field(min_length=1)] = ("load", "bytes")

    def _faults(self) -> list[Fault]:
        from scheduling.models.experts.validation import find_faults

        return find_faults(self)
