"""Requests to reasoning models, whose answers begin with thoughts that nobody sees.

After the serving study of such models (arXiv 2510.18672): how long a model thinks depends on how
hard the question is and has a heavy tail, the visible answer is short, and requests arrive in
bursts as in BurstGPT. The study's figures of lengths are not public; those here are of that shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scheduling.models.requests.arrivals import GammaArrivals
from scheduling.models.requests.lengths import LognormalLength
from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass, Workload, sample

Ints = NDArray[np.int64]

_PROMPT = LognormalLength(median=220, sigma=0.8, at_most=8000)
_ANSWER = LognormalLength(median=350, sigma=0.6, at_most=4000)
_THOUGHTS = (
    ("easy", 0.4, LognormalLength(median=700, sigma=0.6, at_most=32_000)),
    ("medium", 0.4, LognormalLength(median=2400, sigma=0.7, at_most=32_000)),
    ("hard", 0.2, LognormalLength(median=7500, sigma=0.7, at_most=32_000)),
)


@dataclass(frozen=True, eq=False)
class ReasoningRequests:
    """Requests whose outputs are thoughts and then an answer.

    Parameters
    ----------
    table
        The requests; ``output_tokens`` counts both parts, the demands are the difficulties.
    think_tokens
        Tokens of the thoughts, before the first one that a user sees.
    """

    table: RequestTable
    think_tokens: Ints

    @property
    def plain(self) -> RequestTable:
        """The same requests to a model that answers at once."""
        return replace(self.table, output_tokens=self.table.output_tokens - self.think_tokens)


def reasoning_requests(
    requests: int, rate: float, cv: float = 2.0, seed: int = 0
) -> ReasoningRequests:
    """Draw requests of three difficulties.

    Parameters
    ----------
    requests
        How many.
    rate
        Requests a second, of all difficulties.
    cv
        Coefficient of variation of the times between arrivals of each.
    seed
        The same seed gives the same requests; another rate only stretches the time.
    """
    workload = Workload(
        classes=tuple(
            RequestClass(
                name=name,
                arrivals=GammaArrivals(rate=share * rate, cv=cv),
                prompt=_PROMPT,
                output=thoughts,
            )
            for name, share, thoughts in _THOUGHTS
        )
    )
    thinking = sample(workload, requests=requests, seed=seed)
    answers = _ANSWER.draw(requests, np.random.default_rng((seed, 1)))
    table = replace(thinking, output_tokens=thinking.output_tokens + answers)
    return ReasoningRequests(table, thinking.output_tokens)
