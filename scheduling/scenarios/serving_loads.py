"""Requests of scenarios: lengths of a trace, arrivals at random."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.certify import Certifier, Objective
from scheduling.simulator.requests.deployment import Group
from scheduling.simulator.requests.metrics import Slo
from scheduling.simulator.requests.run import FleetRun
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


_PUBLISHED = {"sharegpt": (1730, 5696, 415, 834), "arxiv": (7059, 12985, 208, 371)}
_NINETIETH = 1.2815515655446004


def published_requests(name: str, count: int, seed: int) -> RequestTable:
    """Draw requests like those of a public data set, one a second on average.

    Lengths are lognormal with the medians and 90th percentiles of prompts and answers that
    Sarathi-Serve (OSDI 2024, table 2) reports of ``sharegpt`` (openchat_sharegpt4) and ``arxiv``
    (arxiv_summarization), at most 16,384 tokens in sum.

    Parameters
    ----------
    name
        ``sharegpt`` or ``arxiv``.
    count
        How many.
    seed
        Of the draws.
    """
    middle, high, answer, long = _PUBLISHED[name]
    draws = stream(seed, f"lengths/{name}")
    prompts = np.rint(draws.lognormal(np.log(middle), np.log(high / middle) / _NINETIETH, count))
    outputs = np.rint(draws.lognormal(np.log(answer), np.log(long / answer) / _NINETIETH, count))
    outputs = np.clip(outputs, 1, 4096).astype(np.int64)
    prompts = np.clip(prompts, 1, 16_384 - outputs).astype(np.int64)
    gaps = stream(seed, "gaps").exponential(1e9, count)
    nothing = np.zeros(count, dtype=np.int64)
    arrivals = np.cumsum(np.rint(gaps)).astype(np.int64)
    return RequestTable(arrivals, prompts, outputs, nothing, nothing)


def certified_gap(
    group: Group, run: FleetRun, objective: Objective, slos: Mapping[str, Slo] | None = None
) -> float | None:
    """Return how far a run is at most from what no policy can beat on its instances.

    Parameters
    ----------
    group
        The instances that ran; their policies do not matter.
    run
        What they did.
    objective
        By what they are judged.
    slos
        Limits by class of requests, for the requests that keep them.
    """
    found = Certifier((group,), slos or {}).certify(run)
    return next((one.gap for one in found if one.objective == objective), None)
