"""The highest rate under limits: that of a formula, bracketed; refused where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.simulator.requests.capacity import at_rate, fleet_capacity
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.metrics import Slo
from tests.serving_runs import table

COST = Affine(base=0.01, per_token=0.0)
ONE = Deployment((Group("one", COST, kv_tokens=100, max_sequences=1),))
EVEN = table(np.arange(200) * 10**9, 1, 1)


def test_stretched_requests_keep_their_order_and_shape() -> None:
    slow = at_rate(table([5, 10, 25], [1, 2, 3], 1), 2e9)
    assert slow.arrival_ns.tolist() == [0, 0, 1]
    assert slow.prompt_tokens.tolist() == [1, 2, 3]
    assert at_rate(EVEN, 4.0).arrival_ns[:3].tolist() == [0, 250_000_000, 500_000_000]


@pytest.mark.parametrize("start", [0.001, 1.0, 5000.0])
def test_regular_arrivals_are_served_up_to_the_rate_of_service(start: float) -> None:
    found = fleet_capacity(ONE, EVEN, {"all": Slo(ttft_seconds=0.010001)}, start=start)
    assert found.rate is not None
    assert found.broken is not None
    assert found.rate <= 100.0 < found.broken <= found.rate * 1.02
    kept = {rate for rate, share in found.tried if share >= 0.9}
    assert max(kept) == found.rate


def test_limits_below_the_floor_have_no_rate() -> None:
    found = fleet_capacity(ONE, EVEN, {"all": Slo(ttft_seconds=0.005)})
    assert found.rate is None
    assert all(share < 0.9 for _, share in found.tried)


def test_limits_that_never_break_have_no_upper_end() -> None:
    found = fleet_capacity(ONE, EVEN, {"all": Slo()})
    assert found.broken is None
    assert found.rate is not None


def test_questions_that_make_no_sense_are_refused() -> None:
    limits = {"all": Slo(ttft_seconds=1.0)}
    with pytest.raises(InputError, match="come one by one"):
        fleet_capacity(ONE, table([3, 3], 1, 1), limits)
    with pytest.raises(InputError, match="at least one demand"):
        fleet_capacity(ONE, EVEN, {})
    with pytest.raises(InputError, match="attainment"):
        fleet_capacity(ONE, EVEN, limits, attainment=1.5)
    with pytest.raises(InputError, match="tolerance"):
        fleet_capacity(ONE, EVEN, limits, tolerance=0.0)
    with pytest.raises(InputError, match="start: found 0"):
        fleet_capacity(ONE, EVEN, limits, start=0.0)
