"""Workloads fitted to tables of requests, and how far each distribution is from what was seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.models.requests.arrivals import (
    Arrivals,
    GammaArrivals,
    OnOffArrivals,
    PoissonArrivals,
)
from scheduling.models.requests.lengths import (
    EmpiricalLength,
    FixedLength,
    Lengths,
    LognormalLength,
)
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass, Workload

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Law = TypeVar("Law", Arrivals, Lengths)

_SHARES = (*(step / 200 for step in range(200)), 0.999, 1.0)
_DRAWS = 100_000
_SEED = 1
_MOST_SCV = 1e4
_STEPS = 300
_SAME = 0.01
"""Distances that differ by less are no reason to take the richer law."""

_DIGITS = 6
"""Significant digits of what is fitted, more than any number of requests can tell apart."""

_SEEN = 10_000
"""Times between arrivals that a mixture is fitted to; of more, every k-th is taken."""


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a distribution is from the requests of a class.

    Parameters
    ----------
    name
        The class.
    of
        ``"gaps"`` between arrivals, ``"prompt"`` or ``"output"`` tokens.
    law
        Kind of the distribution.
    distance
        Kolmogorov and Smirnov's: the largest difference between the two shares of requests below
        any value, from 0 to 1; against 100,000 draws, so good to half a percent.
    taken
        Whether it is the one in the fitted workload.
    """

    name: str
    of: str
    law: str
    distance: float
    taken: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """A workload and how well it describes the requests that it was fitted to."""

    workload: Workload
    distances: tuple[Distance, ...]


def fit(table: RequestTable) -> Fit:
    """Fit a workload to requests: for each class the nearest of several distributions.

    Arrivals are Poisson, Gamma with the mean and variance seen, or on and off, found by the EM
    algorithm as a mixture of two exponentials (Dempster, Laird, Rubin 1977). Lengths are fixed,
    lognormal, or 202 quantiles. The share of cached tokens is that of all prompts together. What
    changes over time, or from one request to the next, is in none of these. Numbers are
    rounded to six significant digits, tokens to thousandths, and the distances are theirs.

    Raises
    ------
    InputError
        When a class has fewer than three arrivals, or all at one time.
    """
    classes = []
    distances: list[Distance] = []
    for row, name in enumerate(table.demands):
        own = table.demand == row
        if not own.any():
            continue
        prompt, output = table.prompt_tokens[own], table.output_tokens[own]
        between = np.diff(table.arrival_ns[own]) / 1e9
        if len(between) < 2 or not between.any():
            found = f"{int(own.sum())} requests of {name!r}"
            expected = "three or more, not all at one time"
            raise InputError.single("arrival_ns", found, expected)
        arrivals = _nearest(name, "gaps", between, _arrival_laws(between), _gaps, distances)
        laws = [
            _nearest(name, of, column.astype(np.float64), _length_laws(column), _draws, distances)
            for of, column in (("prompt", prompt), ("output", output))
        ]
        share = reused(table.cached_tokens[own], prompt)
        classes.append(
            RequestClass(
                name=name, arrivals=arrivals, prompt=laws[0], output=laws[1], prefix_share=share
            )
        )
    if not classes:
        raise InputError.single("table", "no request", "three at least")
    return Fit(Workload(classes=tuple(classes)), tuple(distances))


def empirical(tokens: Ints) -> EmpiricalLength:
    """Return lengths as they were seen: 202 of their quantiles."""
    quantiles = np.quantile(tokens, _SHARES).tolist()
    return EmpiricalLength(shares=_SHARES, tokens=tuple(round(value, 3) for value in quantiles))


