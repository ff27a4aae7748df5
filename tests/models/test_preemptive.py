"""Bounds by formula against the best of all schedules in unit slots."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.preemptive import mean_busy_sum, span, srpt_sum

JOBS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4)), min_size=1, max_size=4)


def columns(jobs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    release, work = zip(*sorted(jobs), strict=True)
    return np.array(release, dtype=float), np.array(work, dtype=float)


def best_of_slots(jobs: list[tuple[int, int]], busy: bool) -> float:
    """Return the least sum of completion times, or of mean busy times, over all slot schedules."""

    @cache
    def least(now: int, left: tuple[int, ...]) -> float:
        if not any(left):
            return 0.0
        ready = [k for k, (release, _) in enumerate(jobs) if left[k] and release <= now]
        if not ready:
            return least(now + 1, left)
        found = []
        for k in ready:
            after = (*left[:k], left[k] - 1, *left[k + 1 :])
            if busy:
                cost = (now + 0.5) / jobs[k][1]
            else:
                cost = 0.0 if after[k] else now + 1.0
            found.append(cost + least(now + 1, after))
        return min(found)

    return least(0, tuple(work for _, work in jobs))


@given(JOBS)
def test_sums_are_those_of_the_best_schedules(jobs: list[tuple[int, int]]) -> None:
    release, work = columns(jobs)
    assert srpt_sum(release, work) == pytest.approx(best_of_slots(jobs, busy=False))
    assert mean_busy_sum(release, work) == pytest.approx(best_of_slots(jobs, busy=True))


@given(JOBS)
def test_work_ends_when_a_machine_that_never_idles_ends(jobs: list[tuple[int, int]]) -> None:
    release, work = columns(jobs)
    now = 0.0
    for at, needs in zip(release.tolist(), work.tolist(), strict=True):
        now = max(now, at) + needs
    assert span(release, work) == pytest.approx(now)


def test_jobs_without_work_end_at_once() -> None:
    release, work = np.array([1.0, 2.0]), np.array([0.0, 3.0])
    assert srpt_sum(release, work) == 6.0
    assert mean_busy_sum(release, work) == 1.0 + 3.5
    assert span(release, work) == 5.0


def test_all_orders_of_two_jobs() -> None:
    for first, second in product((1, 2, 3), repeat=2):
        assert srpt_sum(np.zeros(2), np.array([first, second], dtype=float)) == (
            2 * min(first, second) + max(first, second)
        )
