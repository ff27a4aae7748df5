"""The share of time that checkpoints and failures waste: exact, by formulas, and at its least."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scheduling.models.checkpoint.problem import CheckpointPlan, CheckpointProblem

Floats = NDArray[np.float64]
_TINY = 1e-300
_SMALL = 1e-6
_LARGE = 500.0
MOST_COPIES = 20_000
"""Most copies of the first level between two of the second that are tried."""


def expected_waste(problem: CheckpointProblem, plan: CheckpointPlan) -> float:
    """Return the expected share of time in which no step is made that stays.

    Between two copies of the last level the run is a Markov chain over the segments between copies:
    a segment of length L lasts without a failure with probability ``exp(-L / mean)``; a failure
    leads back to its begin, or to the last copy of the last level. With one level this is Daly's
    complete model (Future Generation Computer Systems, 2006). A recovery that fails begins anew.

    Parameters
    ----------
    problem
        Rates and times.
    plan
        When copies are taken.
    """
    return float(_wastes(problem, plan.steps, np.array([plan.every]))[0])


def _wastes(problem: CheckpointProblem, steps: int, every: NDArray[np.int64]) -> Floats:
    """Return the waste of plans with these steps, one for each entry of ``every``."""
    rate = problem.failure_rate
    first, last = problem.levels[0], problem.levels[-1]
    two = len(problem.levels) == 2
    work = steps * problem.step_seconds
    short = work + first.stall_seconds
    long = short + (last.stall_seconds if two else 0.0)
    covers = first.covers if two else 1.0
    back = covers * _recovery(first.restart_seconds, rate)
    back += (1.0 - covers) * _recovery(last.restart_seconds, rate)

    def segment(length: float) -> tuple[float, float, float]:
        """Time, and weights of the next segment and of the begin of the cycle, in expectation."""
        passes = math.exp(-rate * length)
        fails = -math.expm1(-rate * length)
        kept = passes + fails * (1.0 - covers)
        return (fails / rate + fails * back) / kept, passes / kept, fails * (1.0 - covers) / kept

    time, onward, _ = segment(short)
    time_last, _, begin_last = segment(long)
    before = (every - 1).astype(np.float64)
    power = onward**before
    total = before if onward == 1.0 else (1.0 - power) / (1.0 - onward)
    # The two weights of a segment sum to 1, so that what does not return to the begin is the weight
    # of getting to the last segment and through it.
    cycle = (time * total + power * time_last) / np.maximum(power * (1.0 - begin_last), _TINY)
    return np.asarray(1.0 - every * work / cycle, np.float64)


def _recovery(seconds: float, rate: float) -> float:
    """Return the expected time of a recovery that begins anew when it fails itself."""
    return math.expm1(rate * seconds) / rate


def young_plan(problem: CheckpointProblem) -> CheckpointPlan:
    """Return Young's interval, ``sqrt(2 * stall * mean time between failures)``.

    With two levels each is taken at the interval for the failures that it is there for (Young,
    Communications of the ACM, 1974).
    """
    mean = problem.mean_seconds_between_failures
    first, last = problem.levels[0], problem.levels[-1]
    if len(problem.levels) == 1:
        return _plan(problem, math.sqrt(2 * first.stall_seconds * mean), 1.0)
    inner = math.sqrt(2 * first.stall_seconds * mean / first.covers)
    uncovered = 1.0 - first.covers
    if uncovered == 0.0:
        return _plan(problem, inner, 1.0)
    outer = math.sqrt(2 * last.stall_seconds * mean / uncovered)
    return _plan(problem, inner, outer / max(inner, problem.least_steps * problem.step_seconds))


def daly_plan(problem: CheckpointProblem) -> CheckpointPlan:
    """Return Daly's interval of higher order for the last level (2006).

    ``sqrt(2 s M) (1 + sqrt(s / 2M) / 3 + s / 18M) - s`` with stall s and mean time M, or M
    where s is at least 2M.
    """
    mean = problem.mean_seconds_between_failures
    stall = problem.levels[-1].stall_seconds
    if stall >= 2 * mean:
        return _plan(problem, mean, 1.0)
    ratio = stall / (2 * mean)
    interval = math.sqrt(2 * stall * mean) * (1 + math.sqrt(ratio) / 3 + ratio / 9) - stall
    return _plan(problem, interval, 1.0)


def best_plan(problem: CheckpointProblem) -> CheckpointPlan:
    """Return the plan of least expected waste, by trying all that may have it.

    Work since the last copy is lost at a failure whatever copies cost: with x failures expected in
    the work between two copies, at least ``1 - x / (exp(x) - 1)`` is wasted. Intervals at which
    that alone exceeds the best waste are not tried; likewise for copies of the last level and the
    failures that only they cover.
    """
    step = problem.step_seconds
    first = problem.levels[0]
    uncovered = 1.0 - first.covers if len(problem.levels) == 2 else 0.0
    best = CheckpointPlan(problem.least_steps)
    least = expected_waste(problem, best)
    steps = problem.least_steps
    while _lost(problem.failure_rate * steps * step) < least:
        most = 1
        if len(problem.levels) == 2:
            rate = problem.failure_rate * uncovered * steps * step
            most = _most(rate, least)
        every = np.arange(1, most + 1)
        wastes = _wastes(problem, steps, every)
        place = int(wastes.argmin())
        if wastes[place] < least:
            best, least = CheckpointPlan(steps, int(every[place])), float(wastes[place])
        steps += 1
    return best


def _lost(failures: float) -> float:
    """Return the share of work that is lost at least with so many failures between two copies."""
    return 1.0 - failures / math.expm1(failures) if failures > _SMALL else failures / 2


def _most(failures: float, waste: float) -> int:
    """Return how many copies may lie between two of the last level at this waste."""
    if failures <= 0.0:
        return MOST_COPIES
    low, high = 1, MOST_COPIES
    while low < high:
        middle = (low + high + 1) // 2
        if min(failures * middle, _LARGE) == _LARGE or _lost(failures * middle) >= waste:
            high = middle - 1
        else:
            low = middle
    return low


def _plan(problem: CheckpointProblem, interval: float, every: float) -> CheckpointPlan:
    steps = max(problem.least_steps, round(interval / problem.step_seconds))
    return CheckpointPlan(steps, max(1, round(every)))