def reused(cached_tokens: Ints, prompt_tokens: Ints) -> float:
    """Return the share of all prompt tokens whose KV is in the cache, in millionths."""
    # Rounded down: a share that is below 1 stays there.
    return int(cached_tokens.sum()) * 10**6 // int(prompt_tokens.sum()) / 10**6


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _nearest(
    name: str,
    of: str,
    seen: Floats,
    laws: list[Law],
    draw: Callable[[Law, np.random.Generator], Floats],
    distances: list[Distance],
) -> Law:
    """Take the first law whose draws are about as near to what was seen as those of any."""
    ordered = np.sort(seen)
    far = [_distance(ordered, np.sort(draw(law, np.random.default_rng(_SEED)))) for law in laws]
    best = next(row for row, value in enumerate(far) if value < min(far) + _SAME)
    for row, law in enumerate(laws):
        distances.append(Distance(name, of, law.kind, far[row], row == best))
    return laws[best]


def _gaps(law: Arrivals, rng: np.random.Generator) -> Floats:
    # Tables keep arrivals in nanoseconds, in which close ones coincide.
    arrivals = np.rint(np.cumsum(law.gaps(_DRAWS, rng)) * 1e9)
    return np.asarray(np.diff(arrivals) / 1e9)


def _draws(law: Lengths, rng: np.random.Generator) -> Floats:
    return law.draw(_DRAWS, rng).astype(np.float64)


def _distance(first: Floats, second: Floats) -> float:
    """Largest difference between the shares of two ascending columns up to any of their values."""
    values = np.concatenate((first, second))
    shares = [np.searchsorted(own, values, side="right") / len(own) for own in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())


def _arrival_laws(between: Floats) -> list[Arrivals]:
    mean = float(between.mean())
    scv = float(between.var()) / mean**2
    rate = _short(1 / mean)
    laws: list[Arrivals] = [PoissonArrivals(rate=rate)]
    if 1 / _MOST_SCV < scv < _MOST_SCV:
        laws.append(GammaArrivals(rate=rate, cv=_short(math.sqrt(scv))))
    bursts = _bursts(between / mean)
    if bursts is not None:
        on, off = (_short(seconds * mean) for seconds in bursts)
        laws.append(OnOffArrivals(rate=rate, on_seconds=on, off_seconds=off))
    return laws


def _bursts(between: Floats) -> tuple[float, float] | None:
    """Mean times of bursts and silences of times between arrivals with the mean 1.

    These are a mixture of two exponentials with rates ``fast`` and ``slow``, and a mixture is an
    interrupted Poisson process (Kuczura 1973). ``None`` when there is no second exponential.
    """
    seen = between[:: max(1, len(between) // _SEEN)]
    share, fast, slow = 0.7, 4.0, 0.4
    for _ in range(_STEPS):
        first = share * fast * np.exp(-np.minimum(fast * seen, 700.0))
        second = (1 - share) * slow * np.exp(-np.minimum(slow * seen, 700.0))
        weight = first / (first + second)
        total, time = float(weight.sum()), float(weight @ seen)
        rest, rest_time = len(seen) - total, float((1 - weight) @ seen)
        if min(total, rest) < 1 or min(time, rest_time) < 1e-9 * len(seen):
            return None
        last = fast, slow
        share, fast, slow = total / len(seen), total / time, rest / rest_time
        if math.isclose(last[0], fast, rel_tol=1e-6) and math.isclose(last[1], slow, rel_tol=1e-6):
            break
    burst_rate = share * fast + (1 - share) * slow
    enter = fast * slow / burst_rate
    leave = fast + slow - burst_rate - enter
    if leave < 1e-6 or enter < 1e-6:
        return None
    return 1 / leave, 1 / enter


def _length_laws(tokens: Ints) -> list[Lengths]:
    low, high = int(tokens.min()), int(tokens.max())
    if low == high:
        return [FixedLength(tokens=low)]
    logs = np.log(tokens)
    return [
        LognormalLength(
            median=_short(math.exp(float(logs.mean()))),
            sigma=_short(min(float(logs.std()), 10.0)),
            at_least=low,
            at_most=high,
        ),
        empirical(tokens),
    ]
