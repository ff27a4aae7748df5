"""Readers of operator tables: units, kernels, versions that must not mix, faults."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.cost import parquet
from scheduling.instances.cost.operators import read_operators
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch, Provenance
from scheduling.models.cost.tables import AttentionKey, ExpertKey, LatentKey

NAME = "h100_sxm_vllm-1.0"
HEADS = {"num_heads": 8, "num_key_value_heads": 2, "head_dim": 128, "kv_cache_dtype": "bfloat16"}
LATENT = {"num_heads": 16, "architecture": "DeepseekV3ForCausalLM", "gemm_type": "fp8_block"}
LAYER = {
    "moe_dtype": "bfloat16",
    "hidden_size": 64,
    "inter_size": 32,
    "topk": 2,
    "num_experts": 8,
    "moe_tp_size": 1,
    "moe_ep_size": 2,
}


def products(kernel: str, latency: float, sizes: tuple[int, ...] = (1, 64)) -> list[dict[str, Any]]:
    return [
        {"kernel_source": kernel, "gemm_dtype": "bfloat16", "m": m, "n": 4096, "k": 4096}
        | {"latency": latency * max(1, m / 32)}
        for m in sizes
    ]


def tables() -> dict[str, list[dict[str, Any]]]:
    """Files of one engine, in its units."""
    return {
        "gemm": [*products("slow", 0.2), *products("fast", 0.015), *products("few", 0.001, (1,))][
            :-1
        ]
        + products("other", 0.1, (1,)),
        "context_attention": [
            {**HEADS, "batch_size": 1, "isl": 1024, "step": 0, "window_size": 0, "latency": 0.05},
            {**HEADS, "batch_size": 1, "isl": 1024, "step": 0, "window_size": 128, "latency": 0.01},
            {**HEADS, "batch_size": 1, "isl": 1024, "step": 512, "window_size": 0, "latency": 0.09},
        ],
        "generation_attention": [
            {**HEADS, "batch_size": 4, "isl": 1, "step": 1023, "latency": 0.02},
        ],
        "mla_context_module": [
            {**LATENT, "kv_cache_dtype": "fp8", "batch_size": 1, "isl": 512, "latency": 0.3},
        ],
        "mla_generation_module": [
            {**LATENT, "kv_cache_dtype": "fp8", "batch_size": 2, "isl": 1, "step": 255}
            | {"latency": 0.06},
        ],
        "moe": [
            {**LAYER, "distribution": "power_law_1.2", "num_tokens": 16, "latency": 0.9},
            {**LAYER, "distribution": "power_law_1.01", "num_tokens": 16, "latency": 0.5},
        ],
        "custom_allreduce": [
            {"kernel_source": "eager", "num_gpus": 2, "message_size": 8192, "latency": 0.02},
            {"kernel_source": "graph", "num_gpus": 2, "message_size": 8192, "latency": 0.004},
        ],
    }


def nccl() -> list[dict[str, Any]]:
    row = {"nccl_dtype": "half", "message_size": 1024, "latency": 0.01}
    return [
        {**row, "op_name": op, "num_gpus": group}
        for op in ("all_reduce", "all_gather", "alltoall")
        for group in (2, 4)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("pyarrow")
    for operator, rows in tables().items():
        write(tmp_path / f"{NAME}_{operator}.parquet", rows)
    write(tmp_path / "h100_sxm_nccl-2.0_collectives.parquet", nccl())
    return tmp_path


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet as files

    files.write_table(pa.Table.from_pylist(rows), path)


def test_units_keys_and_kernels(folder: Path) -> None:
    table = read_operators(folder / NAME)
    assert table.name == NAME
    assert table.products["bf16", "bf16"].at(4096, 4096, 64).seconds == pytest.approx(30e-6)
    heads = AttentionKey(8, 2, 128, "bf16")
    assert table.prefill[heads].at(1, 1024).seconds == pytest.approx(50e-6)
    assert table.decode[heads].at(4, 1024).provenance is Provenance.MEASURED
    latent = LatentKey(16, 7168, 512, "fp8", "fp8")
    assert table.latent_decode[latent].at(2, 256).seconds == pytest.approx(60e-6)
    key = ExpertKey(64, 32, 8, 2, 1, 2, "bf16", "bf16")
    assert table.experts[key].at(16).seconds == pytest.approx(0.5e-3)
    assert table.all_reduce[2].at(16384).seconds == pytest.approx(4e-6)
    assert table.all_reduce[4].at(2048).seconds == pytest.approx(10e-6)
    assert table.all_to_all[2].at(2048).provenance is Provenance.MEASURED


def test_engines_do_not_mix(folder: Path) -> None:
    write(folder / "h100_sxm_vllm-2.0_gemm.parquet", products("k", 0.01))
    with pytest.raises(InputError, match=r"vllm-1\.0, h100_sxm_vllm-2\.0, expected tables of one"):
        read_operators(folder)
    assert read_operators(folder / "h100_sxm_vllm-2.0").decode == {}
    with pytest.raises(InputError, match="none that starts with b200"):
        read_operators(folder / "b200")


def test_wrong_units_are_told(folder: Path) -> None:
    micro = [row | {"latency": row["latency"] * 1e3} for row in products("k", 0.015)]
    write(folder / f"{NAME}_gemm.parquet", micro)
    with pytest.raises(InputError, match=r"products: found .* times what h100-sxm should take"):
        read_operators(folder / NAME)


def test_broken_parquet_is_told(folder: Path) -> None:
    file = folder / f"{NAME}_gemm.parquet"
    write(file, [{"m": 1, "latency": 0.1}])
    with pytest.raises(InputError, match="also gemm_dtype, n, k"):
        read_operators(folder / NAME)
    write(file, [row | {"latency": -1.0} for row in products("k", 1)])
    with pytest.raises(InputError, match=r"row 1: latency: found -1\.0"):
        read_operators(folder / NAME)
    file.write_text("no parquet")
    with pytest.raises(InputError, match="expected a Parquet file"):
        read_operators(folder / NAME)


def test_a_missing_pyarrow_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UnsupportedError, match=r"pip install 'scheduling\[profiles\]'"):
        parquet.read_columns(tmp_path / "x.parquet", ())


def test_layers_of_vidur_are_products(tmp_path: Path) -> None:
    times = "attn_pre_proj_ms,attn_post_proj_ms,mlp_up_proj_ms,mlp_down_proj_ms"
    file = tmp_path / "linear_ops_h100_Meta-Llama-3-8B.csv"
    file.write_text(f"num_tokens,tp,{times}\n1,1,0.02,0.015,0.1,0.05\n1,2,0.01,0.01,0.05,0.03\n")
    wide = read_operators(file).products["bf16", "bf16"]
    assert wide.at(6144, 4096, 1).seconds == pytest.approx(20e-6)
    assert wide.at(28672, 4096, 1).seconds == pytest.approx(100e-6)
    assert wide.at(4096, 7168, 1).provenance is Provenance.MEASURED
    (tmp_path / "linear_ops_a100_Meta-Llama-3-8B.csv").write_text(file.read_text())
    with pytest.raises(InputError, match="found a100, h100, expected tables of one GPU"):
        read_operators(tmp_path)


def test_shapes_of_layers_stand_beside_them(tmp_path: Path) -> None:
    times = "attn_pre_proj_ms,attn_post_proj_ms,mlp_up_proj_ms,mlp_down_proj_ms"
    file = tmp_path / "linear_ops_h100_Unheard-1.csv"
    file.write_text(f"num_tokens,tp,{times}\n1,1,0.02,0.015,0.1,0.05\n")
    with pytest.raises(InputError, match="Unheard-1"):
        read_operators(file)
    entry = {"n_head": "16", "n_kv_head": "8", "n_embd": "2048", "n_expanded_embd": "5120"}
    dims = tmp_path / "model_dims.json"
    dims.write_text(json.dumps({"h100/some/Unheard-1": entry | {"use_gated_mlp": "False"}}))
    wide = read_operators(file).products["bf16", "bf16"]
    assert wide.at(4096, 2048, 1).seconds == pytest.approx(20e-6)
    assert wide.at(5120, 2048, 1).seconds == pytest.approx(100e-6)
    dims.write_text(json.dumps({"h100/some/Unheard-1": {"n_head": "16"}}))
    with pytest.raises(InputError, match="expected n_head, n_kv_head"):
        read_operators(file)


def test_messages_of_vidur_stay_in_one_node(tmp_path: Path) -> None:
    file = tmp_path / "all_reduce_h100_dgx.csv"
    head = "num_workers,devices_per_node,size_elements,median_ms,max_rank_median_ms,samples\n"
    file.write_text(head + "2,1,1024,9,9,1\n2,2,1024,0.005,0.007,1\n")
    assert read_operators(file).all_reduce[2].at(2048).seconds == pytest.approx(7e-6)


def test_messages_of_apex_are_kib_and_microseconds(tmp_path: Path) -> None:
    file = tmp_path / "comm_sendrecv_H100-SXM-80GB.csv"
    head = "gpu,num_nodes,num_gpus_per_node,dtype,size(kb),time(us)\n"
    file.write_text(head + "H100-SXM-80GB,1,2,half,4,6.0\nH100-SXM-80GB,2,2,half,4,60\n")
    send = read_operators(file).send
    assert send is not None
    assert send.at(4096).seconds == pytest.approx(6e-6)
    file.write_text(head + "H100-SXM-80GB,1,2,half,4,fast\n")
    with pytest.raises(InputError, match=r"line 2: time\(us\): found 'fast'"):
        read_operators(file)


def test_other_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="columns: found a, b"):
        read_operators(file)
    with pytest.raises(InputError, match="expected a file or folder of operator tables"):
        read_operators(tmp_path / "nothing")


def test_documents_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    row = {"weights": "bf16", "compute": "bf16", "rows": 8, "n": 4096, "k": 4096, "seconds": 2e-5}
    document = {"kind": "operator-profile", "gpu": "h100-sxm", "engine": "x", "products": [row]}
    file.write_text(json.dumps(document))
    measured = read_operators(file).products["bf16", "bf16"].at(4096, 4096, 8)
    assert measured.seconds == pytest.approx(2e-5)
    file.write_text(json.dumps(document | {"products": [row | {"seconds": 20.0}]}))
    with pytest.raises(InputError, match="times what h100-sxm should take"):
        read_operators(file)
    file.write_text(json.dumps(document | {"products": [row | {"seconds": -1.0}]}))
    with pytest.raises(InputError, match=r"products\[0\]\.seconds"):
        read_operators(file)


REPLICAS = (
    ("llama-3.1-8b", Layout(), Precision()),
    ("qwen3-32b", Layout(tp=4), Precision()),
    ("qwen3-235b-a22b-fp8", Layout(tp=4, ep=4), Precision(weights="fp8", compute="fp8")),
    ("deepseek-r1", Layout(tp=8), Precision(weights="fp8", compute="fp8")),
)


@pytest.mark.shared
def test_the_roofline_is_close_to_measured_operators() -> None:
    data = os.environ.get("SCHEDULING_DATA")
    if not data:
        pytest.skip("SCHEDULING_DATA is not set")
    pytest.importorskip("pyarrow")
    table = read_operators(Path(data) / "gpu-profiles/aiconfigurator/h100_sxm_vllm-0.24.0")
    batches = [Batch.decode(b, b * c) for b in (1, 8, 64) for c in (512, 4000)]
    batches += [Batch.prefill(2048), Batch.prefill(8192)]
    for name, layout, types in REPLICAS:
        card, served = gpu("h100-sxm"), llm(name)
        plain = replica_cost(served, card, layout, types)
        tabled = replica_cost(served, card, layout, types, profile=table)
        for batch in batches:
            assert tabled.provenance(batch) <= Provenance.EXTRAPOLATED
            assert plain.seconds(batch) == pytest.approx(tabled.seconds(batch), rel=0.4)
