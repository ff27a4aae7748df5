"""What is simulated: groups of equal instances, who serves whom, and how KV moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scheduling.errors import Fault, InputError
from scheduling.models.cost.protocol import CostModel
from scheduling.models.serving.plan import Role
from scheduling.simulator.requests.policies.admission import Watermark
from scheduling.simulator.requests.policies.composition import Sarathi
from scheduling.simulator.requests.policies.eviction import LatestArrival
from scheduling.simulator.requests.policy import Swapping

if TYPE_CHECKING:
    from scheduling.simulator.requests.adapters import AdapterMemory
    from scheduling.simulator.requests.host import HostTier
    from scheduling.simulator.requests.policy import (
        Admission,
        Composition,
        Eviction,
        Order,
        Retention,
    )

DEFAULT_SEQUENCES = 256
DEFAULT_BLOCK = 16


@dataclass(frozen=True, slots=True)
class Link:
    """How the KV cache of a prompt reaches another instance: ``latency + tokens * bytes / rate``.

    Transfers do not slow each other down.

    Parameters
    ----------
    bytes_per_token
        Bytes of KV cache of a token, all layers and all GPUs of the instance together.
    bytes_per_second
        Rate between the two instances.
    latency_seconds
        Seconds before the first byte.

    Raises
    ------
    InputError
        For a negative figure, or no rate.
    """

    bytes_per_token: float
    bytes_per_second: float
    latency_seconds: float = 0.0

    def __post_init__(self) -> None:
        inf = float("inf")
        faults = [
            Fault(f"link.{name}", str(value), "a finite number of at least 0")
            for name, value in (
                ("bytes_per_token", self.bytes_per_token),
                ("latency_seconds", self.latency_seconds),
            )
            if not 0 <= value < inf
        ]
        if not self.bytes_per_second > 0:
            faults.append(
                Fault("link.bytes_per_second", str(self.bytes_per_second), "a positive rate")
            )
        if faults:
            raise InputError(faults)

    def seconds(self, tokens: int) -> float:
        """Return the time of so many tokens."""
        return self.latency_seconds + tokens * self.bytes_per_token / self.bytes_per_second


@dataclass(frozen=True, slots=True)
class Group:
    """Equal instances.

    Parameters
    ----------
    name
        Unique in the deployment.
    cost
        Times of one instance's iterations.
    kv_tokens
        Tokens of KV cache that one instance holds.
    role
        Whole requests, only prompts, or only decoding.
    replicas
        How many instances.
    max_sequences
        Most requests in one batch of an instance.
    block_size
        Tokens of a block of KV memory.
    composition, admission, eviction
        Its policies; default: Sarathi-Serve with 512 tokens, a watermark of 1 %, and the latest
        arrival gives way.
    order
        Order of its queues; ``None``: first come, first served.
    link
        How the KV cache of a running request moves to another instance of the group, for routers
        that move them; ``None``: it stays.
    retention
        Which prefixes its instances keep between requests; ``None``: nothing is kept, and
        ``cached_tokens`` of the table says what needs no computing.
    host
        Memory of the host for prefixes that its instances drop; ``None``: they are lost. Without
        ``retention`` there are none.
    adapters
        Adapters of the requests, and places for them; ``None``: all use the model alone.

    Raises
    ------
    InputError
        For figures out of range.
    """

    name: str
    cost: CostModel
    kv_tokens: int
    role: Role = "both"
    replicas: int = 1
    max_sequences: int = DEFAULT_SEQUENCES
    block_size: int = DEFAULT_BLOCK
    composition: Composition = field(default_factory=Sarathi)
    admission: Admission = field(default_factory=Watermark)
    eviction: Eviction = field(default_factory=LatestArrival)
    order: Order | None = None
    retention: Retention | None = None
    link: Link | None = None
    host: HostTier | None = None
    adapters: AdapterMemory | None = None

    def __post_init__(self) -> None:
        fields = ("kv_tokens", "replicas", "max_sequences", "block_size")
        small = [name for name in fields if getattr(self, name) < 1]
        if self.retention is not None and isinstance(self.eviction, Swapping):
            expected = "prefixes that are kept, or requests that wait on the host"
            raise InputError.single(f"{self.name}.eviction", self.eviction.name, expected)
        if small:
            raise InputError(
                [
                    Fault(f"{self.name}.{name}", str(getattr(self, name)), "at least 1")
                    for name in small
                ]
            )

    @property
    def kv_blocks(self) -> int:
        """Blocks of KV memory of one instance."""
        return self.kv_tokens // self.block_size


@dataclass(frozen=True, slots=True)
class Flow:
    """One way that requests of a demand take.

    Parameters
    ----------
    demand
        Name in the table of requests.
    group
        Group that computes the prompt, and the answer unless ``decode`` is given; of several, the
        router chooses among all their instances.
    decode
        Group that makes the answer, or several.
    weight
        Share of the demand's requests, relative to its other flows.
    link
        How the KV cache gets from ``group`` to ``decode``.
    """

    demand: str
    group: str | tuple[str, ...]
    decode: str | tuple[str, ...] | None = None
    weight: float = 1.0
    link: Link | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups that compute prompts."""
        return (self.group,) if isinstance(self.group, str) else self.group

    @property
    def decoders(self) -> tuple[str, ...]:
        """Names of the groups that make answers of prompts computed elsewhere."""
        if self.decode is None:
            return ()
        return (self.decode,) if isinstance(self.decode, str) else self.decode


@dataclass(frozen=True, slots=True)
class Deployment:
    """A fleet as it is simulated.

    Parameters
    ----------
    groups
        Groups of equal instances.
    flows
        Ways of the requests; none: every demand goes to every group of role ``both``, and the
        router chooses among all their instances.

    Raises
    ------
    InputError
        For names that are double or unknown, and for flows that the groups' roles do not allow.
    """

    groups: tuple[Group, ...]
    flows: tuple[Flow, ...] = ()

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        roles = {group.name: group.role for group in self.groups}
        if len(roles) < len(self.groups) or not roles:
            names = ", ".join(group.name for group in self.groups) or "none"
            faults.append(Fault("groups", names, "at least one, each with a name of its own"))
        for number, flow in enumerate(self.flows):
            faults += _flow_faults(f"flows[{number}]", flow, roles)
        if faults:
            raise InputError(faults)


def _flow_faults(place: str, flow: Flow, roles: dict[str, Role]) -> list[Fault]:
    first: Role = "prefill" if flow.decoders else "both"
    known = [("group", name, first) for name in flow.groups]
    known += [("decode", name, "decode") for name in flow.decoders]
    faults = [
        Fault(
            f"{place}.{field}",
            f"{name} ({roles.get(name, 'no such group')})",
            f"a group of role {role}",
        )
        for field, name, role in known
        if roles.get(name) != role
    ]
    if not flow.groups:
        faults.append(Fault(f"{place}.group", "none", f"a group of role {first}"))
    if flow.decoders and flow.link is None:
        faults.append(Fault(f"{place}.link", "nothing", "how the KV cache moves"))
    if not 0 < flow.weight < float("inf"):
        faults.append(Fault(f"{place}.weight", str(flow.weight), "a positive number"))
    return faults
