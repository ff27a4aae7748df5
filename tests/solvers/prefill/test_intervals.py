"""The bound on jobs that are on time against all sets of jobs, each played by earliest due time."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.solvers.prefill.intervals import crowded, most_on_time

Job = tuple[int, int, int]

JOBS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 5), st.integers(0, 6)).map(
        lambda job: (job[0], job[1], job[0] + job[1] + job[2] - 1)
    ),
    min_size=1,
    max_size=7,
)


def all_on_time(jobs: list[Job]) -> bool:
    """Play unit slots, the earliest due time first."""
    left = [work for _, work, _ in jobs]
    for now in range(40):
        ready = [k for k, (release, _, _) in enumerate(jobs) if left[k] and release <= now]
        if ready:
            chosen = min(ready, key=lambda k: jobs[k][2])
            left[chosen] -= 1
            if now + 1 > jobs[chosen][2]:
                return False
    return True


def best(jobs: list[Job]) -> int:
    sizes = range(len(jobs), 0, -1)
    sets = (found for size in sizes for found in combinations(jobs, size))
    return next((len(found) for found in sets if all_on_time(list(found))), 0)


@given(JOBS)
def test_the_bound_holds_and_intervals_tell_feasible_sets(jobs: list[Job]) -> None:
    release, work, due = (np.array(column, dtype=float) for column in zip(*jobs, strict=True))
    assert most_on_time(release, work, due) >= best(jobs) - 1e-6
    free = not crowded(release, work, due, np.ones(len(jobs)))
    assert free == all_on_time(jobs)


def test_a_relaxation_that_cuts() -> None:
    zeros, ones = np.zeros(5), np.ones(5)
    assert most_on_time(zeros, ones, 2 * ones) == pytest.approx(2.0)
    assert most_on_time(zeros, ones, 2 * ones, np.arange(5.0)) == pytest.approx(7.0)


def test_intervals_that_begin_late_count_too() -> None:
    release = np.array([0.0, 10.0, 10.0, 10.0])
    work, due = np.full(4, 3.0), np.array([3.0, 16.0, 16.0, 16.0])
    assert most_on_time(release, work, due) == pytest.approx(3.0)
