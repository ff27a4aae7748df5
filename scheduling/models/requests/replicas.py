"""Replicas of a scenario: what they are, in which groups they stand, and who serves whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from scheduling.errors import Fault
from scheduling.models.base import Document, Frozen, Many, Name
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.serving.fleet import (
    Count,
    NamedGpu,
    NamedLlm,
    NotNegative,
    Positive,
    Share,
    named_precision,
)
from scheduling.models.serving.plan import Role

Tokens = Annotated[int, Field(ge=1, le=10**12)]


class AffineTimes(Document):
    """Seconds of an iteration: ``base + per_token * tokens + per_kv * KV tokens read``."""

    base_seconds: NotNegative = Field(description="Of an iteration without work.")
    per_token_seconds: NotNegative = Field(description="Of each token, of a prompt or decoded.")
    per_kv_seconds: NotNegative = Field(default=0.0, description="Of each token whose KV is read.")
    per_pair_seconds: NotNegative = Field(
        default=0.0, description="Of each pair of a prompt's token and one that it attends to."
    )

    def _faults(self) -> Iterator[Fault]:
        if self.base_seconds + self.per_token_seconds <= 0:
            yield Fault("base_seconds", "0", "iterations that take time")


class HostMemory(Document):
    """Memory of the host for prefixes that a replica drops."""

    tokens: Tokens = Field(description="Whose KV it holds, for one replica.")
    tokens_per_second: Positive | None = Field(
        default=None, description="Of copies back; none: as the GPUs' links to the host carry them."
    )
    ahead: bool | Literal["calls"] = Field(
        default=False,
        description="Copies begin when a request comes to the queue; calls: with the call before.",
    )


class Replica(Document):
    """One replica: a model on GPUs, or its times and its memory as numbers.

    Raises
    ------
    InputError
        When it says neither, or both.
    """

    model: NamedLlm | None = Field(
        default=None, description="Description, or name in the catalogue."
    )
    gpu: NamedGpu | None = Field(default=None, description="Description, or name in the catalogue.")
    layout: Layout = Layout()
    precision: Precision | None = Field(
        default=None,
        description="Types, or a short name as fp8 or w4a16; none: those of the published weights.",
    )
    engine: Literal["vllm", "sglang", "trtllm"] | None = Field(
        default=None, description="Runtime whose overheads are assumed."
    )
    memory_share: Share = Field(default=0.9, description="Of a GPU's memory, for the runtime.")
    cost: AffineTimes | None = Field(
        default=None, description="Times of iterations instead of a model and a GPU."
    )
    kv_tokens: Tokens | None = Field(
        default=None, description="Tokens of KV cache; none: what model and GPU leave."
    )
    host: HostMemory | None = Field(
        default=None,
        description="Where prefixes go that a replica drops, for policies that keep them; none: "
        "they are lost.",
    )

    @field_validator("precision", mode="before")
    @classmethod
    def _short_name(cls, value: Any) -> Any:
        return named_precision(value) if isinstance(value, str) else value

    def _faults(self) -> list[Fault]:
        faults = []
        named = [name for name in ("model", "gpu") if getattr(self, name) is not None]
        if self.cost is None:
            faults += [
                Fault(name, "nothing", "model and gpu, or a cost")
                for name in ("model", "gpu")
                if name not in named
            ]
        else:
            faults += [Fault(name, "a value beside a cost", "either") for name in named]
            if self.kv_tokens is None:
                faults.append(Fault("kv_tokens", "nothing", "tokens of KV cache beside a cost"))
            if self.host is not None and self.host.tokens_per_second is None:
                faults.append(Fault("host.tokens_per_second", "nothing", "a rate beside a cost"))
        return faults


class ReplicaGroup(Document):
    """Equal replicas beside others."""

    name: Name = Field(description="Unique in the scenario.")
    replica: Replica
    replicas: Count = Field(default=1, description="How many of them there are.")
    role: Role = Field(default="both", description="Whole requests, prompts alone, or answers.")
    max_sequences: Count | None = Field(
        default=None, description="Most requests in one batch; none: the scenario's."
    )


class Transfer(Frozen):
    """How the KV cache of a prompt reaches the replica that makes the answer."""

    latency_seconds: NotNegative = Field(default=0.0, description="Before the first byte.")
    bytes_per_second: Positive | None = Field(
        default=None,
        description="Between two replicas; none: all GPUs of the prompt's send at their network's "
        "rate.",
    )
    bytes_per_token: NotNegative | None = Field(
        default=None, description="Of the KV cache; none: those of the prompt's model."
    )


class Way(Document):
    """A way that requests take through the groups.

    Raises
    ------
    InputError
        When a transfer is given without groups that make the answers.
    """

    demand: Name | None = Field(default=None, description="Class of requests; none: every one.")
    groups: Annotated[Many[Name], Field(min_length=1)] = Field(
        description="Groups that compute prompts, and answers unless others do: the router chooses "
        "among all their replicas."
    )
    decode: Many[Name] = Field(default=(), description="Groups that make the answers.")
    weight: Positive = Field(
        default=1.0, description="Share of the class's requests, relative to its other ways."
    )
    link: Transfer | None = Field(default=None, description="Between the two; none: its defaults.")

    def _faults(self) -> Iterator[Fault]:
        if self.link is not None and not self.decode:
            yield Fault("link", "a transfer", "decode, the groups that it leads to")
