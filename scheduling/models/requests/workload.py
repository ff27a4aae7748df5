"""Workloads as distributions, and tables of requests drawn from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scheduling.errors import Fault, InputError
from scheduling.models.base import Document, Frozen, Many, Name
from scheduling.models.faults import repeated
from scheduling.models.requests.arrivals import Arrivals
from scheduling.models.requests.lengths import Lengths
from scheduling.models.requests.table import RequestTable

Floats = NDArray[np.float64]

_MOST_ROWS = 200_000_000
"""Rows of a drawn table that are refused as a slip of units."""


class RequestClass(Frozen):
    """Requests of one kind: how they arrive and how long they are."""

    name: Name = "all"
    arrivals: Arrivals
    prompt: Lengths = Field(description="Tokens of a prompt.")
    output: Lengths = Field(description="Tokens of an answer.")
    prefix_share: Annotated[float, Field(ge=0, lt=1, strict=False)] = Field(
        default=0.0,
        description="Share of a prompt's tokens, at its head, whose KV is in the cache.",
    )

    @property
    def computed_tokens(self) -> float:
        """Mean prompt tokens of a request that are not in the cache."""
        return self.prompt.mean * (1 - self.prefix_share)


class Workload(Document):
    """Classes of requests that arrive side by side, independently of each other.

    Raises
    ------
    InputError
        When two classes have one name.
    """

    kind: Literal["workload"] = "workload"
    name: Name | None = None
    classes: Annotated[Many[RequestClass], Field(min_length=1)]

    def _faults(self) -> Iterator[Fault]:
        return repeated("classes", (entry.name for entry in self.classes), "names that differ")

    @property
    def rate(self) -> float:
        """Requests per second of all classes."""
        return sum(entry.arrivals.rate for entry in self.classes)


def sample(
    workload: Workload, *, requests: int | None = None, seconds: float | None = None, seed: int = 0
) -> RequestTable:
    """Draw requests of a workload.

    Each class has random numbers of its own: a class that is added leaves the others as they were.

    Parameters
    ----------
    workload
        What to draw from.
    requests
        How many of the first to draw, over all classes.
    seconds
        Draw those that arrive before this time; exactly one of the two is given.
    seed
        The same seed gives the same table.

    Raises
    ------
    InputError
        When both or none of ``requests`` and ``seconds`` are given, or the table would have more
        than 200 million rows.
    """
    if (requests is None) == (seconds is None):
        found = "neither" if requests is None else "both"
        raise InputError.single("requests, seconds", found, "one of the two")
    expected = requests if seconds is None else workload.rate * seconds
    if expected is None or not 0 <= expected <= _MOST_ROWS:
        raise InputError.single("requests", f"{expected}", f"from 0 to {_MOST_ROWS}")
    streams = np.random.default_rng(seed).spawn(2 * len(workload.classes))
    times = [
        _arrivals(entry, requests, seconds, stream)
        for entry, stream in zip(workload.classes, streams[::2], strict=True)
    ]
    arrival_ns = np.concatenate([np.rint(column * 1e9).astype(np.int64) for column in times])
    rows = np.repeat(np.arange(len(times)), [len(column) for column in times])
    order = np.argsort(arrival_ns, kind="stable")[:requests]
    arrival_ns, rows = arrival_ns[order], rows[order]
    prompt, output, cached = (np.empty(len(rows), dtype=np.int64) for _ in range(3))
    for row, (entry, stream) in enumerate(zip(workload.classes, streams[1::2], strict=True)):
        own = rows == row
        count = int(own.sum())
        prompt[own] = lengths = entry.prompt.draw(count, stream)
        output[own] = entry.output.draw(count, stream)
        cached[own] = np.minimum(np.floor(lengths * entry.prefix_share), lengths - 1)
    names = tuple(entry.name for entry in workload.classes)
    return RequestTable(arrival_ns, prompt, output, rows, cached, names)


def _arrivals(
    entry: RequestClass, requests: int | None, seconds: float | None, rng: np.random.Generator
) -> Floats:
    """Draw the arrivals of a class: at least those that the table can take."""
    if seconds is None:
        return np.cumsum(entry.arrivals.gaps(requests or 0, rng))
    expected = entry.arrivals.rate * seconds
    parts: list[Floats] = [np.empty(0)]
    last = 0.0
    while last < seconds:
        count = 16 + math.ceil(1.05 * expected * (1 - last / seconds))
        parts.append(last + np.cumsum(entry.arrivals.gaps(count, rng)))
        last = float(parts[-1][-1])
    times = np.concatenate(parts)
    return np.asarray(times[times < seconds])
