from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.protocol import Affine, Batch
from scheduling.models.requests.workload import RequestClass
from scheduling.models.serving.plan import Role
from scheduling.models.serving.queueing import Queue
from scheduling.planner.ceilings import MOST_BUSY, Wait
from scheduling.planner.clock import Clock
from scheduling.planner.iterations import Iteration, Room
from scheduling.planner.loads import Load
from scheduling.planner.refusing import impossible
from scheduling.planner.relaxing import knobs
from scheduling.planner.resolve import resolve
from scheduling.planner.sized import Unfit
from scheduling.planner.sizing import Sizer
from scheduling.planner.stating import state
from scheduling.planner.templates import Memo, candidates
from tests.planner.fleets import fleet
from tests.properties import examples

_IDLE = 1e-6
"""Least ceiling: of a pool that no load leaves within its limit."""

COST = Affine(base=0.01, per_token=1e-5, per_kv=1e-8)


def load(
    prompt: int = 1000, output: int = 200, rate: float = 1.0, **targets: tuple[float, float]
) -> Load:
    requests = RequestClass.model_validate(
        {
            "name": "chat",
            "arrivals": {"kind": "poisson", "rate": rate},
            "prompt": {"kind": "fixed", "tokens": prompt},
            "output": {"kind": "fixed", "tokens": output},
        }
    )
    return Load(requests, "model", targets)


@examples(60)
@given(
    service=st.floats(0.01, 10),
    limit=st.floats(0, 20),
    share=st.sampled_from([0.5, 0.9, 0.99]),
    scv=st.floats(0, 4),
    arrival_scv=st.sampled_from([0.5, 1.0, 3.0]),
    replicas=st.integers(1, 40),
)
def test_ceilings_keep_the_limit_and_a_hundredth_more_breaks_it(
    service: float, limit: float, share: float, scv: float, arrival_scv: float, replicas: int
) -> None:
    wait = Wait(1, service, scv, arrival_scv, limit, share, 1.0)
    got = wait.ceilings(np.arange(1, replicas + 1))

    def kept(servers: int, busy: float) -> bool:
        queue = Queue(servers, servers * busy / service, service, scv, arrival_scv)
        waited = queue.wait_quantile(share)
        return waited is not None and waited <= limit * (1 + 1e-6) + 1e-9

    assert np.all(np.diff(got) >= 0)
    for servers, mine in enumerate(got, start=1):
        # What a smaller pool may do a larger one may do too, though the formulas waver a little.
        assert any(kept(pool, mine) for pool in range(servers, 0, -1)) or mine <= _IDLE
        assert mine >= MOST_BUSY or not kept(servers, mine + 0.0101)


def test_decode_batch_is_the_largest_that_keeps_the_target() -> None:
    room = Room(COST, {512: 10**9})
    asked = load(tpot=(0.0120, 0.9))
    best = Sizer([asked], room, 512).sized("decode")[-1]
    kept = [b for b in (64, 96, 128, 192, 256) if _step(b) <= 0.0120]
    assert best.sequences <= max(kept)
    assert best.tpot_seconds == pytest.approx(_step(best.sequences))
    # Of its time, a request takes one batch place for all its steps.
    assert best.rates["chat"] == pytest.approx(best.sequences / (199 * _step(best.sequences)))


def _step(batch: int) -> float:
    return COST.seconds(Batch.decode(batch, batch * 1100))


def test_rate_of_a_mixed_replica_balances_chunks_and_steps() -> None:
    """Chunks take u of the time, and all steps of all requests must happen in the iterations.

    Where times are linear in tokens, it is the same how prompts share iterations.
    """
    cost = Affine(base=0.01, per_token=1e-5)
    room = Room(cost, {512: 10**9})
    asked = load()
    one = Sizer([asked], room, 512).at("both", 64, 512)
    rate = one.rates["chat"]
    chunk = 512 - 64
    t0 = cost.seconds(Batch.decode(64, 64 * 1100))
    prompt = Batch(chunk, 1, round((1000 - chunk) / 2), chunk * 1001 / 2)
    t1 = cost.seconds(Batch.decode(64, 64 * 1100) + prompt)
    busy = rate * 1000 / chunk * t1
    assert busy < 1
    steps = 64 * (busy / t1 + (1 - busy) / t0)
    assert rate * 199 == pytest.approx(steps)


