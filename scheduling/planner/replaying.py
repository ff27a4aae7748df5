"""The requests that a plan is replayed with: rows of traces, and draws where there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass, Workload, sample
from scheduling.planner.loads import Load

Ints = NDArray[np.int64]

DRAWN = 2000
"""Requests of a replay, about; a longer trace is replayed on."""

MOST_ROWS = 10_000
"""Requests of a replay with longer traces, about: those of their busiest stretches."""

_MOMENT = 1e-6
"""Seconds before its end at which a replay takes no more rows: the next lap must not slip in where
its first row is due at the end, by rounding."""


def replayed(loads: Sequence[Load], served: Mapping[str, float], seed: int) -> RequestTable:
    """Return the requests of a replay.

    A demand with a trace has the rows of it, one after the other: their lengths, cached prefixes
    and arrivals, the latter scaled to the rate that is served. A trace that ends before the replay
    does begins anew; of one that is longer, the replay has the stretch in which most requests come.
    Requests of the other demands are drawn.

    Parameters
    ----------
    loads
        The demands.
    served
        Requests per second of each that the plan serves.
    seed
        Seed of what is drawn.
    """
    rates = [served[load.demand] for load in loads]
    if all(load.trace is None for load in loads):
        classes = tuple(map(_at_rate, loads, rates))
        return sample(Workload(classes=classes), requests=DRAWN, seed=seed)
    spans = [
        len(load.trace) / rate
        for load, rate in zip(loads, rates, strict=True)
        if load.trace is not None
    ]
    least, most = DRAWN / sum(rates), MOST_ROWS / sum(rates)
    seconds = min(max(least, *spans), most)
    parts = _parts(loads, rates, seconds, seed)
    count = sum(len(part[0]) for part in parts)
    if count > MOST_ROWS:
        # Stretches that are busier than the whole have more rows than its rate says.
        parts = _parts(loads, rates, seconds * MOST_ROWS / count, seed)
    demand = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    arrival, prompt, output, cached = (column[order] for column in columns)
    names = tuple(load.demand for load in loads)
    return RequestTable(arrival, prompt, output, demand[order], cached, names)


def _parts(
    loads: Sequence[Load], rates: Sequence[float], seconds: float, seed: int
) -> list[tuple[Ints, ...]]:
    """Return arrivals, prompts, outputs and cached tokens of each demand in so many seconds."""
    return [
        _drawn(load, rate, seconds, row, seed)
        if load.trace is None
        else _rows(load.trace, rate, seconds)
        for row, (load, rate) in enumerate(zip(loads, rates, strict=True))
    ]


def _at_rate(load: Load, rate: float) -> RequestClass:
    arrivals = load.requests.arrivals.model_copy(update={"rate": rate})
    return load.requests.model_copy(update={"arrivals": arrivals})


def _drawn(load: Load, rate: float, seconds: float, row: int, seed: int) -> tuple[Ints, ...]:
    stream = int(np.random.SeedSequence([seed, row]).generate_state(1)[0])
    table = sample(Workload(classes=(_at_rate(load, rate),)), seconds=seconds, seed=stream)
    return table.arrival_ns, table.prompt_tokens, table.output_tokens, table.cached_tokens


def _rows(trace: RequestTable, rate: float, seconds: float) -> tuple[Ints, ...]:
    """Return the rows of a trace at a rate, over and over until the replay ends.

    Of a trace that is longer than the replay, those of its busiest stretch.
    """
    count = len(trace)
    own = trace.arrival_ns - trace.arrival_ns[0]
    between = own[-1] / (count - 1)
    laps = ceil(seconds * rate / count) + 1
    arrival = np.concatenate([own + lap * count * between for lap in range(laps)])
    arrival_ns = np.rint(arrival * (1e9 / (rate * between))).astype(np.int64)
    length = (seconds - _MOMENT) * 1e9
    first = 0
    if seconds * rate < count:
        one = arrival_ns[:count]
        first = int(np.argmax(np.searchsorted(one, one + length) - np.arange(count)))
    arrival_ns -= arrival_ns[first]
    kept = arrival_ns < length
    kept[:first] = False
    prompt, output, cached = (
        np.tile(column, laps)[kept]
        for column in (trace.prompt_tokens, trace.output_tokens, trace.cached_tokens)
    )
    return arrival_ns[kept], prompt, output, cached
