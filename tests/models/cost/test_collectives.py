"""Collectives: bandwidths that tools report, domains and networks."""

from __future__ import annotations

import pytest

from scheduling.models.cost.collectives import Links
from scheduling.models.cost.efficiency import Efficiency
from tests.models.cost.machines import H100

TERMS = Efficiency(link=0.9, reduce_seconds=5e-6, network_seconds=20e-6)
LINKS = Links(H100, TERMS)
GIB = float(2**30)


def test_large_reductions_reach_the_bandwidth_of_the_bus() -> None:
    seconds = LINKS.all_reduce(GIB, 8)
    assert 2 * 7 / 8 * GIB / seconds == pytest.approx(0.9 * 450e9, rel=0.01)
    assert LINKS.all_gather(GIB, 8) == pytest.approx(seconds / 2, rel=0.01)


def test_small_ones_take_as_long_as_a_kernel() -> None:
    assert LINKS.all_reduce(1024, 2) == pytest.approx(5e-6, rel=0.01)
    assert LINKS.all_reduce(1024, 16) == pytest.approx(30e-6, rel=0.01)


def test_one_gpu_has_nothing_to_send() -> None:
    assert LINKS.all_reduce(GIB, 1) == LINKS.all_gather(GIB, 1) == LINKS.all_to_all(GIB, 1) == 0


def test_beyond_the_domain_slices_go_over_the_network() -> None:
    between = LINKS.all_reduce(GIB, 16) - LINKS.all_reduce(GIB, 8)
    assert between == pytest.approx(GIB / 8 / (0.9 * 50e9), rel=0.01)
    share = GIB * 8 / 16
    assert LINKS.all_to_all(GIB, 16) == pytest.approx(25e-6 + share / (0.9 * 50e9))


def test_sending_takes_the_link_between_the_two() -> None:
    near, far = (LINKS.send(GIB, same_domain=same) for same in (True, False))
    assert far / near == pytest.approx(9, rel=0.01)
