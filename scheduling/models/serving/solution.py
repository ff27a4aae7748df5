"""Answers to problems of serving fleets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Frozen, Many, Name, Solution
from scheduling.models.serving.plan import Count


class NodeUse(Frozen):
    """GPUs of one node that a replica takes; nodes of a pool are numbered from 0."""

    node: Annotated[int, Field(ge=0)]
    gpus: Count


class Site(Frozen):
    """Equal sites: replicas that exchange KV caches, and the nodes of each such site."""

    replicas: dict[Name, Count] = Field(description="Replicas of each template on one site.")
    places: Annotated[Many[Many[Annotated[int, Field(ge=0)]]], Field(min_length=1)] = Field(
        description="For each of the equal sites its nodes."
    )


class Fleet(Frozen):
    """Replicas of one template.

    ``places`` has one entry for each replica where the pool has nodes, else none.
    """

    template: Name
    replicas: Count
    places: Many[Many[NodeUse]] = ()


class Flow(Frozen):
    """Requests of a demand that the replicas of a template serve together.

    ``micro_requests_per_second`` counts in millionths of a request a second.
    """

    demand: Name
    template: Name
    micro_requests_per_second: Annotated[int, Field(ge=1)]
    scenario: Name | None = Field(default=None, description="Default: the given rates.")
    site: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Number in ``sites``, where KV caches stay on their site."
    )


class ServingSolution(Solution):
    """A fleet with its routing and its certificate."""

    kind: Literal["serving"] = "serving"
    problem: str | None = Field(default=None, description="Name of the problem it answers.")
    fleets: Many[Fleet] = ()
    sites: Many[Site] = Field(default=(), description="Only with ``kv_affinity`` low.")
    flows: Many[Flow] = ()
