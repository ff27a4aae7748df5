"""Waiting longer after every failure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Waits that double from failure to failure, with jitter.

    The wait after the k-th failure in a row is drawn evenly from ``[w / 2, w]`` where
    ``w = min(most, first * 2**(k - 1))``: many clients that lost one server do not come back at
    once.

    Attributes
    ----------
    first, most
        Shortest and longest wait in seconds.
    seed
        Seed of the jitter.
    """

    first: float = 0.5
    most: float = 30.0
    seed: int = 0
    _failures: int = field(default=0, init=False)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next(self) -> float:
        """Count a failure and return the seconds to wait."""
        wait = min(self.most, self.first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return self._random.uniform(wait / 2.0, wait)

    def reset(self) -> None:
        """Forget the failures, after a success."""
        self._failures = 0

    def between(self, least: int, most: int) -> int:
        """Draw a whole number, for waits that should not fall together."""
        return self._random.randint(least, most)
