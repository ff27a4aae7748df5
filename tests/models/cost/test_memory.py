"""Memory of replicas: weights add up, caches against a published profile, properties of layouts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.memory import (
    kv_capacity,
    layout_faults,
    stage_layers,
    stages,
    weight_bytes_per_gpu,
)
from scheduling.models.cost.precision import Precision

SIXTEEN = Precision(weights="fp16", compute="fp16", kv="fp16")
EIGHT = Precision(weights="fp8", compute="fp8", kv="fp8")
MODELS = ["llama-2-70b", "deepseek-v3", "gpt-oss-120b", "qwen3-235b-a22b", "opt-13b", "mistral-7b"]
POWERS = st.sampled_from([1, 2, 4, 8])


@pytest.mark.parametrize("name", MODELS)
def test_one_gpu_holds_all_parameters(name: str) -> None:
    model = llm(name)
    assert weight_bytes_per_gpu(model, Layout(), SIXTEEN) == 2 * model.parameters


@given(name=st.sampled_from(MODELS), tp=POWERS, pp=POWERS, dp=POWERS)
def test_gpus_together_hold_all_weights(name: str, tp: int, pp: int, dp: int) -> None:
    model = llm(name)
    ep = tp * dp if model.experts is not None else 1
    layout = Layout(tp=tp, pp=pp, dp=dp, ep=ep)
    if layout_faults(model, layout):
        with pytest.raises(InputError, match="layout"):
            stages(model, layout, SIXTEEN)
        return
    held = stages(model, layout, SIXTEEN)
    total = sum(stage.weight_bytes for stage in held) * layout.stage_gpus
    assert total >= 2 * model.parameters * (1 - 1e-12)
    more = kv_capacity(model, gpu("b200"), layout, SIXTEEN, 0.95)
    less = kv_capacity(model, gpu("b200"), layout, SIXTEEN, 0.5)
    assert (less or 0) <= (more or 0)


def test_layers_left_over_go_before_the_last_stage() -> None:
    assert stage_layers(61, 4) == (15, 15, 16, 15)
    assert stage_layers(126, 4) == (31, 32, 32, 31)
    assert stage_layers(5, 1) == (5,)
    assert sum(stage_layers(94, 7)) == 94


def test_the_latent_is_copied_over_tp_and_spread_over_dp() -> None:
    model, card = llm("deepseek-v3"), gpu("h200")
    split = kv_capacity(model, card, Layout(tp=8, ep=8), EIGHT)
    spread = kv_capacity(model, card, Layout(tp=1, dp=8, ep=8), EIGHT)
    assert split is not None
    assert spread is not None
    (stage,) = stages(model, Layout(tp=8, ep=8), EIGHT)
    assert stage.kv_bytes_per_token == 61 * 576
    # Eight copies of attention's weights cost room, and still hold several times the tokens.
    assert 4 * split < spread < 8 * split


def test_kv_heads_are_copied_where_there_are_fewer_than_tp() -> None:
    model = llm("llama-3.1-70b")
    (at_8,), (at_16,) = (stages(model, Layout(tp=tp), SIXTEEN) for tp in (8, 16))
    assert at_8.kv_bytes_per_token == at_16.kv_bytes_per_token == 80 * 2 * 128 * 2


def test_windows_hold_no_more_than_the_window() -> None:
    model, card = llm("gpt-oss-120b"), gpu("h100")
    precision = Precision(weights="fp4", compute="bf16", kv="bf16")
    whole = kv_capacity(model, card, Layout(tp=2), precision)
    windowed = kv_capacity(model, card, Layout(tp=2), precision, sequence_tokens=12800)
    assert whole is not None
    assert windowed is not None
    # Half of the layers keep one token in a hundred.
    assert windowed / whole == pytest.approx(1 / 0.505, rel=1e-4)
    short = kv_capacity(model, card, Layout(tp=2), precision, sequence_tokens=100)
    assert short == whole


def test_weights_of_four_bits_are_as_large_as_the_published_files() -> None:
    quantised = Precision(weights="fp4", compute="bf16", kv="bf16")
    size = weight_bytes_per_gpu(llm("gpt-oss-120b"), Layout(), quantised)
    assert size == pytest.approx(65.2e9, rel=0.05)  # 60.8 GiB in the repository
    awq = Precision(weights="int4", compute="fp16", kv="fp16")
    size = weight_bytes_per_gpu(llm("llama-2-70b"), Layout(), awq)
    assert size == pytest.approx(36.6e9, rel=0.03)  # TheBloke/Llama-2-70B-AWQ


def test_weights_that_do_not_fit_have_no_capacity() -> None:
    assert kv_capacity(llm("llama-2-70b"), gpu("a100-80gb"), Layout(), SIXTEEN) is None
    assert kv_capacity(llm("llama-2-70b"), gpu("mi300x"), Layout(), SIXTEEN) is not None


def test_bad_layouts_and_numbers_are_named() -> None:
    model = llm("qwen2.5-7b")
    assert [fault.place for fault in layout_faults(model, Layout(tp=8, pp=29, ep=8))] == [
        "layout.tp",
        "layout.pp",
        "layout.ep",
    ]
    assert "KV heads" in str(layout_faults(model, Layout(tp=7))[0])
    with pytest.raises(InputError) as caught:
        kv_capacity(model, gpu("l4"), Layout(), SIXTEEN, 1.5, batch_tokens=0, sequence_tokens=0)
    assert len(caught.value.faults) == 3


@pytest.mark.shared
def test_capacities_are_those_that_distserve_measured(shared_data: Path) -> None:
    folder = shared_data / "gpu-profiles" / "distserve"
    with (folder / "kv_capacity_tokens_a100-80gb_opt-13b.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 25
    for row in rows:
        layout = Layout(tp=int(row["tp"]), pp=int(row["pp"]))
        tokens = kv_capacity(llm(row["model"]), gpu("a100-80gb"), layout, SIXTEEN, 0.95)
        # The profile runs 16-bit weights in 95 % of the memory, with whole layers to a stage.
        assert tokens == pytest.approx(int(row["max_num_tokens"]), rel=0.05), str(layout)


@pytest.mark.shared
def test_what_servers_held_fits(shared_data: Path) -> None:
    with (shared_data / "gpu-profiles" / "e2e-measured" / "serving_points.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["mode"] == "agg"]
    capacities, crowded = [], 0
    for row in rows:
        model = llm(row["model_path"])
        names = ("tp_size", "pp_size", "attention_dp_size", "moe_ep_size")
        tp, pp, dp, ep = (int(float(row[name] or 1)) for name in names)
        layout = Layout(tp=tp, pp=pp, dp=dp, ep=ep if model.experts is not None else 1)
        weights = {"fp8": "fp8", "fp4": "fp4"}.get(row["precision"], "bf16")
        kv = "bf16" if weights == "bf16" else "fp8"
        precision = Precision.model_validate({"weights": weights, "kv": kv})
        capacity = kv_capacity(model, gpu(row["system"]), layout, precision)
        capacities.append(capacity)
        requests = float(row["concurrency"] or row["batch_size"] or 0)
        held = requests * (float(row["isl"]) + float(row["osl"]) / 2)
        crowded += capacity is not None and held > capacity
    # Thirteen rows give one GPU to a model of 235 billion weights; few servers queued for memory.
    assert capacities.count(None) == 13
    assert crowded < 0.02 * len(rows)
