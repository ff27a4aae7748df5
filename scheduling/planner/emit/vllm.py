"""Command lines of vLLM."""

from __future__ import annotations

from scheduling.errors import UnsupportedError
from scheduling.planner.emit.accelerators import generations
from scheduling.planner.emit.flags import Arguments
from scheduling.planner.emit.shape import Part

TRANSFER = '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'
"""Prefill and decode replicas hand each other KV blocks over NIXL; either end takes both roles."""

_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
_KV_DTYPES = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "fp8": "fp8",
    "int8": "int8_per_token_head",
    "int4": "int4_per_token_head",
    "fp4": "nvfp4",
}


def layout_words(part: Part) -> list[str]:
    """Return the flags that spread a replica over GPUs.

    Raises
    ------
    UnsupportedError
        For experts in some groups: vLLM spreads them over all GPUs of a stage or over none. For
        pipeline stages where prefill and decode are apart, between which NixlConnector hands on no
        KV blocks (vllm-project/vllm#52913).
    """
    layout = part.component.layout
    if layout.pp > 1 and part.component.role != "both":
        message = (
            f"component {part.name}: vLLM hands no KV blocks between prefill and decode replicas "
            f"of several pipeline stages, here {layout.pp}; plan with the option max_pp 1 or with "
            "mode aggregated, or emit for sglang"
        )
        raise UnsupportedError(message)
    words = Arguments("vllm")
    words.add("--tensor-parallel-size", layout.tp)
    words.add("--pipeline-parallel-size", layout.pp)
    if layout.dp > 1:
        words.add("--data-parallel-size", layout.dp)
    if layout.ep > 1:
        words.switch("--enable-expert-parallel")
    if layout.ep not in {1, layout.stage_gpus}:
        message = (
            f"component {part.name}: vLLM spreads experts over all {layout.stage_gpus} GPUs of a "
            f"stage or over none, not over {layout.ep} groups; plan with ep 1 or "
            f"{layout.stage_gpus}, or emit for sglang"
        )
        raise UnsupportedError(message)
    copies_fit = layout.dp % part.nodes == 0 or part.nodes % layout.dp == 0
    if not copies_fit:
        message = (
            f"component {part.name}: vLLM puts whole copies of attention on nodes, or whole nodes "
            f"into copies, not {layout.dp} copies on {part.nodes} nodes"
        )
        raise UnsupportedError(message)
    return words.words


def engine_words(part: Part) -> list[str]:
    """Return the flags of batches, memory, number types and the split of prefill and decode.

    Batch and token budget are those of one copy of attention, each of which has a scheduler.

    Raises
    ------
    UnsupportedError
        For a type of the KV cache that vLLM does not have, and for replicas that would hand on KV
        blocks between GPUs of several makers.
    """
    component = part.component
    precision = component.precision
    words = Arguments("vllm")
    words.add("--max-num-seqs", part.per_copy(component.max_sequences))
    words.add("--max-num-batched-tokens", part.per_copy(component.token_budget))
    words.add("--max-model-len", component.max_tokens)
    words.add("--gpu-memory-utilization", component.memory_share)
    words.add("--dtype", _DTYPES.get(precision.compute))
    if precision.weights == "fp8" and "fp8" not in part.weights.lower():
        words.add("--quantization", "fp8")
    if precision.kv not in _KV_DTYPES:
        raise UnsupportedError(f"component {part.name}: vLLM has no KV cache of {precision.kv}")
    words.add("--kv-cache-dtype", _KV_DTYPES[precision.kv])
    if component.role != "both":
        words.add("--kv-transfer-config", TRANSFER)
        words.add("--attention-backend", _common_kernels(part))
    return words.words


def _common_kernels(part: Part) -> str | None:
    """Return kernels of attention that all GPUs have between which KV blocks are handed on.

    NixlConnector refuses replicas with other kernels than its own, and by default GPUs of another
    generation have others. Triton's run everywhere, with every type of KV, size of heads and sinks.
    """
    among = generations(part)
    if len(among) < 2:
        return None
    if part.component.attention == "grouped":
        return "TRITON_ATTN"
    return "FLASHMLA" if among <= {"hopper", "blackwell"} else "TRITON_MLA"


def node_words(part: Part, rank: str, leader: str) -> list[str]:
    """Return the flags that join the nodes of a replica; none for a single node.

    Parameters
    ----------
    part
        The component.
    rank, leader
        How the node's rank and the address of the node of rank 0 are written.
    """
    if part.nodes == 1:
        return []
    words = Arguments("vllm")
    words.add("--nnodes", part.nodes)
    words.add("--node-rank", rank)
    words.add("--master-addr", leader)
    return words.words


def headless_words() -> list[str]:
    """Return the flag of nodes that serve no requests themselves: all but the first."""
    words = Arguments("vllm")
    words.switch("--headless")
    return words.words


def server_words(part: Part, port: int | str) -> list[str]:
    """Return the flags of the server: the model's name in requests, and the port."""
    words = Arguments("vllm")
    words.add("--served-model-name", part.component.model)
    words.add("--port", port)
    return words.words
