"""Scenarios of checkpoints and of collectives: exact answers, and what cannot be beaten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.checkpoint.problem import CheckpointPlan
from scheduling.models.checkpoint.waste import best_plan, expected_waste
from scheduling.models.cost.layout import Layout
from scheduling.scenarios import bytecheckpoint, datastates, pccl, reft, spray
from scheduling.scenarios.scenario import Run
from tests.properties import examples


def test_snapshots_in_memory_waste_less() -> None:
    for row in reft.run(Run(10)):
        assert row.ratio is not None
        assert row.ratio < 0.6
        assert row.gap is not None
        assert 0 <= row.gap < 0.01


def test_lazy_copies_stall_only_for_what_the_passes_do_not_hide() -> None:
    assert datastates.SMALL.lazy == 0
    large = datastates.LARGE
    assert large.lazy == pytest.approx(large.snapshot - 18.5)
    lazy = large.problem(large.lazy)
    assert lazy.levels[0].stall_seconds == pytest.approx(large.lazy)
    assert lazy.least_steps == 16
    assert large.problem(large.synchronous).least_steps == 1
    stall, time = datastates.run(Run(10))[2:]
    assert stall.baseline_value == pytest.approx(large.synchronous)
    assert time.ratio is not None
    assert time.ratio < 0.25
    count = best_plan(lazy).steps
    for other in (lazy.least_steps, count - 1, count + 1, 5 * count):
        assert time.value <= expected_waste(lazy, CheckpointPlan(other))


@examples(25)
@given(*[st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)) for _ in range(2)])
def test_every_row_is_read_where_it_is_needed(
    before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    old, new = (Layout(tp=tp, pp=pp, dp=dp) for tp, pp, dp in (before, after))
    model = bytecheckpoint.tensors()
    found = bytecheckpoint.pieces(model, old, new)
    whole = sum(tensor.rows * tensor.row_bytes for tensor in model)
    assert sum(piece.size for piece in found) == whole
    assert {piece.place for piece in found} == {
        (stage, slice_) for stage in range(new.pp) for slice_ in range(new.tp)
    }
    loads = bytecheckpoint.balanced(found, new.dp)
    assert sum(loads.values()) == whole
    bound = bytecheckpoint.least_load(found, new.dp)
    assert bound <= max(loads.values()) <= bound + max(piece.size for piece in found)


def test_paths_by_lot_are_more_congested() -> None:
    for row in spray.run(Run(10)):
        assert row.gap == 0
        assert row.verdict == "these splits are the fewest"
        assert row.ratio is not None
        assert 1 / row.ratio >= 1.2


def test_rings_are_proved_best() -> None:
    small, large = pccl.run(Run(10))
    assert small.gap == large.gap == 0
    assert small.ratio is not None
    assert small.ratio < 0.1
    assert large.ratio is not None
    assert large.ratio < 0.1
