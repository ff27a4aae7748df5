"""The tasks of "Barbarians at the Gate": orders, tables and spot capacity against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from scheduling.scenarios import adrs_spot, adrs_tables, adrs_transactions
from scheduling.scenarios.adrs_spot import Job
from scheduling.scenarios.scenario import Run, data_folder
from tests.properties import examples
from tests.solving import limit_by_work

RELAXED = examples(25, suppress_health_check=list(HealthCheck))


def test_grouping_of_tables_is_near_the_best() -> None:
    found = adrs_tables.row()
    assert found.gap is not None
    assert 0 <= found.gap < 0.2


def least_demand(free: np.ndarray, job: Job) -> float:
    """Return the fewest on-demand ticks of work by trying every decision."""
    zones = len(free)

    def rest(tick: int, done: int, mode: int, wait: int) -> float:
        if done == job.work:
            return 0.0
        if tick == job.deadline:
            return np.inf
        options = []
        for chosen in range(-1, zones + 1):
            if 0 <= chosen < zones and not free[chosen, tick]:
                continue
            left = wait if chosen == mode else job.changeover
            if chosen < 0:
                options.append(rest(tick + 1, done, -1, 0))
            elif left:
                options.append(rest(tick + 1, done, chosen, left - 1))
            else:
                paid = float(chosen == zones)
                options.append(paid + rest(tick + 1, done + 1, chosen, 0))
        return min(options)

    return rest(0, 0, -1, 0)


@RELAXED
@given(
    zones=st.integers(1, 2),
    slack=st.integers(2, 3),
    work=st.integers(1, 3),
    changeover=st.integers(1, 1),
    data=st.data(),
)
def test_spot_capacity_by_brute_force(
    zones: int, slack: int, work: int, changeover: int, data: st.DataObject
) -> None:
    job = Job(work, work + slack, changeover)
    flags = st.lists(st.booleans(), min_size=job.deadline, max_size=job.deadline)
    free = np.array([[data.draw(flags) for _ in range(zones)]])
    best = adrs_spot.best_demand(free, job)[0]
    assert best == least_demand(free[0], job)
    assert adrs_spot.uniform_progress(free, job)[0] >= best
    assert adrs_spot.greedy(free, job)[0] >= best


@given(
    share=st.floats(0, 1),
    length=st.integers(1, 40),
    seed=st.integers(0, 999),
    zones=st.integers(1, 3),
)
@examples(40)
def test_rules_are_in_time_and_never_beat_the_optimum(
    share: float, length: int, seed: int, zones: int
) -> None:
    rng = np.random.default_rng(seed)
    job = Job(60, 80, 3)
    edges = rng.random((5, zones, 80 // length + 1)) < share
    free = np.repeat(edges, length, axis=2)[:, :, :80]
    best = adrs_spot.best_demand(free, job)
    for rule in (adrs_spot.uniform_progress, adrs_spot.greedy):
        demand = rule(free, job)
        assert (best <= demand).all()
        assert (demand <= job.work).all()


@pytest.mark.shared
def test_known_orders_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = data_folder()
    if folder is None or not (folder / adrs_transactions.FILES[0]).is_file():
        pytest.skip("the data set is not there")
    limit_by_work(monkeypatch, adrs_transactions, 0.02)
    rows = adrs_transactions.rows(Run(1e6, Path(folder)), 1e6)
    assert rows[1].gap == 0
    assert rows[0].baseline_value is not None
    assert rows[0].value <= rows[0].baseline_value


@pytest.mark.shared
def test_uniform_progress_closes_the_published_part_of_the_gap() -> None:
    folder = data_folder()
    if folder is None or not (folder / adrs_spot.FILE).is_file():
        pytest.skip("the data set is not there")
    single, together = adrs_spot.rows(Run(10, Path(folder)))
    assert single.baseline_value is not None
    assert single.value < single.baseline_value
    closed = int(single.verdict.split(";")[1].split()[0])
    assert 40 <= closed <= 50
    assert together.baseline_value is not None
    assert together.value < together.baseline_value
