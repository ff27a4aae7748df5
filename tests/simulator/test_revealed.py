"""Jobs that show one operation after the other, on one machine."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.simulator.revealed import (
    RULES,
    RevealedJob,
    flow_time,
    least_flow_time,
    round_robin,
)

OPERATIONS = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)
JOBS = st.lists(st.builds(RevealedJob, st.integers(0, 6), OPERATIONS), min_size=1, max_size=3)
TESTED = st.integers(1, 4).flatmap(
    lambda test: st.lists(
        st.builds(RevealedJob, st.integers(0, 12), st.tuples(st.just(test), st.integers(1, 12))),
        min_size=1,
        max_size=6,
    )
)
SINGLE = st.builds(RevealedJob, st.integers(0, 6), st.tuples(st.integers(1, 6)))


def best_of_all(jobs: list[RevealedJob]) -> int:
    """Return the least sum of flow times over all schedules in units of time."""

    @cache
    def least(now: int, left: tuple[int, ...]) -> int:
        if not any(left):
            return 0
        ready = [k for k, job in enumerate(jobs) if left[k] and job.release <= now]
        if not ready:
            return least(now + 1, left)
        found = []
        for k in ready:
            after = (*left[:k], left[k] - 1, *left[k + 1 :])
            found.append((0 if after[k] else now + 1 - jobs[k].release) + least(now + 1, after))
        return min(found)

    return least(0, tuple(sum(job.operations) for job in jobs))


@given(JOBS)
def test_no_rule_beats_the_least(jobs: list[RevealedJob]) -> None:
    least = least_flow_time(jobs)
    assert least == best_of_all(jobs)
    assert all(flow_time(jobs, rule) >= least for rule in RULES.values())
    assert round_robin(jobs) >= least


@given(TESTED)
def test_op_srpt_stays_within_twice_the_least_under_uniform_tests(
    jobs: list[RevealedJob],
) -> None:
    assert flow_time(jobs, RULES["op-srpt"]) <= 2 * least_flow_time(jobs)


@given(st.lists(SINGLE, min_size=1, max_size=6))
def test_with_one_operation_op_srpt_is_best(jobs: list[RevealedJob]) -> None:
    assert flow_time(jobs, RULES["op-srpt"]) == least_flow_time(jobs)


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        # 1 of the first, its next 1, then 2 and 1 of the second before the rest of the first.
        ("op-srpt", (10, 5)),
        # Known lengths 1, 2, then 7 of the first; 2, then 3 of the second.
        ("slf", (10, 5)),
        # Turns while both have had as much, the first one first, until the second has ended.
        ("fb", (10, 6)),
        ("fcfs", (7, 10)),
    ],
)
def test_rules_by_hand(rule: str, ends: tuple[int, int]) -> None:
    jobs = [RevealedJob(0, (1, 1, 5)), RevealedJob(0, (2, 1))]
    assert flow_time(jobs, RULES[rule]) == sum(ends)


def test_round_robin_takes_turns() -> None:
    jobs = [RevealedJob(0, (2,)), RevealedJob(0, (2,)), RevealedJob(1, (1,))]
    # First, second, third, first, second: the last comes at 1 and ends at 3.
    assert round_robin(jobs) == 4 + 5 + 2
