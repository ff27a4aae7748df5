"""The time-indexed relaxation of weighted tardiness on one machine.

A schedule without idle time is a path through time; that every job runs once is relaxed, except
that no job runs twice in succession (Abdul-Razaq and Potts, 1988, Journal of the Operational
Research Society 39). Runs of a job that lie on no path cheaper than a known schedule are cut off
(Ibaraki and Nakamura, 1994, European Journal of Operational Research 76).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.tardiness.kernels.multipliers import (
    INFINITE,
    SCALE,
    Ints,
    Multipliers,
    settle,
)

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]


class Relaxation(NamedTuple):
    """Problem and labels by time; made by :func:`make_relaxation`.

    Attributes
    ----------
    duration, due, weight
        By job; durations are positive.
    before
        Which jobs come before which; jobs are numbered so that only lower ones precede higher.
    open
        Jobs by completion times: 1 where the job may still complete then.
    ahead, after
        Two rows of labels by time: the least cost of a path up to a time, and from it on, and the
        least that ends (begins) with another job.
    ahead_job, after_job
        Last (first) job of the paths of both rows.
    """

    duration: Ints
    due: Ints
    weight: Ints
    before: Bools
    open: Bytes
    ahead: Ints
    after: Ints
    ahead_job: Ints
    after_job: Ints


def make_relaxation(durations: Ints, dues: Ints, weights: Ints, before: Bools) -> Relaxation:
    """Prepare the relaxation with every run open that the precedences leave time for."""
    n, horizon = len(durations), int(durations.sum())
    soonest = durations + before.T @ durations
    latest = horizon - before @ durations
    allowed = np.zeros((n, horizon + 1), np.uint8)
    for job in range(n):
        allowed[job, soonest[job] : latest[job] + 1] = 1
    labels = [np.full((2, horizon + 1), INFINITE, np.int64) for _ in range(2)]
    jobs = [np.full((2, horizon + 1), -1, np.int64) for _ in range(2)]
    return Relaxation(durations, dues, weights, before, allowed, *labels, *jobs)


@njit.lean
def run_cost(relaxation: Relaxation, price: Ints, j: int, end: int) -> int:
    """Scaled cost of completing job j at ``end``, less its price."""
    late = end - relaxation.due[j]
    return (relaxation.weight[j] * late * SCALE if late > 0 else 0) - price[j]


@njit.lean
def forward(relaxation: Relaxation, price: Ints) -> int:
    """Label all times with the cheapest paths up to them; return the cost up to the last."""
    label, last, duration = relaxation.ahead, relaxation.ahead_job, relaxation.duration
    n, times = relaxation.open.shape
    label[0, 0] = 0
    label[1, 0] = 0
    for t in range(1, times):
        best, second, job, other = INFINITE, INFINITE, -1, -1
        for j in range(n):
            if relaxation.open[j, t] == 0:
                continue
            s = t - duration[j]
            value = label[1, s] if last[0, s] == j else label[0, s]
            if value >= INFINITE:
                continue
            value += run_cost(relaxation, price, j, t)
            if value < best:
                best, second, job, other = value, best, j, job
            elif value < second:
                second, other = value, j
        label[0, t] = best
        label[1, t] = second
        last[0, t] = job
        last[1, t] = other
    return label[0, times - 1]


@njit.lean
def backward(relaxation: Relaxation, price: Ints) -> None:
    """Label all times with the cheapest paths from them on."""
    label, first, duration = relaxation.after, relaxation.after_job, relaxation.duration
    n, times = relaxation.open.shape
    label[0, times - 1] = 0
    label[1, times - 1] = 0
    for s in range(times - 2, -1, -1):
        best, second, job, other = INFINITE, INFINITE, -1, -1
        for j in range(n):
            t = s + duration[j]
            if t >= times or relaxation.open[j, t] == 0:
                continue
            value = label[1, t] if first[0, t] == j else label[0, t]
            if value >= INFINITE:
                continue
            value += run_cost(relaxation, price, j, t)
            if value < best:
                best, second, job, other = value, best, j, job
            elif value < second:
                second, other = value, j
        label[0, s] = best
        label[1, s] = second
        first[0, s] = job
        first[1, s] = other


@njit.lean
def count_visits(relaxation: Relaxation, count: Ints) -> None:
    """Count how often the cheapest path of the last forward pass runs each job."""
    count[:] = 0
    t = relaxation.open.shape[1] - 1
    row = 0
    while t > 0:
        j = relaxation.ahead_job[row, t]
        count[j] += 1
        t -= relaxation.duration[j]
        row = 1 if relaxation.ahead_job[0, t] == j else 0


@njit.lean_entry
def ascend(relaxation: Relaxation, prices: Multipliers, steps: int, target: int) -> bool:
    """Move the prices ``steps`` times; False when no path is left: nothing beats ``target``."""
    for _ in range(steps):
        path = forward(relaxation, prices.price)
        if path >= INFINITE:
            return False
        count_visits(relaxation, prices.visits)
        settle(prices, path, target)
    return True


@njit.lean_entry
def cut(relaxation: Relaxation, price: Ints, ceiling: int) -> int:
    """Close the runs that no path of scaled cost up to ``ceiling`` makes; return the open ones.

    The ceiling counts the prices: the sum of all prices has been taken off it.
    """
    forward(relaxation, price)
    backward(relaxation, price)
    n, times = relaxation.open.shape
    left = 0
    for j in range(n):
        for t in range(relaxation.duration[j], times):
            if relaxation.open[j, t] == 0:
                continue
            s = t - relaxation.duration[j]
            before = relaxation.ahead[1 if relaxation.ahead_job[0, s] == j else 0, s]
            behind = relaxation.after[1 if relaxation.after_job[0, t] == j else 0, t]
            value = before + behind
            if value < INFINITE and value + run_cost(relaxation, price, j, t) <= ceiling:
                left += 1
            else:
                relaxation.open[j, t] = 0
    return left
