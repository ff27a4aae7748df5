"""Latencies of a run with confidence, what kept its service levels, and how full the fleet was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.run import FleetRun

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

PERCENTILES = (50.0, 90.0, 95.0, 99.0)
_BATCHES = 20
_LEAST_BATCH = 30
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Slo:
    """Seconds that a request may take; ``None`` is no limit.

    Parameters
    ----------
    ttft_seconds, tpot_seconds, e2e_seconds
        To its first token, between later tokens on average, and to its last.
    """

    ttft_seconds: float | None = None
    tpot_seconds: float | None = None
    e2e_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of a run, and how far off it may be.

    Parameters
    ----------
    value
        Over all requests that count.
    half_width
        Half of the 95 % confidence interval of the same figure in an endless run, by batch means:
        the requests in order of arrival are cut into 20 batches, or fewer of at least 30, and the
        figures of the batches are taken as independent and normal. ``None`` with fewer than two
        batches.
    """

    value: float
    half_width: float | None

    @property
    def low(self) -> float:
        """Lower end of the interval; the value itself where there is none."""
        return self.value - (self.half_width or 0.0)

    @property
    def high(self) -> float:
        """Upper end of the interval; the value itself where there is none."""
        return self.value + (self.half_width or 0.0)


@dataclass(frozen=True, slots=True)
class Latency:
    """Mean and percentiles of a time in seconds."""

    mean: Estimate
    percentiles: Mapping[float, Estimate]


@dataclass(frozen=True, slots=True)
class DemandMetrics:
    """How the requests of one class fared.

    Parameters
    ----------
    demand
        Its name.
    requests, served, rejected
        Requests that came, were served, and fitted into no memory.
    queue, ttft, tpot, e2e
        Seconds of those served; ``tpot`` of those with more than one token. ``None`` without any.
    attainment
        Share of the requests that came which kept all limits; rejected ones did not. ``None``
        without limits or requests.
    goodput
        Requests a second that kept all limits, over the time in which requests came.
    """

    demand: str
    requests: int
    served: int
    rejected: int
    queue: Latency | None
    ttft: Latency | None
    tpot: Latency | None
    e2e: Latency | None
    attainment: Estimate | None
    goodput: float | None


@dataclass(frozen=True, slots=True)
class GroupMetrics:
    """How busy the instances of a group were, until the last request ended.

    Parameters
    ----------
    group
        Its name.
    instances
        How many it has.
    utilisation
        Share of the time in which an instance ran batches, on average.
    busiest
        The same of the busiest instance.
    kv_mean, kv_peak
        Share of the KV memory in use: on average over time and instances, and the most at any
        instance.
    restarts, swaps, iterations
        Evictions after which requests began anew, those after which they came back from the host,
        and batches of all its instances.
    host_tokens
        Tokens of prompts that came from the host, where their prefixes were kept.
    adapter_loads
        Adapters that were loaded.
    """

    group: str
    instances: int
    utilisation: float
    busiest: float
    kv_mean: float
    kv_peak: float
    restarts: int
    swaps: int
    iterations: int
    host_tokens: int
    adapter_loads: int


@dataclass(frozen=True, slots=True)
class FleetMetrics:
    """Figures of a run by class of requests and by group of instances.

    Parameters
    ----------
    demands, groups
        One entry each.
    makespan_seconds
        When the last request ended.
    queued
        Requests that waited in queues, on average over that time.
    """

    demands: tuple[DemandMetrics, ...]
    groups: tuple[GroupMetrics, ...]
    makespan_seconds: float
    queued: float


def measure(
    run: FleetRun,
    slos: Mapping[str, Slo] | None = None,
    *,
    percentiles: Sequence[float] = PERCENTILES,
    warmup_seconds: float = 0.0,
) -> FleetMetrics:
    """Sum up a run.

    Parameters
    ----------
    run
        What :func:`~scheduling.simulator.requests.fleet.simulate_fleet` returned.
    slos
        Limits by the name of the demand; those without an entry have none.
    percentiles
        Percentiles of the latencies, between 0 and 100.
    warmup_seconds
        Requests that came earlier do not count, for the fleet was emptier than it is later.

    Raises
    ------
    InputError
        For a percentile out of range, or limits of a demand that the run does not have.
    """
    known = run.table.demands
    strange = sorted(set(slos or {}) - set(known))
    if strange:
        raise InputError.single("slos", ", ".join(strange), f"demands of {', '.join(known)}")
    for percentile in percentiles:
        if not 0 < percentile < 100:
            raise InputError.single("percentiles", str(percentile), "between 0 and 100")
    counted = run.table.arrival_ns >= round(warmup_seconds * NS_PER_SECOND)
    span = run.makespan_seconds
    return FleetMetrics(
        demands=tuple(
            _demand(run, row, (slos or {}).get(name), percentiles, counted)
            for row, name in enumerate(known)
        ),
        groups=_groups(run),
        makespan_seconds=span,
        queued=float(run.queue_seconds.sum()) / span if span else 0.0,
    )


