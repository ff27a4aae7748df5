"""Requests through replicas: what policies are compared on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.faults import repeated
from scheduling.models.requests.agents import AgentWorkload
from scheduling.models.requests.arrivals import Rate
from scheduling.models.requests.replicas import Replica, ReplicaGroup, Tokens, Way
from scheduling.models.requests.workload import Workload
from scheduling.models.serving.fleet import WHOLE, Count, NotNegative, Positive

ROUTERS = (
    "least-requests",
    "least-tokens",
    "round-robin",
    "random",
    "freeness",
    "llumnix",
    "queue-report",
    "on-demand",
    "least-ttft",
    "prefix-hash",
    "dualmap",
    "autoscaled",
    "adapters",
)
"""Names of routers; some take a number behind a colon."""


class ServiceLevel(Frozen):
    """Seconds that a request may take: to its first token, a later token on average, its last."""

    ttft_seconds: Positive | None = None
    tpot_seconds: Positive | None = None
    e2e_seconds: Positive | None = None


class StatedAdapters(Frozen):
    """Adapters (LoRA): each class of requests that is named has one of its own."""

    classes: Many[Name] = Field(default=(), description="Which have one; none: every class.")
    slots: Count = Field(description="Adapters that a replica holds at a time.")
    load_seconds: NotNegative = Field(description="To load one, while iterations wait.")
    each_seconds: NotNegative = Field(
        default=0.0, description="What each adapter of a batch adds to its iteration."
    )
    drops: Literal["least-recent", "least-used"] = Field(
        default="least-recent", description="Which of those that nobody uses gives its place."
    )


class RequestScenario(Problem):
    """Requests, the replicas that serve them, and what they are promised.

    Raises
    ------
    InputError
        When there are no requests or two sources of them, no replicas or both a replica and
        groups, or ways that lead to no group or to one of another role.
    """

    kind: Literal["requests"] = "requests"
    replica: Replica | None = Field(default=None, description="Of which all replicas are.")
    replicas: Count = Field(default=1, description="How many equal replicas there are.")
    groups: Many[ReplicaGroup] = Field(default=(), description="Replicas of several kinds instead.")
    ways: Many[Way] = Field(
        default=(),
        description="Which groups serve whom; none: all replicas serve all, as the router says.",
    )
    max_sequences: Count = Field(default=256, description="Most requests in one batch.")
    block_size: Count = Field(default=16, description="Tokens of a block of KV memory.")
    max_tokens: Tokens | None = Field(
        default=None,
        description="Longest prompt and answer together that the runtime is set up for, which some "
        "policies reserve; none: that of the requests which a replica holds.",
    )
    max_answer_tokens: Tokens | None = Field(
        default=None, description="Longest answer that it allows; none: that of these requests."
    )
    router: Name = Field(
        default="least-requests",
        description=f"Which replica gets a request: {', '.join(ROUTERS)}; of some with a number "
        "behind a colon.",
    )
    workload: Annotated[Workload, WHOLE] | None = Field(
        default=None, description="Distributions to draw from."
    )
    programs: Annotated[AgentWorkload, WHOLE] | None = Field(
        default=None, description="Programs of agents to draw: calls that follow each other."
    )
    trace: Name | None = Field(
        default=None, description="Trace, or folder of agents' sessions, relative to this file."
    )
    requests: Tokens | None = Field(
        default=None,
        description="How many, at most, of a trace; beside programs, how many of them.",
    )
    seconds: Positive | None = Field(default=None, description="Only those that come before.")
    rate: Rate | None = Field(
        default=None, description="Requests a second that arrivals are stretched to."
    )
    adapters: StatedAdapters | None = Field(
        default=None, description="Adapters of the model; none: all requests use it alone."
    )
    slo: ServiceLevel | None = Field(default=None, description="Of all classes of requests.")
    slos: dict[Name, ServiceLevel] = Field(default={}, description="Of a class, instead.")
    warmup_seconds: NotNegative = Field(
        default=0.0, description="Requests that come earlier are served but not counted."
    )

    def _faults(self) -> list[Fault]:
        return [*self._faults_of_requests(), *self._faults_of_replicas()]

    def _faults_of_requests(self) -> list[Fault]:
        faults = []
        sources = ("workload", "programs", "trace")
        given = [name for name in sources if getattr(self, name) is not None]
        if len(given) != 1:
            found = ", ".join(given) or "none"
            faults.append(Fault("workload, programs, trace", found, "one of the three"))
        if self.programs is not None and (self.requests is None or self.seconds is not None):
            found = "nothing" if self.requests is None else "seconds"
            faults.append(Fault("requests, seconds", found, "how many requests beside programs"))
        if self.workload is not None and (self.requests is None) == (self.seconds is None):
            found = "neither" if self.requests is None else "both"
            faults.append(Fault("requests, seconds", found, "one of the two beside a workload"))
        return faults

    def _faults_of_replicas(self) -> list[Fault]:
        faults = []
        if self.router.partition(":")[0] not in ROUTERS:
            faults.append(Fault("router", repr(self.router), f"one of: {', '.join(ROUTERS)}"))
        if (self.replica is None) == (not self.groups):
            found = "neither" if self.replica is None else "both"
            faults.append(Fault("replica, groups", found, "one of the two"))
        if self.groups and self.replicas != 1:
            expected = "replicas of each group instead"
            faults.append(Fault("replicas", str(self.replicas), expected))
        names = (group.name for group in self.groups)
        faults += repeated("groups", names, "names that differ")
        if self.ways and not self.groups:
            faults.append(Fault("ways", "without groups", "groups that they lead to"))
        apart = [group.name for group in self.groups if group.role != "both"]
        if apart and not self.ways:
            found = f"none, beside group {apart[0]!r} of a role"
            faults.append(Fault("ways", found, "ways that lead to it"))
        for number, way in enumerate(self.ways if self.groups else ()):
            faults += self._faults_of_way(number, way)
        return faults

    def _faults_of_way(self, number: int, way: Way) -> list[Fault]:
        """Tell of groups of a way that there are not, or that have another role."""
        roles = {group.name: group.role for group in self.groups}
        first = "prefill" if way.decode else "both"
        return [
            Fault(
                f"ways[{number}].{field}",
                f"{name} ({roles.get(name, 'no such group')})",
                f"a group of role {role}",
            )
            for field, own, role in (
                ("groups", way.groups, first),
                ("decode", way.decode, "decode"),
            )
            for name in own
            if roles.get(name) != role
        ]
