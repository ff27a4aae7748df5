"""Processes by which requests arrive, all with a mean rate and a burstiness.

All are renewal processes: the times between arrivals are independent draws of one distribution. A
drawn trace starts as if a request had just arrived.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scheduling.models.base import Frozen

Floats = NDArray[np.float64]
Rate = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=False)]
Seconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=False)]


class PoissonArrivals(Frozen):
    """Independent arrivals: the times between them are exponential."""

    kind: Literal["poisson"] = "poisson"
    rate: Rate = Field(description="Requests per second.")

    @property
    def scv(self) -> float:
        """Squared coefficient of variation of the times between arrivals."""
        return 1.0

    def gaps(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw seconds from one arrival to the next."""
        return rng.exponential(1.0 / self.rate, count)


class GammaArrivals(Frozen):
    """Times between arrivals have a Gamma distribution: a cv above 1 makes them bursty.

    The renewal process that BurstGPT (Wang et al., KDD 2025) and ServeGen (Xiang et al., arXiv
    2505.09999) find in traces of language models.
    """

    kind: Literal["gamma"] = "gamma"
    rate: Rate = Field(description="Requests per second.")
    cv: Annotated[float, Field(gt=0, le=100, strict=False)] = Field(
        description="Standard deviation of the times between arrivals over their mean."
    )

    @property
    def scv(self) -> float:
        """Squared coefficient of variation of the times between arrivals."""
        return self.cv**2

    def gaps(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw seconds from one arrival to the next."""
        return rng.gamma(1.0 / self.scv, self.scv / self.rate, count)


class OnOffArrivals(Frozen):
    """Poisson arrivals in bursts, silence between them; both last exponential times.

    The interrupted Poisson process. Its times between arrivals are independent and
    hyperexponential with the scv ``1 + 2 a r / (a + b)^2``, where ``r`` is the rate of a burst and
    ``1 / a`` and ``1 / b`` the mean times of a burst and of a silence (Kuczura, Bell System
    Technical Journal 52, 1973).
    """

    kind: Literal["on-off"] = "on-off"
    rate: Rate = Field(description="Requests per second, in the mean over bursts and silences.")
    on_seconds: Seconds = Field(description="Mean time of a burst.")
    off_seconds: Seconds = Field(description="Mean time between two bursts.")

    @property
    def burst_rate(self) -> float:
        """Requests per second in a burst."""
        return self.rate * (self.on_seconds + self.off_seconds) / self.on_seconds

    @property
    def scv(self) -> float:
        """Squared coefficient of variation of the times between arrivals."""
        leave, enter = 1.0 / self.on_seconds, 1.0 / self.off_seconds
        return 1.0 + 2.0 * leave * self.burst_rate / (leave + enter) ** 2

    def gaps(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw seconds from one arrival to the next.

        While a burst lasts, arrivals are Poisson and so are its ends: the silences that fall
        between two arrivals are counted, and their sum has a Gamma distribution of that shape.
        """
        gaps = rng.exponential(1.0 / self.burst_rate, count)
        silences = rng.poisson(gaps / self.on_seconds)
        after = silences > 0
        gaps[after] += rng.gamma(silences[after], self.off_seconds)
        return gaps


Arrivals = Annotated[PoissonArrivals | GammaArrivals | OnOffArrivals, Field(discriminator="kind")]
"""Any process of arrivals."""
