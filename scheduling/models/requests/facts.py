"""What is in a table of requests, class by class, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.requests.table import Ints, RequestTable

SHARES = (50, 90, 99)
"""Percentiles of lengths."""

_NS = 1e9


@dataclass(frozen=True, slots=True)
class LengthFacts:
    """Tokens of prompts or of answers."""

    mean: float
    percentiles: dict[int, float]
    longest: int


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """One class of requests.

    Parameters
    ----------
    name
        The class; ``None`` stands for all together.
    requests
        How many there are.
    rate
        Requests a second between the first and the last; ``None`` where these are one moment.
    gap_cv
        Standard deviation of the times between arrivals over their mean: 1 when Poisson, above it
        when they come in bursts; ``None`` with fewer than three requests, or all at one time.
    peak
        Most requests within one minute; ``None`` where the trace is shorter.
    prompt, output
        Tokens.
    cached_share
        Share of all prompt tokens whose KV is in the cache when they come.
    """

    name: str | None
    requests: int
    rate: float | None
    gap_cv: float | None
    peak: int | None
    prompt: LengthFacts
    output: LengthFacts
    cached_share: float


def facts(table: RequestTable) -> tuple[ClassFacts, ...]:
    """Describe the requests of each class, and all together where there are several.

    Classes without a request are left out.
    """
    rows = [(name, table.demand == row) for row, name in enumerate(table.demands)]
    found = [_facts(table, name, own) for name, own in rows if own.any()]
    if len(found) > 1:
        found.append(_facts(table, None, np.ones(len(table), dtype=np.bool_)))
    return tuple(found)


def _facts(table: RequestTable, name: str | None, own: np.ndarray) -> ClassFacts:
    arrival = table.arrival_ns[own]
    prompt = table.prompt_tokens[own]
    gaps = np.diff(arrival) / _NS
    span = float(gaps.sum())
    return ClassFacts(
        name,
        len(arrival),
        len(gaps) / span if span > 0 else None,
        float(gaps.std() / gaps.mean()) if len(gaps) > 1 and span > 0 else None,
        _peak(arrival) if span >= 60 else None,
        _lengths(prompt),
        _lengths(table.output_tokens[own]),
        float(table.cached_tokens[own].sum() / prompt.sum()),
    )


def _peak(arrival: Ints) -> int:
    """Return the most arrivals within any half-open minute."""
    last = np.searchsorted(arrival, arrival + round(60 * _NS), side="left")
    return int((last - np.arange(len(arrival))).max())


def _lengths(tokens: Ints) -> LengthFacts:
    values = np.percentile(tokens, SHARES)
    percentiles = dict(zip(SHARES, values.tolist(), strict=True))
    return LengthFacts(float(tokens.mean()), percentiles, int(tokens.max()))
