"""An instance that serves one request at a time is a queue with a known mean wait."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.models.cost.protocol import Affine
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.composition import PrefillFirst
from scheduling.simulator.requests.run import FleetRun
from scheduling.simulator.requests.streams import stream
from tests.serving_runs import table

SERVICE = 0.01
COUNT = 20_000


def run_queue(utilisation: float, exponential: bool) -> FleetRun:
    """Serve prompts of 10,000 tokens on average, 1 us a token, that come at random."""
    gaps = stream(7, "arrivals").exponential(SERVICE / utilisation * 1e9, COUNT)
    tokens = np.full(COUNT, 10_000)
    if exponential:
        tokens = np.maximum(1, np.rint(stream(7, "lengths").exponential(10_000, COUNT)))
    cost = Affine(base=0.0, per_token=1e-6)
    one = Group("one", cost, kv_tokens=10**6, max_sequences=1, composition=PrefillFirst())
    fleet = Deployment((one,))
    arrivals = np.cumsum(np.rint(gaps)).astype(np.int64)
    return simulate_fleet(fleet, table(arrivals, tokens.astype(np.int64), 1))


@pytest.mark.parametrize(("exponential", "factor"), [(True, 1.0), (False, 0.5)])
def test_mean_wait_is_that_of_the_formula(exponential: bool, factor: float) -> None:
    utilisation = 0.5
    run = run_queue(utilisation, exponential)
    # Pollaczek-Khinchine: half of M/M/1 where all take the same time.
    expected = factor * utilisation / (1 - utilisation) * SERVICE
    assert run.queue_seconds.mean() == pytest.approx(expected, rel=0.05)
    busy = run.instances[0].tally.busy_ns / 1e9 / run.makespan_seconds
    assert busy == pytest.approx(utilisation, rel=0.02)


def test_waits_follow_lindleys_recursion() -> None:
    run = run_queue(0.8, exponential=True)
    arrivals, services = run.table.arrival_ns.tolist(), (run.table.prompt_tokens * 1000).tolist()
    free = 0
    for row, (arrival, service) in enumerate(zip(arrivals, services, strict=True)):
        assert run.started_ns[row] == max(arrival, free)
        free = max(arrival, free) + service
        assert run.ended_ns[row] == free


def test_littles_law_holds() -> None:
    run = run_queue(0.7, exponential=True)
    # The integral of the number in the system is the sum of the times in it.
    times = np.concatenate([run.table.arrival_ns, run.ended_ns])
    change = np.concatenate([np.ones(COUNT), -np.ones(COUNT)])
    order = np.argsort(times, kind="stable")
    inside = np.cumsum(change[order])
    area = float((inside[:-1] * np.diff(times[order])).sum()) / 1e9
    assert inside[-1] == 0
    assert area == pytest.approx(run.e2e_seconds.sum(), rel=1e-9)
