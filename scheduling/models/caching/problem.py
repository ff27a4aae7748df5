"""Typed problems of caching: a trace of requests for sized objects, and room for some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem

if TYPE_CHECKING:
    from scheduling.models.caching.solution import CachingSolution

START = -1
"""The request before the first one: what is held then was there from the start."""

MOST_ACCESSES = 10**7

Index = Annotated[int, Field(ge=START, lt=MOST_ACCESSES)]


class CachedObject(Frozen):
    """Something that requests use: a block of KV memory, a chunk, an expert, an adapter, a page."""

    id: Name
    size: Annotated[int, Field(ge=1, le=2**40)] = Field(
        default=1, description="Room that it takes in the cache, in the unit of the capacity."
    )
    cost: Annotated[int, Field(ge=0, le=2**31)] = Field(
        default=1, description="Cost of a miss: to fetch it or to compute it again."
    )
    after: Name | None = Field(
        default=None,
        description="Object of which it is the continuation: a hit only where that one is a hit.",
    )
    pinned: bool = Field(
        default=False,
        description="Kept to the end of the trace from its first use on, or from the start.",
    )


class CachingProblem(Problem):
    """A problem of retention: what to keep in a cache whose requests are known, at least cost.

    The requests are served one after the other, each of them using all its objects. An object is a
    hit when it was kept since the last request that used it, and, if it is the continuation of
    another one (``after``), that one is a hit of the request as well: a block of a prompt's prefix
    is of no use without the blocks before it. Every other use is a miss and costs ``cost``.

    After a request, the objects that it used and those that were in the cache may be kept or
    dropped at will, but for pinned ones, which stay from their first use on; the sizes of those
    that are kept until the next request sum to the capacity at most. What a request uses while it
    is served is outside the cache, so that nothing has to be kept (bypassing is allowed). ``held``
    names what is in the cache before the first request.

    The value is the sum of the costs of all misses.

    Source: the retention of sized objects with known reuse; with equal sizes it is weighted paging,
    Chrobak, Karloff, Payne and Vishwanathan, "New results on server problems", SIAM J. Discrete
    Math. 4, 1991; with sizes, Berger, Beckmann and Harchol-Balter, "Practical bounds on optimal
    caching with variable object sizes", SIGMETRICS 2018.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["caching"] = "caching"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> CachingSolution: ...

    capacity: Annotated[int, Field(ge=0, le=2**50)] = Field(
        description="Room of the cache, in any unit that the sizes share."
    )
    objects: Annotated[Many[CachedObject], Field(min_length=1)]
    requests: Annotated[Many[Many[Name]], Field(min_length=1)] = Field(
        description="Objects that each request uses, those they continue before them."
    )
    held: Many[Name] = Field(default=(), description="Objects in the cache at the start.")

    def _faults(self) -> list[Fault]:
        from scheduling.models.caching.validation import find_faults

        return find_faults(self)
