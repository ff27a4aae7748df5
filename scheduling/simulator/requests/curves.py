"""What a run looks like over time and over its requests, as points of curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.run import NEVER, FleetRun, InstanceRun

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_POINTS = 200
"""Points of each curve in records."""

_DIGITS = 6

LATENCIES = ("ttft", "tpot", "e2e")


def curves_record(run: FleetRun) -> dict[str, Any]:
    """Return the curves of a run as plain data.

    For each of TTFT, TPOT and E2E the seconds within which each share of the requests stays, and,
    of runs with a timeline, the share of KV memory in use and the queued requests over time; what
    is not known is ``None``.
    """
    record = {name: _distribution(getattr(run, f"{name}_seconds")) for name in LATENCIES}
    return {**record, "timeline": _timeline(run)}


def _distribution(values: Floats) -> dict[str, list[float]] | None:
    known = np.sort(values[values > 0])
    if not len(known):
        return None
    shares = np.linspace(1 / len(known), 1.0, min(_POINTS, len(known)))
    ranks = np.ceil(shares * len(known) - 1e-9).astype(np.int64) - 1
    seconds = [float(f"{value:.{_DIGITS}g}") for value in known[ranks].tolist()]
    return {"share": np.round(shares, _DIGITS).tolist(), "seconds": seconds}


def _timeline(run: FleetRun) -> dict[str, list[float]] | None:
    if run.instances[0].tally.samples is None:
        return None
    instants, share = memory_share(run, _POINTS)
    times, waiting = queued(run)
    at = np.searchsorted(times, instants, side="right") - 1
    level = np.where(at >= 0, waiting[np.maximum(at, 0)], 0) if len(times) else 0 * at
    return {
        "seconds": np.round(instants, 3).tolist(),
        "kv_share": np.round(share, _DIGITS).tolist(),
        "queued": level.tolist(),
    }


def memory_share(run: FleetRun, points: int) -> tuple[Floats, Floats]:
    """Return instants in seconds, and the share of all KV memory that is in use at each."""
    instants = np.linspace(0.0, run.makespan_seconds, points)
    used = sum((_used(instance, instants) for instance in run.instances), np.zeros(points))
    capacity = sum(instance.capacity_blocks for instance in run.instances)
    return instants, used / max(capacity, 1)


def _used(instance: InstanceRun, instants: Floats) -> Floats:
    """Return the blocks in use at instants: even growth through an event, nothing while idle."""
    samples = np.array(instance.tally.samples or [(0, 0)], dtype=np.float64)
    times, blocks = samples[:, 0] / NS_PER_SECOND, samples[:, 1]
    ends = times[1::2]
    event = np.searchsorted(ends, instants)
    inside = event < len(ends)
    inside[inside] = times[::2][event[inside]] <= instants[inside]
    return np.where(inside, np.interp(instants, times, blocks), 0.0)


def queued(run: FleetRun) -> tuple[Floats, Ints]:
    """Return instants in seconds, and the requests that have come and not begun from each on."""
    begun = run.started_ns != NEVER
    came, began = run.table.arrival_ns[begun], run.started_ns[begun]
    times = np.concatenate([came, began])
    order = np.argsort(times, kind="stable")
    changes = np.concatenate([np.ones_like(came), -np.ones_like(began)])
    return times[order] / NS_PER_SECOND, np.cumsum(changes[order])
