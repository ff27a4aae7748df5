"""Loads of machines that run batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import ScheduleArrays


@dataclass(frozen=True)
class BatchLoad:
    """Tasks that one machine runs in batches, and the least time that all batches take."""

    tasks: list[int]
    work: int


def batch_loads(arrays: ScheduleArrays) -> list[BatchLoad]:
    """Return the load of each machine that runs batches by the tasks that have no other way.

    Tasks of one state and duration whose sizes sum to s need ``ceil(s / batch)`` batches.
    """
    found = []
    single = np.diff(arrays.mode_ptr) == 1
    for machine in np.flatnonzero(arrays.batching).tolist():
        modes = arrays.mode_ptr[:-1]
        mine = np.flatnonzero(
            single & (arrays.site[modes] == machine) & (arrays.duration[modes] > 0)
        )
        sizes: dict[tuple[int, int], int] = {}
        spans: dict[tuple[int, int], int] = {}
        for task in mine.tolist():
            mode = int(modes[task])
            kind = int(arrays.state[mode]), int(arrays.duration[mode])
            amount = dict(arrays.demands(mode))[machine]
            span = int(arrays.shortest[mode])
            sizes[kind] = sizes.get(kind, 0) + amount
            spans[kind] = min(spans.get(kind, span), span)
        room = int(arrays.capacity[machine])
        work = sum(-(-size // room) * spans[kind] for kind, size in sizes.items())
        if work:
            found.append(BatchLoad(mine.tolist(), work))
    return found
