"""Tables of measured operators, interpolated on logarithms of sizes and seconds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from statistics import median
from typing import NamedTuple

from scheduling.models.cost.operators import Timed
from scheduling.models.cost.precision import Dtype
from scheduling.models.cost.protocol import Provenance

Point = tuple[float, ...]
"""Sizes of one measurement; zero sizes are taken as one."""


class AttentionKey(NamedTuple):
    """What tells tables of attention apart: heads of one GPU and the type of KV."""

    heads: int
    kv_heads: int
    head_dim: int
    kv: Dtype


class LatentKey(NamedTuple):
    """What tells tables of blocks of latent attention apart."""

    heads: int
    hidden: int
    kv_rank: int
    weights: Dtype
    kv: Dtype


class ExpertKey(NamedTuple):
    """What tells tables of layers of experts apart."""

    hidden: int
    ffn: int
    total: int
    active: int
    tp: int
    ep: int
    weights: Dtype
    compute: Dtype


PRODUCTS = (1.0, 1.0, 1.0)
"""Powers of n, k and rows that products grow with beyond a table."""

SEQUENCES = {"prefill": (1.0, 2.0), "decode": (1.0, 1.0)}
"""Powers of requests and of tokens of each that attention grows with beyond a table."""

EXPERTS = (1.0,)
"""Power of tokens that a layer of experts grows with beyond a table."""


class Nested:
    """Measurements over several sizes, interpolated one size after the other.

    Between two sizes seconds follow ``log(seconds)`` over ``log(size)``; along each size they never
    fall, whatever the noise of measurements. Beyond the largest size they go on with the last
    slope, taken between zero and ``steepest``; below the smallest they stay.

    Parameters
    ----------
    points
        Seconds above zero by sizes; at least one.
    steepest
        Power of the first size, second size, … that seconds may grow with beyond the table.
    """

    def __init__(self, points: Mapping[Point, float], steepest: Sequence[float]) -> None:
        groups: dict[float, dict[Point, float]] = {}
        for sizes, seconds in points.items():
            groups.setdefault(max(sizes[0], 1.0), {})[sizes[1:]] = seconds
        self._keys = sorted(groups)
        self._logs = [log(key) for key in self._keys]
        self._steepest = steepest[0]
        self._inner: list[Nested] | None = None
        self._values: list[float] = []
        if len(steepest) > 1:
            self._inner = [Nested(groups[key], steepest[1:]) for key in self._keys]
        else:
            self._values = _never_falling([log(groups[key][()]) for key in self._keys])

    def points(self) -> Iterator[tuple[Point, float]]:
        """Yield sizes and seconds of the measurements, as far as they never fall."""
        for place, key in enumerate(self._keys):
            if self._inner is None:
                yield (key,), exp(self._values[place])
            else:
                for sizes, seconds in self._inner[place].points():
                    yield (key, *sizes), seconds

    def at(self, *sizes: float) -> Timed:
        """Return the seconds at these sizes and whether they were measured."""
        logarithm, provenance = self._at(sizes)
        return Timed(exp(logarithm), provenance)

    def _at(self, sizes: Sequence[float]) -> tuple[float, Provenance]:
        size = max(sizes[0], 1.0)
        place = bisect_left(self._keys, size)
        if place < len(self._keys) and self._keys[place] == size:
            return self._of(place, sizes)
        if place == 0:
            value, _ = self._of(0, sizes)
            return value, Provenance.EXTRAPOLATED
        low, below = self._of(place - 1, sizes)
        here = log(size)
        if place == len(self._keys):
            slope = self._steepest
            if place > 1:
                before, _ = self._of(place - 2, sizes)
                slope = (low - before) / (self._logs[-1] - self._logs[-2])
                slope = min(max(slope, 0.0), self._steepest)
            return low + slope * (here - self._logs[-1]), Provenance.EXTRAPOLATED
        high, above = self._of(place, sizes)
        share = (here - self._logs[place - 1]) / (self._logs[place] - self._logs[place - 1])
        value = low + share * (max(low, high) - low)
        return value, max(below, above, Provenance.INTERPOLATED)

    def _of(self, place: int, sizes: Sequence[float]) -> tuple[float, Provenance]:
        if self._inner is None:
            return self._values[place], Provenance.MEASURED
        return self._inner[place]._at(sizes[1:])


class Samples(dict[Point, list[float]]):
    """Seconds of repeated measurements by sizes."""

    def add(self, sizes: Point, seconds: float) -> None:
        """Add one measurement."""
        self.setdefault(sizes, []).append(seconds)

    def nested(self, steepest: Sequence[float]) -> Nested:
        """Return the medians for interpolation."""
        return Nested({sizes: median(seconds) for sizes, seconds in self.items()}, steepest)


def _never_falling(values: Sequence[float]) -> list[float]:
    """Midway between the least sequence above and the greatest below that never fall."""
    upper, lower = list(values), list(values)
    for place in range(1, len(values)):
        upper[place] = max(upper[place], upper[place - 1])
    for place in range(len(values) - 2, -1, -1):
        lower[place] = min(lower[place], lower[place + 1])
    return [(high + low) / 2 for high, low in zip(upper, lower, strict=True)]


@dataclass(frozen=True)
class OperatorTable:
    """Measured seconds of operators on one GPU with one version of one engine.

    Parameters
    ----------
    name
        GPU and engine, as the file has them.
    products
        By types of weights and of operands: over n, k and rows.
    prefill, decode
        Attention of one layer: over requests and tokens of each.
    latent_prefill, latent_decode
        Blocks of latent attention, products included: over requests and tokens of each.
    experts
        One layer of routed experts: over tokens that enter it.
    all_reduce, all_gather, all_to_all
        By GPUs of the group: over bytes, as :class:`~scheduling.models.cost.collectives.Links`
        counts them.
    send
        Between two GPUs: over bytes.
    """

    name: str
    products: Mapping[tuple[Dtype, Dtype], Nested] = field(default_factory=dict)
    prefill: Mapping[AttentionKey, Nested] = field(default_factory=dict)
    decode: Mapping[AttentionKey, Nested] = field(default_factory=dict)
    latent_prefill: Mapping[LatentKey, Nested] = field(default_factory=dict)
    latent_decode: Mapping[LatentKey, Nested] = field(default_factory=dict)
    experts: Mapping[ExpertKey, Nested] = field(default_factory=dict)
    all_reduce: Mapping[int, Nested] = field(default_factory=dict)
    all_gather: Mapping[int, Nested] = field(default_factory=dict)
    all_to_all: Mapping[int, Nested] = field(default_factory=dict)
    send: Nested | None = None
