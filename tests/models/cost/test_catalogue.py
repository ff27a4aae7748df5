"""The catalogue: counts against published ones, names, sanity of data sheets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduling.errors import InputError
from scheduling.models.cost.catalogue import gpu, gpus, llm, llms

# Billions of parameters, in all and (for mixtures of experts) active, as the authors or the
# repositories on Hugging Face state them.
PUBLISHED = {
    "llama-2-7b": (6.74, None),
    "llama-2-13b": (13.02, None),
    "llama-2-70b": (68.98, None),
    "codellama-34b": (33.74, None),
    "llama-3-8b": (8.03, None),
    "llama-3-70b": (70.55, None),
    "llama-3.1-8b": (8.03, None),
    "llama-3.1-8b-fp8": (8.03, None),
    "llama-3.1-70b": (70.55, None),
    "llama-3.1-70b-fp8": (70.55, None),
    "llama-3.1-405b": (405.85, None),
    "llama-3.1-405b-fp8": (405.85, None),
    "llama-3.2-1b": (1.236, None),
    "llama-3.2-3b": (3.213, None),
    "llama-3.3-70b": (70.55, None),
    "llama-3.3-70b-fp8": (70.55, None),
    "qwen2.5-0.5b": (0.494, None),
    "qwen2.5-1.5b": (1.544, None),
    "qwen2.5-3b": (3.086, None),
    "qwen2.5-7b": (7.616, None),
    "qwen2.5-14b": (14.77, None),
    "qwen2.5-32b": (32.76, None),
    "qwen2.5-72b": (72.71, None),
    "qwen3-0.6b": (0.596, None),
    "qwen3-1.7b": (1.72, None),
    "qwen3-4b": (4.02, None),
    "qwen3-8b": (8.19, None),
    "qwen3-14b": (14.77, None),
    "qwen3-32b": (32.76, None),
    "qwen3-32b-fp8": (32.76, None),
    "qwen3-32b-nvfp4": (32.76, None),
    "qwen3-30b-a3b": (30.53, 3.3),
    "qwen3-30b-a3b-fp8": (30.53, 3.3),
    "qwen3-235b-a22b": (235.1, 22.2),
    "qwen3-235b-a22b-fp8": (235.1, 22.2),
    "mistral-7b": (7.24, None),
    "mixtral-8x7b": (46.7, 12.9),
    "mixtral-8x22b": (140.6, 39.2),
    "deepseek-v3": (671.0, 37.0),
    "deepseek-v3-nvfp4": (671.0, 37.0),
    "deepseek-r1": (671.0, 37.0),
    "deepseek-r1-nvfp4": (671.0, 37.0),
    "deepseek-v2": (236.0, 21.0),
    "deepseek-v2-lite": (15.7, 2.66),
    "kimi-k2": (1026.0, 32.6),
    "gpt-oss-120b": (116.8, 5.71),
    "gpt-oss-20b": (20.9, 4.19),
    "gemma-3-27b": (27.0, None),
    "yi-34b": (34.39, None),
    "opt-6.7b": (6.66, None),
    "opt-13b": (12.85, None),
    "opt-30b": (29.97, None),
    "opt-66b": (65.72, None),
    "opt-175b": (174.6, None),
    "bloom-176b": (176.25, None),
    "falcon-180b": (179.52, None),
}


@pytest.mark.parametrize("name", llms())
def test_parameters_are_those_that_the_authors_publish(name: str) -> None:
    total, active = PUBLISHED[name]
    model = llm(name)
    assert model.parameters / 1e9 == pytest.approx(total, rel=5e-3)
    if active is None:
        assert model.experts is None
        assert model.active_parameters == model.parameters
    else:
        # Authors count embedding tables in or out; the figures above count them in.
        assert model.active_parameters / 1e9 == pytest.approx(active, rel=0.03)
    assert model.sources


@pytest.mark.parametrize("name", gpus())
def test_data_sheets_agree_with_themselves(name: str) -> None:
    card = gpu(name)
    sixteen = card.flop_rate("bf16") or card.flop_rate("fp16")
    assert sixteen is not None
    assert card.flops.get("fp32", 0.0) < sixteen
    assert card.flops.get("fp8", sixteen) in (sixteen, pytest.approx(2 * sixteen, rel=0.02))
    # An operation and a byte of every one sold lie within two orders of magnitude.
    assert 30 < sixteen / card.bandwidth < 500
    assert card.network_bandwidth <= card.link_bandwidth < card.bandwidth
    assert card.idle_watts < card.watts
    assert card.domain_gpus % card.node_gpus == 0 or card.node_gpus % card.domain_gpus == 0


def test_names_are_found_however_they_are_spelled() -> None:
    assert gpu("h100_sxm") is gpu("H100-80GB") is gpu("h100-sxm")
    assert gpu("a100-80gb").name == "a100-80gb-sxm"
    assert llm("Llama-2-70b-hf") is llm("llama2-70b")
    assert llm("meta-llama/Meta-Llama-3.1-8B") is llm("llama-3.1-8b")
    assert llm("nvidia/Llama-3.1-70B-Instruct-FP8").native == "fp8"
    assert llm("Qwen3-235B-A22B").experts is not None


def test_unknown_names_bring_the_closest() -> None:
    with pytest.raises(InputError, match=r"GPU: found 'H100-SMX'.*h100-sxm"):
        gpu("H100-SMX")
    with pytest.raises(InputError, match=r"model: found 'llama3.1-70b'.*llama-3.1-70b"):
        llm("llama3.1-70b")
    with pytest.raises(InputError, match="such as"):
        llm("")


@pytest.mark.shared
def test_data_sheets_are_those_of_other_planners(shared_data: Path) -> None:
    text = (shared_data / "gpu-profiles" / "aiconfigurator" / "systems.json").read_text()
    systems = json.loads(text)
    compared = 0
    for name in ("a100_sxm", "a100_pcie", "a30", "h100_sxm", "h100_pcie", "h200_sxm", "b200_sxm"):
        theirs, ours = systems[name]["gpu"], gpu(name)
        assert ours.bandwidth == pytest.approx(theirs["mem_bw"], rel=0.01)
        assert ours.memory_bytes == pytest.approx(theirs["mem_capacity"], rel=0.01)
        assert ours.watts == theirs["power"]
        for key, dtype in (("bfloat16", "bf16"), ("fp8", "fp8"), ("int8", "int8"), ("fp4", "fp4")):
            if f"{key}_tc_flops" in theirs:
                rate = theirs[f"{key}_tc_flops"]
                assert ours.flops[dtype] == pytest.approx(rate, rel=0.01)  # type: ignore[index]
                compared += 1
        link = systems[name]["node"]["intra_node_bw"]
        assert ours.link_bandwidth == pytest.approx(link, rel=0.01)
    assert compared > 15
