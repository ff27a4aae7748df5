"""What one GPU of a replica holds: weights, working memory, and how many tokens of KV cache."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scheduling.errors import Fault, InputError
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import GroupedAttention, LatentAttention, Llm
from scheduling.models.cost.precision import BYTES, Precision

RUNTIME_BYTES = 1.0 * 2**30
"""Memory of the driver's context and the runtime's own buffers on each GPU."""

COLLECTIVE_BYTES = 0.4 * 2**30
"""Buffers of collectives on each GPU of several; AIConfigurator 0.12.0 measured 342 to 392 MiB."""

SCALE_BYTES = {"int4": 2.5 / 128, "fp4": 1.0 / 16}
"""Bytes of scales and zero points for each weight: a 16-bit scale and a 4-bit zero point for 128
weights of ``int4``, an 8-bit scale for 16 of ``fp4`` (NVFP4)."""


def layout_faults(llm: Llm, layout: Layout) -> tuple[Fault, ...]:
    """Return why a model cannot be spread that way; nothing when it can.

    Attention heads must divide evenly over ``tp``, KV heads evenly over it or be copied evenly,
    stages need a layer each, and expert groups experts that divide evenly.
    """
    faults = []
    heads = llm.attention.heads
    if heads % layout.tp:
        faults.append(Fault("layout.tp", str(layout.tp), f"a divisor of {heads} attention heads"))
    elif isinstance(llm.attention, GroupedAttention):
        kv_heads = llm.attention.kv_heads
        if kv_heads % layout.tp and layout.tp % kv_heads:
            expected = f"a divisor or a multiple of {kv_heads} KV heads"
            faults.append(Fault("layout.tp", str(layout.tp), expected))
    if layout.pp > llm.layers:
        faults.append(Fault("layout.pp", str(layout.pp), f"at most {llm.layers} layers"))
    experts = 1 if llm.experts is None else llm.experts.count
    if experts % layout.ep:
        expected = f"a divisor of {experts} experts" if experts > 1 else "1: it has no experts"
        faults.append(Fault("layout.ep", str(layout.ep), expected))
    return tuple(faults)


def stage_layers(layers: int, stages: int) -> tuple[int, ...]:
    """Return how many layers each pipeline stage holds, as vLLM spreads them.

    Layers that are left over go to the stages before the last, which holds the output table.
    """
    base, left = divmod(layers, stages)
    return tuple(base + (1 if 0 <= stages - 2 - stage < left else 0) for stage in range(stages))


@dataclass(frozen=True, slots=True)
class StageMemory:
    """What a GPU of one pipeline stage holds.

    Parameters
    ----------
    weight_bytes
        Of its weights.
    kv_bytes_per_token
        Of one token of a sequence that its copy of attention serves.
    """

    weight_bytes: float
    kv_bytes_per_token: float


def stages(
    llm: Llm, layout: Layout, precision: Precision, sequence_tokens: int | None = None
) -> tuple[StageMemory, ...]:
    """Return what a GPU of each pipeline stage holds.

    Attention, plain feed-forward parts, shared experts and embedding tables are split over ``tp``
    and copied ``dp`` times; routed experts spread over the whole stage. KV heads are copied where
    there are fewer than ``tp``; the latent of multi-head latent attention is held by every GPU of
    ``tp``, and so are its two products that shrink to latents. Embedding tables and routers stay in
    16 bits where weights are smaller.

    Parameters
    ----------
    llm, layout, precision
        The replica.
    sequence_tokens
        Tokens of a usual sequence: layers with a window hold no more than the window of it. By
        default they are taken to hold all of it, as runtimes do that keep one table of blocks for
        all layers.

    Raises
    ------
    InputError
        When the model cannot be spread that way.
    """
    faults = layout_faults(llm, layout)
    if faults:
        raise InputError(faults)
    weight = BYTES[precision.weights] + SCALE_BYTES.get(precision.weights, 0.0)
    wide = max(BYTES[precision.weights], 2.0)
    products = 3 if llm.gated else 2
    attention = weight * _attention_parameters(llm, layout)
    plain = weight * products * llm.hidden * llm.ffn / layout.tp
    mixture = _mixture_bytes(llm, layout, weight, wide)
    table = wide * llm.vocabulary * llm.hidden / layout.tp
    kv = _kv_values(llm, layout, sequence_tokens) * BYTES[precision.kv]
    held, first = [], 0
    for stage, layers in enumerate(stage_layers(llm.layers, layout.pp)):
        dense = _plain_layers(llm, first, layers)
        tables = int(stage == 0) + int(stage == layout.pp - 1)
        if llm.tied and layout.pp == 1:
            tables = 1
        size = layers * attention + dense * plain + (layers - dense) * mixture + tables * table
        held.append(StageMemory(size, layers * kv))
        first += layers
    return tuple(held)


def weight_bytes_per_gpu(llm: Llm, layout: Layout, precision: Precision) -> float:
    """Return the bytes of weights on the fullest GPU of a replica.

    Raises
    ------
    InputError
        When the model cannot be spread that way.
    """
    return max(stage.weight_bytes for stage in stages(llm, layout, precision))


def activation_bytes(llm: Llm, layout: Layout, batch_tokens: int) -> float:
    """Return the working memory of one GPU for an iteration of that many tokens of the replica.

    Counted are 16-bit values: a layer's input, residual and attention results, the inner width of
    its feed-forward part with both products of gating, and 32-bit logits of one token in eight.
    """
    tokens = math.ceil(batch_tokens / layout.dp)
    inner = llm.ffn / layout.tp
    if llm.experts is not None:
        routed = llm.experts.active * llm.experts.ffn * layout.dp / layout.stage_gpus
        inner = max(inner, routed + llm.experts.shared_ffn / layout.tp)
    width = 4 * llm.hidden + (3 if llm.gated else 2) * inner
    return tokens * (2.0 * width + 4.0 * llm.vocabulary / layout.tp / 8)


def kv_capacity(
    llm: Llm,
    gpu: Gpu,
    layout: Layout,
    precision: Precision,
    memory_share: float = 0.9,
    *,
    batch_tokens: int = 2048,
    sequence_tokens: int | None = None,
) -> int | None:
    """Return how many tokens of KV cache one replica holds.

    Each GPU may use ``memory_share`` of its memory for weights, working memory, the runtime and the
    cache; the fullest stage decides. Copies of attention (``dp``) each hold their own requests, so
    their capacities add up.

    Parameters
    ----------
    llm, gpu, layout, precision
        The replica.
    memory_share
        Share of a GPU's memory that the runtime may take.
    batch_tokens
        Most tokens of one iteration, for the working memory.
    sequence_tokens
        Tokens of a usual sequence, for layers with a window; see :func:`stages`.

    Returns
    -------
    int or None
        ``None`` when the weights leave no room for a token.

    Raises
    ------
    InputError
        When the model cannot be spread that way, or a number is outside its range.
    """
    faults = []
    if not 0 < memory_share <= 1:
        faults.append(Fault("memory_share", str(memory_share), "a share above 0 and at most 1"))
    if batch_tokens < 1:
        faults.append(Fault("batch_tokens", str(batch_tokens), "at least 1"))
    if sequence_tokens is not None and sequence_tokens < 1:
        faults.append(Fault("sequence_tokens", str(sequence_tokens), "at least 1"))
    if faults:
        raise InputError(faults)
    reserve = RUNTIME_BYTES + (COLLECTIVE_BYTES if layout.gpus > 1 else 0.0)
    reserve += activation_bytes(llm, layout, batch_tokens)
    room = memory_share * gpu.memory_bytes - reserve
    held = stages(llm, layout, precision, sequence_tokens)
    tokens = min((room - stage.weight_bytes) / stage.kv_bytes_per_token for stage in held)
    return layout.dp * math.floor(tokens) if tokens >= 1 else None


def _attention_parameters(llm: Llm, layout: Layout) -> float:
    """Count the weights of one layer's attention on one GPU."""
    attention = llm.attention
    if isinstance(attention, LatentAttention):
        shrink = attention.kv_rank + attention.rope_dim + (attention.query_rank or 0)
        copied = llm.hidden * shrink
        return copied + (llm.attention_parameters - copied) / layout.tp
    heads = 2 * attention.heads / layout.tp + 2 * _kv_heads(attention, layout)
    return llm.hidden * attention.head_dim * heads