def test_memory_limits_the_batch_and_names_what_does_not_fit() -> None:
    one = Sizer([load()], Room(COST, {512: 20_000}), 512).sized("both")[0]
    assert one.sequences * 1100 <= 20_000
    assert one.binds == "KV memory"
    with pytest.raises(Unfit, match="KV cache holds 1,000 tokens, a long request needs 1,200"):
        Sizer([load()], Room(COST, {512: 1_000}), 512)


def test_floor_below_a_target_is_named() -> None:
    with pytest.raises(Unfit, match=r"TPOT floor 10 ms above the target of 5 ms") as caught:
        Sizer([load(tpot=(0.005, 0.9))], Room(COST, {512: 10**9}), 512).sized("decode")
    assert caught.value.floor is not None
    assert caught.value.floor.excess == pytest.approx(2.0, rel=0.01)


@examples(25)
@given(ttft=st.floats(0.1, 2), tpot=st.floats(0.011, 0.05), factor=st.floats(1.0, 3.0))
def test_looser_targets_never_cost_rate(ttft: float, tpot: float, factor: float) -> None:
    room = Room(COST, {512: 10**9, 2048: 10**9})
    strict = load(ttft=(ttft, 0.9), tpot=(tpot, 0.9))
    loose = load(ttft=(ttft * factor, 0.9), tpot=(tpot * factor, 0.9))

    def best(asked: Load, replicas: int) -> float:
        try:
            ways = Sizer([asked], room, 256).sized("both")
        except Unfit:
            return 0.0
        return max(one.rates["chat"] * float(one.ceilings(replicas)[-1]) for one in ways)

    for replicas in (1, 64):
        assert best(loose, replicas) >= best(strict, replicas) - 1e-12


def test_waits_at_the_ceiling_keep_the_target() -> None:
    room = Room(COST, {2048: 10**9})
    asked = load(ttft=(0.5, 0.95), tpot=(0.03, 0.95))
    one = Sizer([asked], room, 256).sized("both")[0]
    for replicas in (1, 4):
        busy = float(one.ceilings(replicas)[-1])
        first = one.first_token(replicas, busy, ["chat"])
        assert first is not None
        assert first <= 0.5 + 1e-9


@pytest.mark.parametrize("role", ["both", "prefill"])
def test_demands_wait_once_in_the_queue_that_they_share(role: Role) -> None:
    """Each demand's promise bounds its own way through the queues, not that of both together."""
    room = Room(COST, {2048: 10**9})
    strict = load(ttft=(0.5, 0.95))
    relaxed = load(ttft=(0.8, 0.9))
    asked = [
        strict,
        replace(relaxed, requests=relaxed.requests.model_copy(update={"name": "other"})),
    ]
    one = Sizer(asked, room, 256).sized(role)[0]
    busy = float(one.ceilings(4)[-1])
    first = one.first_token(4, busy, ["chat"])
    other = one.first_token(4, busy, ["other"])
    assert first is not None
    assert other is not None
    assert first <= 0.5 + 1e-9
    assert other <= 0.8 + 1e-9
    assert one.first_token(4, busy, ["chat", "other"]) == max(first, other)
    decodes = Sizer(asked, room, 256).sized("decode")[0]
    assert decodes.first_token(4, busy, ["chat"]) is None


