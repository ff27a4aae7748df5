"""Number types and how many bytes a value of each takes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.models.base import Frozen

Dtype = Literal["fp32", "bf16", "fp16", "fp8", "int8", "fp4", "int4"]

BYTES: dict[str, float] = {
    "fp32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "fp4": 0.5,
    "int4": 0.5,
}
"""Bytes of a value by type, scales of blocks apart."""


class Precision(Frozen):
    """Types of weights, of the operands of matrix products, and of the KV cache.

    W4A4KV4 is ``Precision(weights="int4", compute="int4", kv="int4")``; weights of 4 bits that are
    multiplied in 16 bits are ``Precision(weights="int4", compute="bf16", kv="bf16")``.
    """

    weights: Dtype = Field(default="bf16", description="Type that weights are kept in.")
    compute: Dtype = Field(default="bf16", description="Type of operands of matrix products.")
    kv: Dtype = Field(default="bf16", description="Type of the KV cache.")


def published_precision(native: Dtype) -> Precision:
    """Return how weights are served in the type they were published in.

    Weights of 4 bits are multiplied in 16 bits, and KV stays in 16 bits unless the weights are of
    16 bits or more themselves.
    """
    compute: Dtype = native if native not in ("fp4", "int4") else "bf16"
    kv: Dtype = "bf16" if native in ("fp8", "int8", "fp4", "int4") else native
    return Precision(weights=native, compute=compute, kv=kv)
