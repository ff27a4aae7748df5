"""Demands that no schedule can make scarce: without them a shop with crews may be a plain shop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scheduling.models.schedule.arrays import RENEWABLE, ScheduleArrays


def without_slack(arrays: ScheduleArrays) -> ScheduleArrays:
    """Drop the demands of resources that have enough for all machines at once.

    A machine runs one task at a time, so tasks hold at most the largest demand of each machine. A
    resource of constant capacity that covers their sum never decides anything. Resources of tasks
    without a machine stay: they are what makes a stage of equal machines.
    """
    if not arrays.demand_amount.size:
        return arrays
    mode = np.repeat(np.arange(len(arrays.duration)), np.diff(arrays.demand_ptr))
    holder = arrays.machine[mode]
    order = np.lexsort((-arrays.demand_amount, holder, arrays.demand_resource))
    resource, holder = arrays.demand_resource[order], holder[order]
    largest = np.ones(len(order), bool)
    largest[1:] = (resource[1:] != resource[:-1]) | (holder[1:] != holder[:-1])
    most = np.zeros(arrays.n_resources, np.int64)
    np.add.at(most, resource[largest], arrays.demand_amount[order][largest])
    plain = (arrays.resource_type == RENEWABLE) & ~arrays.batching
    ample = plain & (np.diff(arrays.step_ptr) == 1) & (most <= arrays.capacity)
    ample[arrays.demand_resource[arrays.machine[mode] < 0]] = False
    kept = ~ample[arrays.demand_resource]
    if kept.all():
        return arrays
    counts = np.bincount(mode[kept], minlength=len(arrays.duration))
    return replace(
        arrays,
        demand_ptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
        demand_resource=arrays.demand_resource[kept],
        demand_amount=arrays.demand_amount[kept],
    )
