"""FedCompass: spreads of arrivals within a step, the exact least spread, groups over time."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.federated.problem import FederatedProblem, least_spread
from scheduling.scenarios.fedcompass import clients, run
from scheduling.scenarios.scenario import Run
from scheduling.simulator.federated.compass import Compass


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.integers(1, 4), st.integers(0, 4))
def test_the_least_spread_is_that_of_all_steps(speeds: list[int], least: int, more: int) -> None:
    most = least + more
    found, steps = least_spread([float(speed) for speed in speeds], least, most)
    every = product(range(least, most + 1), repeat=len(speeds))
    best = min(
        max(a) - min(a)
        for a in ([s * v for s, v in zip(row, speeds, strict=True)] for row in every)
    )
    arrivals = [step * speed for step, speed in zip(steps, speeds, strict=True)]
    assert found == best == max(arrivals) - min(arrivals)
    assert all(least <= step <= most for step in steps)


@pytest.mark.parametrize("seed", range(5))
def test_models_of_a_group_arrive_within_one_step(seed: int) -> None:
    problem = clients(0.0, seed)
    slowest = max(client.seconds_per_step for client in problem.clients)
    compass = Compass(problem)
    groups = compass.run(60)
    assert compass.late == 0
    for group in groups:
        assert group.arrived.keys() == group.steps.keys()
        assert group.spread <= slowest + 1e-9
        assert all(20 <= steps <= 100 for steps in group.steps.values())
        speeds = [problem.clients[k].seconds_per_step for k in group.steps]
        if len(set(group.joined.values())) == 1:
            assert group.spread >= least_spread(speeds, 20, 100)[0] - 1e-9


def test_first_assignments_follow_the_rule() -> None:
    speeds = [1.0, 2.0, 3.5, 30.0]
    entries = [{"id": f"{k}", "seconds_per_step": speed} for k, speed in enumerate(speeds)]
    problem = FederatedProblem.model_validate(
        {"min_steps": 10, "max_steps": 50, "clients": entries}
    )
    compass = Compass(problem)
    compass.run(1)
    first, second = compass.groups[:2]
    # The fastest makes the most steps and is expected at 50; the third fits 14 of its steps.
    assert {k: first.steps[k] for k in range(3)} == {0: 50, 1: 25, 2: 14}
    # The slowest fits one step before 50: its group is after 60 + 50, of which it fits 3, below 10.
    assert second.steps == {3: 10}


def test_noise_makes_models_late_and_nothing_stops() -> None:
    compass = Compass(clients(0.3), seed=1)
    assert len(compass.run(100)) == 100
    assert compass.late > 0


def test_files_faults_and_rows(tmp_path: Path) -> None:
    problem = clients(0.1)
    sch.write(problem, tmp_path / "clients.yaml")
    assert sch.read(tmp_path / "clients.yaml") == problem
    with pytest.raises(InputError, match="min_steps"):
        FederatedProblem.model_validate({**problem.model_dump(), "min_steps": 200})
    rows = run(Run(10.0))
    assert rows[0].gap is not None
    assert all(row.ratio is not None and row.ratio < 0.5 for row in rows)
