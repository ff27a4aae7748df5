"""Answers to problems of caching."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution
from scheduling.models.caching.problem import Index


class Stay(Frozen):
    """An object kept in the cache from one request that uses it to the next one that does."""

    object: Name
    since: Index = Field(description="Number of the request, from 0; -1: held at the start.")
    until: Index = Field(description="Number of the next request that uses it.")


class CachingSolution(Solution):
    """What is kept between which requests, with its certificate.

    Pinned objects are in the cache whether a stay says so or not only behind their last use; all
    their other stays are listed.
    """

    kind: Literal["caching"] = "caching"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    stays: Many[Stay] = ()
