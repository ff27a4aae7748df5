"""Distributions of the numbers of tokens in prompts and answers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from statistics import NormalDist
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from scheduling.errors import Fault
from scheduling.models.base import Document, Frozen, Many

Ints = NDArray[np.int64]
Tokens = Annotated[int, Field(ge=1, le=2**31)]
Share = Annotated[float, Field(ge=0, le=1, strict=False)]

_NORMAL = NormalDist()


class FixedLength(Frozen):
    """Always the same number of tokens."""

    kind: Literal["fixed"] = "fixed"
    tokens: Tokens

    @property
    def mean(self) -> float:
        """Mean number of tokens."""
        return float(self.tokens)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: variance over squared mean."""
        return 0.0

    def quantile(self, share: float) -> float:
        """Return the tokens that this share of the requests does not exceed."""
        del share
        return float(self.tokens)

    def draw(self, count: int, rng: np.random.Generator) -> Ints:
        """Draw lengths."""
        del rng
        return np.full(count, self.tokens, dtype=np.int64)


class UniformLength(Document):
    """Every whole number from ``low`` to ``high``, both included, equally often.

    Raises
    ------
    InputError
        When ``high`` is below ``low``.
    """

    kind: Literal["uniform"] = "uniform"
    low: Tokens
    high: Tokens

    def _faults(self) -> Iterator[Fault]:
        if self.high < self.low:
            yield Fault("high", str(self.high), f"at least low, {self.low}")

    @property
    def mean(self) -> float:
        """Mean number of tokens."""
        return (self.low + self.high) / 2

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: variance over squared mean."""
        count = self.high - self.low + 1
        return (count * count - 1) / 12 / self.mean**2

    def quantile(self, share: float) -> float:
        """Return the tokens that this share of the requests does not exceed."""
        count = self.high - self.low + 1
        return float(self.low + max(0, math.ceil(share * count) - 1))

    def draw(self, count: int, rng: np.random.Generator) -> Ints:
        """Draw lengths."""
        return rng.integers(self.low, self.high, count, endpoint=True)


class _ByMoments(Document, ABC):
    """A distribution that knows the mean of any power of its lengths."""

    @property
    def mean(self) -> float:
        """Mean number of tokens."""
        return self._moment(1)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: variance over squared mean."""
        return max(0.0, self._moment(2) / self._moment(1) ** 2 - 1)

    @abstractmethod
    def _moment(self, order: int) -> float:
        """Mean of a power of the length."""


class LognormalLength(_ByMoments):
    """The logarithm of the tokens is normal; lengths outside the limits are set to them.

    ``mean`` and ``scv`` are those of the distribution so limited, before it is rounded to whole
    tokens.

    Raises
    ------
    InputError
        When ``at_most`` is below ``at_least``.
    """

    kind: Literal["lognormal"] = "lognormal"
    median: Annotated[float, Field(gt=0, le=2**31, strict=False)] = Field(
        description="Tokens that half of the requests do not exceed, limits apart."
    )
    sigma: Annotated[float, Field(ge=0, le=10, strict=False)] = Field(
        description="Standard deviation of the natural logarithm."
    )
    at_least: Tokens = 1
    at_most: Tokens = 1_000_000

    def _faults(self) -> Iterator[Fault]:
        if self.at_most < self.at_least:
            yield Fault("at_most", str(self.at_most), f"at least at_least, {self.at_least}")

    def _moment(self, order: int) -> float:
        """Mean of a power: of the part within the limits, and of what is set to each of them."""
        if self.sigma == 0:
            return self._limited(self.median) ** order
        centre = math.log(self.median)
        low, high = ((math.log(at) - centre) / self.sigma for at in (self.at_least, self.at_most))
        shift = order * self.sigma
        within = _NORMAL.cdf(high - shift) - _NORMAL.cdf(low - shift)
        body = math.exp(order * centre + shift * shift / 2) * within
        below, above = _NORMAL.cdf(low), 1 - _NORMAL.cdf(high)
        return float(self.at_least**order * below + body + self.at_most**order * above)

    def _limited(self, tokens: float) -> float:
        return float(min(max(tokens, self.at_least), self.at_most))

    def quantile(self, share: float) -> float:
        """Return the tokens that this share of the requests does not exceed."""
        if not 0 < share < 1:
            return float(self.at_least if share <= 0 else self.at_most)
        deviations = _NORMAL.inv_cdf(share)
        return self._limited(self.median * math.exp(self.sigma * deviations))

    def draw(self, count: int, rng: np.random.Generator) -> Ints:
        """Draw lengths."""
        raw = rng.lognormal(math.log(self.median), self.sigma, count)
        limited = np.clip(np.rint(raw), self.at_least, self.at_most)
        return np.asarray(limited, dtype=np.int64)


class EmpiricalLength(_ByMoments):
    """Given by some of its quantiles, with straight lines between them.

    Raises
    ------
    InputError
        When there are not as many ``tokens`` as ``shares``, when either falls, or when the shares
        do not run from 0 to 1.
    """

    kind: Literal["empirical"] = "empirical"
    shares: Annotated[Many[Share], Field(min_length=2)] = Field(
        description="Shares of the requests, from 0 to 1, ascending."
    )
    tokens: Many[Annotated[float, Field(ge=1, le=2**31, strict=False)]] = Field(
        description="Tokens that each share does not exceed."
    )

    def _faults(self) -> list[Fault]:
        faults = []
        if len(self.tokens) != len(self.shares):
            found = f"{len(self.tokens)} entries"
            faults.append(Fault("tokens", found, f"one for each of {len(self.shares)} shares"))
        if (self.shares[0], self.shares[-1]) != (0, 1):
            found = f"{self.shares[0]:g} to {self.shares[-1]:g}"
            faults.append(Fault("shares", found, "0 to 1"))
        if any(after <= before for before, after in pairwise(self.shares)):
            faults.append(Fault("shares", "a share that does not rise", "ascending shares"))
        if any(after < before for before, after in pairwise(self.tokens)):
            faults.append(Fault("tokens", "a number that falls", "ascending numbers"))
        return faults

    def _moment(self, order: int) -> float:
        total = 0.0
        points = pairwise(zip(self.shares, self.tokens, strict=True))
        for (start, low), (end, high) in points:
            mean = (low + high) / 2 if order == 1 else (low * low + low * high + high * high) / 3
            total += (end - start) * mean
        return total

    def quantile(self, share: float) -> float:
        """Return the tokens that this share of the requests does not exceed."""
        return float(np.interp(share, self.shares, self.tokens))

    def draw(self, count: int, rng: np.random.Generator) -> Ints:
        """Draw lengths."""
        raw = np.interp(rng.random(count), self.shares, self.tokens)
        return np.asarray(np.rint(raw), dtype=np.int64)


def _stated_length(value: Any) -> Any:
    """Read a plain number of tokens as a length that is always the same."""
    plain = isinstance(value, int) and not isinstance(value, bool)
    return {"kind": "fixed", "tokens": value} if plain else value


Lengths = Annotated[
    FixedLength | UniformLength | LognormalLength | EmpiricalLength,
    Field(discriminator="kind"),
    BeforeValidator(_stated_length),
]
"""Any distribution of lengths in tokens; a plain number stands for one that is always the same."""
