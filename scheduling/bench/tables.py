"""Tables of results: rows of text for the command line and for pages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import fmean

from scheduling.bench.records import Record

Table = tuple[list[str], list[list[str]]]

_SHIFT_SECONDS = 1.0


def instance_rows(records: Sequence[Record]) -> Table:
    """One row a run: value, bound, gap and distance to the best known value."""
    headers = ["instance", "solver", "seed", "value", "bound", "gap", "best known", "above", "s"]
    references = _references(records)
    rows = []
    for r in records:
        shown = r.error or (r.status if r.objective is None else _plain(r.objective))
        rows.append(
            [
                r.instance,
                r.solver,
                str(r.seed),
                shown or "-",
                _plain(r.bound),
                _percent(r.gap),
                _known(r),
                _percent(r.excess(references.get(r.instance))),
                "-" if r.seconds is None else f"{r.seconds:.2f}",
            ]
        )
    return headers, rows


def solver_rows(records: Sequence[Record]) -> Table:
    """One row a solver: mean distance to best known, proofs, sum of bounds, mean time.

    Means run over the runs with a value; the time is the shifted geometric mean (shift 1 s), with
    the limit for runs that did not settle their instance.
    """
    headers = ["solver", "runs", "solved", "proven", "mean above", "mean gap", "bounds", "time s"]
    references = _references(records)
    rows = []
    for solver, group in _by_solver(records):
        above = [r.excess(references.get(r.instance)) for r in group]
        rows.append(
            [
                solver,
                str(len(group)),
                str(sum(r.objective is not None for r in group)),
                str(sum(r.proven for r in group)),
                _percent(_mean(above)),
                _percent(_mean([r.gap for r in group])),
                _plain(sum(r.bound for r in group if r.bound is not None)),
                f"{_shifted_mean([_time(r) for r in group]):.2f}",
            ]
        )
    return headers, rows


def solver_profile(records: Sequence[Record]) -> dict[str, list[tuple[float, float]]]:
    """Return the performance profile of each solver: runs within each distance of the best.

    The curve of a solver is a list of ``(distance, share)``: the share of its runs whose value
    is at most ``distance`` (relative) above the best known value or the best of these records
    (Dolan and More, 2002, with distances in place of times).
    """
    references = _references(records)
    curves = {}
    for solver, group in _by_solver(records):
        distances = sorted(
            distance
            for distance in (r.excess(references.get(r.instance)) for r in group)
            if distance is not None
        )
        shares = [(max(0.0, d), (k + 1) / len(group)) for k, d in enumerate(distances)]
        curves[solver] = shares
    return curves


def _by_solver(records: Sequence[Record]) -> Iterable[tuple[str, list[Record]]]:
    order = sorted(records, key=lambda r: r.solver)
    return [(solver, list(group)) for solver, group in groupby(order, key=lambda r: r.solver)]


def _references(records: Sequence[Record]) -> dict[str, float]:
    """Best known value of each instance, or the best of these records where none is known."""
    best: dict[str, float] = {}
    for r in records:
        value = r.upper if r.upper is not None else r.objective
        if value is not None and (r.upper is not None or value < best.get(r.instance, math.inf)):
            best[r.instance] = value
    return best


def _known(record: Record) -> str:
    if record.lower == record.upper:
        return _plain(record.upper)
    return f"{_plain(record.lower)}..{_plain(record.upper)}"


def _time(record: Record) -> float:
    return record.seconds if record.proven and record.seconds is not None else record.time_limit


def _shifted_mean(seconds: Sequence[float]) -> float:
    return math.exp(fmean(math.log(s + _SHIFT_SECONDS) for s in seconds)) - _SHIFT_SECONDS


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _plain(value: float | None) -> str:
    if value is None:
        return "-"
    return str(int(value)) if float(value).is_integer() else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"
