"""Keeping pods: the optimum against all pairings, and the theorem of break-even on every trace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.requests.keepalive import break_even, idling, kept_cost, least_cost
from tests.properties import examples

Trace = list[tuple[float, float]]

traces = st.lists(
    st.tuples(
        st.integers(0, 50).map(float),
        st.integers(0, 20).map(float),
    ),
    min_size=1,
    max_size=40,
)
costs = st.floats(0.1, 10.0)


def ends_of(trace: Trace) -> list[float]:
    return [start + length for start, length in trace]


def starts_of(trace: Trace) -> list[float]:
    return [start for start, _ in trace]


@given(trace=traces, hold=costs, cold=costs)
@examples(200)
def test_break_even_costs_at_most_twice_the_optimum(trace: Trace, hold: float, cold: float) -> None:
    idle = idling(starts_of(trace), ends_of(trace))
    least = least_cost(idle, hold=hold, cold=cold)
    limit = break_even(hold=hold, cold=cold)
    assert kept_cost(idle, limit, hold=hold, cold=cold) <= 2 * least * (1 + 1e-12)
    for seconds in (0.0, 1.0, 10.0, 1e3):
        assert kept_cost(idle, seconds, hold=hold, cold=cold) >= least * (1 - 1e-12)


def cheapest(starts: list[float], ends: list[float], hold: float, cold: float) -> float:
    """Try every pairing of starts with ends before them."""
    if not starts:
        return 0.0
    first, rest = starts[0], starts[1:]
    best = cold + cheapest(rest, ends, hold, cold)
    for place, end in enumerate(ends):
        if end <= first:
            others = ends[:place] + ends[place + 1 :]
            best = min(best, hold * (first - end) + cheapest(rest, others, hold, cold))
    return best


@given(trace=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), min_size=1, max_size=6))
@examples(100)
def test_the_optimum_is_the_cheapest_of_all_pairings(trace: list[tuple[int, int]]) -> None:
    trace = sorted(trace)
    starts = [float(start) for start, _ in trace]
    ends = [float(start + length) for start, length in trace]
    idle = idling(starts, ends)
    assert least_cost(idle, hold=1.0, cold=7.0) == pytest.approx(cheapest(starts, ends, 1.0, 7.0))


def test_twice_is_reached_by_gaps_just_too_long() -> None:
    idle = idling([0.0, 11.001, 22.002], [1.0, 12.001, 23.002])
    assert kept_cost(idle, 10.0, hold=1.0, cold=10.0) == pytest.approx(60.0)
    assert least_cost(idle, hold=1.0, cold=10.0) == pytest.approx(30.0)


def test_traces_and_costs_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match=r"ends\[0\]"):
        idling([2.0], [1.0])
    with pytest.raises(InputError, match="as many as starts"):
        idling([2.0], [])
    with pytest.raises(InputError, match="hold"):
        break_even(hold=0.0, cold=1.0)
