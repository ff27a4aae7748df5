"""Replays: rows of traces as they were seen, and draws for demands without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scheduling.planner.plan import plan
from scheduling.planner.replaying import DRAWN, MOST_ROWS, replayed
from scheduling.planner.resolve import Resolved, resolve
from scheduling.planner.verify import Verdict
from tests.planner.fleets import fleet


def _traced(folder: Path, arrivals: list[float], prompts: list[int], **more: object) -> Resolved:
    rows = [f"{t},{p},20\n" for t, p in zip(arrivals, prompts, strict=True)]
    (folder / "trace.csv").write_text("arrival_s,prompt_tokens,output_tokens\n" + "".join(rows))
    demand = {"rate": None, "prompt": None, "output": None, "trace": "trace.csv", **more}
    return resolve(fleet(demand=demand), folder)


def test_rows_of_a_trace_follow_each_other_at_the_rate_that_is_served(tmp_path: Path) -> None:
    times = [float(t) for t in np.cumsum(np.tile([0.0, 0.2, 1.8], 1000))]
    lengths = [100 + row for row in range(len(times))]
    resolved = _traced(tmp_path, times, lengths)
    (load,) = resolved.loads
    table = replayed([load], {"chat": 2 * load.rate}, seed=0)
    assert len(table) == len(times)
    assert table.prompt_tokens.tolist() == lengths
    assert table.output_tokens.tolist() == [20] * len(times)
    assert np.allclose(table.arrival_ns / 1e9, np.array(times) / 2, atol=1e-6)


def test_short_traces_begin_anew_and_long_ones_are_cut(tmp_path: Path) -> None:
    short = _traced(tmp_path, [0.0, 1.0, 2.0, 3.0], [7, 8, 9, 10])
    table = replayed(short.loads, {"chat": 1.0}, seed=0)
    assert len(table) == DRAWN
    assert table.prompt_tokens[:6].tolist() == [7, 8, 9, 10, 7, 8]
    assert (np.diff(table.arrival_ns) == 10**9).all()
    count = MOST_ROWS + 500
    long = _traced(tmp_path, [float(t) for t in range(count)], [5] * count)
    assert len(replayed(long.loads, {"chat": 3.0}, seed=0)) == MOST_ROWS


def test_long_traces_are_replayed_where_they_are_busiest(tmp_path: Path) -> None:
    night = [float(second) for second in range(MOST_ROWS)]
    noon = [night[-1] + 1 + row / 2 for row in range(2 * MOST_ROWS)]
    evening = [noon[-1] + second + 1 for second in range(3000)]
    times = [*night, *noon, *evening]
    long = _traced(tmp_path, times, [1] * MOST_ROWS + [2] * len(noon) + [3] * len(evening))
    (load,) = long.loads
    table = replayed([load], {"chat": load.rate}, seed=0)
    assert MOST_ROWS <= len(table) <= 1.2 * MOST_ROWS
    assert set(table.prompt_tokens.tolist()) == {2}
    assert np.diff(table.arrival_ns) == pytest.approx(0.5e9)


def test_stated_prefixes_and_demands_without_a_trace(tmp_path: Path) -> None:
    resolved = _traced(tmp_path, [0.0, 1.0, 2.0], [100, 200, 1], prefix_share=0.5)
    other = {
        "name": "batch",
        "model": "llama-3.1-8b",
        "rate": 4.0,
        "prompt": 900,
        "output": 30,
    }
    drawn = resolve(fleet(demand=other)).loads[0]
    loads = [drawn, resolved.loads[0]]
    table = replayed(loads, {"batch": 4.0, "chat": 1.0}, seed=1)
    assert table.demands == ("batch", "chat")
    assert table.cached_tokens[table.demand == 1][:3].tolist() == [50, 100, 0]
    assert (table.prompt_tokens[table.demand == 0] == 900).all()
    assert (table.demand == 0).sum() == pytest.approx(4 * (table.demand == 1).sum(), rel=0.1)


def test_bursts_of_a_trace_are_seen_by_the_replay(tmp_path: Path) -> None:
    """A hundred requests at once wait for each other; a steady stream at that rate does not."""
    bursts = [600.0 * row + 1e-4 * each for row in range(20) for each in range(100)]
    steady = [6.0 * row for row in range(2000)]

    def ttft(times: list[float]) -> Verdict:
        _traced(tmp_path, times, [1000] * len(times))
        demand = {
            "rate": None,
            "prompt": None,
            "output": None,
            "trace": "trace.csv",
            "ttft": {"seconds": 30.0, "percentile": 90},
        }
        options = {"max_pp": 1, "token_budgets": [2048], "max_tp": 1, "modes": ["aggregated"]}
        result = plan(fleet(demand=demand, options=options), folder=tmp_path, time_limit=300)
        return next(one for one in result.replays[-1].verdicts if one.metric == "ttft")

    slow, quick = ttft(bursts).value, ttft(steady).value
    assert slow is not None
    assert quick is not None
    assert slow > 3 * quick
