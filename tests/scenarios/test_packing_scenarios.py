"""Scenarios of packing: their problems by hand, and that results keep to their bounds."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from scheduling.scenarios import (
    adrs,
    agentcgroup,
    cloudformer,
    lifl,
    node_exclusion,
    singularity,
    sliwko,
)
from scheduling.scenarios.adrs import Fleet
from scheduling.scenarios.agentcgroup import Phase, Session
from scheduling.scenarios.policies import run_policies
from scheduling.scenarios.scenario import Run, data_folder
from scheduling.simulator.schedule.policies.dispatching import Ranked
from scheduling.simulator.schedule.simulate import simulate_schedule
from tests.solving import solve


def test_the_least_pressure_of_two_models_on_two_gpus() -> None:
    fleet = Fleet("pair", 2, 80, ((20, 6, 3), (40, 2, 1)))
    # Alone they have 2 over 60 and 2 over 40, together 4 over 20.
    answer = adrs.least_pressure(fleet, 10.0)
    assert answer.pressure == answer.bound == Fraction(1, 20)
    assert fleet.pressure((0, 0)) == Fraction(1, 5)


def test_pressures_are_at_least_their_floor_and_at_most_the_greedy_ones() -> None:
    rng = np.random.default_rng(5)
    for _ in range(5):
        models = tuple(
            (int(rng.integers(10, 30)), int(rng.integers(1, 10)), int(rng.integers(5, 10)))
            for _ in range(8)
        )
        fleet = Fleet("drawn", 4, 80, models)
        answer = adrs.least_pressure(fleet, 10.0)
        assert fleet.floor <= answer.pressure <= fleet.pressure(adrs.greedy(fleet))
        assert fleet.pressure(answer.placed) == answer.pressure


@pytest.mark.shared
def test_known_optima_of_prism() -> None:
    path = Run(0.0, data_folder()).file("adrs", "adrs_prism/instances.json")
    fleets = adrs.fleets(json.loads(path.read_text()))[::5]
    answers = [adrs.least_pressure(fleet, 1e6) for fleet in fleets]
    assert all(answer.pressure == answer.bound for answer in answers)
    greedy = sum(fleet.pressure(adrs.greedy(fleet)) for fleet in fleets)
    assert 1.2 < greedy / sum(answer.pressure for answer in answers) < 1.3


def test_phases_merge_where_they_waste_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agentcgroup, "_PHASES", 6)
    samples = [(5.0 * k, memory) for k, memory in enumerate([10, 11, 90, 91, 12, 13, 14, 15, 16])]
    found = agentcgroup.phases(samples)
    assert len(found) == 6
    assert sum(phase.seconds for phase in found) == 40
    assert max(phase.memory for phase in found) == 91
    assert found[0].memory < 90


def test_phases_that_miss_each_other_share_the_host() -> None:
    tall, low = Phase(10, 3000), Phase(10, 800)
    found = [Session("a", (tall, low)), Session("b", (low, tall))]
    together = solve(agentcgroup.host(found, [one.phases for one in found]), work_limit=5)
    peaks = [[Phase(one.seconds, one.peak)] for one in found]
    apart = solve(agentcgroup.host(found, peaks), work_limit=5)
    assert (together.objective, apart.objective) == (20, 40)


def test_the_nodes_of_least_hazard_are_chosen() -> None:
    rates = node_exclusion.hazards(np.random.default_rng(0))
    answer = node_exclusion.best_nodes(rates)
    used = {int(entry.node.removeprefix("node-")) for entry in answer.placements}
    assert used == set(np.argsort(rates)[: len(used)].tolist())


def test_excluding_nodes_lengthens_sessions() -> None:
    *rows, worst = node_exclusion.run(Run(seconds=1e6))
    assert all(row.case.endswith("; 5 of 5 clusters") for row in rows)
    never, *others = [row.value for row in rows]
    assert all(value > 1.2 * never for value in others)
    # Without exclusion any nodes run, whatever their names: 56 of 63 at the mean rate.
    assert never == pytest.approx(10.0 * 63 / 56, rel=0.05)
    assert worst.ratio == pytest.approx(1 / 0.45, rel=0.1)
    assert all(row.gap is not None and row.gap < 0.6 for row in rows)
    # Estimates come nearer to knowing the rates than counts of failures.
    assert others[-1] == max(others)
    assert rows[-1].gap is not None
    assert rows[-1].gap < 0.08


def test_filling_uses_no_fewer_nodes_than_the_bound() -> None:
    problem = lifl.updates(0)
    answer = solve(problem, work_limit=2, workers=1)
    nodes = answer.tiers[-1]
    assert nodes.bound <= nodes.objective <= lifl.fill(problem, lifl.fullest)
    assert lifl.fill(problem, lifl.least_loaded) == len(problem.nodes)


def test_relieved_nodes_are_not_overloaded() -> None:
    found = sliwko.cluster(0)
    problem = sliwko.relief(found)
    answer = solve(problem, "best-fit", work_limit=1)
    where = {entry.item: int(entry.node.removeprefix("node-")) for entry in answer.placements}
    placed = [where[f"task-{number}"] for number in range(len(found.now))]
    assert not any(found.overloaded(load) for load in found.loads(placed))
    assert any(found.overloaded(load) for load in found.loads(list(found.now)))
    moved = sum(cost for cost, a, b in zip(found.costs, placed, found.now, strict=True) if a != b)
    assert answer.tiers[-1].objective == moved


def test_a_search_relieves_small_clusters_at_nearly_the_least_cost() -> None:
    problem = sliwko.relief(sliwko.cluster(0, (6, 30)))
    least, found = (
        solve(problem, name, work_limit=2, workers=1).tiers[-1] for name in ("auto", "lns")
    )
    assert 0 < least.bound == least.objective <= found.objective <= 1.1 * least.objective


def test_a_search_begins_where_the_agents_end() -> None:
    found, where = next(
        (found, where)
        for found in map(sliwko.cluster, range(4))
        if (where := sliwko.agents(found)) is not None
    )
    answer = solve(sliwko.relief(found), work_limit=0.01, workers=1, hint=sliwko.placed(where))
    assert answer.tiers[0].objective == 0
    assert answer.tiers[-1].objective <= sliwko.cost_of(found, where)


def test_elastic_jobs_end_no_later_and_are_bounded_closely() -> None:
    drawn = singularity.jobs(0)[:5]
    rigid = solve(singularity.fleet(drawn, elastic=False), work_limit=2, workers=1)
    elastic = solve(singularity.fleet(drawn, elastic=True), work_limit=2, workers=1)
    assert elastic.bound <= rigid.objective
    # No job ends before it has run at full width.
    alone = sum(job["weight"] * job["length"] for job in drawn)
    assert alone <= elastic.bound <= elastic.objective


def test_two_elastic_jobs_share_a_fleet() -> None:
    # Each alone would take 4 quanta of time on its 8 GPUs; 16 GPUs hold both at once, 8 do not.
    job = {"release": 0, "width": 8, "length": 4, "weight": 1}
    answer = solve(singularity.fleet([job, job], elastic=True), work_limit=5, workers=1)
    assert (answer.objective, answer.bound) == (8, 8)
    third = solve(singularity.fleet([job, job, job], elastic=True), work_limit=0.5, workers=1)
    assert third.bound > 12


def test_the_highest_tier_takes_the_gpus() -> None:
    low = {"release": 0, "width": 8, "length": 4, "weight": 1}
    high = {"release": 1, "width": 16, "length": 2, "weight": 2}
    problem = singularity.fleet([low, low, high], elastic=True)
    by_tier = Ranked("by tier", "", singularity.highest_tier)
    found = simulate_schedule(problem, [by_tier, "FIFO"], work_limit=0.1, workers=1)
    tiers, arrivals = (run.solution.objective for run in found.runs)
    # The high job runs from 1 to 3, the low ones before and after; without tiers it waits for them.
    assert (tiers, arrivals) == (6 + 6 + 2 * 2, 4 + 4 + 2 * 5)


def test_rigid_and_elastic_rows_are_of_the_same_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    def fewer(problems: list[Any], *given: Any) -> list[Any]:
        """Run the first problem alone where jobs are elastic, as if the time were short."""
        tasks = [len(problem.tasks) for problem in problems]
        return run_policies(problems[: 1 if tasks[0] > 3 else 2], *given)

    monkeypatch.setattr(singularity, "_SEEDS", 2)
    monkeypatch.setattr(singularity, "_JOBS", 3)
    monkeypatch.setattr(singularity, "_BOUND_WORK", 0.01)
    monkeypatch.setattr(singularity, "run_policies", fewer)
    rows = singularity.run(Run(seconds=1e6))
    assert len(rows) > 4
    assert {row.case for row in rows} == {"3 jobs on 16 GPUs; 1 of 2 instances"}


def test_interference_is_less_than_by_the_default_and_bounded() -> None:
    blind, aware = (cloudformer.machines(0, aware=aware) for aware in (False, True))
    rule = solve(blind, "default-scheduler", work_limit=1)
    answer = solve(aware, work_limit=1, workers=1)
    tier = answer.tiers[-1]
    assert cloudformer.lost(aware, answer) == tier.objective
    assert 0 < tier.bound <= tier.objective < cloudformer.lost(blind, rule)
