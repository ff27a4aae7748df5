"""Split clusters: sizes against brute force, bounds by work, and the scenarios on public data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scheduling.errors import InputError
from scheduling.instances.cost.phases import PhaseProfile
from scheduling.models.cost.phases import FittedPhases, fit_table
from scheduling.scenarios import distserve, splitwise
from scheduling.scenarios.scenario import Run
from scheduling.scenarios.serving_loads import poisson_requests
from scheduling.simulator.requests.capacity import at_rate
from scheduling.simulator.requests.fleet import simulate_fleet
from tests.serving_runs import table

FAST = fit_table(
    {512: [0.02], 2048: [0.08], 8192: [0.4]}, {(1, 500.0): [0.02], (64, 500.0): [0.03]}
)
SLOW = fit_table(
    {512: [0.04], 2048: [0.16], 8192: [0.8]}, {(1, 500.0): [0.03], (64, 500.0): [0.05]}
)
MACHINES = splitwise.Machines(
    PhaseProfile({("llama2-70b", "a100-80gb", 8): SLOW, ("llama2-70b", "h100-80gb", 8): FAST}, ())
)
LENGTHS = table([0, 0, 0, 0], [100, 900, 1500, 3000], [1, 20, 40, 10])
REQUESTS = poisson_requests(LENGTHS, 300, seed=2)


def test_requests_are_drawn_with_their_lengths_and_one_a_second() -> None:
    drawn = poisson_requests(LENGTHS, 4000, seed=1)
    assert set(zip(drawn.prompt_tokens, drawn.output_tokens, strict=True)) == set(
        zip(LENGTHS.prompt_tokens, LENGTHS.output_tokens, strict=True)
    )
    assert drawn.arrival_ns[-1] / 4000 == pytest.approx(1e9, rel=0.05)
    assert np.array_equal(drawn.arrival_ns, poisson_requests(LENGTHS, 4000, seed=1).arrival_ns)


def test_prompts_one_by_one_keep_as_many_machines_busy_as_their_seconds() -> None:
    equal = table([0, 1, 2], [2048, 2048, 512], [1, 1, 1])
    busy = splitwise.prompt_machines(FAST, equal, 10.0)
    assert busy == pytest.approx(10 * (0.08 + 0.08 + 0.02) / 3)


def test_a_lone_request_on_the_slow_machine_is_no_slower_than_itself() -> None:
    cluster = MACHINES.cluster(("a100-80gb", 1), None)
    run = simulate_fleet(cluster, table(np.arange(10) * 10**10, 1024, 21))
    for slow in MACHINES.slowdowns(run).values():
        assert slow == pytest.approx(np.ones(len(slow)), rel=0.01)


@pytest.mark.parametrize("rate", [20.0, 45.0])
def test_the_smallest_split_is_that_of_brute_force(rate: float) -> None:
    found = splitwise.smallest_split(MACHINES, "h100-80gb", REQUESTS, rate, 6)
    coming = at_rate(REQUESTS, rate)
    kept = [
        (prompts, tokens)
        for prompts in range(1, 7)
        for tokens in range(1, 7)
        if MACHINES.keeps(
            simulate_fleet(MACHINES.cluster(("h100-80gb", prompts), ("h100-80gb", tokens)), coming)
        )
    ]
    assert found in kept
    assert sum(found or ()) == min(map(sum, kept))
    mixed = splitwise.smallest_mixed(MACHINES, "h100-80gb", REQUESTS, rate, 12)
    bound = splitwise.least_machines(FAST, REQUESTS, rate)
    assert mixed is not None
    assert bound <= min(mixed, sum(found or ()))


def test_too_few_machines_are_no_cluster() -> None:
    assert splitwise.smallest_split(MACHINES, "h100-80gb", REQUESTS, 500.0, 2) is None
    assert splitwise.smallest_mixed(MACHINES, "h100-80gb", REQUESTS, 500.0, 2) is None


PHASES = FittedPhases(
    prompt=(0.01, 5e-5, 0.0), few=(0.01, 1e-7, 1e-4), many=(0.01, 1e-7, 1e-4), threshold=95
)


def instance(tp: int, pp: int, rate: float) -> distserve.Instance:
    return distserve.Instance(tp, pp, PHASES, 10_000, rate)


def test_the_best_instance_is_that_of_most_goodput_a_gpu() -> None:
    entries = [instance(1, 1, 2.0), instance(2, 1, 5.0), instance(4, 2, 12.0)]
    assert distserve.best(entries) == entries[1]
    with pytest.raises(InputError, match="no layout that keeps the limits"):
        distserve.best([instance(1, 1, 0.0)])


def test_the_exact_fleet_has_the_fewest_gpus() -> None:
    prefill = [instance(1, 1, 3.0), instance(2, 1, 7.0), instance(1, 2, 0.0)]
    decode = [instance(1, 1, 2.0), instance(4, 1, 9.0)]
    far = distserve.exact_fleet({"prefill": prefill, "decode": decode}, 16.0, 5.0, near=False)

    def fewest(entries: list[distserve.Instance]) -> int:
        sizes = [
            one * entries[0].gpus + two * entries[1].gpus
            for one in range(17)
            for two in range(17)
            if one * entries[0].rate + two * entries[1].rate >= 16.0
        ]
        return min(sizes)

    assert far.objective == far.bound == fewest(prefill) + fewest(decode)
    near = distserve.exact_fleet({"prefill": prefill, "decode": decode}, 16.0, 5.0, near=True)
    assert near.objective is not None
    assert near.objective >= far.objective


def test_goodput_of_a_pair_is_at_most_that_of_either() -> None:
    chats = poisson_requests(table([0, 0], [200, 800], [50, 100]), 200, seed=4)
    one = instance(1, 1, 0.0)
    alone = min(distserve.prefill_goodput(one, chats), distserve.decode_goodput(one, chats))
    pair = distserve.pair_goodput(one, one, chats)
    assert 0 < pair <= alone * 1.05
    assert 0 < distserve.colocated_goodput(one, chats) <= alone * 1.05


def test_simulated_prompts_wait_as_the_formula_says() -> None:
    assert distserve.formula_gap(instance(1, 1, 0.0), 6000) < 0.05


@pytest.mark.shared
def test_distserve_says_what_it_found(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distserve, "_STAGES", (1,))
    formula, high, low, colocated = distserve.run(Run(seconds=1.0, data=shared_data))
    assert formula.value < 0.1
    for row in (high, low):
        assert row.value <= (row.baseline_value or 0)
        assert row.gap is not None
    assert colocated.ratio is not None
    assert colocated.ratio > 1


@pytest.mark.shared
def test_splitwise_says_what_it_found(shared_data: Path) -> None:
    rows = splitwise.run(Run(seconds=1.0, data=shared_data))
    assert len(rows) == 1 + len(splitwise.DESIGNS) - 2
    size = rows[0]
    assert size.gap is not None
    assert 0 < size.gap < 1
    assert size.value <= (size.baseline_value or 0)
