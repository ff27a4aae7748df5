"""VM rescheduling: its baselines, and the scenario on generated and published clusters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduling.instances.placement.random_machines import random_machines
from scheduling.instances.placement.vms import Host, Machine, rescheduling
from scheduling.scenarios import vmr2l
from scheduling.scenarios.scenario import Run
from scheduling.scenarios.vm_baselines import greedy_rescheduling, split_rescheduling


def test_the_greedy_moves_what_frees_most_and_stops() -> None:
    rooms = ((16, 99), (16, 99))
    hosts = [Host(name, rooms) for name in ("a", "b")]
    machines = [
        Machine("v1", "a", (0,), (4, 1)),
        Machine("v2", "b", (0,), (12, 1)),
        Machine("v3", "b", (1,), (16, 1)),
    ]
    # v1 leaves a whole node behind and fills the other: 12 + 4 pieces become none.
    assert greedy_rescheduling(rescheduling(hosts, machines, moves=0)) == 16
    assert greedy_rescheduling(rescheduling(hosts, machines, moves=1)) == 0
    pinned = [Machine(m.name, m.host, m.takes, m.need, pinned=True) for m in machines]
    assert greedy_rescheduling(rescheduling(hosts, pinned, moves=5)) == 16


def test_outcomes_are_no_worse_than_their_baselines() -> None:
    case = vmr2l.Case(random_machines(hosts=6, moves=4, seed=3))
    found = vmr2l.outcome(case, 20.0, workers=1, baselines=False)
    assert found.closed
    assert found.value <= found.greedy <= found.before
    assert found.moves <= 4
    assert found.value <= split_rescheduling(case.problem, 2, 4.0, 0)
    assert 0 <= (found.rate(found.value) or 0.0) <= 100


def test_generated_clusters_fit_and_leave_room() -> None:
    problem = random_machines(hosts=5, seed=1)
    assert problem == random_machines(hosts=5, seed=1)
    assert all(item.node is not None for item in problem.items)
    assert problem.max_moves == 10


def test_the_scenario_says_what_it_found() -> None:
    rows = vmr2l.run(Run(seconds=3.0))
    assert rows
    assert all(row.value <= (row.baseline_value or 0.0) for row in rows)
    assert "POP" in rows[0].verdict


@pytest.mark.shared
def test_the_greedy_is_that_of_the_data(shared_data: Path) -> None:
    index = shared_data / vmr2l.INDEX
    known = json.loads(index.read_text())["instances"]
    for name, entry in known.items():
        if entry["n_pm"] > 40:
            continue
        for case in vmr2l.published_cases(index, frozenset([name])):
            limit = str(case.problem.max_moves)
            slots = entry["mnl"][limit]["ha_slots"]
            assert greedy_rescheduling(case.problem) == entry["free_cpu"] - 16 * slots
