from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass
from scheduling.planner.ceilings import Wait
from scheduling.planner.iterations import Room
from scheduling.planner.loads import Load
from scheduling.planner.sizing import Sizer
from scheduling.planner.traced import MOST_ROWS, TracedQueue
from tests.properties import examples

GRID = np.array([1e-6, *(step / 100 for step in range(1, 96))])


def trace(gaps: list[float]) -> RequestTable:
    arrivals = np.rint(np.cumsum([0.0, *gaps]) * 1e9).astype(np.int64)
    ones = np.ones(len(arrivals), dtype=np.int64)
    return RequestTable(arrivals, 1000 * ones, 20 * ones, 0 * ones, 0 * ones)


def waits(arrivals: np.ndarray, servers: int, service: float) -> list[float]:
    """Waits in a queue that is served in order, one request after the other."""
    free, found = [0.0] * servers, []
    for arrival in arrivals.tolist():
        start = max(arrival, free[0])
        heapq.heapreplace(free, start + service)
        found.append(start - arrival)
    return found


def bursts(silence: float, count: int = 60) -> list[float]:
    """Four requests at a tenth of a second, then silence."""
    return [0.1, 0.1, 0.1, silence] * count


@examples(60)
@given(
    gaps=st.lists(st.floats(0, 9), min_size=4, max_size=40).filter(lambda gaps: sum(gaps) > 1),
    servers=st.integers(1, 9),
    busy=st.floats(0.05, 0.95),
    share=st.sampled_from([0.0, 0.5, 0.9]),
)
def test_waits_are_those_of_a_queue_served_in_order(
    gaps: list[float], servers: int, busy: float, share: float
) -> None:
    table = trace(gaps)
    seconds = table.arrival_ns / 1e9
    service = servers * busy * seconds[-1] / (len(seconds) - 1)
    expected = np.quantile(waits(seconds, servers, service), share) / service
    assert TracedQueue(table).wait(servers, busy, share) == pytest.approx(expected, abs=1e-6)


@examples(40)
@given(
    gaps=st.lists(st.floats(0, 9), min_size=4, max_size=40).filter(lambda gaps: sum(gaps) > 1),
    limit=st.floats(0.1, 20),
)
def test_ceilings_keep_the_limit(gaps: list[float], limit: float) -> None:
    queue = TracedQueue(trace(gaps))
    sizes = np.arange(1, 20)
    found = queue.ceilings(sizes, limit, 0.9, GRID)
    assert np.all(np.diff(found) >= 0)
    for size in (1, 2, 4, 8, 16):
        best = max([b for b in GRID if queue.wait(size, b, 0.9) <= limit], default=GRID[0])
        smaller = [found[i] for i in range(size - 1)]
        assert found[size - 1] == max([best, *smaller])


def test_long_silences_do_not_ask_for_more_servers() -> None:
    """How long a silence lasts says nothing of the burst behind it."""
    for silence in (30.0, 3000.0):
        one = bursts(silence)
        mean = sum(one) / len(one)
        wait = Wait(1, 0.2, 0.0, 1.0, 0.5, 0.9, 1.0, (trace(one),))
        # The rate is that of the bursts: 0.2 s of work every tenth of a second, four times.
        assert wait.ceilings(np.array([1]))[0] >= 0.2 / mean - 0.01


def test_a_burst_that_waits_too_long_lowers_the_ceiling() -> None:
    """Though the times between arrivals look like chance: slow and quick hours take turns."""
    rng = np.random.default_rng(0)
    steady = rng.exponential(1.0, 4000)
    changing = np.concatenate([rng.exponential(0.4, 2000), rng.exponential(1.6, 2000)])
    found = [
        Wait(1, 1.0, 1.0, 1.0, 20.0, 0.9, 1.0, (trace(gaps.tolist()),)).ceilings(np.array([1]))[0]
        for gaps in (steady, changing)
    ]
    assert found[0] > 0.8
    assert found[1] < 0.55


def test_replicas_of_a_demand_with_a_trace_are_sized_by_it() -> None:
    requests = RequestClass.model_validate(
        {
            "name": "code",
            "arrivals": {"kind": "gamma", "rate": 0.1, "cv": 13.0},
            "prompt": {"kind": "fixed", "tokens": 1000},
            "output": {"kind": "fixed", "tokens": 20},
        }
    )
    targets = {"ttft": (0.5, 0.9)}
    room = Room(Affine(base=0.01, per_token=1e-5, per_kv=1e-8), {512: 10**9})
    stated, seen = (
        Sizer([Load(requests, "model", targets, table)], room, 512).sized("prefill")[-1]
        for table in (None, trace(bursts(30.0)))
    )
    assert stated.ceilings(1)[0] < 0.01 < seen.ceilings(1)[0]


def test_long_traces_are_judged_where_they_are_busiest() -> None:
    quiet = [1.0] * MOST_ROWS
    peak = bursts(0.7, MOST_ROWS // 4)
    table = trace([*quiet, *peak, *quiet])
    seconds = table.arrival_ns / 1e9
    mean = seconds[-1] / (len(seconds) - 1)
    expected = np.quantile(waits(np.cumsum(peak), 2, 2 * 0.5 * mean), 0.9) / (2 * 0.5 * mean)
    assert TracedQueue(table).wait(2, 0.5, 0.9) == pytest.approx(expected, rel=0.02)
    assert TracedQueue(trace(quiet)).wait(2, 0.5, 0.9) == 0