def test_decodes_are_never_bound_by_prompts() -> None:
    """A larger batch would bring more, had bursts the time to wait for it."""
    room = Room(COST, {2048: 10**9})
    asked = load(output=3, tpot=(0.031, 0.95))
    bursts = asked.requests.model_validate(
        asked.requests.model_dump() | {"arrivals": {"kind": "gamma", "rate": 1.0, "cv": 4.0}}
    )
    ways = Sizer([replace(asked, requests=bursts)], room, 2048).sized("decode")
    assert {768, 1024} >= {one.sequences for one in ways}
    assert {one.binds for one in ways} == {"latency targets"}


def test_latency_factor_keeps_nominal_rates_of_the_same_batch() -> None:
    fast = Sizer([load()], Room(COST, {512: 10**9}), 512).at("decode", 32, None)
    slow = Sizer([load()], Room(COST, {512: 10**9}, slow=1.5), 512).at("decode", 32, None)
    assert slow.rates["chat"] == pytest.approx(fast.rates["chat"])
    assert slow.tpot_seconds == pytest.approx(1.5 * (fast.tpot_seconds or 0.0))


def test_weights_that_do_not_fit_are_refused_with_their_size() -> None:
    asked = fleet(
        models=[{"name": "llama-3.1-8b", "llm": "llama-3.1-405b", "precisions": ["bf16"]}]
    )
    resolved = resolve(asked)
    (fault,) = impossible(resolved, candidates(resolved))
    assert fault.place == "models[0]"
    assert "fits nowhere" in fault.found
    assert "weights need" in fault.found


def test_target_below_the_floor_is_refused_with_the_floor() -> None:
    resolved = resolve(fleet(demand={"tpot": 0.0001}))
    (fault,) = impossible(resolved, candidates(resolved))
    assert fault.place == "demands[0].tpot"
    assert fault.expected.startswith("at least ")


def test_the_target_that_is_refused_is_one_that_no_replica_keeps() -> None:
    """An L40S decodes too slowly, but an H100 does not: only the first token is out of reach."""
    asked = fleet(
        demand={"ttft": 1e-5, "tpot": 0.012},
        pools=[
            {"name": name, "gpu": gpu, "nodes": 1, "gpus_per_node": 1}
            for name, gpu in (("slow", "l40s"), ("quick", "h100-sxm"))
        ],
    )
    resolved = resolve(asked)
    found = candidates(resolved)
    late = {one.floor.metric for one in found.ruled_out if one.floor is not None}
    assert late == {"ttft", "tpot"}
    (fault,) = impossible(resolved, found)
    assert fault.place == "demands[0].ttft"


def test_unknown_names_come_together() -> None:
    asked = fleet(
        models=[{"name": "llama-3.1-8b", "llm": "lama-3.1-8b"}],
        pools=[{"name": "p", "gpu": "h100-smx", "nodes": 1}],
    )
    with pytest.raises(sch.InputError) as caught:
        resolve(asked)
    places = [fault.place for fault in caught.value.faults]
    assert places == ["models[0]: model", "pools[0].gpu: GPU"]


def test_precision_below_the_quality_budget_is_ruled_out() -> None:
    model = {
        "name": "llama-3.1-8b",
        "precisions": ["bf16", {"precision": "fp8", "quality": 0.99}, "w4a16"],
        "min_quality": 0.995,
    }
    found = candidates(resolve(fleet(models=[model])))
    assert {one.precision.weights for one in found.kept} == {"bf16"}
    reasons = {one.reason for one in found.ruled_out if one.never}
    assert "quality 0.99 below 0.995" in reasons
    assert any("its quality is unknown" in reason for reason in reasons)


def test_every_layout_that_is_dropped_as_replaced_is_no_loss() -> None:
    """What replaces a template brings at least its rate on its GPUs, whatever the number."""
    found = candidates(resolve(fleet()))
    known = {one.id: one for one in found.kept}
    dropped = [one for one in found.ruled_out if one.reason.startswith("replaced at no loss by ")]
    assert dropped
    for one in dropped:
        better = known[one.reason.removeprefix("replaced at no loss by ")]
        assert better.role == one.role
        assert one.layout.gpus % better.layout.gpus == 0


