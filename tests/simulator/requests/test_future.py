"""Peaks of memory against steps counted one by one; policies that look ahead evict nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.protocol import Affine, Batch
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.peak import Mode, holdings, peak_tokens
from scheduling.simulator.requests.policies.admission import Watermark
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst, Sarathi
from scheduling.simulator.requests.policies.future import KnownFuture, PastFuture
from scheduling.simulator.requests.policies.ordering import (
    EarliestDeadline,
    ShortestAnswer,
    ShortestPrompt,
    SlackDeadline,
)
from scheduling.simulator.requests.policy import Composition, Order
from tests.properties import examples
from tests.serving_runs import table

COST = Affine(base=0.005, per_token=4e-5, per_kv=3e-8)
Pairs = list[tuple[int, int]]


def peak_step_by_step(decoding: Pairs, beginning: Pairs, mode: Mode) -> int:
    """Run a batch iteration by iteration: KV held, tokens to come, most held at a time."""
    running = [list(pair) for pair in decoding]
    peak = sum(held for held, _ in running)
    fresh = [[prompt, answer] for prompt, answer in beginning]
    if fresh and mode == "separate":
        # A batch of prompts: they fill their memory and make a token, the others wait.
        peak = max(peak, sum(held for held, _ in running + fresh))
        running += [[prompt, answer - 1] for prompt, answer in fresh]
        fresh = []
    while running or fresh:
        running = [[held + 1, left - 1] for held, left in running if left > 0]
        peak = max(peak, sum(held for held, _ in running + fresh))
        running += [[prompt, answer - 1] for prompt, answer in fresh]
        fresh = []
    return peak


@pytest.mark.parametrize("mode", ["together", "separate"])
def test_peak_formula_on_ten_thousand_batches(mode: Mode) -> None:
    rng = np.random.default_rng(7)
    mismatches = 0
    for _ in range(10_000):
        old, new = int(rng.integers(0, 9)), int(rng.integers(0, 5))
        decoding = [(int(a), int(b)) for a, b in rng.integers(1, 30, (old, 2))]
        beginning = [(int(a), int(b)) for a, b in rng.integers(1, 30, (new, 2))]
        found = peak_tokens(*holdings(decoding, beginning, mode))
        mismatches += found != peak_step_by_step(decoding, beginning, mode)
    assert mismatches == 0


def test_the_wrong_mode_misjudges_the_peak() -> None:
    decoding, beginning = [(10, 3)], [(5, 4)]
    wrong = peak_tokens(*holdings(decoding, beginning, "together"))
    assert wrong < peak_step_by_step(decoding, beginning, "separate")


def fleet(
    composition: Composition, requests: RequestTable, mode: Mode, blocks: int, size: int
) -> Deployment:
    admission = KnownFuture(requests.output_tokens, mode)
    return Deployment(
        (
            Group(
                "all",
                COST,
                kv_tokens=blocks * size,
                block_size=size,
                composition=composition,
                admission=admission,
            ),
        )
    )


@st.composite
def requests_drawn(draw: st.DrawFn) -> RequestTable:
    count = draw(st.integers(1, 25))
    lengths = st.lists(st.integers(1, 40), min_size=count, max_size=count)
    gaps = draw(st.lists(st.integers(0, 30_000_000), min_size=count, max_size=count))
    return table(np.cumsum(gaps), draw(lengths), draw(lengths))


@examples(60)
@given(requests_drawn(), st.sampled_from([1, 4, 16]), st.booleans())
def test_known_lengths_evict_nobody_in_either_mode(
    requests: RequestTable, size: int, together: bool
) -> None:
    composition: Composition = Orca() if together else PrefillFirst(60, padded=False)
    mode: Mode = "together" if together else "separate"
    run = simulate_fleet(fleet(composition, requests, mode, -(-100 // size), size), requests)
    assert run.restarts.sum() == 0
    assert run.served.all()


def heavy(count: int = 300) -> RequestTable:
    """Long answers, all queued at once."""
    rng = np.random.default_rng(3)
    prompts = np.clip(rng.lognormal(5, 0.8, count), 1, 2000)
    outputs = np.clip(rng.lognormal(5, 0.9, count), 1, 1500)
    return table(np.zeros(count), prompts, outputs)


def test_past_future_evicts_less_than_a_watermark_under_long_answers() -> None:
    requests = heavy()
    common = Group("all", COST, kv_tokens=8000, composition=PrefillFirst(8192, padded=False))
    runs = {
        name: simulate_fleet(Deployment((replace(common, admission=admission),)), requests)
        for name, admission in (
            ("past-future", PastFuture(longest_answer=1500)),
            ("watermark", Watermark()),
        )
    }
    evicted = {name: int(run.restarts.sum()) for name, run in runs.items()}
    assert evicted["past-future"] < 0.1 * evicted["watermark"]
    assert runs["past-future"].served.all()


def test_what_is_learned_stays_within_a_run_and_an_instance() -> None:
    requests = heavy(60)
    group = Group("all", COST, kv_tokens=6000, admission=PastFuture(seed=5), replicas=2)
    first = simulate_fleet(Deployment((group,)), requests)
    second = simulate_fleet(Deployment((group,)), requests)
    assert first.ended_ns.tolist() == second.ended_ns.tolist()


ORDERS: list[Order] = [
    ShortestPrompt(),
    ShortestAnswer(heavy(80).output_tokens),
    EarliestDeadline((0.5,)),
    SlackDeadline((0.5,), COST),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
@pytest.mark.parametrize("composition", [Sarathi(128), PrefillFirst()], ids=lambda one: one.name)
def test_jumps_change_nothing_under_any_order(order: Order, composition: Composition) -> None:
    requests = heavy(80)
    spread = np.linspace(0, 4e9, 80).astype(np.int64)
    requests = replace(requests, arrival_ns=spread)
    group = Group("all", COST, kv_tokens=3000, composition=composition, order=order)
    jumped = simulate_fleet(Deployment((group,)), requests)
    stepped = simulate_fleet(Deployment((group,)), requests, jumps=False)
    assert jumped.ended_ns.tolist() == stepped.ended_ns.tolist()
    assert jumped.restarts.tolist() == stepped.restarts.tolist()


def test_jumps_change_nothing_for_admission_that_changes_its_mind() -> None:
    requests = replace(heavy(80), arrival_ns=np.linspace(0, 4e9, 80).astype(np.int64))
    group = Group(
        "all", COST, kv_tokens=3000, composition=PrefillFirst(), admission=PastFuture(seed=2)
    )
    jumped = simulate_fleet(Deployment((group,)), requests)
    stepped = simulate_fleet(Deployment((group,)), requests, jumps=False)
    assert jumped.ended_ns.tolist() == stepped.ended_ns.tolist()


def one_at_a_time(requests: RequestTable, order: Order | None) -> list[int]:
    """Return the rows in the order in which one instance begins them, one at a time."""
    group = Group("one", COST, kv_tokens=10_000, max_sequences=1, order=order)
    run = simulate_fleet(Deployment((group,)), requests)
    return [int(row) for row in np.argsort(run.started_ns, kind="stable")]


def test_orders_begin_requests_as_they_say() -> None:
    queued = table([0, 1, 2, 3], [50, 400, 100, 30], [9, 1, 5, 7])
    assert one_at_a_time(queued, None) == [0, 1, 2, 3]
    assert one_at_a_time(queued, ShortestPrompt()) == [0, 3, 2, 1]
    assert one_at_a_time(queued, ShortestAnswer(queued.output_tokens)) == [0, 1, 2, 3]
    two = replace(queued, demand=np.array([0, 0, 1, 1]), demands=("slow", "quick"))
    assert one_at_a_time(two, EarliestDeadline((9.0, 1.0))) == [0, 2, 3, 1]


def test_slack_puts_prompts_that_are_late_behind_those_that_can_be_in_time() -> None:
    long = COST.seconds(Batch.prefill(4000))
    queued = table([0, 1, 2], [4000, 3000, 100], [1, 1, 1])
    limit = (1.2 * long,)
    assert one_at_a_time(queued, EarliestDeadline(limit)) == [0, 1, 2]
    assert one_at_a_time(queued, SlackDeadline(limit, COST)) == [0, 2, 1]


@pytest.mark.shared
def test_published_evictions_and_use_of_memory_under_long_answers(shared_data: Path) -> None:
    """Conversations with long answers, all queued at once: few evictions, well-filled memory."""
    prompts = read_requests(shared_data / "vidur_golden" / "requests-conv400.csv").table
    outputs = np.clip(np.random.default_rng(0).lognormal(6, 0.9, 500), 1, 4096).astype(np.int64)
    requests = table(np.zeros(500), np.resize(prompts.prompt_tokens, 500), outputs)
    common = Group(
        "all",
        COST,
        kv_tokens=30_000,
        block_size=1,
        composition=PrefillFirst(8192, padded=False),
    )
    found = {}
    for admission in (PastFuture(longest_answer=4096), KnownFuture(outputs, "separate")):
        run = simulate_fleet(Deployment((replace(common, admission=admission),)), requests)
        tally = run.instances[0].tally
        used = tally.block_ns / tally.busy_ns / 30_000
        found[admission.name] = int(run.restarts.sum()) / 500, used
    evicted, used = found["past-future"]
    assert evicted <= 0.02
    assert used >= 0.68
    evicted, used = found["known-future"]
    assert evicted == 0
    assert used >= 0.85
