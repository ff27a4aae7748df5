"""What a trace says of a demand: its rate, its burstiness and its lengths."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from scheduling.errors import InputError
from scheduling.instances.requests.reading import read_requests
from scheduling.models.requests.arrivals import GammaArrivals
from scheduling.models.requests.fitting import empirical, reused
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass
from scheduling.models.serving.fleet import FleetDemand

_LEAST_CV, _MOST_CV = 0.01, 100.0


def seen_requests(demand: FleetDemand, path: Path) -> tuple[RequestClass, RequestTable | None]:
    """Return the requests of a trace as distributions, and as they were seen.

    Its rate and the variation of the times between arrivals are those of the trace; a rate that the
    demand states replaces the former, a share of prefixes that it states those of the rows. Without
    arrivals in the trace there are distributions only.

    Raises
    ------
    InputError
        When the trace cannot be read, has broken rows, or too few to tell.
    """
    trace = read_requests(path, strict=True)
    table = trace.table
    if demand.prefix_share:
        prompt = table.prompt_tokens
        cached = np.floor(prompt * demand.prefix_share).astype(np.int64)
        table = replace(table, cached_tokens=np.minimum(cached, prompt - 1))
    rate, cv, seen = demand.rate, 1.0, None
    if trace.timed and len(table) > 2:
        between = np.diff(table.arrival_ns) / 1e9
        mean = float(between.mean())
        if mean > 0:
            rate, seen = rate or 1 / mean, table
            cv = min(max(float(between.std()) / mean, _LEAST_CV), _MOST_CV)
    if rate is None:
        expected = "a rate, or a trace with three or more arrivals"
        raise InputError.single("rate", "nothing", expected, trace.source)
    requests = RequestClass(
        name=demand.name,
        arrivals=GammaArrivals(rate=rate, cv=cv),
        prompt=empirical(table.prompt_tokens),
        output=empirical(table.output_tokens),
        prefix_share=demand.prefix_share or reused(table.cached_tokens, table.prompt_tokens),
    )
    return requests, seen
