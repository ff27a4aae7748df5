"""Profiles of operators as documents: what ``scheduling profile`` measures and writes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Document, Frozen, Many, Name
from scheduling.models.cost.precision import Dtype
from scheduling.models.cost.tables import (
    EXPERTS,
    PRODUCTS,
    SEQUENCES,
    AttentionKey,
    ExpertKey,
    Nested,
    OperatorTable,
    Samples,
)

Size = Annotated[int, Field(ge=1, le=2**40)]
Seconds = Annotated[float, Field(gt=0, lt=1e4, allow_inf_nan=False, strict=False)]


class ProductShape(Frozen):
    """Activations of ``rows`` by ``k`` times weights of ``k`` by ``n``."""

    weights: Dtype
    compute: Dtype
    rows: Size
    n: Size
    k: Size


class AttentionShape(Frozen):
    """Attention of one layer for equal requests.

    ``tokens`` are those of each prompt, all new, or of each request's context while it decodes.
    """

    phase: Literal["prefill", "decode"]
    heads: Size
    kv_heads: Size
    head_dim: Size
    kv: Dtype
    requests: Size
    tokens: Size


class ExpertShape(Frozen):
    """One layer of routed experts on one GPU, which tokens choose evenly.

    ``tokens`` are those of the whole stage, ``tp`` and ``ep`` the ways that it splits the experts.
    """

    weights: Dtype
    compute: Dtype
    hidden: Size
    ffn: Size
    total: Size
    active: Size
    tp: Size = 1
    ep: Size = 1
    tokens: Size


class CopyShape(Frozen):
    """A copy of memory: within the GPU, from the host, to the host, or to another GPU."""

    way: Literal["device", "from-host", "to-host", "peer"]
    payload_bytes: Size


Shape = ProductShape | AttentionShape | ExpertShape | CopyShape
"""An operator to be measured."""


class Product(ProductShape):
    """A measured product."""

    seconds: Seconds


class AttentionStep(AttentionShape):
    """Measured attention."""

    seconds: Seconds


class ExpertLayer(ExpertShape):
    """A measured layer of experts."""

    seconds: Seconds


class Copy(CopyShape):
    """A measured copy."""

    seconds: Seconds


class OperatorProfile(Document):
    """Measured operators of one GPU.

    All times are seconds, all payloads bytes; every row is the median of several runs.
    """

    kind: Literal["operator-profile"] = "operator-profile"
    version: Literal[1] = 1
    gpu: Name = Field(description="Its name, of the catalogue where it has it.")
    engine: Name = Field(description="What ran the operators, with its version.")
    products: Many[Product] = ()
    attention: Many[AttentionStep] = ()
    experts: Many[ExpertLayer] = ()
    copies: Many[Copy] = ()

    def table(self) -> OperatorTable:
        """Return the measurements for interpolation."""
        products: dict[tuple[Dtype, Dtype], Samples] = {}
        for row in self.products:
            samples = products.setdefault((row.weights, row.compute), Samples())
            samples.add((row.n, row.k, row.rows), row.seconds)
        experts: dict[ExpertKey, Samples] = {}
        for layer in self.experts:
            key = ExpertKey(
                layer.hidden,
                layer.ffn,
                layer.total,
                layer.active,
                layer.tp,
                layer.ep,
                layer.weights,
                layer.compute,
            )
            experts.setdefault(key, Samples()).add((layer.tokens,), layer.seconds)
        sent = Samples()
        for copy in self.copies:
            if copy.way == "peer":
                sent.add((copy.payload_bytes,), copy.seconds)
        return OperatorTable(
            f"{self.gpu} {self.engine}",
            {key: samples.nested(PRODUCTS) for key, samples in products.items()},
            self._attention("prefill"),
            self._attention("decode"),
            experts={key: samples.nested(EXPERTS) for key, samples in experts.items()},
            send=sent.nested((1.0,)) if sent else None,
        )

    def _attention(self, phase: str) -> dict[AttentionKey, Nested]:
        found: dict[AttentionKey, Samples] = {}
        for row in self.attention:
            if row.phase == phase:
                key = AttentionKey(row.heads, row.kv_heads, row.head_dim, row.kv)
                found.setdefault(key, Samples()).add((row.requests, row.tokens), row.seconds)
        return {key: samples.nested(SEQUENCES[phase]) for key, samples in found.items()}
