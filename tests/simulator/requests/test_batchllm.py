"""BatchLLM's order and batches: a prefix is computed once, whatever the order of the prompts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.prefix_groups import PrefixGroup
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.batchllm import group_ranks
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.strategy import Setting
from tests.serving_runs import same, table

COST = Affine(base=0.01, per_token=1e-5)
COMMON, OWN, DEGREE, GROUPS = 64, 16, 6, 8


def shuffled(seed: int, answer: int) -> tuple[RequestTable, Paths]:
    count = DEGREE * GROUPS
    which = np.random.default_rng(seed).permutation(np.repeat(np.arange(GROUPS), DEGREE))
    prompts = [[(int(which[row]), COMMON), (GROUPS + row, COMMON + OWN)] for row in range(count)]
    return table([0] * count, COMMON + OWN, answer), Paths.of(prompts)


def run(name: str, seed: int, kv_tokens: int, *, answer: int = 1, jumps: bool = True) -> FleetRun:
    requests, paths = shuffled(seed, answer)
    made = strategy(name, Setting(requests, COST, (None,), 100, 5, paths=paths))
    group = Group(
        "all",
        COST,
        kv_tokens=kv_tokens,
        composition=made.composition,
        order=made.order,
        retention=made.retention,
    )
    return simulate_fleet(Deployment((group,)), requests, paths=paths, jumps=jumps)


@pytest.mark.parametrize("seed", range(4))
def test_in_groups_a_small_cache_is_as_good_as_an_endless_one(seed: int) -> None:
    least = GROUPS * COMMON + GROUPS * DEGREE * OWN
    found = {
        name: run(name, seed, kv_tokens=400).instances[0].tally.new_tokens
        for name in ("apc", "batchllm")
    }
    assert found["batchllm"] == least
    assert found["apc"] > 1.2 * least
    assert run("batchllm", seed, kv_tokens=100_000).instances[0].tally.new_tokens == least


def test_jumps_change_nothing() -> None:
    stepping = run("batchllm", 0, 400, answer=30, jumps=False)
    assert same(run("batchllm", 0, 400, answer=30), stepping)


def test_groups_with_most_answer_for_their_prompts_come_first() -> None:
    requests = table([0] * 4, [100, 100, 10, 10], [10, 30, 1, 1])
    groups = [PrefixGroup(50, (0, 1)), PrefixGroup(0, (2,)), PrefixGroup(0, (3,))]
    which, ranks = group_ranks(groups, requests)
    assert which.tolist() == [0, 0, 1, 2]
    assert ranks.tolist() == [0, 1, 2, 3]
    eager = replace(requests, output_tokens=np.array([10, 30, 1, 9]))
    assert group_ranks(groups, eager)[1].tolist() == [1, 2, 3, 0]