def test_problem_states_pools_demands_and_templates() -> None:
    resolved = resolve(fleet(scenarios=[{"name": "evening", "demand": 2.0, "latency": 1.25}]))
    found = candidates(resolved)
    problem = state(resolved, found.kept)
    assert [pool.size for pool in problem.pools] == [8]
    assert [template.id for template in problem.templates] == [one.id for one in found.kept]
    assert problem.scenarios[0].demands == {"chat": 2.0}
    assert problem.scenarios[0].all_rates == pytest.approx(0.8)
    assert problem.demands[0].kv_bytes_per_request == 1000 * 131072


def test_copies_of_attention_are_for_mixtures_of_experts_only() -> None:
    assert Layout(tp=1) in {one.layout for one in candidates(resolve(fleet())).kept}
    assert all(one.layout.dp == 1 for one in candidates(resolve(fleet())).ruled_out)


def test_what_is_known_of_parts_gives_what_a_fresh_search_gives() -> None:
    options = {"max_pp": 1, "token_budgets": [2048], "max_tp": 2}
    resolved = resolve(fleet(options=options))
    memo = Memo()
    unhurried = Clock(time.monotonic() + 300, 1, 0)
    assert candidates(resolved, memo=memo) == candidates(resolved, clock=unhurried)
    for knob in knobs(resolved):
        changed = knob.loosened(resolved, knob.most if knob.steps is None else knob.steps[0])
        assert candidates(changed, memo=memo) == candidates(changed)


def test_candidates_end_with_the_time() -> None:
    resolved = resolve(fleet())
    memo = Memo()
    late = candidates(resolved, clock=Clock(time.monotonic() - 1, 1, 0), memo=memo)
    assert (late.kept, late.complete) == ((), False)
    whole = candidates(resolved, memo=memo)
    assert whole.complete
    assert whole.kept


@examples(30)
@given(
    low=st.integers(2, 3000),
    more=st.integers(0, 3000),
    reused=st.sampled_from([0.0, 0.5, 0.9]),
    tokens=st.sampled_from([64, 2048, 8192]),
)
def test_a_mean_chunk_attends_to_what_a_token_of_the_mix_does(
    low: int, more: int, reused: float, tokens: int
) -> None:
    """Over prompts of several lengths, tokens of long ones are more and attend to more."""
    requests = RequestClass.model_validate(
        {
            "name": "chat",
            "arrivals": {"kind": "poisson", "rate": 1.0},
            "prompt": {"kind": "uniform", "low": low, "high": low + more},
            "output": {"kind": "fixed", "tokens": 10},
            "prefix_share": reused,
        }
    )
    length = np.arange(low, low + more + 1)
    new = (1 - reused) * length
    pairs = np.sum(new * (reused * length + (new + 1) / 2))
    room = Room(COST, {tokens: 10**6})
    mix = Load(requests, "model")
    assume(mix.new == pytest.approx(new.mean()))  # less than a token is counted as one
    chunk = Iteration(room, 0, tokens, 0.0).typical(mix, "prefill")
    assert chunk.prefill_pairs / tokens == pytest.approx(pairs / np.sum(new), rel=1e-6)


def test_short_prompts_fill_an_iteration_as_well() -> None:
    """As many prompts as are held have the tokens of an iteration nearly always."""
    data = load().requests.model_dump() | {"prompt": {"kind": "uniform", "low": 1, "high": 1999}}
    mix = Load(RequestClass.model_validate(data), "model")
    held = Iteration(Room(COST, {8000: 10**6}), 0, 8000, 0.0).prompts_at_once([mix])
    drawn = mix.requests.prompt.draw(held * 1000, np.random.default_rng(0)).reshape(1000, held)
    assert np.mean(drawn.sum(axis=1) >= 8000) > 0.95
    assert held <= 16
    assert Iteration(Room(COST, {8000: 10**6}), 0, 8000, 0.0).prompts_at_once([load()]) == 8
