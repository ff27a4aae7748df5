"""Descriptions that the tests of cost models share."""

from __future__ import annotations

from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.llm import Experts, GroupedAttention, LatentAttention, Llm

H100 = Gpu(
    name="h100",
    memory_bytes=80 * 10**9,
    bandwidth=3.35e12,
    flops={"bf16": 989e12, "fp8": 1979e12},
    link_bandwidth=450e9,
    host_bandwidth=64e9,
    network_bandwidth=50e9,
    watts=700.0,
    idle_watts=100.0,
    price_per_hour=3.0,
    sources=("data sheet",),
)
LLAMA_8B = Llm(
    name="llama-3.1-8b",
    layers=32,
    hidden=4096,
    ffn=14336,
    vocabulary=128256,
    attention=GroupedAttention(heads=32, kv_heads=8, head_dim=128),
)
GPT_OSS = Llm(
    name="gpt-oss-120b",
    layers=36,
    hidden=2880,
    ffn=2880,
    vocabulary=201088,
    attention=GroupedAttention(heads=64, kv_heads=8, head_dim=64, window=128, windowed_layers=18),
    experts=Experts(count=128, active=4, ffn=2880),
)
DEEPSEEK_V3 = Llm(
    name="deepseek-v3",
    layers=61,
    hidden=7168,
    ffn=18432,
    vocabulary=129280,
    attention=LatentAttention(
        heads=128, kv_rank=512, rope_dim=64, nope_dim=128, value_dim=128, query_rank=1536
    ),
    experts=Experts(count=256, active=8, ffn=2048, shared_ffn=2048, dense_layers=3),
    native="fp8",
)
