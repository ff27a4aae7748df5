"""Counted work, least times and power: against published figures, and what must hold of all."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.catalogue import gpu, gpus, llm
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.power import Metered, gpu_watts
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Affine, Batch, KnowsPower
from scheduling.models.cost.work import floor_seconds, flops, moved_bytes

SIXTEEN = Precision(weights="fp16", compute="fp16", kv="fp16")
MODELS = st.sampled_from(["llama-2-70b", "deepseek-v3", "gpt-oss-120b", "mistral-7b", "opt-13b"])
SHARES = st.floats(-0.5, 2.0)


def test_prompts_take_two_operations_a_weight_and_token() -> None:
    model = llm("llama-2-7b")
    batch = Batch.prefill(2048)
    body = 2 * (model.parameters - model.embedding_parameters) * 2048
    attention = 4 * 32 * 4096 * 2048 * 2049 / 2
    assert flops(model, batch) == pytest.approx(body + attention + 2 * 32000 * 4096)


def test_decoding_reads_every_weight_and_the_cache() -> None:
    model = llm("llama-2-7b")
    read = moved_bytes(model, Layout(), SIXTEEN, Batch.decode(4, 4096))
    unread = 2 * 32000 * 4096  # the table of inputs is looked up, not read
    assert read == 2 * model.parameters - unread + 4096 * model.kv_bytes_per_token("fp16")
    # 13.2 GB at 2.04 TB/s: the known floor of 6.5 ms a token on an A100.
    floor = floor_seconds(model, gpu("a100-80gb"), Layout(), SIXTEEN, Batch.decode(1, 1))
    assert floor == pytest.approx(6.48e-3, rel=0.01)


def test_few_tokens_meet_few_experts() -> None:
    model = llm("deepseek-v3")
    one = moved_bytes(model, Layout(), Precision(weights="fp8"), Batch.decode(1, 1))
    many = moved_bytes(model, Layout(), Precision(weights="fp8"), Batch.decode(4096, 4096))
    table = model.vocabulary * model.hidden
    assert one == pytest.approx(model.active_parameters - table, rel=1e-3)
    assert many == pytest.approx(model.parameters - table, rel=1e-3)


def test_a_type_that_the_gpu_lacks_is_named() -> None:
    with pytest.raises(InputError, match=r"precision\.compute: found fp8.*a100"):
        floor_seconds(
            llm("opt-13b"), gpu("a100"), Layout(), Precision(compute="fp8"), Batch.decode(1, 1)
        )


@given(model=MODELS, new=st.integers(1, 4000), cached=st.integers(0, 4000), more=st.integers(1, 64))
def test_work_grows_with_the_batch(model: str, new: int, cached: int, more: int) -> None:
    card, layout = gpu("h200"), Layout(tp=4)
    small = Batch.prefill(new, cached) + Batch.decode(1, cached)
    large = small + Batch.decode(more, more * cached)
    for low, high in (
        (flops(llm(model), small), flops(llm(model), large)),
        (
            moved_bytes(llm(model), layout, SIXTEEN, small),
            moved_bytes(llm(model), layout, SIXTEEN, large),
        ),
        (
            floor_seconds(llm(model), card, layout, SIXTEEN, small),
            floor_seconds(llm(model), card, layout, SIXTEEN, large),
        ),
    ):
        assert 0 < low <= high


@given(name=st.sampled_from(gpus()), compute=SHARES, bandwidth=SHARES)
def test_power_lies_between_idle_and_limit(name: str, compute: float, bandwidth: float) -> None:
    card = gpu(name)
    watts = gpu_watts(card, compute, bandwidth)
    assert card.idle_watts <= watts <= card.watts
    assert watts <= gpu_watts(card, compute + 0.1, bandwidth + 0.1)
    assert gpu_watts(card, 0.0, 0.0) == card.idle_watts
    assert gpu_watts(card, 1.0, 1.0) == card.watts


def test_replicas_draw_more_the_more_they_do() -> None:
    cost = Affine(0.02, 1e-5, 1e-8)
    model, card = llm("llama-2-70b"), gpu("a100-80gb")
    metered = Metered(cost, model, card, Layout(tp=4), SIXTEEN)
    assert isinstance(metered, KnowsPower)
    decode, prompt = Batch.decode(8, 4096), Batch.prefill(4096)
    assert metered.seconds(decode) == cost.seconds(decode)
    assert metered.line(decode) == cost.line(decode)
    assert metered.provenance(decode) == cost.provenance(decode)
    assert metered.watts(Batch()) == 4 * card.idle_watts
    assert 4 * card.idle_watts < metered.watts(decode) < metered.watts(prompt) <= 4 * card.watts


@pytest.mark.shared
def test_power_while_decoding_is_as_splitwise_measured(shared_data: Path) -> None:
    name = "perf_model_llama2-70b_a100_h100.csv"
    with (shared_data / "gpu-profiles" / "splitwise" / name).open() as file:
        rows = [row for row in csv.DictReader(file) if float(row["average_power"]) > 0.2]
    assert len(rows) > 100
    card, model = gpu("a100-80gb"), llm("llama2-70b")
    errors = []
    for row in rows:
        layout = Layout(tp=int(row["tensor_parallel"]))
        sequences = int(row["batch_size"])
        context = sequences * (int(row["prompt_size"]) + int(row["token_size"]) // 2)
        seconds = float(row["token_time"]) / 1000
        metered = Metered(Affine(seconds, 0.0), model, card, layout, SIXTEEN)
        watts = metered.watts(Batch.decode(sequences, context))
        measured = layout.gpus * card.watts * float(row["average_power"])
        errors.append(abs(watts / measured - 1))
    assert statistics.median(errors) < 0.12
    assert max(errors) < 0.3
