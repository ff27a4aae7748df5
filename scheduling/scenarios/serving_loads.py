"""Requests of scenarios: lengths of a trace, arrivals at random."""

from __future__ import annotations

import numpy as np

from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.streams import stream


def poisson_requests(lengths: RequestTable, count: int, seed: int) -> RequestTable:
    """Draw requests that come at random, one a second on average.

    Parameters
    ----------
    lengths
        Prompt and output of each request are those of a row of it, drawn with repetition.
    count
        How many.
    seed
        Of the draws.
    """
    rows = stream(seed, "rows").integers(0, len(lengths), count)
    gaps = stream(seed, "gaps").exponential(1e9, count)
    nothing = np.zeros(count, dtype=np.int64)
    return RequestTable(
        np.cumsum(np.rint(gaps)).astype(np.int64),
        lengths.prompt_tokens[rows],
        lengths.output_tokens[rows],
        nothing,
        nothing,
    )
