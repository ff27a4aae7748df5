"""Requests through equal replicas: what policies are compared on."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_serializer, field_validator, model_validator

from scheduling.errors import Fault, InputError
from scheduling.models.base import Document, Frozen, Name, Problem
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.requests.arrivals import Rate
from scheduling.models.requests.workload import Workload
from scheduling.models.serving.fleet import (
    Count,
    NamedGpu,
    NamedLlm,
    NotNegative,
    Positive,
    Share,
    named_precision,
    whole,
)

Tokens = Annotated[int, Field(ge=1, le=10**12)]
Router = Literal["least-requests", "least-tokens", "round-robin", "random"]


class AffineTimes(Document):
    """Seconds of an iteration: ``base + per_token * tokens + per_kv * KV tokens read``."""

    base_seconds: NotNegative = Field(description="Of an iteration without work.")
    per_token_seconds: NotNegative = Field(description="Of each token, of a prompt or decoded.")
    per_kv_seconds: NotNegative = Field(default=0.0, description="Of each token whose KV is read.")
    per_pair_seconds: NotNegative = Field(
        default=0.0, description="Of each pair of a prompt's token and one that it attends to."
    )

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        if self.base_seconds + self.per_token_seconds <= 0:
            raise InputError.single("base_seconds", "0", "iterations that take time")
        return self


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

    _described = field_serializer("model", "gpu")(whole)

    @field_validator("precision", mode="before")
    @classmethod
    def _short_name(cls, value: Any) -> Any:
        return named_precision(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
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
        if faults:
            raise InputError(faults)
        return self


class ServiceLevel(Frozen):
    """Seconds that a request may take: to its first token, a later token on average, its last."""

    ttft_seconds: Positive | None = None
    tpot_seconds: Positive | None = None
    e2e_seconds: Positive | None = None


class RequestScenario(Problem):
    """Requests, the replicas that serve them, and what they are promised.

    Raises
    ------
    InputError
        When there are no requests, or two sources of them.
    """

    kind: Literal["requests"] = "requests"
    replica: Replica
    replicas: Count = Field(default=1, description="How many equal replicas there are.")
    max_sequences: Count = Field(default=256, description="Most requests in one batch.")
    block_size: Count = Field(default=16, description="Tokens of a block of KV memory.")
    max_tokens: Tokens | None = Field(
        default=None,
        description="Longest prompt and answer together that the runtime is set up for, which some "
        "policies reserve; none: that of the requests.",
    )
    max_answer_tokens: Tokens | None = Field(
        default=None, description="Longest answer that it allows; none: that of the requests."
    )
    router: Router = Field(default="least-requests", description="Which replica gets a request.")
    workload: Workload | None = Field(default=None, description="Distributions to draw from.")
    trace: Name | None = Field(default=None, description="Trace, relative to this file.")
    requests: Tokens | None = Field(default=None, description="How many, at most, of a trace.")
    seconds: Positive | None = Field(default=None, description="Only those that come before.")
    rate: Rate | None = Field(
        default=None, description="Requests a second that arrivals are stretched to."
    )
    slo: ServiceLevel | None = Field(default=None, description="Of all classes of requests.")
    slos: dict[Name, ServiceLevel] = Field(default={}, description="Of a class, instead.")
    warmup_seconds: NotNegative = Field(
        default=0.0, description="Requests that come earlier are served but not counted."
    )

    _described = field_serializer("workload")(whole)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        faults = []
        if (self.workload is None) == (self.trace is None):
            found = "neither" if self.trace is None else "both"
            faults.append(Fault("workload, trace", found, "one of the two"))
        if self.workload is not None and (self.requests is None) == (self.seconds is None):
            found = "neither" if self.requests is None else "both"
            faults.append(Fault("requests, seconds", found, "one of the two beside a workload"))
        if faults:
            raise InputError(faults)
        return self
