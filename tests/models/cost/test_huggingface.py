"""Configurations of Hugging Face repositories as descriptions of models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.catalogue import llm, llms
from scheduling.models.cost.huggingface import from_config
from scheduling.models.cost.llm import GroupedAttention, LatentAttention, Llm

LLAMA = {
    "model_type": "llama",
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 28672,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
}
DEEPSEEK = {
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "vocab_size": 129280,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 3,
    "moe_layer_freq": 1,
    "kv_lora_rank": 512,
    "q_lora_rank": 1536,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
    "tie_word_embeddings": False,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}


def same(read: Llm, name: str) -> None:
    """Demand the shapes of a model of the catalogue."""
    known = llm(name)
    bare = {"name", "huggingface", "aliases", "sources", "max_tokens"}
    assert read.model_dump(exclude=bare) == known.model_dump(exclude=bare)


def test_dense_and_latent_models_read_as_the_catalogue_has_them() -> None:
    same(from_config(LLAMA, "mine"), "llama-3.1-70b")
    same(from_config(DEEPSEEK, "mine"), "deepseek-r1")


def test_older_names_of_fields_and_defaults_of_types() -> None:
    opt = {
        "model_type": "opt",
        "hidden_size": 5120,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "ffn_dim": 20480,
        "vocab_size": 50272,
        "torch_dtype": "float16",
    }
    bloom = {
        "model_type": "bloom",
        "n_embed": 14336,
        "n_layer": 70,
        "num_attention_heads": 112,
        "vocab_size": 250880,
    }
    falcon = {
        "model_type": "falcon",
        "hidden_size": 14848,
        "num_hidden_layers": 80,
        "num_attention_heads": 232,
        "num_kv_heads": 8,
        "new_decoder_architecture": True,
        "multi_query": True,
        "vocab_size": 65024,
    }
    same(from_config(opt, "mine"), "opt-13b")
    same(from_config(bloom, "mine"), "bloom-176b")
    same(from_config(falcon, "mine"), "falcon-180b")
    falcon_7b = {**falcon, "new_decoder_architecture": False, "hidden_size": 4544}
    falcon_7b |= {"num_hidden_layers": 32, "num_attention_heads": 71, "num_kv_heads": 71}
    small = from_config(falcon_7b, "falcon-7b")
    assert isinstance(small.attention, GroupedAttention)
    assert small.attention.kv_heads == 1
    assert small.parameters == pytest.approx(6.92e9, rel=2e-3)


def windows(**fields: Any) -> tuple[int | None, int]:
    attention = from_config({**LLAMA, **fields}, "mine").attention
    assert isinstance(attention, GroupedAttention)
    return attention.window, attention.windowed_layers


def test_windows_of_every_kind() -> None:
    assert windows() == (None, 0)
    assert windows(model_type="mistral", sliding_window=4096) == (4096, 80)
    assert windows(model_type="mistral", sliding_window=None) == (None, 0)
    qwen = {"model_type": "qwen2", "sliding_window": 4096, "max_window_layers": 70}
    assert windows(**qwen, use_sliding_window=False) == (None, 0)
    assert windows(**qwen, use_sliding_window=True) == (4096, 10)
    assert windows(model_type="gpt_oss", sliding_window=128) == (128, 40)
    assert windows(model_type="gemma3_text", sliding_window=1024) == (1024, 67)
    listed = ["sliding_attention"] * 79 + ["full_attention"]
    assert windows(sliding_window=128, layer_types=listed) == (128, 79)


@pytest.mark.parametrize(
    ("quantised", "native"),
    [
        ({"quant_method": "fp8"}, "fp8"),
        ({"quant_method": "mxfp4"}, "fp4"),
        ({"quant_method": "awq", "bits": 4}, "int4"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "int4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "fp4"),
        ({"quant_method": "modelopt", "quant_algo": "W4A16_AWQ"}, "int4"),
        (
            {
                "quant_method": "quark",
                "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}},
            },
            "fp8",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            "fp8",
        ),
    ],
)
def test_quantised_weights(quantised: dict[str, Any], native: str) -> None:
    assert from_config({**LLAMA, "quantization_config": quantised}, "mine").native == native


def test_mixtures_with_plain_layers_between() -> None:
    mixed = {
        **LLAMA,
        "num_experts": 60,
        "num_experts_per_tok": 4,
        "moe_intermediate_size": 1408,
        "shared_expert_intermediate_size": 5632,
        "decoder_sparse_step": 2,
        "mlp_only_layers": [1],
    }
    experts = from_config(mixed, "mine").experts
    assert experts is not None
    assert (experts.count, experts.shared_ffn, experts.dense_layers) == (60, 5632, 41)
    listed = from_config({**DEEPSEEK, "moe_layer_freq": [0] * 5 + [1] * 56}, "mine").experts
    assert listed is not None
    assert listed.dense_layers == 5


def test_the_language_model_of_a_multimodal_one() -> None:
    whole = {"model_type": "mllama", "text_config": LLAMA, "tie_word_embeddings": True}
    read = from_config(whole, "mine")
    assert read.layers == 80
    assert read.tied


def test_faults_are_all_named() -> None:
    with pytest.raises(InputError) as caught:
        from_config({"num_hidden_layers": "80", "quantization_config": {"bits": 3}}, "mine")
    places = {fault.place for fault in caught.value.faults}
    assert places >= {
        "num_hidden_layers",
        "hidden_size",
        "num_attention_heads",
        "intermediate_size",
        "vocab_size",
        "quantization_config.quant_method",
    }
    cases: dict[str, dict[str, Any]] = {
        "ssm_state_size": {"ssm_state_size": 16},
        "is_encoder_decoder": {"is_encoder_decoder": True},
        "layer_types": {"layer_types": ["linear_attention"] * 80},
        "head_dim": {"hidden_size": 8190},
        "num_key_value_heads": {"num_key_value_heads": 7},
        "num_experts_per_tok": {"num_experts": 4, "num_experts_per_tok": 8},
        "torch_dtype": {"torch_dtype": "complex64"},
        "vocab_size": {"vocab_size": True},
    }
    for place, fields in cases.items():
        with pytest.raises(InputError) as caught:
            from_config({**LLAMA, **fields}, "mine")
        assert [fault.place for fault in caught.value.faults] == [place]
    nested = {"text_config": {**LLAMA, "vocab_size": 0}}
    with pytest.raises(InputError, match=r"text_config\.vocab_size"):
        from_config(nested, "mine")
    with pytest.raises(InputError, match="an object"):
        from_config([], "mine")  # type: ignore[arg-type]


FIELDS = sorted(
    {*LLAMA, *DEEPSEEK, "text_config", "layer_types", "sliding_window", "num_experts", "head_dim"}
    | {"mlp_only_layers", "decoder_sparse_step", "quant_method", "use_sliding_window", "model_type"}
)
scalars = st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats() | st.text(max_size=9)
anything = st.recursive(
    scalars | st.sampled_from(["awq", "modelopt", "quark", "compressed-tensors", "gemma3"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["bits", "quant_method", "config_groups", "weight"]), inner
        )
    ),
    max_leaves=6,
)


@given(
    base=st.sampled_from([LLAMA, DEEPSEEK]),
    changed=st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4),
)
def test_odd_fields_are_faults_and_never_crash(
    base: dict[str, Any], changed: dict[str, Any]
) -> None:
    try:
        read = from_config({**base, **changed}, "odd")
    except InputError:
        return
    assert read.parameters > 0


@pytest.mark.shared
def test_every_published_configuration_reads(shared_data: Path) -> None:
    folder = shared_data / "gpu-profiles" / "aiconfigurator"
    configurations = json.loads((folder / "model_dims.json").read_text())
    known = {
        spelling: name
        for name in llms()
        for spelling in (llm(name).huggingface, *llm(name).aliases)
    }
    compared = 0
    for repository, config in configurations.items():
        read = from_config(config, repository.rpartition("/")[2], repository)
        assert isinstance(read.attention, LatentAttention) == ("kv_lora_rank" in config)
        if repository in known:
            # Some repositories state in a second file that they are quantised.
            published = llm(known[repository])
            native = {"native"} if "quant_method" not in config else set()
            bare = {"name", "huggingface", "aliases", "sources", "max_tokens"} | native
            assert read.model_dump(exclude=bare) == published.model_dump(exclude=bare)
            compared += 1
    assert compared >= 14
