"""The search over caps of a stage's time: RoundPipe's window, and all caps, which is exact."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from scheduling.models.pipeline.problem import PipelineProblem, Stages, step_cost

_LOOSE = 1 + 1e-12
"""Sums of the same layers in another order may differ by this."""


def windowed_cut(problem: PipelineProblem, window: float = 1.1) -> Stages:
    """Return the best cut with a cap of at most so many times the slowest layer (RoundPipe).

    Parameters
    ----------
    problem
        The layers.
    window
        Largest cap over the slowest layer; 1.1 in the released code.
    """
    return _search(problem, _slowest(problem) * window)


def best_cut(problem: PipelineProblem) -> Stages:
    """Return the cut of least cost.

    The longest stage of a best cut is a sum of neighbouring layers, and under a cap stages filled
    to it are the fewest: what is fused at the end is missing from both passes, so that more is
    never worse. Caps are tried by rising value until the GPUs times the cap reach the best cost.
    """
    return _search(problem, float("inf"))


def _slowest(problem: PipelineProblem) -> float:
    """Return the least cap: the last layer's passes are always in one stage."""
    last = problem.layers[-1]
    both = last.forward_seconds + last.backward_seconds
    return max(both, *(max(x.forward_seconds, x.backward_seconds) for x in problem.layers))


def _search(problem: PipelineProblem, most: float) -> Stages:
    low = _slowest(problem)
    best = _cut(problem, low)
    cost = step_cost(problem, best)
    for cap in _caps(problem, low, most):
        if cap * problem.gpus >= cost:
            break
        found = _cut(problem, cap)
        if step_cost(problem, found) < cost:
            best, cost = found, step_cost(problem, found)
    return best


def _caps(problem: PipelineProblem, low: float, most: float) -> list[float]:
    """Return the sums of neighbouring layers between two values, rising."""
    layers = problem.layers
    forward = [layer.forward_seconds for layer in layers]
    backward = [layer.backward_seconds for layer in layers]
    sums = {
        total
        for times in (forward, backward)
        for first in range(len(times))
        for total in accumulate(times[first:])
    }
    both = [a + b for a, b in zip(forward, backward, strict=True)]
    sums |= set(accumulate(reversed(both)))
    return sorted(total for total in sums if low < total <= most)


def _cut(problem: PipelineProblem, cap: float) -> Stages:
    """Fill stages up to a cap: the fused one from the end, then both passes of the rest."""
    layers = problem.layers
    both = [layer.forward_seconds + layer.backward_seconds for layer in layers]
    first = len(layers) - _length(problem, list(reversed(both)), 0, cap, reverse=True)
    forward = [layer.forward_seconds for layer in layers[:first]]
    ranges, at = [], 0
    while at < first:
        end = at + _length(problem, forward, at, cap, reverse=False)
        ranges.append((at, end))
        at = end
    backward = [layer.backward_seconds for layer in reversed(layers)]
    behind, at = [], len(layers) - first
    while at < len(layers):
        end = at + _length(problem, backward, at, cap, reverse=True)
        behind.append((len(layers) - end, len(layers) - at))
        at = end
    return Stages(tuple(ranges), (first, len(layers)), tuple(behind))


def _length(
    problem: PipelineProblem, times: Sequence[float], at: int, cap: float, *, reverse: bool
) -> int:
    """Return how many entries from a position fit under the cap and into memory, at least one."""
    seconds = memory = 0.0
    for count, value in enumerate(times[at:]):
        layer = problem.layers[len(problem.layers) - 1 - at - count if reverse else at + count]
        seconds += value
        memory += layer.gigabytes
        full = problem.gigabytes is not None and memory > problem.gigabytes * _LOOSE
        if count and (seconds > cap * _LOOSE or full):
            return count
    return len(times) - at
