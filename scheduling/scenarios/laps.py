"""LAPS: prefill instances split into a pool for short prompts and one for long ones.

LAPS (arXiv 2601.11589) keeps short prompts from waiting behind long ones: prompts up to the
length where reading weights and computing take equally long go to instances of their own, and an
instance moves between the pools when their pressures part. Here every instance is a queue with
Poisson arrivals, so that its mean wait is exact by formula; the best of all thresholds and splits
is found by trying them all, and the best sequence of moves over windows of changing load by
dynamic programming. Inside an instance, the window in which short prompts gather is simulated
against queues of whole prompts, and for a few prompts beside the best of all batches. Prompts are
drawn, as conversations of several turns have them.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.efficiency import efficiency_of
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Affine, Batch, CostModel
from scheduling.models.cost.work import flops, moved_bytes
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.prompt_pools import (
    INSTANCES,
    Floats,
    Prompts,
    balanced,
    best_moves,
    best_split,
    mean_wait,
    moved,
    split_wait,
)
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import PrefillFirst
from scheduling.simulator.requests.policies.laps import LONGEST_SHORT, Laps
from scheduling.simulator.requests.policies.ordering import ShortestPrompt
from scheduling.simulator.requests.policies.punctual import Punctual
from scheduling.simulator.requests.policy import Composition, Order

_SEEDS = 5
_PROMPTS = 4000
_BUSY = 0.7
_WINDOWS = 60
_LIMIT = 0.4
_BURST, _BURSTS, _BURST_LIMIT = 8, 10, 0.008
_BURST_COST = Affine(base=2e-3, per_token=1e-5)
_FCFS, _SJF, _LAPS = "first come", "shortest prompt first", "LAPS: window and captured graphs"
_PUBLISHED = "prefill latency 30 % lower"


def crossing() -> int:
    """Return the length from which computing a prompt takes longer than reading the weights."""
    model, card = llm("qwen2.5-14b"), gpu("h200")
    precision = Precision()
    rate = card.flops["bf16"]
    for tokens in range(8, 8192, 8):
        batch = Batch.prefill(tokens)
        reading = moved_bytes(model, Layout(), precision, batch) / card.bandwidth
        if flops(model, batch) / rate >= reading:
            return tokens
    return 8192


def _cost(captured: bool = False) -> CostModel:
    """Return the times of an instance, run from captured graphs or not."""
    terms = efficiency_of("sglang")
    if captured:
        terms = terms.model_copy(update={"launch_seconds": 0.0})
    return replica_cost(llm("qwen2.5-14b"), gpu("h200"), Layout(), Precision(), terms=terms)


def prompts(seed: int, long_share: float = 0.25) -> Prompts:
    """Draw turns of conversations: most short, behind a cached history, some long and new."""
    rng = np.random.default_rng(seed)
    cost = _cost()
    is_long = rng.random(_PROMPTS) < long_share
    short = rng.lognormal(np.log(80), 0.8, _PROMPTS)
    long = rng.lognormal(np.log(4000), 0.6, _PROMPTS)
    tokens = np.clip(np.where(is_long, long, short), 4, 30_000).astype(np.int64)
    history = np.where(is_long, 0, rng.integers(200, 6000, _PROMPTS))
    seconds = [
        cost.seconds(Batch.prefill(int(new), int(cached)))
        for new, cached in zip(tokens, history, strict=True)
    ]
    return Prompts(tokens, history, np.array(seconds))


def run(limits: Run) -> list[Row]:
    """Split the instances for a load that stays, and move them with one that changes."""
    del limits
    return [_static_row(), _moving_row(), *_window_rows(), *_burst_rows()]


def _static_row() -> Row:
    threshold = crossing()
    together, ruled, best = [], [], []
    for seed in range(_SEEDS):
        served = prompts(seed)
        mean = float(served.seconds.mean())
        rate = _BUSY * INSTANCES / mean
        together.append(mean + mean_wait(served, rate, INSTANCES))
        ruled.append(mean + split_wait(served, rate, threshold, balanced(served, threshold)))
        best.append(mean + best_split(served, rate)[0])
    least = min(sum(best), sum(ruled))
    return Row(
        case=f"Qwen2.5-14B on {INSTANCES} H200, {_BUSY:.0%} busy, {_SEEDS} seeds",
        measure="mean prefill latency in seconds",
        baseline="one pool",
        baseline_value=sum(together) / _SEEDS,
        method=f"LAPS: prompts up to {threshold} tokens apart",
        value=sum(ruled) / _SEEDS,
        gap=1 - least / sum(ruled),
        published=_PUBLISHED,
        verdict=f"{1 - sum(ruled) / sum(together):.0%} lower than one pool",
    )


def _moving_row() -> Row:
    threshold = crossing()
    still, followed, least = [], [], []
    for seed in range(_SEEDS):
        waits, pressures = _windows(seed, threshold)
        start = balanced(prompts(seed), threshold)
        still.append(sum(float(wait[start]) for wait in waits) / _WINDOWS)
        followed.append(moved(waits, pressures, start) / _WINDOWS)
        least.append(best_moves(waits, start) / _WINDOWS)
    return Row(
        case=f"{_WINDOWS} windows of changing load, {_SEEDS} seeds",
        measure="mean wait in seconds",
        baseline="a split that stays",
        baseline_value=sum(still) / _SEEDS,
        method="LAPS: one instance moves by pressure",
        value=sum(followed) / _SEEDS,
        gap=1 - sum(least) / sum(followed),
        published=_PUBLISHED,
        verdict=f"the best moves wait {sum(least) / _SEEDS:.3f} s",
    )


def _windows(seed: int, threshold: int) -> tuple[list[Floats], list[Floats]]:
    """Return wait and pressure of each window by number of short instances."""
    rng = np.random.default_rng(seed + 1000)
    pool = prompts(seed)
    short, long = (pool.where(mask) for mask in (pool.tokens <= threshold, pool.tokens > threshold))
    rate = _BUSY * INSTANCES / float(pool.seconds.mean())
    usual = len(short.tokens) / len(pool.tokens)
    waits, pressures = [], []
    for number in range(_WINDOWS):
        turn = np.sin(2 * np.pi * number / 20) + rng.normal(0, 0.2)
        rates = (rate * usual * (1 + 0.6 * turn), rate * (1 - usual) * (1 - 0.3 * turn))
        rates = (max(rates[0], 0.0), max(rates[1], 0.0))
        wait, pressure = np.full(INSTANCES + 1, np.inf), np.zeros(INSTANCES + 1)
        for count in range(1, INSTANCES):
            each = (
                mean_wait(short, rates[0], count),
                mean_wait(long, rates[1], INSTANCES - count),
            )
            wait[count] = (rates[0] * each[0] + rates[1] * each[1]) / sum(rates)
            busy = rates[0] * float(short.seconds.mean()) / count
            busy_long = rates[1] * float(long.seconds.mean()) / (INSTANCES - count)
            pressure[count] = busy - busy_long
        waits.append(wait)
        pressures.append(pressure)
    return waits, pressures


def window_means(seed: int) -> dict[str, tuple[float, float]]:
    """Return mean prefill latency of all and of short prompts on one instance, by policy."""
    drawn = prompts(seed)
    rate = _BUSY / float(drawn.seconds.mean())
    gaps = np.random.default_rng(seed + 2000).exponential(1e9 / rate, _PROMPTS)
    zeros = np.zeros(_PROMPTS, np.int64)
    table = RequestTable(
        np.cumsum(gaps).astype(np.int64),
        drawn.tokens + drawn.cached,
        zeros + 1,
        zeros,
        drawn.cached,
    )
    limits = (_LIMIT,)
    policies: dict[str, tuple[Composition, Order | None]] = {
        _FCFS: (PrefillFirst(8192, padded=False), None),
        _SJF: (PrefillFirst(8192, padded=False), ShortestPrompt()),
        _LAPS: (Laps(limits, captured=_cost(captured=True)), None),
    }
    found = {}
    for name, (composition, order) in policies.items():
        group = Group("instance", _cost(), 10**6, composition=composition, order=order)
        first = simulate_fleet(Deployment((group,)), table).ttft_seconds
        found[name] = (float(first.mean()), float(first[drawn.tokens <= LONGEST_SHORT].mean()))
    return found


def _window_rows() -> list[Row]:
    runs = [window_means(seed) for seed in range(_SEEDS)]
    rows = []
    for place, whose in enumerate(("all prompts", "short prompts")):
        mean = {name: sum(one[name][place] for one in runs) / _SEEDS for name in runs[0]}
        rows += [
            Row(
                case=f"{whose} on one instance, {_BUSY:.0%} busy, {_SEEDS} seeds, simulated",
                measure="mean prefill latency in seconds",
                baseline=_FCFS,
                baseline_value=mean[_FCFS],
                method=name,
                value=mean[name],
                gap=None,
                published=_PUBLISHED if name == _LAPS else None,
                verdict=f"{1 - mean[name] / mean[_FCFS]:.0%} lower than {_FCFS}",
            )
            for name in (_SJF, _LAPS)
        ]
    return rows


def most_on_time(table: RequestTable, limit: float) -> int:
    """Return the most prompts of a few that batches on one instance can bring in time.

    By subsets: the last batch of those in time is any part of them, begins when all of it has come
    and the others are done, and ends by the first deadline in it.
    """
    arrivals = (table.arrival_ns / 1e9).tolist()
    tokens = table.prompt_tokens.tolist()
    rows = range(len(table))
    done = np.full(1 << len(table), np.inf)
    done[0] = 0.0
    for chosen in range(1, len(done)):
        batch = chosen
        while batch:
            members = [row for row in rows if batch >> row & 1]
            came = max(arrivals[row] for row in members)
            took = _BURST_COST.seconds(Batch.prefill(sum(tokens[row] for row in members)))
            end = max(float(done[chosen ^ batch]), came) + took
            if end <= min(arrivals[row] for row in members) + limit:
                done[chosen] = min(done[chosen], end)
            batch = (batch - 1) & chosen
    return max(chosen.bit_count() for chosen in range(len(done)) if done[chosen] < np.inf)


def _burst_rows() -> list[Row]:
    limits = (_BURST_LIMIT,)
    policies: dict[str, Composition] = {
        "one at a time": PrefillFirst(1, padded=False),
        "all that wait together": PrefillFirst(8192, padded=False),
        "LAPS, 2 ms to gather": Laps(limits, windows=(0.0, 0.002), margin=0.0),
        "LAPS, 4 ms to gather": Laps(limits, windows=(0.0, 0.004), margin=0.0),
        "punctual, of this library": Punctual(limits),
    }
    reached = dict.fromkeys(policies, 0)
    most = 0
    for seed in range(_BURSTS):
        rng = np.random.default_rng(seed)
        zeros = np.zeros(_BURST, np.int64)
        arrivals = np.sort(rng.integers(0, 20_000_000, _BURST))
        table = RequestTable(arrivals, rng.integers(16, 257, _BURST), zeros + 1, zeros, zeros)
        most += most_on_time(table, _BURST_LIMIT)
        for name, policy in policies.items():
            group = Group("instance", _BURST_COST, 10**6, composition=policy)
            run = simulate_fleet(Deployment((group,)), table)
            reached[name] += int((run.ttft_seconds <= _BURST_LIMIT).sum())
    base, *others = policies
    return [
        Row(
            case=f"{_BURST} short prompts within 20 ms, {_BURSTS} draws",
            measure=f"prompts in time, {_BURST_LIMIT * 1e3:g} ms each",
            baseline=base,
            baseline_value=float(reached[base]),
            method=name,
            value=float(reached[name]),
            gap=1 - reached[name] / most,
            published=None,
            verdict=f"{_BURST * _BURSTS - reached[name]} late, {_BURST * _BURSTS - most} at least",
        )
        for name in others
    ]


SCENARIO = Scenario(
    name="laps",
    system="LAPS: length-aware prefill scheduling (arXiv 2601.11589)",
    problem="short and long prompts: waiting windows and pools",
    wants="nothing: a model and a GPU of the catalogue, seeded conversations",
    run=run,
    targets=(
        Target(("prompts up to",), at_least=0.65, at_most=0.75, better="less"),
        Target(
            ("all prompts", "window and captured graphs"),
            at_least=0.65,
            at_most=0.75,
            better="less",
        ),
    ),
)
