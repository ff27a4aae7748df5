"""What a trace says of a demand: its rate, its burstiness and its lengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scheduling.errors import InputError
from scheduling.instances.requests.reading import read_requests
from scheduling.models.requests.arrivals import GammaArrivals
from scheduling.models.requests.fitting import empirical, reused
from scheduling.models.requests.workload import RequestClass
from scheduling.models.serving.fleet import FleetDemand

_LEAST_CV, _MOST_CV = 0.01, 100.0


def seen_requests(demand: FleetDemand, path: Path) -> RequestClass:
    """Return the requests of a trace as distributions.

    Its rate and the variation of the times between arrivals are those of the trace; a rate that the
    demand states replaces the former.

    Raises
    ------
    InputError
        When the trace cannot be read, has broken rows, or too few to tell.
    """
    trace = read_requests(path, strict=True)
    table = trace.table
    rate, cv = demand.rate, 1.0
    if trace.timed and len(table) > 2:
        between = np.diff(table.arrival_ns) / 1e9
        mean = float(between.mean())
        if mean > 0:
            rate = rate or 1 / mean
            cv = min(max(float(between.std()) / mean, _LEAST_CV), _MOST_CV)
    if rate is None:
        expected = "a rate, or a trace with three or more arrivals"
        raise InputError.single("rate", "nothing", expected, trace.source)
    return RequestClass(
        name=demand.name,
        arrivals=GammaArrivals(rate=rate, cv=cv),
        prompt=empirical(table.prompt_tokens),
        output=empirical(table.output_tokens),
        prefix_share=demand.prefix_share or reused(table.cached_tokens, table.prompt_tokens),
    )
