"""Comparison with an earlier run, with a band of noise inside which nothing is claimed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from scheduling.bench.records import Record
from scheduling.bench.tables import Table

_LEAST_BAND = 0.005
Runs = dict[tuple[str, str], list[float]]


def compare_rows(earlier: Sequence[Record], now: Sequence[Record]) -> Table:
    """One row per instance and solver that both hold: earlier and present mean value, and verdict.

    The band of noise of a pair is the larger of 0.5 % and the spread of its values over the seeds
    in either run; a difference inside it counts as the same.
    """
    headers = ["instance", "solver", "earlier", "now", "change", "band", "verdict"]
    before, after = _values(earlier), _values(now)
    rows = []
    for key in sorted(before.keys() & after.keys()):
        old, new = before[key], after[key]
        base = fmean(old)
        change = (fmean(new) - base) / max(abs(base), 1.0)
        band = max(_LEAST_BAND, _spread(old), _spread(new))
        rows.append(
            [
                *key,
                f"{base:.1f}",
                f"{fmean(new):.1f}",
                f"{100 * change:+.2f} %",
                f"{100 * band:.2f} %",
                _verdict(change, band),
            ]
        )
    return headers, rows


def _values(records: Sequence[Record]) -> Runs:
    table: Runs = defaultdict(list)
    for record in records:
        if record.objective is not None:
            table[record.instance, record.solver].append(record.objective)
    return table


def _spread(values: Sequence[float]) -> float:
    return (max(values) - min(values)) / max(abs(fmean(values)), 1.0)


def _verdict(change: float, band: float) -> str:
    if abs(change) <= band:
        return "same"
    return "worse" if change > 0 else "better"
