from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from scheduling.report.axes import logarithmic, whole_numbers
from scheduling.report.requests import write_frontier
from scheduling.simulator.requests.sweep import SweepRun


@pytest.mark.parametrize(
    ("low", "high"), [(0.01, 0.07), (0.012, 0.019), (0.013, 2.3), (0.1, 30.0), (1e-4, 2e4)]
)
def test_numbers_of_logarithmic_axes_keep_apart(low: float, high: float) -> None:
    figure = Figure(figsize=(12, 4), layout="constrained")
    ax = figure.subplots(1, 3)[1]
    ax.plot([low, high], [0, 1])
    logarithmic(ax)
    figure.draw_without_rendering()
    left, right = ax.get_xlim()
    texts = [text for text in ax.get_xticklabels() if left <= text.get_position()[0] <= right]
    assert len(texts) >= 2
    boxes = [text.get_window_extent() for text in texts]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    assert all("$" not in text.get_text() for text in texts)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 4000])
def test_axes_that_count_have_whole_numbers(most: int) -> None:
    figure = Figure(figsize=(10, 4), layout="constrained")
    ax = figure.subplots()
    ax.plot([0.5, most + 0.5], [0, 1])
    whole_numbers(ax.xaxis)
    figure.draw_without_rendering()
    ticks = [tick for tick in ax.get_xticks() if 0.5 <= tick <= most + 0.5]
    assert ticks
    assert all(float(tick).is_integer() for tick in ticks)


def test_no_latency_of_a_sweep_is_drawn_below_zero(tmp_path: Path) -> None:
    """The interval of two seeds is often wider than their mean."""
    runs = []
    for seed, seconds in enumerate((0.02, 0.06)):
        latencies = {"ttft_seconds": {"p99": {"value": 1.0}}}
        latencies["tpot_seconds"] = {"p99": {"value": seconds}}
        runs.append(SweepRun("fcfs", 4.0, seed, {"demands": [{"requests": 9, **latencies}]}))
    write_frontier(runs, tmp_path / "sweep.svg", "two seeds")
    drawn = (tmp_path / "sweep.svg").read_text(encoding="utf-8")
    assert "TPOT p99" in drawn
    assert "\N{MINUS SIGN}" not in drawn
