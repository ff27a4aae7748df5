"""Evolution strategy with covariance matrix adaptation.

Hansen (2016), "The CMA evolution strategy: a tutorial", arXiv 1604.00772, with its default
parameters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LAZINESS = 10
"""Generations between two decompositions of the covariance matrix."""


class Evolution:
    """Minimise a noisy function by ``ask`` for points and ``tell`` of their values.

    Parameters
    ----------
    mean
        Where to begin.
    step
        Standard deviation of the first points in each coordinate.
    population
        Points per generation.
    rng
        Source of random numbers.
    """

    def __init__(
        self, mean: Floats, step: float, population: int, rng: np.random.Generator
    ) -> None:
        n, parents = len(mean), population // 2
        weights = np.log(parents + 0.5) - np.log(np.arange(1, parents + 1))
        self.mean, self.step = mean.copy(), step
        self._rng, self._population, self._generation = rng, population, 0
        self._weights = weights / weights.sum()
        mass = 1.0 / float((self._weights**2).sum())
        self._mass = mass
        self._path_rate = (4 + mass / n) / (n + 4 + 2 * mass / n)
        self._step_rate = (mass + 2) / (n + mass + 5)
        self._rank_one = 2 / ((n + 1.3) ** 2 + mass)
        self._rank_many = min(1 - self._rank_one, 2 * (mass - 2 + 1 / mass) / ((n + 2) ** 2 + mass))
        self._damping = 1 + 2 * max(0.0, ((mass - 1) / (n + 1)) ** 0.5 - 1) + self._step_rate
        self._usual = n**0.5 * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        self._path, self._step_path = np.zeros(n), np.zeros(n)
        self._covariance, self._axes, self._scales = np.eye(n), np.eye(n), np.ones(n)
        self._moves = np.zeros((population, n))

    def ask(self) -> Floats:
        """Return the points of the next generation, one a row."""
        normal = self._rng.standard_normal((self._population, len(self.mean)))
        self._moves = (normal * self._scales) @ self._axes.T
        return self.mean + self.step * self._moves

    def tell(self, values: Floats) -> None:
        """Learn from the values of the points that were asked for last."""
        self._generation += 1
        best = self._moves[np.argsort(values, kind="stable")[: len(self._weights)]]
        move = self._weights @ best
        self.mean = self.mean + self.step * move
        white = self._axes @ ((self._axes.T @ move) / self._scales)
        rate = self._step_rate
        self._step_path = (1 - rate) * self._step_path + np.sqrt(
            rate * (2 - rate) * self._mass
        ) * white
        length = float(np.linalg.norm(self._step_path))
        early = np.sqrt(1 - (1 - rate) ** (2 * self._generation))
        steady = length / early < (1.4 + 2 / (len(self.mean) + 1)) * self._usual
        self._adapt(best, move, steady)
        self.step *= float(np.exp(rate / self._damping * (length / self._usual - 1)))

    def _adapt(self, best: Floats, move: Floats, steady: bool) -> None:
        """Turn the covariance matrix towards the moves that were good."""
        rate = self._path_rate
        self._path = (1 - rate) * self._path
        if steady:
            self._path += np.sqrt(rate * (2 - rate) * self._mass) * move
        kept = 1 - self._rank_one - self._rank_many
        if not steady:
            kept += self._rank_one * rate * (2 - rate)
        self._covariance = (
            kept * self._covariance
            + self._rank_one * np.outer(self._path, self._path)
            + self._rank_many * (best.T * self._weights) @ best
        )
        if self._generation % _LAZINESS == 0:
            self._covariance = (self._covariance + self._covariance.T) / 2
            variances, self._axes = np.linalg.eigh(self._covariance)
            self._scales = np.sqrt(np.maximum(variances, 1e-20))
