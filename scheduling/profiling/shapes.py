"""Which operators to measure: those that a replica of a model runs, over sizes of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from scheduling.errors import InputError
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.operators import Heads
from scheduling.models.cost.precision import Dtype
from scheduling.models.cost.profile import (
    AttentionShape,
    CopyShape,
    ExpertShape,
    ProductShape,
    Shape,
)
from scheduling.models.cost.roofline import expert_shape, head_shapes

ROWS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
"""Tokens of an iteration."""

REQUESTS = (1, 4, 16, 64, 256)
"""Requests of an iteration."""

TOKENS = (128, 512, 2048, 8192, 32768)
"""Tokens of each request."""

MOST_TOKENS = 1 << 18
"""Tokens of all requests together, above which attention is not measured."""

PAYLOADS = tuple(1 << power for power in range(12, 31, 3))
"""Bytes of copies."""


def shapes_of(
    llm: Llm, tps: Sequence[int], types: Iterable[tuple[Dtype, Dtype]]
) -> Iterator[Shape]:
    """Yield the operators of a model split in each of some ways.

    Parameters
    ----------
    llm
        The model. Latent attention is left out: engines differ in how they split its block.
    tps
        Tensor parallel degrees.
    types
        Pairs of types of weights and operands.

    Raises
    ------
    InputError
        For a degree that does not divide the model's heads.
    """
    types = list(types)
    for tp in tps:
        if tp < 1 or llm.attention.heads % tp:
            expected = f"a divisor of the {llm.attention.heads} heads of {llm.name}"
            raise InputError.single("tp", str(tp), expected)
        heads = [shape for _, shape in head_shapes(llm, tp) if shape.window is None]
        for n, k in _products(llm, tp, heads):
            for weights, compute in types:
                for rows in ROWS:
                    yield ProductShape(weights=weights, compute=compute, rows=rows, n=n, k=k)
        for shape in heads:
            yield from _attention(shape)
        yield from _experts(llm, tp, types)


def copies(*, peers: bool) -> Iterator[Shape]:
    """Yield copies within the GPU, from and to the host, and to another GPU where there is one."""
    for payload in PAYLOADS:
        yield CopyShape(way="device", payload_bytes=payload)
        yield CopyShape(way="from-host", payload_bytes=payload)
        yield CopyShape(way="to-host", payload_bytes=payload)
        if peers:
            yield CopyShape(way="peer", payload_bytes=payload)


def _products(llm: Llm, tp: int, heads: Sequence[Heads]) -> list[tuple[int, int]]:
    found = []
    for shape in heads:
        inner = shape.heads * shape.head_dim
        found.append((inner + 2 * shape.kv_heads * shape.head_dim, llm.hidden))
        found.append((llm.hidden, inner))
    widths = [llm.ffn] if llm.expert_layers < llm.layers else []
    if llm.experts is not None and llm.experts.shared_ffn:
        widths.append(llm.experts.shared_ffn)
    for width in widths:
        inner = -(-width // tp)
        found.append(((2 if llm.gated else 1) * inner, llm.hidden))
        found.append((llm.hidden, inner))
    return found


def _attention(shape: Heads) -> Iterator[Shape]:
    for requests in REQUESTS:
        for tokens in TOKENS:
            if requests * tokens > MOST_TOKENS:
                continue
            for phase in ("prefill", "decode"):
                yield AttentionShape(
                    phase=phase,
                    heads=shape.heads,
                    kv_heads=shape.kv_heads,
                    head_dim=shape.head_dim,
                    kv="bf16",
                    requests=requests,
                    tokens=tokens,
                )


def _experts(llm: Llm, tp: int, types: Sequence[tuple[Dtype, Dtype]]) -> Iterator[Shape]:
    shape = expert_shape(llm, Layout(tp=tp))
    if shape is None or ("bf16", "bf16") not in types:
        return
    for tokens in ROWS:
        yield ExpertShape(
            weights="bf16",
            compute="bf16",
            hidden=shape.hidden,
            ffn=shape.ffn,
            total=shape.total,
            active=shape.active,
            tp=shape.tp,
            ep=shape.ep,
            tokens=tokens,
        )
