"""The highest rate of requests at which a fleet keeps its service levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from scheduling.errors import InputError
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.clock import LAST_NS, NS_PER_SECOND
from scheduling.simulator.requests.deployment import Deployment
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.metrics import Slo, measure
from scheduling.simulator.requests.policy import Router

_MOST_DOUBLINGS = 24
DEFAULT_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Capacity:
    """A rate between one that keeps enough and one that does not.

    Parameters
    ----------
    rate
        Requests a second, the highest that was tried and kept; ``None`` when none did.
    broken
        The lowest rate above it that was tried and did not keep; ``None`` when all did.
    tried
        Every rate that was tried, with what was kept, in order.
    """

    rate: float | None
    broken: float | None
    tried: tuple[tuple[float, float], ...]


def at_rate(table: RequestTable, rate: float) -> RequestTable:
    """Return the same requests, with times stretched so that they come at this mean rate.

    Parameters
    ----------
    table
        At least two requests that do not come all at once.
    rate
        Requests a second.

    Raises
    ------
    InputError
        When there is no rate to change, or the new one is not positive.
    """
    if len(table) < 2 or table.arrival_ns[-1] == table.arrival_ns[0]:
        raise InputError.single("requests", "all at one time", "requests that come one by one")
    if not 0 < rate < float("inf"):
        raise InputError.single("rate", str(rate), "a positive number")
    first = table.arrival_ns[0]
    span = (len(table) - 1) / rate * NS_PER_SECOND
    if span > LAST_NS:
        raise InputError.single("rate", str(rate), "a rate at which they come within 292 years")
    stretch = span / float(table.arrival_ns[-1] - first)
    return replace(table, arrival_ns=np.rint((table.arrival_ns - first) * stretch).astype(np.int64))


def highest_rate(
    share: Callable[[float], float],
    *,
    least: float = 1.0,
    start: float = 1.0,
    tolerance: float = DEFAULT_TOLERANCE,
) -> Capacity:
    """Find the highest rate at which enough is kept, by doubling, halving and bisection.

    Parameters
    ----------
    share
        What is kept at a rate; it should not grow with the rate.
    least
        How much must be.
    start
        First rate to try, in requests a second.
    tolerance
        It ends when the lowest rate that breaks is above the highest that keeps by no more than
        this share.

    Returns
    -------
    Capacity
        Without a rate when not even a request now and then keeps enough.

    Raises
    ------
    InputError
        For a rate or tolerance that is not positive.
    """
    for name, value in (("start", start), ("tolerance", tolerance)):
        if not 0 < value < float("inf"):
            raise InputError.single(name, str(value), "a positive number")
    tried: list[tuple[float, float]] = []

    def keeps(rate: float) -> bool:
        tried.append((rate, share(rate)))
        return tried[-1][1] >= least

    low, high = _bracket(keeps, start)
    if low is not None and high is not None:
        while high > low * (1 + tolerance):
            middle = (low * high) ** 0.5
            if keeps(middle):
                low = middle
            else:
                high = middle
    return Capacity(low, high, tuple(tried))


def fleet_capacity(
    deployment: Deployment,
    table: RequestTable,
    slos: Mapping[str, Slo],
    *,
    attainment: float = 0.9,
    start: float = 1.0,
    tolerance: float = DEFAULT_TOLERANCE,
    router: str | Callable[[], Router] = "least-requests",
    paths: Paths | None = None,
    seed: int = 0,
) -> Capacity:
    """Find the highest rate at which every demand keeps its limits often enough.

    The same requests come faster or slower, so the runs at two rates differ by the rate alone.

    Parameters
    ----------
    deployment, paths, seed
        As of :func:`~scheduling.simulator.requests.fleet.simulate_fleet`.
    router
        Name of a router, or what makes one for each run.
    table
        The requests.
    slos
        Limits by demand; at least one.
    attainment
        Share of the requests of each such demand that must keep them.
    start, tolerance
        As of :func:`highest_rate`.

    Returns
    -------
    Capacity
        Without a rate when even one request at a time does not keep its limits often enough.

    Raises
    ------
    InputError
        For shares or rates out of range, no limits, or requests that come all at once.
    """
    if not slos:
        raise InputError.single("slos", "none", "limits of at least one demand")
    if not 0 < attainment <= 1:
        raise InputError.single("attainment", str(attainment), "above 0, at most 1")

    def share(rate: float) -> float:
        chosen = router if isinstance(router, str) else router()
        faster = at_rate(table, rate)
        run = simulate_fleet(deployment, faster, router=chosen, paths=paths, seed=seed)
        shares = [
            demand.attainment.value
            for demand in measure(run, slos, percentiles=()).demands
            if demand.attainment is not None
        ]
        return min(shares)

    return highest_rate(share, least=attainment, start=start, tolerance=tolerance)


def _bracket(keeps: Callable[[float], bool], start: float) -> tuple[float | None, float | None]:
    """Double or halve the rate until one keeps and its double does not."""
    rate = start
    if keeps(rate):
        for _ in range(_MOST_DOUBLINGS):
            if not keeps(2 * rate):
                return rate, 2 * rate
            rate *= 2
        return rate, None
    for _ in range(_MOST_DOUBLINGS):
        if keeps(rate / 2):
            return rate / 2, rate
        rate /= 2
    return None, rate
