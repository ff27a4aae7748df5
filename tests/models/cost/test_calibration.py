"""Calibration: terms that anchors speak of are found, others stay."""

from __future__ import annotations

from functools import partial

import pytest

from scheduling.errors import InputError
from scheduling.models.cost.calibration import Anchor, calibrate
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.efficiency import Efficiency
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch
from tests.models.cost.machines import DEEPSEEK_V3, H100, LLAMA_8B

TRUE = Efficiency(memory=0.7, wide_compute=0.6, iteration_seconds=2e-3)
BATCHES = (
    Batch.decode(1, 500),
    Batch.decode(32, 32 * 500),
    Batch.decode(64, 64 * 4000),
    Batch.prefill(2048),
    Batch.prefill(8192),
)


def seconds(batch: Batch, terms: Efficiency) -> float:
    return replica_cost(LLAMA_8B, H100, Layout(), Precision(), terms=terms).seconds(batch)


def anchors(*batches: Batch) -> list[Anchor]:
    return [Anchor("llama", seconds(batch, TRUE), partial(seconds, batch)) for batch in batches]


def test_a_few_anchors_bring_the_times_close() -> None:
    found = calibrate(anchors(*BATCHES), Efficiency())
    assert found.before > 0.1
    assert found.after < 0.02
    for batch in (Batch.decode(16, 16 * 1000), Batch.prefill(4096) + Batch.decode(8, 8000)):
        assert seconds(batch, found.terms) == pytest.approx(seconds(batch, TRUE), rel=0.03)


def test_terms_that_no_anchor_speaks_of_stay() -> None:
    found = calibrate(anchors(Batch.decode(8, 8000)), Efficiency())
    default = Efficiency()
    for name in ("expert_memory", "narrow_compute", "prefill_attention", "link"):
        assert getattr(found.terms, name) == pytest.approx(getattr(default, name))
    assert found.terms.memory < default.memory


def test_one_anchor_corrects_its_neighbours() -> None:
    found = calibrate(anchors(Batch.decode(8, 8000)), Efficiency())
    near = Batch.decode(12, 12 * 1500)
    before = abs(seconds(near, Efficiency()) / seconds(near, TRUE) - 1)
    after = abs(seconds(near, found.terms) / seconds(near, TRUE) - 1)
    assert after < before / 5


def test_exact_anchors_change_nothing() -> None:
    cost = replica_cost(
        DEEPSEEK_V3, H100, Layout(tp=8), Precision(weights="fp8", compute="fp8"), terms=Efficiency()
    )
    batch = Batch.decode(8, 8000)
    anchor = Anchor("deepseek", cost.seconds(batch), lambda terms: cost.seconds(batch))
    assert calibrate([anchor], Efficiency()).terms == Efficiency()


def test_shares_stay_below_one() -> None:
    batch = BATCHES[0]
    fast = [Anchor("too fast", 0.2 * seconds(batch, TRUE), partial(seconds, batch))]
    found = calibrate(fast, Efficiency())
    assert found.terms.memory <= 1
    assert found.after < found.before


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(InputError, match="anchors: found none"):
        calibrate([], Efficiency())
    with pytest.raises(InputError, match="llama: found 0"):
        calibrate([Anchor("llama", 0.0, partial(seconds, BATCHES[0]))], Efficiency())
