"""Waiting times of pools of equal servers.

A pool of ``c`` replicas that share one queue is a G/G/c queue: requests arrive with a mean rate
and a squared coefficient of variation (scv) of the times between them, 1 for Poisson arrivals, and
are served for a mean time with an scv of its own, 0 for equal times and 1 for exponential ones.
All times are seconds and all rates per second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError

Floats = NDArray[np.float64]

_QUADRATURE = np.polynomial.laguerre.laggauss(48)


@dataclass(frozen=True, slots=True)
class Queue:
    """A pool with one queue that is served in order of arrival.

    Parameters
    ----------
    servers
        Servers ``c``, at least 1.
    rate
        Requests that arrive per second.
    service_seconds
        Mean time that a server spends on one.
    service_scv
        Squared coefficient of variation of that time.
    arrival_scv
        Squared coefficient of variation of the times between arrivals.

    Raises
    ------
    InputError
        For negative or endless numbers, no service time, or fewer than one server.
    """

    servers: int
    rate: float
    service_seconds: float
    service_scv: float = 1.0
    arrival_scv: float = 1.0

    def __post_init__(self) -> None:
        faults = []
        if self.servers < 1:
            faults.append(Fault("servers", str(self.servers), "at least 1"))
        for name in ("rate", "service_seconds", "service_scv", "arrival_scv"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                faults.append(Fault(name, repr(value), "a finite number from 0"))
        if self.service_seconds == 0:
            faults.append(Fault("service_seconds", "0", "more than 0"))
        if faults:
            raise InputError(faults)

    @property
    def utilisation(self) -> float:
        """Share of the time that a server is busy; from 1 on the queue grows without end."""
        return self.rate * self.service_seconds / self.servers

    @property
    def mean_wait(self) -> float | None:
        """Mean seconds in the queue; ``None`` when it grows without end.

        Exact for M/M/c and M/G/1, so for M/D/1 too. For other M/G/c it is Kimura's interpolation
        between M/M/c and M/D/c (Kimura, Journal of Applied Probability 23, 1986), with Cosmetatos'
        M/D/c; for more regular arrivals Sakasegawa's formula (Annals of the Institute of
        Statistical Mathematics 29, 1977); for burstier ones Hayward's approximation (Fredericks,
        Bell System Technical Journal 59, 1980): as if ``z = (arrival_scv + 1) / 2`` requests came
        at a time to ``servers / z`` servers, each of which takes them all.
        """
        if self.utilisation >= 1:
            return None
        return float(self._waits()[1][0])

    @property
    def waiting_share(self) -> float:
        """Share of the requests that wait at all, 1 when the queue grows without end.

        Erlang's C; with bursty arrivals that of fewer servers.
        """
        return float(self._waits()[0][0]) if self.utilisation < 1 else 1.0

    def wait_quantile(self, share: float) -> float | None:
        """Return the seconds within which this share of the requests is served.

        Those that wait do so for an exponential time whose mean agrees with :attr:`mean_wait`:
        exact for M/M/c; for more regular service the tail is lighter than that, so it errs on the
        safe side far out.

        Parameters
        ----------
        share
            From 0 to below 1, such as 0.99.

        Returns
        -------
        float or None
            0 when so many do not wait at all; ``None`` when the queue grows without end.
        """
        _check_share(share)
        if self.utilisation >= 1:
            return None
        waiting, mean = (float(column[0]) for column in self._waits())
        if waiting <= 1 - share:
            return 0.0
        return mean / waiting * math.log(waiting / (1 - share))

    def _waits(self) -> tuple[Floats, Floats]:
        counts, busy = np.array([self.servers]), np.array([self.utilisation])
        waiting = waiting_shares(counts, busy, self.arrival_scv)
        factors = wait_factors(counts, busy, waiting, self.service_scv, self.arrival_scv)
        return waiting, factors * self.service_seconds


def _check_share(share: float) -> None:
    if not 0 <= share < 1:
        raise InputError.single("share", repr(share), "from 0 to below 1")


def waiting_shares(
    servers: NDArray[np.int64], utilisation: Floats, arrival_scv: float = 1.0
) -> Floats:
    """Return the shares of requests that wait at pools whose sizes ascend.

    Erlang's C, at bursty arrivals of fewer servers, as :attr:`Queue.mean_wait` says. The inverse
    ``I(x)`` of Erlang's B obeys ``I(x) = 1 + x / a * I(x - 1)``, which runs over all pools at once
    from the fraction ``f`` of x on, where it is the integral of ``exp(-u) * (1 + u / a) ** f``. It
    grows where B falls, so it may overflow to infinity, which stands for B = 0.
    """
    sizes = servers / _peakedness(arrival_scv)
    offered = sizes * utilisation
    whole = np.floor(sizes)
    fraction = sizes - whole
    inverse = np.ones(len(sizes))
    first = np.searchsorted(whole, np.arange(1, int(whole[-1]) + 1))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        if fraction.any():
            for node, weight in zip(*_QUADRATURE, strict=True):
                inverse += weight * ((1.0 + node / offered) ** fraction - 1.0)
        for count, start in enumerate(first.tolist(), start=1):
            ratio = (count + fraction[start:]) / offered[start:]
            inverse[start:] = 1.0 + inverse[start:] * ratio
        blocked = np.where(offered > 0, 1.0 / inverse, 0.0)
    return np.asarray(blocked / (1.0 - utilisation * (1.0 - blocked)))


def _peakedness(arrival_scv: float) -> float:
    """Return the requests that seem to come at a time: of renewals, in heavy traffic."""
    return max(1.0, (arrival_scv + 1.0) / 2.0)


def wait_factors(
    servers: NDArray[np.int64],
    utilisation: Floats,
    waiting: Floats,
    service_scv: float,
    arrival_scv: float,
) -> Floats:
    """Return mean waits in units of the mean service time.

    ``waiting`` are the :func:`waiting_shares` of the same pools and arrivals.
    """
    idle = servers * (1.0 - utilisation)
    spread = (arrival_scv + service_scv) / 2.0
    if arrival_scv > 1.0:
        return np.asarray(waiting * spread / idle)
    if arrival_scv < 1.0:
        power = np.sqrt(2.0 * (servers + 1)) - 1.0
        return np.asarray(spread * utilisation**power / idle)
    exponential = waiting / idle
    growth = (servers - 1) * (np.sqrt(4.0 + 5.0 * servers) - 2.0)
    # Numerator and denominator are multiplied by utilisation, so that an idle pool is no exception.
    load = 16.0 * utilisation * servers
    deterministic = load + (1.0 - utilisation) * growth
    weight = service_scv * deterministic + (1.0 - service_scv) * load
    return np.asarray(
        np.divide(
            exponential * (1.0 + service_scv) / 2.0 * deterministic,
            weight,
            out=np.zeros_like(exponential),
            where=weight > 0,
        )
    )
