"""Scenario ``laps``: waits by formula and by brute force, and the best batches of few prompts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from scheduling.models.requests.table import RequestTable
from scheduling.scenarios import laps, prompt_pools
from scheduling.scenarios.scenario import Run


def test_waits_of_one_instance_are_those_of_pollaczek_and_khinchine() -> None:
    seconds = np.array([0.01, 0.02, 0.3])
    served = prompt_pools.Prompts(np.array([10, 20, 300]), np.zeros(3, np.int64), seconds)
    rate = 4.0
    busy = rate * float(seconds.mean())
    expected = rate * float((seconds**2).mean()) / (2 * (1 - busy))
    assert prompt_pools.mean_wait(served, rate, 1) == pytest.approx(expected)
    assert prompt_pools.mean_wait(served, 2 * rate, 2) == pytest.approx(expected)
    # Pools of their own for both lengths leave nothing to wait behind but one's like.
    together = prompt_pools.mean_wait(served, 2 * rate, 2)
    assert prompt_pools.split_wait(served, 2 * rate, 20, 1) < together
    waits = [prompt_pools.mean_wait(served, often, 1) for often in (100.0, 1000.0)]
    assert waits[1] > waits[0] > expected


def test_the_best_split_is_that_of_trying_every_length() -> None:
    rng = np.random.default_rng(4)
    tokens = rng.integers(1, 12, 40)
    seconds = tokens / 100 + rng.uniform(0, 0.02, 40)
    served = prompt_pools.Prompts(tokens, np.zeros(40, np.int64), seconds)
    for rate in (20.0, 60.0, 140.0):
        tried = min(
            (prompt_pools.split_wait(served, rate, int(threshold), short), int(threshold), short)
            for threshold in np.unique(tokens)
            for short in range(1, prompt_pools.INSTANCES)
        )
        found = prompt_pools.best_split(served, rate)
        assert found[0] == pytest.approx(tried[0])
        assert prompt_pools.split_wait(served, rate, *found[1:]) == pytest.approx(tried[0])


def test_moves_of_instances_are_best() -> None:
    rng = np.random.default_rng(2)
    waits = [rng.uniform(0, 1, prompt_pools.INSTANCES + 1) for _ in range(4)]
    tried = [
        waits[0][4] + waits[1][a] + waits[2][b] + waits[3][c]
        for a, b, c in product(range(1, prompt_pools.INSTANCES), repeat=3)
        if abs(a - 4) <= 1 and abs(b - a) <= 1 and abs(c - b) <= 1
    ]
    assert prompt_pools.best_moves(waits, 4) == pytest.approx(min(tried))
    pressures = [rng.uniform(-1, 1, prompt_pools.INSTANCES + 1) for _ in range(4)]
    assert prompt_pools.moved(waits, pressures, 4) >= prompt_pools.best_moves(waits, 4) - 1e-12


def test_the_most_in_time_is_that_of_all_partitions_of_a_pair() -> None:
    # 2 ms and 10 us a token: together 5 ms from when both are there, apart 3 and 4 ms.
    zeros = np.zeros(2, np.int64)
    pair = RequestTable(np.array([0, 2_000_000]), np.array([100, 200]), zeros + 1, zeros, zeros)
    for limit, most in ((0.0029, 0), (0.0039, 1), (0.0049, 1), (0.0051, 2), (0.0071, 2)):
        assert laps.most_on_time(pair, limit) == most


def test_prompts_apart_wait_less() -> None:
    row, moving, *inside = laps.run(Run(seconds=1.0))
    for one in (row, moving):
        assert one.baseline_value is not None
        assert one.value < one.baseline_value
        assert one.gap is not None
        assert 0 <= one.gap < 1
    bursts = [one for one in inside if "in time" in one.measure]
    assert all(one.gap is not None and 0 <= one.gap < 0.3 for one in bursts)
    punctual = bursts[-1]
    assert punctual.method.startswith("punctual")
    assert punctual.value > 1.2 * max(one.value for one in bursts[:-1])
    assert punctual.gap is not None
    assert punctual.gap < 0.06
    windows = [one for one in inside if "window" in one.method]
    assert len(windows) == 2
    assert all(one.ratio is not None and one.ratio < 0.75 for one in windows)
