"""From traces of requests with blocks to problems of keeping the KV memory of prefixes."""

from __future__ import annotations

import numpy as np

from scheduling.errors import InputError
from scheduling.instances.requests.trace import Trace
from scheduling.models.caching.problem import CachedObject, CachingProblem

_SECOND = 10**9


def prefix_cache(
    trace: Trace, capacity: int, *, since: float = 0.0, until: float | None = None
) -> CachingProblem:
    """State which blocks of prompts to keep so that the fewest tokens are computed again.

    Each block is an object of size 1 whose cost is its tokens, and continues the block before it.
    Costs are those of whole blocks, so that the last one of a prompt, which may hold fewer tokens,
    counts like the others.

    Parameters
    ----------
    trace
        A trace whose file has the blocks of the prompts, such as Mooncake's.
    capacity
        Blocks that the cache holds.
    since, until
        Part of the trace in seconds from its start, ``since <= t < until``; the cache is empty at
        its start. Default: the whole trace.

    Raises
    ------
    InputError
        When the trace has no blocks, or no request in that part.
    """
    if trace.blocks is None:
        raise InputError.single("trace", "no blocks of prompts", "a format with blocks: mooncake")
    seconds = trace.table.arrival_ns / _SECOND
    chosen = seconds >= since if until is None else (seconds >= since) & (seconds < until)
    rows = np.flatnonzero(chosen)
    if not len(rows):
        raise InputError.single("until", f"no request from {since} to {until} s", "at least one")
    before: dict[int, int | None] = {}
    requests = []
    for row in rows.tolist():
        # A number stands for all before it as well, so that it stands once in a prompt.
        path = list(dict.fromkeys(trace.blocks.of(row).tolist()))
        _note(path, before)
        requests.append(tuple(f"b{number}" for number in path))
    return CachingProblem(
        name=trace.source,
        capacity=capacity,
        objects=tuple(
            CachedObject(
                id=f"b{number}",
                cost=trace.blocks.tokens,
                after=None if above is None else f"b{above}",
            )
            for number, above in before.items()
        ),
        requests=tuple(requests),
    )


def _note(path: list[int], before: dict[int, int | None]) -> None:
    """Note which block each one continues."""
    above: int | None = None
    for place, number in enumerate(path):
        if before.setdefault(number, above) != above:
            found = f"block {number} behind {above} and behind {before[number]}"
            raise InputError.single(f"block {place} of a prompt", found, "always the same before")
        above = number
