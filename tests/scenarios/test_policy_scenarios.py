"""Scenarios of serving policies: what their rows compare, and the figures that they come near."""

from __future__ import annotations

from functools import cache

from scheduling.scenarios.registry import scenario
from scheduling.scenarios.scenario import Row, Run


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Return the rows of a scenario that needs no data."""
    return tuple(scenario(name).run(Run(seconds=5.0)))


def test_layers_read_fewer_experts_than_chunks_about_as_published() -> None:
    arxiv, sharegpt = (row for row in rows("layered-prefill") if "weights" in row.measure)
    assert arxiv.ratio is not None
    assert sharegpt.ratio is not None
    # Published: 39 % less for long prompts, 12 % less for conversations.
    assert 0.55 <= arxiv.ratio <= 0.70
    assert 0.80 <= sharegpt.ratio <= 0.95
    others = [row for row in rows("layered-prefill") if "weights" not in row.measure]
    assert all(row.ratio is not None and row.ratio < 1 for row in others)


def test_copies_that_are_kept_and_long_stall_less() -> None:
    for row in rows("fastswitch"):
        assert row.ratio is not None
        assert row.ratio > 1 if row.measure == "requests a second" else row.ratio < 1
