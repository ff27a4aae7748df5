"""Scenarios of routing, migration and scaling reach the bars of the seeds' table."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduling.scenarios import infinite_llm, pd_forwarding
from scheduling.scenarios.registry import scenario
from scheduling.scenarios.scenario import Row, Run


def rows_of(name: str) -> list[Row]:
    return scenario(name).run(Run(seconds=1e6))


def test_llumnix_halves_the_wait_and_mends_fragmentation() -> None:
    rows = {(row.measure, row.baseline): row for row in rows_of("llumnix")}
    waits = rows["P99 seconds in queues", "round-robin"]
    assert waits.ratio is not None
    assert waits.ratio <= 0.5
    shares = rows["share of memory fragmented", "round-robin"]
    assert shares.baseline_value is not None
    assert shares.baseline_value >= 0.05
    assert shares.value <= 0.01
    latency = rows["mean seconds to the last token", "freeness"]
    assert latency.gap is not None
    assert 0 < latency.gap < 0.3


def test_prompts_on_demand_keep_limits_that_reports_miss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pd_forwarding, "_REQUESTS", 1500)
    rows = [row for row in rows_of("pd-forwarding") if row.baseline == "queue-report"]
    assert len(rows) == 2
    for row in rows:
        assert row.value >= 0.95
        assert row.baseline_value is not None
        assert row.baseline_value <= 0.7
    assert rows[0].gap == 0


def test_loans_come_close_to_the_best_sharing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infinite_llm, "_FLEETS", 15)
    rates, shares = rows_of("infinite-llm")
    assert rates.ratio is not None
    assert rates.ratio > 1.0
    assert shares.value >= 0.9
    assert rates.gap is not None
    assert 0 <= rates.gap <= 0.1
    assert shares.gap == pytest.approx(1 - shares.value)
    assert shares.verdict.endswith("the best sharing is proven")


def test_pods_kept_to_break_even_and_learned_limits_stay_in_their_bounds() -> None:
    fixed, _, tuned, table, replayed = rows_of("cold-starts")
    # One that is tuned afterwards may win, but break-even is within twice of any.
    assert tuned.ratio is not None
    assert 1.0 <= tuned.ratio <= 2.0
    assert fixed.gap is not None
    assert fixed.value <= 2 * fixed.value * (1 - fixed.gap)
    for row in (table, replayed):
        assert row.ratio is not None
        assert row.ratio <= 1.05
    assert table.gap is not None
    assert 0 <= table.gap <= 0.1


@pytest.mark.shared
def test_two_mappings_come_close_to_asking_everybody(shared_data: Path) -> None:
    rows = scenario("dualmap").run(Run(seconds=60.0, data=shared_data))
    kept = {row.baseline: row for row in rows if row.measure.startswith("share of first")}
    assert kept["least-ttft"].ratio is not None
    assert kept["least-ttft"].ratio >= 0.85
    for name in ("prefix-hash", "least-tokens"):
        ratio = kept[name].ratio
        assert ratio is not None
        assert ratio > 1.0
    assert kept["least-ttft"].gap is not None
    assert 0 < kept["least-ttft"].gap <= 0.2
    even, joins = rows[-2:]
    assert even.baseline_value is not None
    assert even.baseline_value >= 2
    assert even.value <= 1.5
    assert joins.ratio is not None
    assert joins.ratio <= 1.0
