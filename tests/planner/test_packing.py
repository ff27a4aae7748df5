from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import CostModel
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass
from scheduling.planner.iterations import Room
from scheduling.planner.loads import Load
from scheduling.planner.packing import stream_of
from scheduling.planner.sized import Sized
from scheduling.planner.sizing import Sizer
from scheduling.simulator.requests.deployment import Deployment, Flow, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import Sarathi
from tests.properties import examples


def requests(prompt: Any, output: Any = 1, prefix_share: float = 0.0) -> RequestClass:
    return RequestClass.model_validate(
        {
            "name": "chat",
            "arrivals": {"kind": "poisson", "rate": 1.0},
            "prompt": prompt,
            "output": output,
            "prefix_share": prefix_share,
        }
    )


def spread(mean: float, scv: float) -> dict[str, Any]:
    sigma = float(np.sqrt(np.log(1 + scv)))
    median = mean / float(np.sqrt(1 + scv))
    return {"kind": "lognormal", "median": median, "sigma": sigma, "at_most": 100_000}


@examples(12)
@given(
    low=st.integers(2, 3000),
    more=st.integers(0, 3000),
    reused=st.sampled_from([0.0, 0.5]),
    tokens=st.integers(64, 8192),
    groups=st.integers(1, 8),
)
def test_iterations_hold_what_prompts_that_are_cut_one_by_one_have(
    low: int, more: int, reused: float, tokens: int, groups: int
) -> None:
    """Draws of 2,000 prompts, cut token by token, against the stream's iterations."""
    mine = requests({"kind": "uniform", "low": low, "high": low + more}, prefix_share=reused)
    packed = stream_of(mine.prompt, reused).packed(tokens, groups)
    assert sum(one.share for one in packed) == pytest.approx(1.0)
    assert all(one.batch.new_tokens == tokens for one in packed)
    lengths = mine.prompt.draw(2000, np.random.default_rng(1))
    cached = np.minimum(np.floor(lengths * reused), lengths - 1).astype(int)
    fullest, before, pairs = _cut(tokens, (lengths - cached).tolist(), cached.tolist(), groups)

    def mean(of: Any) -> float:
        return float(sum(one.share * of(one.batch) for one in packed))

    assert mean(lambda b: -(-b.prefills // groups) / b.prefills) == pytest.approx(fullest, rel=0.05)
    assert mean(lambda b: b.cached_tokens) == pytest.approx(before, rel=0.1, abs=tokens / 50)
    assert mean(lambda b: b.prefill_pairs) == pytest.approx(pairs, rel=0.05)


def _cut(tokens: int, new: list[int], cached: list[int], groups: int) -> tuple[float, float, float]:
    """Return the part of the fullest group, tokens before and pairs of full iterations."""
    counts, befores, pairs = [0], [0], [0.0]
    room = tokens
    for length, reused in zip(new, cached, strict=True):
        done = 0
        while done < length:
            part = min(room, length - done)
            counts[-1] += 1
            befores[-1] += reused + done
            pairs[-1] += part * (reused + done + (part + 1) / 2)
            done, room = done + part, room - part
            if not room:
                for column in (counts, befores, pairs):
                    column.append(0)
                room = tokens
    full = len(counts) - 1
    fullest = sum(-(-count // groups) / count for count in counts[:-1]) / full
    return fullest, sum(befores[:-1]) / full, sum(pairs[:-1]) / full


@pytest.mark.parametrize("pp", [2, 4, 8])
@pytest.mark.parametrize("scv", [0.0, 1.0, 4.0])
@pytest.mark.parametrize(("mean", "budget"), [(200, 2048), (500, 2048), (500, 8192)])
def test_prefill_rates_of_pipelines_are_those_of_the_simulation_step_by_step(
    pp: int, scv: float, mean: int, budget: int
) -> None:
    layout = Layout(tp=1, pp=pp)
    precision = Precision(weights="fp8", compute="fp8", kv="fp8")
    cost = replica_cost(llm("llama-3.1-8b"), gpu("h100-sxm"), layout, precision)
    prompts = requests(spread(mean, scv) if scv else mean)
    sized = Sizer([Load(prompts, "m")], Room(cost, {budget: 10**9}, groups=pp), 512).at(
        "prefill", 0, budget
    )
    assert sized.rates["chat"] == pytest.approx(_rate(cost, sized, prompts, budget), rel=0.05)


@pytest.mark.parametrize("layout", [Layout(), Layout(tp=2), Layout(pp=4), Layout(dp=4, ep=4)])
@pytest.mark.parametrize(("mean", "output", "budget"), [(300, 100, 1024), (2000, 200, 8192)])
def test_rates_of_mixed_replicas_are_those_of_the_simulation(
    layout: Layout, mean: int, output: int, budget: int
) -> None:
    """Prompts begin when others end, few at a time, and each iteration with some is slow."""
    precision = Precision(weights="fp8", compute="fp8", kv="fp8")
    cost = replica_cost(llm("qwen3-30b-a3b"), gpu("h100-sxm"), layout, precision)
    asked = requests(spread(mean, 1.0), spread(output, 1.0))
    room = Room(cost, {budget: 10**9}, groups=layout.pp * layout.dp)
    sized = Sizer([Load(asked, "m")], room, 512).at("both", 64, budget)
    rng = np.random.default_rng(3)
    count = 1500
    prompts, outputs = asked.prompt.draw(count, rng), asked.output.draw(count, rng)
    none = np.zeros(count, dtype=np.int64)
    table = RequestTable(none, prompts, outputs, none, none, ("chat",))
    group = Group("g", cost, 10**9, max_sequences=64, composition=Sarathi(budget))
    run = simulate_fleet(Deployment((group,), (Flow("chat", "g"),)), table)
    ended = np.sort(run.ended_ns)[150:1350] / 1e9
    seen = 1199 / (ended[-1] - ended[0]) * outputs.mean() / asked.output.mean
    assert sized.rates["chat"] == pytest.approx(seen, rel=0.08)


def test_requests_without_decodes_fill_the_iterations() -> None:
    cost = replica_cost(llm("llama-3.1-8b"), gpu("h100-sxm"), Layout(), Precision())
    asked = requests(spread(60, 1.0))
    sized = Sizer([Load(asked, "m")], Room(cost, {2048: 10**9}), 512).at("both", 4, 2048)
    assert sized.sequences > 2048 / 60
    assert sized.rates["chat"] <= 1.05 * _rate(cost, sized, asked, 2048)


def test_decode_replicas_hold_their_batch_however_prompts_are_spread() -> None:
    cost = replica_cost(llm("llama-3.1-8b"), gpu("h100-sxm"), Layout(), Precision())
    asked = requests(spread(500, 4.0), 100)
    sizer = Sizer([Load(asked, "m")], Room(cost, {8192: 10**9}), 512)
    assert sizer.at("decode", 2, None).sequences == 2
    assert sizer.at("both", 2, 8192).sequences == 2


def _rate(cost: CostModel, sized: Sized, asked: RequestClass, budget: int) -> float:
    """Return mean requests a second of a replica that is never idle."""
    count = 300 * budget // round(asked.prompt.mean)
    evenly = [asked.prompt.quantile((row + 0.5) / count) for row in range(count)]
    prompts = np.random.default_rng(2).permutation(np.rint(evenly)).astype(np.int64)
    none = np.zeros(count, dtype=np.int64)
    table = RequestTable(none, prompts, none + 1, none, none, ("chat",))
    group = Group("g", cost, 10**9, max_sequences=sized.sequences, composition=Sarathi(budget))
    run = simulate_fleet(Deployment((group,), (Flow("chat", "g"),)), table, jumps=False)
    return float(prompts.sum() / asked.prompt.mean / (run.ended_ns.max() / 1e9))