def _demand(
    run: FleetRun, row: int, slo: Slo | None, percentiles: Sequence[float], counted: Mask
) -> DemandMetrics:
    own = counted & (run.table.demand == row)
    # The columns of times hold served requests only.
    inside = own[run.served]
    many = inside & (run.table.output_tokens[run.served] > 1)
    times = {
        "queue": run.queue_seconds[inside],
        "ttft": run.ttft_seconds[inside],
        "tpot": run.tpot_seconds[many],
        "e2e": run.e2e_seconds[inside],
    }
    latencies = {name: _latency(values, percentiles) for name, values in times.items()}
    requests, served = int(own.sum()), int(inside.sum())
    kept = None if slo is None or not requests else _kept(run, slo)[own]
    came = run.came_ns[own]
    seconds = float(came.max() - came.min()) / NS_PER_SECOND if requests else 0.0
    return DemandMetrics(
        demand=run.table.demands[row],
        requests=requests,
        served=served,
        rejected=requests - served,
        attainment=None if kept is None else estimate(kept.astype(np.float64), None),
        goodput=None if kept is None or not seconds else float(kept.sum()) / seconds,
        **latencies,
    )


def _kept(run: FleetRun, slo: Slo) -> Mask:
    """Tell of every request whether it kept all limits."""
    served = run.served
    kept = np.ones(int(served.sum()), dtype=np.bool_)
    for limit, values in (
        (slo.ttft_seconds, run.ttft_seconds),
        (slo.tpot_seconds, run.tpot_seconds),
        (slo.e2e_seconds, run.e2e_seconds),
    ):
        if limit is not None:
            kept &= values <= limit
    everyone = np.zeros(len(served), dtype=np.bool_)
    everyone[served] = kept
    return everyone


def _latency(values: Floats, percentiles: Sequence[float]) -> Latency | None:
    if not len(values):
        return None
    return Latency(
        mean=estimate(values, None),
        percentiles={percentile: estimate(values, percentile) for percentile in percentiles},
    )


def estimate(values: Floats, percentile: float | None) -> Estimate:
    """Return the mean, or a percentile, with its confidence by batch means."""

    def figure(part: Floats) -> float:
        return float(part.mean() if percentile is None else np.percentile(part, percentile))

    batches = min(_BATCHES, len(values) // _LEAST_BATCH)
    if batches < 2:
        return Estimate(figure(values), None)
    parts = [figure(part) for part in np.array_split(values, batches)]
    spread = float(np.std(parts, ddof=1)) / sqrt(batches)
    return Estimate(figure(values), student_quantile(batches - 1) * spread)


def student_quantile(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t: Hill's expansion from 3 degrees on."""
    if freedom == 1:
        return 12.7062
    if freedom == 2:
        return 4.3027
    z = NormalDist().inv_cdf((1 + _CONFIDENCE) / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _groups(run: FleetRun) -> tuple[GroupMetrics, ...]:
    span = run.makespan_seconds * NS_PER_SECOND
    found = []
    for name in dict.fromkeys(instance.group for instance in run.instances):
        own = [instance for instance in run.instances if instance.group == name]
        busy = [instance.tally.busy_ns / span if span else 0.0 for instance in own]
        means = [
            instance.tally.block_ns / (span * instance.capacity_blocks)
            for instance in own
            if span and instance.capacity_blocks
        ]
        peaks = [
            instance.tally.peak_blocks / instance.capacity_blocks
            for instance in own
            if instance.capacity_blocks
        ]
        found.append(
            GroupMetrics(
                group=name,
                instances=len(own),
                utilisation=sum(busy) / len(own),
                busiest=max(busy),
                kv_mean=sum(means) / len(own),
                kv_peak=max(peaks, default=0.0),
                restarts=sum(instance.tally.restarts for instance in own),
                swaps=sum(instance.tally.swaps for instance in own),
                iterations=sum(instance.tally.iterations for instance in own),
                host_tokens=sum(instance.tally.host_tokens for instance in own),
                adapter_loads=sum(instance.tally.adapter_loads for instance in own),
            )
        )
    return tuple(found)
