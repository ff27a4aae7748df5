"""The roofline: physical floors, growth with work, lines over the context, faults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.precision import BYTES, Precision
from scheduling.models.cost.protocol import (
    Affine,
    Batch,
    CostModel,
    KnowsMinorants,
    Provenance,
)
from tests.models.cost.machines import DEEPSEEK_V3, GPT_OSS, H100, LLAMA_8B
from tests.properties import examples

WIDE = Precision()
NARROW = Precision(weights="fp8", compute="fp8", kv="fp8")
LAYOUTS = (
    Layout(),
    Layout(tp=8),
    Layout(tp=4, pp=2),
    Layout(tp=2, dp=4, ep=8),
    Layout(tp=8, ep=8),
    Layout(tp=1, dp=8, pp=2, ep=4),
)

models = st.sampled_from([LLAMA_8B, GPT_OSS, DEEPSEEK_V3])
layouts = st.sampled_from(LAYOUTS)
precisions = st.sampled_from([WIDE, NARROW])


def cost_of(llm: Llm, layout: Layout, precision: Precision) -> CostModel:
    return replica_cost(llm, H100, layout, precision)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    decodes = draw(st.integers(0, 300))
    context = decodes * draw(st.integers(1, 9000))
    batch = Batch.decode(decodes, context)
    for _ in range(draw(st.integers(0, 4))):
        batch += Batch.prefill(draw(st.integers(1, 8192)), draw(st.integers(0, 4096)))
    return batch


@examples(60)
@given(llm=models, layout=layouts, precision=precisions, batch=batches())
def test_no_iteration_beats_the_data_sheet(
    llm: Llm, layout: Layout, precision: Precision, batch: Batch
) -> None:
    if not batch.tokens:
        return
    seconds = cost_of(llm, layout, precision).seconds(batch)
    body = llm.active_parameters - llm.embedding_parameters
    flop = 2 * body * batch.tokens
    assert seconds > flop / (H100.flops["fp8"] * layout.gpus)
    read = body * BYTES[precision.weights]
    assert seconds > read / (H100.bandwidth * layout.gpus)


@examples(60)
@given(llm=models, tp=st.sampled_from([1, 2, 8]), batch=batches(), more=batches())
def test_more_work_takes_longer(llm: Llm, tp: int, batch: Batch, more: Batch) -> None:
    cost = cost_of(llm, Layout(tp=tp), WIDE)
    assert cost.seconds(batch + more) >= cost.seconds(batch) * (1 - 1e-9)


@examples(80)
@given(
    llm=models, layout=layouts, precision=precisions, batch=batches(), later=st.integers(0, 10**6)
)
def test_the_line_holds_at_the_context_and_beyond(
    llm: Llm, layout: Layout, precision: Precision, batch: Batch, later: int
) -> None:
    cost = cost_of(llm, layout, precision)
    line = cost.line(batch)
    if line is None or not batch.decodes:
        return
    grown = Batch(
        batch.new_tokens,
        batch.prefills,
        batch.cached_tokens,
        batch.prefill_pairs,
        batch.decodes,
        batch.context_tokens + later,
    )
    expected = line.at_zero + line.per_token * grown.context_tokens
    assert cost.seconds(grown) == pytest.approx(expected, rel=1e-9)


def test_decoding_has_a_line() -> None:
    for llm in (LLAMA_8B, DEEPSEEK_V3):
        assert cost_of(llm, Layout(tp=8), WIDE).line(Batch.decode(32, 32000)) is not None
    windowed = cost_of(GPT_OSS, Layout(), WIDE)
    assert windowed.line(Batch.decode(32, 32 * 100)) is None
    assert windowed.line(Batch.decode(32, 32 * 200)) is not None


def test_windows_bound_what_a_layer_reads() -> None:
    attention = GPT_OSS.attention.model_copy(update={"windowed_layers": 0})
    everywhere = GPT_OSS.model_copy(update={"attention": attention})
    batch = Batch.decode(64, 64 * 8000)
    windowed, whole = (cost_of(llm, Layout(), WIDE).line(batch) for llm in (GPT_OSS, everywhere))
    assert windowed is not None
    assert whole is not None
    assert windowed.per_token == pytest.approx(whole.per_token / 2)


def test_a_prompt_that_is_cached_costs_less() -> None:
    cost = cost_of(LLAMA_8B, Layout(), WIDE)
    assert cost.seconds(Batch.prefill(1000, 7000)) < 0.4 * cost.seconds(Batch.prefill(8000))


def test_new_tokens_count_whoever_they_belong_to() -> None:
    cost = cost_of(LLAMA_8B, Layout(), WIDE)
    nobody = Batch(new_tokens=4096, prefill_pairs=Batch.prefill(4096).prefill_pairs)
    assert cost.seconds(nobody) == pytest.approx(cost.seconds(Batch.prefill(4096)), rel=1e-3)


def test_few_tokens_hit_few_experts() -> None:
    cost = cost_of(DEEPSEEK_V3, Layout(tp=8), NARROW)
    one = cost.seconds(Batch.decode(1, 1000))
    many = cost.seconds(Batch.decode(128, 128 * 1000))
    assert 2 < many / one < 8


def test_pipelines_serve_more_but_no_sooner() -> None:
    one = cost_of(LLAMA_8B, Layout(), WIDE)
    two = cost_of(LLAMA_8B, Layout(pp=2), WIDE)
    prompt = Batch.prefill(4096)
    assert two.seconds(prompt) == pytest.approx(one.seconds(prompt), rel=0.05)
    assert two.seconds(prompt + prompt) < 0.6 * one.seconds(prompt + prompt)


def test_times_come_from_a_formula() -> None:
    cost = cost_of(LLAMA_8B, Layout(), WIDE)
    assert cost.provenance(Batch.prefill(100)) is Provenance.ANALYTIC
    assert cost.seconds(Batch()) == 0


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(InputError, match=r"precision\.compute: found fp4"):
        cost_of(LLAMA_8B, Layout(), Precision(weights="fp4", compute="fp4"))
    with pytest.raises(InputError, match="engine: found vlm, expected sglang or trtllm or vllm"):
        replica_cost(LLAMA_8B, H100, Layout(), WIDE, engine="vlm")


@examples(150)
@given(llm=models, layout=layouts, precision=precisions, batch=batches())
def test_no_iteration_undercuts_a_minorant(
    llm: Llm, layout: Layout, precision: Precision, batch: Batch
) -> None:
    cost = cost_of(llm, layout, precision)
    assert isinstance(cost, KnowsMinorants)
    found = cost.minorants(40_000)
    assert found
    assert all(min(one) >= 0 for one in found)
    if batch.tokens:
        assert max(one.seconds(batch) for one in found) <= cost.seconds(batch) * (1 + 1e-9)


def test_minorants_of_a_dense_model_are_near() -> None:
    cost = cost_of(LLAMA_8B, Layout(), WIDE)
    assert isinstance(cost, KnowsMinorants)
    found = cost.minorants(40_000)
    for batch in (Batch.decode(64, 64_000), Batch.prefill(2000), Batch.decode(1, 100)):
        assert max(one.seconds(batch) for one in found) > 0.9 * cost.seconds(batch)


@given(batches())
def test_an_affine_model_is_its_own_minorant(batch: Batch) -> None:
    cost = Affine(0.005, 4e-5, 3e-8, 1e-10)
    (found,) = cost.minorants(1000)
    assert found.seconds(batch) == pytest.approx(cost.seconds(batch))
