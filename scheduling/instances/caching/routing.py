"""Routing traces of mixture-of-experts layers as problems of keeping experts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.models.caching.problem import CachedObject, CachingProblem
from scheduling.models.caching.solution import CachingSolution, Stay

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RoutingTrace:
    """Which experts of one layer each token activates.

    Attributes
    ----------
    scores
        Router's probability of each expert, (tokens, experts).
    active
        Experts that each token activates, (tokens, top), the highest score first.
    """

    scores: Floats
    active: Ints

    @property
    def n_experts(self) -> int:
        """Number of experts."""
        return int(self.scores.shape[1])

    def problem(self, capacity: int, name: str = "experts") -> CachingProblem:
        """State the cache of the layer: room for some experts, each token needs all of its own.

        Raises
        ------
        InputError
            When the capacity is negative.
        """
        if capacity < 0:
            raise InputError.single("capacity", str(capacity), "0 or more experts")
        return CachingProblem(
            name=name,
            capacity=capacity,
            objects=tuple(CachedObject(id=f"expert {e}") for e in range(self.n_experts)),
            requests=tuple(tuple(f"expert {e}" for e in row) for row in self.active.tolist()),
        )

    def stays(self, contents: Sequence[frozenset[int]]) -> CachingSolution:
        """Translate what a cache holds behind each token into what it keeps between uses.

        An expert that comes into the cache without a use, ahead of its next one, is loaded for it:
        it costs as much as the miss that it avoids, and counts as one.

        Parameters
        ----------
        contents
            Experts in the cache behind each token.
        """
        last: dict[int, int] = {}
        left: dict[int, int] = {}
        found = []
        for token, row in enumerate(self.active.tolist()):
            for expert in row:
                since = last.get(expert)
                if since is not None and left.get(expert, -1) < since:
                    found.append(Stay(object=f"expert {expert}", since=since, until=token))
                last[expert] = token
            for expert in last:
                if expert not in contents[token]:
                    left[expert] = token
        return CachingSolution.model_validate({"status": "feasible", "stays": found})


def routing_trace(
    *, tokens: int, experts: int, top: int, skew: float, memory: float, noise: float, seed: int
) -> RoutingTrace:
    """Draw a trace: logits are a fixed popularity, a process that forgets slowly, and noise.

    Parameters
    ----------
    tokens, experts, top
        Sizes; each token activates ``top`` experts.
    skew
        Standard deviation of the popularity, in logits.
    memory
        Correlation of the process between one token and the next; its deviation is 1.
    noise
        Standard deviation of what is drawn anew for every token.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    popular = rng.normal(0.0, skew, experts)
    steps = rng.normal(0.0, 1.0, (tokens, experts))
    process = np.empty_like(steps)
    process[0] = steps[0]
    for token in range(1, tokens):
        process[token] = memory * process[token - 1] + np.sqrt(1 - memory**2) * steps[token]
    weight = np.exp(popular + process + rng.normal(0.0, noise, (tokens, experts)))
    scores = weight / weight.sum(axis=1, keepdims=True)
    return RoutingTrace(scores, np.argsort(-scores, axis=1, kind="stable")[:, :top])
