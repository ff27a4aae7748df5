"""A job with a deadline that runs on spot capacity where there is any, and else on demand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.faults import repeated

if TYPE_CHECKING:
    from scheduling.models.spot.solution import SpotSolution

MOST_TICKS = 10**5

Tick = Annotated[int, Field(ge=0, le=MOST_TICKS)]
Price = Annotated[int, Field(ge=0, le=10**9)]


class Span(Frozen):
    """Ticks ``start <= t < end``."""

    start: Tick
    end: Tick


class Region(Frozen):
    """A region or zone, its price of a tick and when it has spot capacity."""

    id: Name
    price: Price = 1
    available: Many[Span] = Field(default=(), description="In order, apart from each other.")


class SpotProblem(Problem):
    """Finish a job by its deadline at the least cost.

    An instance runs in ticks in a row: on spot in a region that has capacity in all of them, or on
    demand in any. The job is on one instance at a time. The first ``changeover`` ticks of an
    instance make no progress, each further one does one tick of the job's work; all of them are
    paid.

    Source: Wu and others, "Can't be late: optimizing spot instance savings under deadlines", NSDI
    2024.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["spot"] = "spot"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> SpotSolution: ...

    work: Annotated[int, Field(ge=1, le=MOST_TICKS)] = Field(description="Ticks of progress.")
    deadline: Annotated[int, Field(ge=1, le=MOST_TICKS)]
    changeover: Tick = Field(default=0, description="Ticks before an instance makes progress.")
    on_demand_price: Price = Field(default=3, description="Of a tick on demand.")
    regions: Annotated[Many[Region], Field(max_length=1000)] = ()

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("regions", (region.id for region in self.regions))
        for number, region in enumerate(self.regions):
            place = f"regions[{number}].available"
            for position, span in enumerate(region.available):
                if span.end <= span.start:
                    yield Fault(f"{place}[{position}].end", str(span.end), f"after {span.start}")
            for position, (one, other) in enumerate(pairwise(region.available), start=1):
                if other.start <= one.end:
                    expected = f"after {one.end}, where the span before ends"
                    yield Fault(f"{place}[{position}].start", str(other.start), expected)
