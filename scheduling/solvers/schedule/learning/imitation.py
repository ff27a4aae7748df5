"""Imitation: weights under which a network decides as solved schedules do.

The network's scores are the utilities of a conditional logit model (McFadden, 1974): the chance of
a candidate is proportional to the exponential of its score. The likelihood of the decisions that
the solved schedules made is maximised by Adam (Kingma and Ba, arXiv 1412.6980).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.schedule.learning.inputs import INPUTS, SITUATION, n_weights

Floats = NDArray[np.float64]

_STEPS = 1500
_BATCH = 2000
_RATE = 0.01
_DECAY = 1e-4
_SPREAD = 0.3


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decisions of solved schedules.

    Attributes
    ----------
    inputs
        A row for each candidate.
    chosen
        1 for the candidate that the schedule started, else 0.
    first
        First row of each decision, and the number of rows at the end.
    """

    inputs: Floats
    chosen: Floats
    first: NDArray[np.int64]

    @classmethod
    def of(cls, logs: list[Floats]) -> Decisions:
        """Join logs of :func:`~..kernels.jobshop_learned.record_decisions`."""
        width = len(INPUTS)
        rows = np.vstack(logs)
        offsets = np.cumsum([0, *map(len, logs)])
        first = np.concatenate(
            [
                np.unique(log[:, width]).astype(np.int64) + at
                for log, at in zip(logs, offsets, strict=False)
            ]
        )
        return cls(rows[:, :width], rows[:, width + 1], np.append(first, len(rows)))

    def part(self, begin: int, end: int) -> Decisions:
        """Return the decisions from one to another."""
        rows = slice(self.first[begin], self.first[end])
        first = self.first[begin : end + 1] - self.first[begin]
        return Decisions(self.inputs[rows], self.chosen[rows], first)


def imitate(decisions: Decisions, units: int, rng: np.random.Generator) -> Floats:
    """Return the weights of a network that decides as the schedules did.

    Parameters
    ----------
    decisions
        What they decided.
    units
        Hidden units of the network.
    rng
        Source of random numbers.
    """
    weights = _SPREAD * rng.standard_normal(n_weights(units))
    weights[: len(INPUTS)] = 0.0
    slope, square = np.zeros_like(weights), np.zeros_like(weights)
    last = len(decisions.first) - 1
    size = min(_BATCH, last)
    for step in range(1, _STEPS + 1):
        begin = int(rng.integers(0, last - size + 1))
        gradient = _gradient(weights, units, decisions.part(begin, begin + size))
        gradient += _DECAY * weights
        slope = 0.9 * slope + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        scale = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        weights = weights - _RATE * slope / (1 - 0.9**step) / scale
    return weights


def _gradient(weights: Floats, units: int, decisions: Decisions) -> Floats:
    """Gradient of the mean negative logarithm of the likelihood."""
    width = len(INPUTS)
    linear, hidden = weights[:width], weights[width:].reshape(units, width + 2)
    inner = decisions.inputs @ hidden[:, :width].T + hidden[:, width]
    active = inner / (1 + np.abs(inner))
    scores = decisions.inputs @ linear + active @ hidden[:, width + 1]
    first, counts = decisions.first[:-1], np.diff(decisions.first)
    scores = np.exp(scores - np.repeat(np.maximum.reduceat(scores, first), counts))
    chances = scores / np.repeat(np.add.reduceat(scores, first), counts)
    error = (chances - decisions.chosen) / len(first)
    back = np.outer(error, hidden[:, width + 1]) / (1 + np.abs(inner)) ** 2
    rows = np.hstack([back.T @ decisions.inputs, back.sum(0)[:, None], (active.T @ error)[:, None]])
    direct = decisions.inputs.T @ error
    # The situation adds the same to all candidates of a decision.
    direct[: len(SITUATION)] = 0.0
    return np.concatenate([direct, rows.ravel()])
