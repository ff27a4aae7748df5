"""Flows between the leaves of a fabric whose spines they may be split over."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.exact import whole

if TYPE_CHECKING:
    from scheduling.models.spines.solution import LeafSpineSolution

STEP = 1e-8
"""Largest step in which the congestion counts, relative to the least there can be."""


class Flow(Frozen):
    """Data from one leaf to another; sizes are in any unit that all flows share."""

    source: Name
    target: Name
    # Far above the least floats, whose shares would round to nothing.
    size: Annotated[float, Field(ge=1e-100, le=10**15)] = 1.0


class LeafSpine(Problem):
    """Put flows on spines so that the busiest link carries least, and then split few flows.

    Every leaf has one link up and one down to each of equal spines. All flows start together, so
    that the last one ends when the busiest link has carried its load. It counts in steps of
    at most :data:`STEP` of the least there can be, to the nearest one, so that shares of flows need
    not be exact; splits are the parts that there are more than flows.
    """

    kind: Literal["leaf-spine"] = "leaf-spine"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> LeafSpineSolution: ...

    spines: Annotated[int, Field(ge=1, le=10**4)]
    flows: Annotated[Many[Flow], Field(min_length=1, max_length=10**5)]

    @property
    def steps(self) -> tuple[Fraction, int]:
        """The step of the congestion, and how many of them the least congestion is.

        The least is the busiest leaf's flows over all its links. Loads of whole flows and the least
        itself are whole steps where sizes are no finer than the step.
        """
        sizes, unit = whole(flow.size for flow in self.flows)
        leaves: dict[tuple[str, str], int] = defaultdict(int)
        for flow, size in zip(self.flows, sizes, strict=True):
            leaves["up", flow.source] += size
            leaves["down", flow.target] += size
        most, count = max(leaves.values()), round(1 / STEP)
        finer = max(1, -(-count // most))
        if finer == 1:
            return most * unit / self.spines / count, count
        return unit / self.spines / finer, most * finer
