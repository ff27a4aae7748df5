"""Measured phases as cost models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.phases import Curve, FittedPhases, PhaseTable, fit_table
from scheduling.models.cost.protocol import Batch, Provenance

TABLE = fit_table(
    {128: [0.05], 512: [0.08, 0.09, 0.5], 1024: [0.16], 2048: [0.30]},
    {
        (1, 192): [0.030],
        (1, 4160): [0.032],
        (2, 576): [0.031],
        (8, 576): [0.033],
        (32, 576): [0.045],
    },
)
FITTED = FittedPhases((0.018, 1e-4, 7e-9), (0.02, 6e-7, 4e-5), (0.007, 6e-7, 1.6e-4), 95)

points = st.dictionaries(
    st.integers(1, 5000).map(float),
    st.lists(st.floats(1e-3, 10.0), min_size=1, max_size=3),
    min_size=1,
    max_size=8,
)
places = st.floats(0.0, 10_000.0)


@given(points=points, one=places, other=places)
def test_curves_never_fall(points: dict[float, list[float]], one: float, other: float) -> None:
    curve = Curve.through(points)
    low, high = sorted((one, other))
    assert curve.at(low) <= curve.at(high) + 1e-12
    assert curve.at(low) >= min(map(min, points.values())) - 1e-12


@given(points=points)
def test_curves_go_through_points_that_do_not_fall(points: dict[float, list[float]]) -> None:
    height = 0.0
    rising = {}
    for knot in sorted(points):
        height += points[knot][0]
        rising[knot] = [height]
    curve = Curve.through(rising)
    for knot, (value,) in rising.items():
        assert curve.at(knot) == pytest.approx(value)
        assert curve.provenance(knot) is Provenance.MEASURED


def test_falling_neighbours_are_averaged_by_their_weight() -> None:
    curve = Curve.through({1.0: [4.0, 4.0], 2.0: [1.0], 3.0: [5.0]})
    assert curve.values == (3.0, 3.0, 5.0)


def test_tables_say_what_was_measured() -> None:
    assert TABLE.seconds(Batch.prefill(512)) == 0.09
    assert TABLE.provenance(Batch.prefill(512)) is Provenance.MEASURED
    assert TABLE.provenance(Batch.prefill(600)) is Provenance.INTERPOLATED
    assert TABLE.provenance(Batch.prefill(4096)) is Provenance.EXTRAPOLATED
    assert TABLE.provenance(Batch.prefill(512, 64)) is Provenance.EXTRAPOLATED
    assert TABLE.provenance(Batch.decode(8, 8 * 576)) is Provenance.INTERPOLATED
    assert TABLE.provenance(Batch.decode(64, 64 * 576)) is Provenance.EXTRAPOLATED
    assert TABLE.provenance(Batch.decode(8, 8 * 9000)) is Provenance.EXTRAPOLATED
    mixed = Batch.prefill(512) + Batch.decode(8, 8 * 576)
    assert TABLE.provenance(mixed) is Provenance.EXTRAPOLATED
    assert TABLE.seconds(Batch()) == 0.0
    # Several prompts at once take as long as one of all their tokens.
    both = Batch.prefill(512) + Batch.prefill(512)
    assert TABLE.seconds(both) == TABLE.seconds(Batch.prefill(1024)) == 0.16
    assert TABLE.seconds(mixed) > 1.1 * TABLE.seconds(Batch.prefill(512))


def test_the_context_costs_what_the_sweep_over_it_shows() -> None:
    assert TABLE.context_seconds == pytest.approx(0.002 / (4160 - 192))
    assert TABLE.seconds(Batch.decode(1, 192)) == pytest.approx(0.030, rel=0.02)
    assert TABLE.seconds(Batch.decode(32, 32 * 576)) == pytest.approx(0.045, rel=0.02)


@pytest.mark.parametrize("cost", [TABLE, FITTED])
@given(
    sequences=st.integers(1, 300),
    context=st.integers(0, 100_000),
    more=st.integers(0, 100_000),
    new=st.integers(0, 3000),
)
def test_lines_are_the_times(
    cost: PhaseTable | FittedPhases, sequences: int, context: int, more: int, new: int
) -> None:
    prompt = Batch.prefill(new) if new else Batch()
    batch = prompt + Batch.decode(sequences, context)
    at_zero, per_token = cost.line(batch)
    assert at_zero + per_token * context == pytest.approx(cost.seconds(batch))
    later = prompt + Batch.decode(sequences, context + more)
    assert at_zero + per_token * (context + more) == pytest.approx(cost.seconds(later))
    assert at_zero > 0


def test_fits_are_the_formulas() -> None:
    two = Batch.prefill(100) + Batch.prefill(300)
    assert FITTED.seconds(two) == pytest.approx(0.018 + 1e-4 * 400 + 7e-9 * (100**2 + 300**2))
    assert FITTED.seconds(Batch.decode(94, 1000)) == pytest.approx(0.02 + 6e-4 + 94 * 4e-5)
    assert FITTED.seconds(Batch.decode(95, 1000)) == pytest.approx(0.007 + 6e-4 + 95 * 1.6e-4)
    assert FITTED.provenance(two) is Provenance.INTERPOLATED
    assert FITTED.provenance(two + Batch.decode(1, 5)) is Provenance.EXTRAPOLATED
    assert FITTED.seconds(Batch()) == 0.0
    staged = FittedPhases(FITTED.prompt, FITTED.few, FITTED.many, 95, stages=4)
    assert staged.seconds(Batch.prefill(100)) == FITTED.seconds(Batch.prefill(100))
    quarter = FITTED.seconds(Batch.decode(25, 250))
    assert staged.seconds(Batch.decode(100, 1000)) == pytest.approx(quarter)


def test_a_table_needs_both_phases() -> None:
    with pytest.raises(InputError) as caught:
        fit_table({}, {})
    assert [fault.place for fault in caught.value.faults] == ["prompt phase", "decode phase"]
    with pytest.raises(InputError, match="no measurement"):
        Curve.through({})
