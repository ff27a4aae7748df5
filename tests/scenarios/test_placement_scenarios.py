"""Scenarios of placement: their generators, and that no plan is worse than the default."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest

from scheduling.models.experts.bounds import bytes_bound
from scheduling.scenarios import elastic_moe, eplb, priority_matters
from scheduling.scenarios.priority_matters import BEST, BETTER, CERTIFIED, Cell, Outcome
from scheduling.scenarios.scenario import Run, data_folder
from tests.solving import solve


def test_generated_clusters_have_the_usage_that_was_asked_for() -> None:
    cell = Cell(nodes=4, pods_per_node=8, priorities=4, usage=0.95)
    problem, waiting = priority_matters.settled(cell, 3)
    assert len(problem.items) == 32
    assert len(problem.nodes) == 4
    for name in ("cpu", "memory"):
        asked = sum(item.demands[name] for item in problem.items)
        room = sum(node.capacity[name] for node in problem.nodes)
        assert 0.94 < asked / room <= 0.95
    sets = Counter(item.owner for item in problem.items)
    assert max(sets.values()) <= 4
    assert sum(waiting) == sum(item.node is None for item in problem.items)


def test_a_small_cluster_is_better_or_certified() -> None:
    found = priority_matters.outcome(Cell(4, 4, 2, 1.0), 0, 1e6, workers=1)
    assert found.kind in (BEST, CERTIFIED)
    assert found.gap == 0.0


def test_rows_sum_up_outcomes() -> None:
    cell = Cell(4, 4, 2, 1.0)
    kinds = [BEST, BETTER, "failure", "no calls", CERTIFIED]
    found = [Outcome(cell, seed, kind, moves=seed) for seed, kind in enumerate(kinds)]
    (row,) = priority_matters.rows(found, 1.0)
    assert row.value == pytest.approx(75)
    assert row.baseline_value == pytest.approx(25)
    assert "0 evictions, 1 moves in 2 better plans" in row.verdict
    assert priority_matters.rows(found[3:4], 1.0) == []


def test_the_scenario_keeps_its_time() -> None:
    (row,) = priority_matters.run(Run(seconds=2.0))
    assert row.baseline_value is not None
    assert 0 <= row.baseline_value <= row.value <= 100


def test_the_scenario_runs_a_cluster_with_pending_pods_however_short_the_time() -> None:
    (row,) = priority_matters.run(Run(seconds=0.01))
    assert row.case.startswith("1 clusters with pending pods")
    assert 0 <= row.value <= 100


@pytest.mark.shared
def test_experts_are_balanced_at_least_as_well_as_by_the_rule() -> None:
    rows = eplb.run(Run(seconds=3.0, data=data_folder()))
    for row in rows[::2]:
        assert row.baseline_value is not None
        assert row.value <= row.baseline_value
    assert rows[-1].measure.startswith("experts copied")


@pytest.mark.parametrize("step", elastic_moe.STEPS[:2])
def test_groups_go_where_least_is_copied(step: elastic_moe.Step) -> None:
    problem, scratch = elastic_moe.redistribution(step, 1)
    arrays, counts, matched = elastic_moe.moved(problem, scratch)
    ways = permutations(range(len(counts)))
    least = min(arrays.copied(counts[list(way)]) for way in ways)
    assert arrays.copied(matched) == least
    assert elastic_moe.none_saves(arrays, matched)
    assert arrays.copied(counts) == eplb.copied(problem, scratch)
    for way in permutations(range(len(counts))):
        other = matched[list(way)]
        assert elastic_moe.none_saves(arrays, other) is (arrays.copied(other) == least)
    # Whatever the groups, devices keep no more than fits.
    kept = sum(min(row.slots, len(row.holds)) for row in problem.devices)
    assert bytes_bound(arrays, None) >= len(problem.experts) - kept


def test_scaling_copies_no_more_than_a_fresh_plan() -> None:
    problem, scratch = elastic_moe.redistribution(elastic_moe.STEPS[0], 0)
    answer = solve(problem, "keep", work_limit=1)
    assert answer.objective <= eplb.copied(problem, scratch)
    held = {device.id for device in problem.devices if device.holds}
    assert len(problem.devices) == 4
    assert held == {"gpu-000", "gpu-001", "gpu-002"}
