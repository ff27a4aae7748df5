"""Scenarios of whole fleets: rankings of plans, turning instances, pools by length."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.layout import Layout
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios import apex_plus, wrp, xllm
from scheduling.scenarios.registry import SCENARIOS, scenario
from scheduling.scenarios.scenario import Run
from scheduling.scenarios.serving_loads import poisson_requests
from scheduling.scenarios.xllm import Load
from scheduling.simulator.requests.capacity import at_rate


@pytest.mark.parametrize("name", ["apex-plus", "wrp", "xllm"])
def test_they_are_registered_under_their_names(name: str) -> None:
    assert name in SCENARIOS
    assert scenario(name).name == name


def lengths(seed: int, count: int = 300) -> RequestTable:
    rng = np.random.default_rng(seed)
    prompt = np.clip(rng.lognormal(6.5, 1.0, count), 8, 6000).astype(np.int64)
    output = np.clip(rng.lognormal(5.0, 0.8, count), 2, 2000).astype(np.int64)
    nothing = np.zeros(count, np.int64)
    return RequestTable(nothing, prompt, output, nothing, nothing)


# -------------------------------------------------------------------------------------- apex-plus


def test_plans_of_a_node_use_all_of_it_and_fit() -> None:
    found = apex_plus.plans()
    names = [str(plan) for plan, _, _ in found]
    assert {"8TP", "2DP4TP", "4DP2TP", "2PP4TP"} <= set(names)
    assert "8DP" not in names, "the weights do not fit one GPU"
    assert all(plan.dp * plan.layout.gpus == apex_plus.NODE for plan, _, _ in found)
    assert str(apex_plus.Plan(2, Layout(tp=2, pp=2))) == "2DP2PP2TP"


def test_copies_weigh_by_their_requests() -> None:
    head = "workload,arrival_rate_rps,plan,requests,mean_ttft_s,mean_tpot_s\n"
    text = head + "w,1,2DP,100,0.1,0.02\nw,1,2DP,300,0.3,0.06\n"
    times = apex_plus.measured(text)["w", "1"]["2DP"]
    assert times.ttft == pytest.approx(0.25)
    assert times.tpot == pytest.approx(0.05)


def test_no_plan_beats_requests_that_are_alone() -> None:
    requests = at_rate(poisson_requests(lengths(1), 60, seed=1), 2.0)
    found = apex_plus.plans()
    floor = np.min([apex_plus.alone(cost, requests) for _, cost, _ in found], axis=0).mean()
    for plan, cost, room in found:
        assert apex_plus.simulated(plan, cost, room, requests).e2e >= floor


@pytest.mark.shared
def test_measured_layouts_rank_as_measured(shared_data: Path) -> None:
    rows = scenario("apex-plus").run(Run(30.0, shared_data))
    assert len(rows) == len(apex_plus.TRACES)
    assert all("3 plans by TPOT as measured" in row.verdict for row in rows)
    assert all(row.gap is not None and 0 <= row.gap < 0.1 for row in rows)


# ------------------------------------------------------------------------------------------- xllm

windows_of = st.lists(
    st.builds(Load, st.floats(1, 50), st.floats(0, 16), st.floats(0, 16)), min_size=1, max_size=3
)


@given(windows=windows_of)
def test_sequences_of_turns_are_best(windows: list[Load]) -> None:
    counts = range(1, xllm.INSTANCES - xllm.LEAST_DECODING + 1)
    tried = [xllm.value(windows, way) for way in product(counts, repeat=len(windows))]
    least, sequence = xllm.best_sequence(windows)
    assert least == pytest.approx(min(tried))
    assert xllm.value(windows, sequence) == pytest.approx(least)


@given(windows=windows_of, start=st.integers(1, 14))
def test_rules_keep_some_decoding_and_never_beat_the_best(windows: list[Load], start: int) -> None:
    least, _ = xllm.best_sequence(windows)
    for rule in (xllm.ruled, xllm.least_loaded):
        way = rule(windows, start)
        assert all(1 <= count <= xllm.INSTANCES - xllm.LEAST_DECODING for count in way)
        assert xllm.value(windows, way) >= least - 1e-9


def test_more_instances_for_a_phase_leave_fewer_of_its_requests_late() -> None:
    load = Load(requests=10.0, prefill=12.0, decode=0.0)
    missed = [xllm.late(load, count) for count in range(1, 15)]
    assert missed == sorted(missed, reverse=True)
    assert xllm.late(load, 12) == 0.0


def test_idle_instances_turn_before_the_other_phase_is_short() -> None:
    calm = [Load(10.0, 2.0, 10.0)] * 2
    assert xllm.ruled(calm, 6) == [6, 4]
    # Both are short, decoding by more of its work; then prompts are, and nobody is idle.
    assert xllm.ruled([Load(10.0, 6.5, 14.0)] * 2, 6) == [6, 5]
    assert xllm.ruled([Load(10.0, 8.0, 9.5)] * 2, 6) == [6, 7]


def test_known_loads_are_served_at_least_as_often_as_by_any_rule() -> None:
    days = [xllm.loads(seed)[:48] for seed in range(2)]
    most = xllm.highest_load(days, lambda windows, _: xllm.best_sequence(windows)[1])
    rule, stays = (xllm.highest_load(days, way) for way in (xllm.ruled, xllm.still))
    assert 0 < stays <= rule <= most
    requests = sum(load.requests for windows in days for load in windows)
    for times, kept in ((rule, True), (rule * 1.01, False)):
        missed = sum(
            xllm.value(more, xllm.ruled(more, xllm.best_still(more)))
            for more in ([xllm.scaled(load, times) for load in windows] for windows in days)
        )
        assert (missed <= 0.1 * times * requests) is kept


# -------------------------------------------------------------------------------------------- wrp


@given(seed=st.integers(0, 1000), margin=st.sampled_from([1.0, 1.2, 2.0]))
def test_compressed_requests_fit_the_short_pool(seed: int, margin: float) -> None:
    before = lengths(seed, 50)
    after, short = wrp.divided(before, 1024, margin)
    assert (after.prompt_tokens <= before.prompt_tokens).all()
    assert (after.prompt_tokens[~short] == before.prompt_tokens[~short]).all()
    assert (after.prompt_tokens + after.output_tokens)[short].max(initial=0) <= 1024


def test_fleets_are_no_smaller_than_the_work_and_keep_their_target() -> None:
    drawn = lengths(7)
    cost, capacity = wrp.replica()
    found = wrp.fleets(cost, capacity, drawn, rate=40.0)
    assert [plan.gpus for plan in found] == sorted(plan.gpus for plan in found)
    assert wrp.least_gpus(cost, capacity, drawn, 40.0) <= found[0].gpus
    requests = at_rate(poisson_requests(drawn, 1500, seed=2), 40.0)
    assert wrp.kept(found[0], cost, capacity, requests) > 0.97
