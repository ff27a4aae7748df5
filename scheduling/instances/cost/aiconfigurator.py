"""Operator tables of AIConfigurator: one Parquet file for each operator of a GPU and an engine.

Times are milliseconds. Messages are counted in elements of two bytes. A shape may have been
measured once for each kernel: one is taken for all shapes of a table, the one that is fastest
on the shapes that it shares with the kernel of most shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from math import log
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

from scheduling.errors import Fault, InputError
from scheduling.instances.cost.parquet import read_columns
from scheduling.models.cost.precision import Dtype
from scheduling.models.cost.tables import (
    EXPERTS,
    PRODUCTS,
    SEQUENCES,
    AttentionKey,
    ExpertKey,
    LatentKey,
    Nested,
    OperatorTable,
    Samples,
)

K = TypeVar("K", bound=Hashable)

Row = dict[str, Any]

_MS = 1e-3
_ELEMENT_BYTES = 2
_LEAST_SHARED = 0.5
"""Share of the shapes of the widest kernel that another must have to be taken."""

_TYPES: dict[str, tuple[Dtype, Dtype]] = {
    "bfloat16": ("bf16", "bf16"),
    "fp8": ("fp8", "fp8"),
    "fp8_block": ("fp8", "fp8"),
    "nvfp4": ("fp4", "fp4"),
    "w4a16_mxfp4": ("fp4", "bf16"),
    "w4a8_mxfp4_mxfp8": ("fp4", "fp8"),
    "int4_wo": ("int4", "bf16"),
}
"""Types of weights and operands."""

_SKEWS = ("power_law_1.01", "balanced", "power_law_1.2")
"""How evenly tokens chose their experts, the best known to real traffic first."""

_LATENT = {"DeepseekV3ForCausalLM": (7168, 512)}
"""Hidden size and rank of the cached latent by architecture."""

_NEEDED = {
    "gemm": ("gemm_dtype", "m", "n", "k"),
    "context_attention": ("batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim"),
    "generation_attention": ("batch_size", "step", "num_heads", "num_key_value_heads", "head_dim"),
    "mla_context_module": ("batch_size", "isl", "num_heads", "gemm_type", "architecture"),
    "mla_generation_module": ("batch_size", "step", "num_heads", "gemm_type", "architecture"),
    "moe": ("moe_dtype", "num_tokens", "hidden_size", "inter_size", "topk", "num_experts"),
    "custom_allreduce": ("num_gpus", "message_size"),
    "collectives": ("op_name", "nccl_dtype", "num_gpus", "message_size"),
}

OPERATORS = tuple(_NEEDED)
"""Endings of the names of files that are read; others, such as all-to-alls, are left."""


def read_tables(name: str, files: Mapping[str, Path]) -> OperatorTable:
    """Read the files of one GPU and one version of one engine.

    Parameters
    ----------
    name
        What to call the table.
    files
        By operator, one of ``OPERATORS``.

    Raises
    ------
    InputError
        When a file is no such table.
    """
    rows = {operator: list(_rows(path, operator)) for operator, path in files.items()}
    collectives = rows.get("collectives", [])
    nccl = {op: _collectives(collectives, op) for op in ("all_reduce", "all_gather", "alltoall")}
    custom = _grouped(rows.get("custom_allreduce", []), _group, _message, (1.0,))
    return OperatorTable(
        name,
        products=_grouped(rows.get("gemm", []), _types, _shape, PRODUCTS),
        prefill=_grouped(rows.get("context_attention", []), _heads, _prompts, SEQUENCES["prefill"]),
        decode=_grouped(
            rows.get("generation_attention", []), _heads, _contexts, SEQUENCES["decode"]
        ),
        latent_prefill=_grouped(
            rows.get("mla_context_module", []), _latent, _prompts, SEQUENCES["prefill"]
        ),
        latent_decode=_grouped(
            rows.get("mla_generation_module", []), _latent, _contexts, SEQUENCES["decode"]
        ),
        experts=_grouped(_least_skewed(rows.get("moe", [])), _expert, _tokens, EXPERTS),
        all_reduce={**nccl["all_reduce"], **custom},
        all_gather=nccl["all_gather"],
        all_to_all=nccl["alltoall"],
    )


def _rows(path: Path, operator: str) -> Iterator[Row]:
    """Rows of a file; those with a cached prefix or a window are left out."""
    columns = read_columns(path, (*_NEEDED[operator], "latency"))
    for line in range(len(columns["latency"])):
        row = {name: values[line] for name, values in columns.items()}
        latency = row["latency"]
        if not isinstance(latency, float) or not 0 < latency < 1e7:
            fault = Fault(f"row {line + 1}: latency", str(latency), "milliseconds above zero")
            raise InputError([fault], str(path))
        if row.get("window_size") or (
            operator.startswith(("context", "mla_c")) and row.get("step")
        ):
            continue
        yield row


def _grouped(
    rows: list[Row],
    key_of: Callable[[Row], K | None],
    point_of: Callable[[Row], tuple[float, ...]],
    steepest: tuple[float, ...],
) -> dict[K, Nested]:
    groups: dict[K, dict[tuple[str, ...], Samples]] = {}
    for row in rows:
        key = key_of(row)
        if key is not None:
            kernels = groups.setdefault(key, {})
            kernels.setdefault(_kernel(row), Samples()).add(point_of(row), row["latency"] * _MS)
    return {key: _fastest(kernels).nested(steepest) for key, kernels in groups.items()}


def _kernel(row: Row) -> tuple[str, ...]:
    names = ("kernel_source", "gemm_dtype", "moe_dtype", "attn_dtype", "mla_dtype")
    return tuple(str(row.get(name, "")) for name in names)


def _fastest(kernels: Mapping[tuple[str, ...], Samples]) -> Samples:
    widest = max(kernels.values(), key=len)

    def slowness(name: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
        samples = kernels[name]
        shared = [log(samples[point][0] / widest[point][0]) for point in widest if point in samples]
        few = len(shared) < _LEAST_SHARED * len(widest)
        return (float("inf") if few else fmean(shared), name)

    return kernels[min(kernels, key=slowness)]


def _types(row: Row) -> tuple[Dtype, Dtype] | None:
    return _TYPES.get(row["gemm_dtype"])


def _shape(row: Row) -> tuple[float, ...]:
    return row["n"], row["k"], row["m"]


def _kv(row: Row) -> Dtype:
    return "fp8" if row.get("kv_cache_dtype") == "fp8" else "bf16"


def _heads(row: Row) -> AttentionKey:
    return AttentionKey(row["num_heads"], row["num_key_value_heads"], row["head_dim"], _kv(row))


def _latent(row: Row) -> LatentKey | None:
    types, shape = _TYPES.get(row["gemm_type"]), _LATENT.get(row["architecture"])
    if types is None or shape is None:
        return None
    return LatentKey(row["num_heads"], *shape, types[0], _kv(row))


def _prompts(row: Row) -> tuple[float, ...]:
    return row["batch_size"], row["isl"]


def _contexts(row: Row) -> tuple[float, ...]:
    return row["batch_size"], row["isl"] + row["step"]


def _least_skewed(rows: list[Row]) -> list[Row]:
    """Rows of each layer with the best known distribution of tokens that it was measured with."""
    ranks = {name: rank for rank, name in enumerate(_SKEWS)}
    best: dict[ExpertKey, int] = {}
    for row in rows:
        key, rank = _expert(row), ranks.get(row.get("distribution", ""), len(_SKEWS))
        if key is not None:
            best[key] = min(rank, best.get(key, rank))
    return [
        row
        for row in rows
        if (key := _expert(row)) is not None
        and ranks.get(row.get("distribution", ""), len(_SKEWS)) == best[key]
    ]


def _expert(row: Row) -> ExpertKey | None:
    types = _TYPES.get(row["moe_dtype"])
    if types is None:
        return None
    return ExpertKey(
        row["hidden_size"],
        row["inter_size"],
        row["num_experts"],
        row["topk"],
        row["moe_tp_size"],
        row["moe_ep_size"],
        *types,
    )


def _tokens(row: Row) -> tuple[float, ...]:
    return (row["num_tokens"],)


def _group(row: Row) -> int:
    return int(row["num_gpus"])


def _message(row: Row) -> tuple[float, ...]:
    return (row["message_size"] * _ELEMENT_BYTES,)


def _collectives(rows: list[Row], operation: str) -> dict[int, Nested]:
    chosen = [r for r in rows if r["op_name"] == operation and r["nccl_dtype"] == "half"]
    return _grouped(chosen, _group, _message, (1.0,))
