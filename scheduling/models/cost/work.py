"""Work of an iteration by counting: operations, bytes, and the least time that they can take."""

from __future__ import annotations

from scheduling.errors import InputError
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import GroupedAttention, LatentAttention, Llm
from scheduling.models.cost.precision import BYTES, Precision
from scheduling.models.cost.protocol import Batch


def flops(llm: Llm, batch: Batch) -> float:
    """Return the floating-point operations of an iteration, over all GPUs of the replica.

    Two for each weight that a token meets (of the output table: one token for each request) and
    four for each pair of tokens that attend to each other, in each layer and width of a head.
    """
    requests = batch.prefills + batch.decodes
    table = llm.vocabulary * llm.hidden
    body = llm.active_parameters - llm.embedding_parameters
    pairs = batch.prefill_pairs * _seen(llm, batch.new_tokens + batch.cached_tokens, batch.prefills)
    pairs += batch.context_tokens * _seen(llm, batch.context_tokens, batch.decodes)
    attention = llm.attention
    if isinstance(attention, LatentAttention):
        width = attention.heads * (attention.nope_dim + attention.rope_dim + attention.value_dim)
    else:
        width = 2 * attention.heads * attention.head_dim
    return 2.0 * (body * batch.tokens + table * requests + llm.layers * width * pairs)


def moved_bytes(llm: Llm, layout: Layout, precision: Precision, batch: Batch) -> float:
    """Return the bytes that all GPUs of the replica read: weights once each, and the KV cache.

    Of the routed experts those are read that a token of the batch is routed to
    (:func:`touched_experts`); each copy of attention reads its own weights.
    """
    weight = BYTES[precision.weights]
    size = float(llm.shared_parameters + llm.vocabulary * llm.hidden) * layout.dp
    size += llm.expert_parameters * touched_experts(llm, batch.tokens)
    read = batch.cached_tokens * _seen(llm, batch.cached_tokens, batch.prefills)
    read += batch.context_tokens * _seen(llm, batch.context_tokens, batch.decodes)
    copies = layout.tp if isinstance(llm.attention, LatentAttention) else 1
    return weight * size + copies * read * llm.kv_bytes_per_token(precision.kv)


def touched_experts(llm: Llm, tokens: int) -> float:
    """Return how many routed experts so many tokens of a pass meet, summed over the layers.

    ``E (1 - (1 - k / E)^n)`` in a layer of E experts of which each of n tokens meets k: as many as
    are expected when tokens choose independently and evenly.
    """
    if llm.experts is None:
        return 0.0
    missed = (1 - llm.experts.active / llm.experts.count) ** tokens
    return llm.expert_layers * llm.experts.count * (1 - missed)


def floor_seconds(llm: Llm, gpu: Gpu, layout: Layout, precision: Precision, batch: Batch) -> float:
    """Return a time that no runtime can go below: all GPUs at the rates of their data sheet.

    Raises
    ------
    InputError
        When the GPU does not multiply operands of the precision's type.
    """
    rate = gpu.flop_rate(precision.compute)
    if rate is None:
        expected = f"a type that {gpu.name} multiplies: {', '.join(gpu.flops)}"
        raise InputError.single("precision.compute", precision.compute, expected)
    computing = flops(llm, batch) / (layout.gpus * rate)
    reading = moved_bytes(llm, layout, precision, batch) / (layout.gpus * gpu.bandwidth)
    return max(computing, reading)


def _seen(llm: Llm, tokens: int, requests: int) -> float:
    """Return the share of the tokens before it that a token sees, on average over the layers."""
    attention = llm.attention
    if not isinstance(attention, GroupedAttention) or attention.window is None or not tokens:
        return 1.0
    share = min(1.0, attention.window * requests / tokens)
    return 1 - attention.windowed_layers / llm.layers * (1 - share)
