"""FedCompass: spreads of arrivals within a step, the exact least spread, groups over time."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.federated.random_clients import federated_clients
from scheduling.models.base import Status
from scheduling.models.federated.arrays import compile_federated
from scheduling.models.federated.bounds import spread_bound
from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import FederatedSolution
from scheduling.report.charts import write_chart
from scheduling.report.federated.chart import arrivals, sentence
from scheduling.scenarios.fedcompass import least_spread, run
from scheduling.scenarios.scenario import Run
from scheduling.simulator.federated.compass import Compass
from tests.properties import examples
from tests.solving import solve


@examples(60)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.integers(1, 4), st.integers(0, 4))
def test_the_least_spread_is_that_of_all_steps(speeds: list[int], least: int, more: int) -> None:
    most = least + more
    problem = _problem(least, most, *(speed / 10 for speed in speeds))
    every = product(range(least, most + 1), repeat=len(speeds))
    best = min(
        max(a) - min(a)
        for a in ([s * v for s, v in zip(row, speeds, strict=True)] for row in every)
    )
    for name in ("sweep", "auto"):
        answer = solve(problem, name, work_limit=1)
        assert (answer.objective, answer.status) == (best / 10, Status.OPTIMAL), name
    for name in ("compass", "equal"):
        answer = solve(problem, name, work_limit=1)
        assert answer.bound <= best / 10 <= answer.objective, name


def _problem(least: int, most: int, *speeds: float) -> FederatedProblem:
    entries = [{"id": f"{k}", "seconds_per_step": speed} for k, speed in enumerate(speeds)]
    return FederatedProblem.model_validate(
        {"min_steps": least, "max_steps": most, "clients": entries}
    )


def test_bounds_by_hand() -> None:
    # The fastest is done at 20 at the latest, the slowest at 30 at the earliest.
    assert spread_bound(compile_federated(_problem(10, 20, 1.0, 3.0))) == 10
    # Both are multiples of 0.2, and 6 is the first common one: beyond 20 steps of 0.4.
    arrays = compile_federated(_problem(10, 11, 0.4, 0.6))
    assert spread_bound(arrays) * arrays.unit == Fraction(16, 10)
    arrays = compile_federated(_problem(6, 8, 1.4, 1.6))
    assert spread_bound(arrays) * arrays.unit == 0
    arrays = compile_federated(_problem(6, 7, 1.4, 1.6))
    assert spread_bound(arrays) * arrays.unit == Fraction(2, 10)


def test_each_rule_is_checked() -> None:
    problem = _problem(2, 3, 1.0, 1.5)
    good = solve(problem, work_limit=1)
    assert [entry.steps for entry in good.clients] == [3, 2]

    def broken(*steps: tuple[str, int], **fields: Any) -> set[str]:
        entries = [{"client": name, "steps": count} for name, count in steps]
        document = {**good.model_dump(), "clients": entries, **fields}
        answer = FederatedSolution.model_validate(document)
        return {violation.constraint for violation in sch.check(problem, answer)}

    assert broken(("0", 3), ("1", 2)) == set()
    assert broken(("0", 4), ("1", 2)) == {"max_steps"}
    assert broken(("0", 3), ("1", 1)) == {"min_steps"}
    assert broken(("0", 3)) == {"client"}
    assert broken(("0", 3), ("1", 2), ("1", 2)) == {"client"}
    assert broken(("0", 3), ("2", 2)) == {"client"}
    assert broken(("0", 2), ("1", 2)) == {"objective"}
    assert broken(("0", 3), ("1", 2), status="unknown") == {"status", "objective"}


def test_a_short_search_keeps_its_bound_and_charts(tmp_path: Path) -> None:
    problem = federated_clients(clients=30, seed=1)
    short = solve(problem, "sweep", work_limit=1e-4)
    best = solve(problem, work_limit=10)
    assert short.bound <= best.objective <= short.objective
    assert sentence(problem, best).endswith("proven least")
    found = arrivals(problem, best)
    assert max(found.values()) - min(found.values()) == pytest.approx(best.objective)
    write_chart(problem, best, tmp_path / "arrivals.svg")
    assert "client 7" in (tmp_path / "arrivals.svg").read_text(encoding="utf-8")
    assert sentence(problem, FederatedSolution(status=Status.UNKNOWN)).endswith("(unknown)")


@pytest.mark.parametrize("seed", range(5))
def test_models_of_a_group_arrive_within_one_step(seed: int) -> None:
    problem = federated_clients(seed=seed)
    slowest = max(client.seconds_per_step for client in problem.clients)
    compass = Compass(problem)
    groups = compass.run(60)
    assert compass.late == 0
    for group in groups:
        assert group.arrived.keys() == group.steps.keys()
        assert group.spread <= slowest + 1e-9
        assert all(20 <= steps <= 100 for steps in group.steps.values())
        if len(set(group.joined.values())) == 1:
            assert group.spread >= least_spread(problem, group.steps) - 1e-9


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
    compass = Compass(federated_clients(noise=0.3), seed=1)
    assert len(compass.run(100)) == 100
    assert compass.late > 0


def test_files_faults_and_rows(tmp_path: Path) -> None:
    problem = federated_clients(noise=0.1)
    sch.write(problem, tmp_path / "clients.yaml")
    assert sch.read(tmp_path / "clients.yaml") == problem
    with pytest.raises(InputError, match="min_steps"):
        FederatedProblem.model_validate({**problem.model_dump(), "min_steps": 200})
    rows = run(Run(10.0))
    assert rows[0].gap is not None
    assert all(row.ratio is not None and row.ratio < 0.5 for row in rows)
