from __future__ import annotations

import math
from heapq import heappop, heappush

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.serving.queueing import Queue


def exact_md_wait(servers: int, utilisation: float) -> float:
    """Mean wait of M/D/c in service times, from the chain of the queue one service time apart."""
    size = 40 * servers + 200
    load = servers * utilisation
    logs = np.array([math.lgamma(k + 1) for k in range(size)])
    arrivals = np.exp(np.arange(size) * math.log(load) - load - logs)
    chain = np.zeros((size, size))
    for state in range(size):
        left = max(0, state - servers)
        chain[state, left:] = arrivals[: size - left]
    chain[:, -1] += 1 - chain.sum(axis=1)
    system = chain.T - np.eye(size)
    system[-1] = 1
    right = np.zeros(size)
    right[-1] = 1
    shares = np.linalg.solve(system, right)
    return float(shares @ np.maximum(np.arange(size) - servers, 0)) / load


@pytest.mark.parametrize(
    ("servers", "offered", "share"),
    [(1, 0.7, 0.7), (2, 1.0, 1 / 3), (5, 4.0, 0.5541), (10, 8.0, 0.4092), (3, 0.0, 0.0)],
)
def test_erlang_c_has_the_values_of_the_tables(servers: int, offered: float, share: float) -> None:
    assert Queue(servers, offered, 1.0).waiting_share == pytest.approx(share, abs=5e-5)


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_erlang_c_is_its_sum(servers: int, utilisation: float) -> None:
    load = servers * utilisation
    terms = [load**k / math.factorial(k) for k in range(servers + 1)]
    last = terms[-1] / (1 - utilisation)
    expected = last / (sum(terms[:-1]) + last)
    assert Queue(servers, load, 1.0).waiting_share == pytest.approx(expected, rel=1e-9)


def test_single_servers_wait_as_pollaczek_and_khinchine_say() -> None:
    for scv in (0.0, 0.5, 1.0, 4.0):
        queue = Queue(1, 8.0, 0.1, scv)
        assert queue.mean_wait == pytest.approx(0.8 * 0.1 * (1 + scv) / (2 * 0.2))
    assert Queue(1, 5.0, 0.1, 0.0).mean_wait == pytest.approx(5 * 0.1**2 / (2 * (1 - 0.5)))


@pytest.mark.parametrize("servers", [2, 5, 12])
@pytest.mark.parametrize("utilisation", [0.6, 0.8, 0.95])
def test_equal_service_times_wait_nearly_as_the_chain_says(
    servers: int, utilisation: float
) -> None:
    queue = Queue(servers, servers * utilisation, 1.0, service_scv=0.0)
    assert queue.mean_wait == pytest.approx(exact_md_wait(servers, utilisation), rel=0.03)


@pytest.mark.parametrize(("servers", "utilisation"), [(1, 0.5), (4, 0.8), (16, 0.9)])
def test_sakasegawa_meets_erlang_where_both_hold(servers: int, utilisation: float) -> None:
    poisson = Queue(servers, servers * utilisation, 1.0).mean_wait
    nearly = Queue(servers, servers * utilisation, 1.0, arrival_scv=1 - 1e-12).mean_wait
    assert nearly == pytest.approx(poisson, rel=0.05)


def simulated(servers: int, gaps: np.ndarray, services: np.ndarray) -> np.ndarray:
    free = [0.0] * servers
    waits = np.empty(len(gaps))
    for row, (arrival, service) in enumerate(zip(np.cumsum(gaps), services, strict=True)):
        start = max(arrival, heappop(free))
        heappush(free, start + service)
        waits[row] = start - arrival
    return waits


def test_a_queue_agrees_with_its_simulation() -> None:
    rng = np.random.default_rng(3)
    queue = Queue(2, 1.6, 1.0, service_scv=0.5)
    waits = simulated(2, rng.exponential(1 / 1.6, 200_000), rng.gamma(2.0, 0.5, 200_000))
    assert queue.mean_wait == pytest.approx(waits.mean(), rel=0.05)
    assert queue.waiting_share == pytest.approx(float((waits > 1e-12).mean()), rel=0.05)
    assert queue.wait_quantile(0.99) == pytest.approx(float(np.quantile(waits, 0.99)), rel=0.08)


@pytest.mark.parametrize(
    ("servers", "load", "service_scv", "cv"),
    [(1, 0.7, 0.0, 2.0), (4, 0.7, 1.0, 4.0), (16, 0.5, 1.0, 4.0), (16, 0.7, 1.0, 2.0)],
)
def test_bursts_wait_as_in_simulations(
    servers: int, load: float, service_scv: float, cv: float
) -> None:
    rng = np.random.default_rng(7)
    rate = servers * load
    gaps = rng.gamma(1 / cv**2, cv**2 / rate, 120_000)
    services = rng.exponential(1.0, len(gaps)) if service_scv else np.ones(len(gaps))
    waits = simulated(servers, gaps, services)
    queue = Queue(servers, rate, 1.0, service_scv, arrival_scv=cv**2)
    assert queue.mean_wait == pytest.approx(waits.mean(), rel=0.15)
    assert queue.wait_quantile(0.99) == pytest.approx(float(np.quantile(waits, 0.99)), rel=0.3)


@pytest.mark.parametrize("scv", [1.5, 4.0, 9.0, 40.0])
@pytest.mark.parametrize(("servers", "utilisation"), [(1, 0.01), (1, 0.7), (3, 0.3), (20, 0.9)])
def test_fractions_of_servers_block_as_the_integral_says(
    scv: float, servers: int, utilisation: float
) -> None:
    size = servers / ((scv + 1) / 2)
    load = size * utilisation
    points = np.linspace(0, 60 + 4 * size, 4_000_001)
    inverse = np.trapezoid(np.exp(-points) * (1 + points / load) ** size, points)
    blocked = 1 / float(inverse)
    expected = blocked / (1 - utilisation * (1 - blocked))
    found = Queue(servers, servers * utilisation, 1.0, arrival_scv=scv).waiting_share
    assert found == pytest.approx(expected, rel=2e-3)


def test_exponential_waits_have_their_closed_form() -> None:
    queue = Queue(3, 2.4, 1.0)
    expected = math.log(queue.waiting_share / 0.05) / (3 * (1 - 0.8))
    assert queue.wait_quantile(0.95) == pytest.approx(expected)
    assert queue.wait_quantile(0.0) == 0
    assert Queue(3, 3.0, 1.0).wait_quantile(0.5) is None
    assert Queue(3, 3.5, 1.0).mean_wait is None
    assert Queue(4, 0.0, 1.0, 0.0).mean_wait == 0


def test_large_pools_wait_less_and_never_overflow() -> None:
    queues = [Queue(servers, 0.9 * servers, 1.0) for servers in (1, 4, 64, 2000)]
    waits = [queue.wait_quantile(0.99) or 0.0 for queue in queues]
    assert waits[0] > 10
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] == 0


def test_queues_that_there_are_not_are_refused() -> None:
    for build in (
        lambda: Queue(0, 1, 1),
        lambda: Queue(1, -1, 1),
        lambda: Queue(1, 1, 0),
        lambda: Queue(1, 1, math.inf),
        lambda: Queue(1, 0.1, 1).wait_quantile(1.0),
        lambda: Queue(1, 0.1, 1).wait_quantile(-0.1),
    ):
        with pytest.raises(InputError):
            build()
