"""Command lines of SGLang."""

from __future__ import annotations

from scheduling.errors import UnsupportedError
from scheduling.planner.emit.accelerators import generations
from scheduling.planner.emit.flags import Arguments
from scheduling.planner.emit.shape import Part

RENDEZVOUS_PORT = 20000
"""Port on which the nodes of a replica find each other."""

_COMMON_PAGE = 64
"""Tokens of a page of KV that the kernels of all generations of GPUs take."""

_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
_KV_DTYPES = {"bf16": "bf16", "fp8": "fp8_e4m3", "fp4": "nvfp4"}


def engine_words(part: Part) -> list[str]:
    """Return all flags but those of nodes and server.

    SGLang counts the GPUs of a stage as its tensor parallel size and copies of attention inside
    it; batch and token budget are those of the replica, which it divides among the copies.

    Raises
    ------
    UnsupportedError
        For a type of the KV cache that SGLang does not have, and for replicas that would hand on
        KV blocks between GPUs of several makers.
    """
    component = part.component
    layout, precision = component.layout, component.precision
    words = Arguments("sglang")
    words.add("--tp-size", layout.stage_gpus)
    words.add("--pp-size", layout.pp)
    if layout.dp > 1:
        words.add("--attn-dp-size", layout.dp)
    if layout.ep > 1:
        words.add("--ep-size", layout.ep)
    words.add("--max-running-requests", component.max_sequences)
    words.add("--chunked-prefill-size", component.token_budget)
    words.add("--context-length", component.max_tokens)
    words.add("--mem-fraction-static", component.memory_share)
    words.add("--dtype", _DTYPES.get(precision.compute))
    if precision.weights == "fp8" and "fp8" not in part.weights.lower():
        words.add("--quantization", "fp8")
    if precision.kv in _KV_DTYPES:
        words.add("--kv-cache-dtype", _KV_DTYPES[precision.kv])
    elif precision.kv != precision.compute or precision.kv not in _DTYPES:
        raise UnsupportedError(f"component {part.name}: SGLang has no KV cache of {precision.kv}")
    if component.role != "both":
        words.add("--disaggregation-mode", component.role)
        words.add("--disaggregation-transfer-backend", "nixl")
        # Prefill and decode refuse each other where pages differ, and the kernels that SGLang
        # chooses for some generations have pages of their own.
        words.add("--page-size", _COMMON_PAGE if len(generations(part)) > 1 else None)
    return words.words


def bootstrap_words(part: Part, port: int | str) -> list[str]:
    """Return the flag of the port at which decode replicas ask a prefill replica for KV blocks."""
    words = Arguments("sglang")
    if part.component.role == "prefill":
        words.add("--disaggregation-bootstrap-port", port)
    return words.words


def node_words(part: Part, rank: str, leader: str) -> list[str]:
    """Return the flags that join the nodes of a replica; none for a single node."""
    if part.nodes == 1:
        return []
    words = Arguments("sglang")
    words.add("--nnodes", part.nodes)
    words.add("--node-rank", rank)
    words.add("--dist-init-addr", f"{leader}:{RENDEZVOUS_PORT}")
    return words.words


def server_words(part: Part, port: int | str) -> list[str]:
    """Return the flags of the server: weights, the model's name in requests, address and port."""
    words = Arguments("sglang")
    words.add("--model-path", part.weights)
    words.add("--served-model-name", part.component.model)
    words.add("--host", "0.0.0.0")  # noqa: S104 - a server in a cluster is there to be reached
    words.add("--port", port)
    return words.words
