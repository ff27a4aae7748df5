"""Descriptions of GPUs and of the nodes that they stand in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Document, Many, Name
from scheduling.models.cost.precision import Dtype

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)]


class Gpu(Document):
    """One GPU, as its data sheet has it.

    Rates are those of dense operands; efficiencies below them are the business of cost models.
    """

    kind: Literal["gpu"] = "gpu"
    name: Name = Field(description="Key in the catalogue, such as h100-sxm.")
    aliases: Many[Name] = Field(default=(), description="Other names of the catalogue's entry.")
    memory_bytes: Annotated[int, Field(gt=0)]
    bandwidth: Positive = Field(description="Bytes per second of its memory.")
    flops: dict[Dtype, Positive] = Field(
        min_length=1, description="FLOP per second of matrix products by type of the operands."
    )
    link_bandwidth: Positive = Field(
        description="Bytes per second and direction to the GPUs of its domain (NVLink, xGMI)."
    )
    host_bandwidth: Positive = Field(description="Bytes per second and direction to the host.")
    network_bandwidth: Positive = Field(
        description="Bytes per second and direction to GPUs of other nodes, per GPU."
    )
    node_gpus: Annotated[int, Field(ge=1)] = Field(
        default=8, description="GPUs of a node as it is usually sold."
    )
    domain_gpus: Annotated[int, Field(ge=1)] = Field(
        default=8, description="GPUs that the fast links join."
    )
    watts: Positive = Field(description="Power limit.")
    idle_watts: Positive
    price_per_hour: Positive | None = Field(
        default=None, description="Dollars an hour that a cloud asks for one; None when unknown."
    )
    sources: Annotated[Many[Name], Field(min_length=1)] = Field(
        description="Where the figures come from."
    )

    def flop_rate(self, dtype: Dtype) -> float | None:
        """FLOP per second of products of this type; ``None`` when the GPU does not have it."""
        return self.flops.get(dtype)