def _kv_heads(attention: GroupedAttention, layout: Layout) -> int:
    return max(1, attention.kv_heads // layout.tp)


def _kv_values(llm: Llm, layout: Layout, sequence_tokens: int | None) -> float:
    """Count the values that one token adds to a layer's cache on one GPU, on average."""
    attention = llm.attention
    if isinstance(attention, LatentAttention):
        return attention.kv_values()
    values = 2.0 * _kv_heads(attention, layout) * attention.head_dim
    if sequence_tokens is not None and attention.window is not None:
        kept = min(1.0, attention.window / sequence_tokens)
        share = attention.windowed_layers / llm.layers
        values *= 1 - share * (1 - kept)
    return values


def _mixture_bytes(llm: Llm, layout: Layout, weight: float, wide: float) -> float:
    """Return the bytes of one layer's experts, routed and shared, and its router on one GPU."""
    if llm.experts is None:
        return 0.0
    products = 3 if llm.gated else 2
    routed = llm.experts.count * llm.expert_parameters / layout.stage_gpus
    shared = products * llm.hidden * llm.experts.shared_ffn / layout.tp
    return weight * (routed + shared) + wide * llm.hidden * llm.experts.count


def _plain_layers(llm: Llm, first: int, layers: int) -> int:
    """Count the layers with a plain feed-forward part among those of a stage."""
    if llm.experts is None:
        return layers
    return min(max(llm.experts.dense_layers - first, 0), layers)
