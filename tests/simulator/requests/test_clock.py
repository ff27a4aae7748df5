"""Time: jumps along a line end where single steps do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Line
from scheduling.simulator.requests.clock import SHIFT, Pace, ticks

PACES = st.builds(Pace, fixed=st.integers(1, 10**13), slope=st.integers(0, 10**10))


@given(PACES, st.integers(0, 400))
def test_many_steps_take_as_long_as_single_ones(pace: Pace, steps: int) -> None:
    assert pace.after(steps) == sum(pace.fixed + pace.slope * step for step in range(steps))


@given(PACES, st.integers(-5, 10**17))
def test_reaching_is_the_fewest_steps(pace: Pace, span: int) -> None:
    steps = pace.reaching(span)
    assert pace.after(steps) >= span
    assert steps == 0 or pace.after(steps - 1) < span


@given(st.floats(0, 1), st.floats(0, 1e-6), st.integers(0, 10**6), st.integers(1, 256))
def test_the_next_step_is_the_line_at_the_next_context(
    at_zero: float, per_token: float, context: int, decodes: int
) -> None:
    line = Line(at_zero, per_token)
    first = Pace.along(line, context, decodes)
    second = Pace.along(line, context + decodes, decodes)
    assert second.fixed == first.fixed + first.slope


def test_ticks_are_fractions_of_nanoseconds() -> None:
    assert ticks(1e-9) == 1 << SHIFT
    for seconds in (-1e-9, float("inf"), float("nan")):
        with pytest.raises(InputError, match="a finite time of an iteration"):
            ticks(seconds)
