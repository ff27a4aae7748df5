"""Descriptions of models, layouts and batches: counts against published ones, faults, the affine
model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Experts, GroupedAttention, Llm
from scheduling.models.cost.protocol import Affine, Batch
from tests.models.cost.machines import DEEPSEEK_V3

LLAMA_2_7B = Llm(
    name="llama-2-7b",
    layers=32,
    hidden=4096,
    ffn=11008,
    vocabulary=32000,
    attention=GroupedAttention(heads=32, kv_heads=32, head_dim=128),
)


def test_parameters_are_those_that_the_authors_state() -> None:
    assert LLAMA_2_7B.parameters == pytest.approx(6.738e9, rel=1e-3)
    assert DEEPSEEK_V3.parameters == pytest.approx(671e9, rel=2e-3)
    assert DEEPSEEK_V3.active_parameters == pytest.approx(37e9, rel=0.02)
    assert LLAMA_2_7B.parameters == LLAMA_2_7B.active_parameters


def test_the_cache_of_latent_attention_is_one_latent() -> None:
    assert LLAMA_2_7B.kv_bytes_per_token("bf16") == 2 * 2 * 32 * 4096
    assert DEEPSEEK_V3.kv_bytes_per_token("bf16") == 61 * 576 * 2


def test_contradictions_are_all_named() -> None:
    with pytest.raises(InputError) as caught:
        Llm(
            name="odd",
            layers=2,
            hidden=8,
            ffn=8,
            vocabulary=8,
            attention=GroupedAttention(heads=3, kv_heads=2, head_dim=4, windowed_layers=5),
            experts=Experts(count=2, active=4, ffn=8, dense_layers=3),
        )
    places = {fault.place for fault in caught.value.faults}
    assert places == {
        "attention.kv_heads",
        "attention.windowed_layers",
        "attention.window",
        "experts.active",
        "experts.dense_layers",
    }


def test_experts_spread_over_a_stage() -> None:
    layout = Layout(tp=2, dp=4, pp=2, ep=4)
    assert (layout.gpus, layout.stage_gpus, layout.expert_tp) == (16, 8, 2)
    assert str(layout) == "tp2 pp2 dp4 ep4"
    with pytest.raises(InputError, match="a divisor of tp"):
        Layout(tp=4, ep=3)


counts = st.integers(0, 5000)


@given(new=st.integers(1, 5000), split=counts, cached=counts)
def test_chunks_attend_to_as_many_pairs_as_the_whole_prompt(
    new: int, split: int, cached: int
) -> None:
    first = min(split, new - 1)
    whole = Batch.prefill(new, cached)
    chunks = Batch.prefill(first, cached) + Batch.prefill(new - first, cached + first)
    assert chunks.prefill_pairs == pytest.approx(whole.prefill_pairs)
    assert chunks.new_tokens == whole.new_tokens


@given(new=counts, cached=counts, sequences=counts, context=counts)
def test_the_line_of_the_affine_model_is_its_time(
    new: int, cached: int, sequences: int, context: int
) -> None:
    cost = Affine(0.005, 4e-5, 3e-8)
    batch = Batch.prefill(new, cached) + Batch.decode(sequences, context)
    expected = 0.005 + 4e-5 * (new + sequences) + 3e-8 * (cached + context)
    assert cost.seconds(batch) == pytest.approx(expected)
    line = cost.line(batch)
    assert line.at_zero + line.per_token * context == cost.seconds(batch)
