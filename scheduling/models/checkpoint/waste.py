"""The share of time that checkpoints and failures waste: exact, by formulas, and at its least."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scheduling.models.checkpoint.problem import CheckpointPlan, CheckpointProblem

Floats = NDArray[np.float64]
_TINY = 1e-300
_LEAST_PASS = 1e-150
_SMALL = 1e-6
TIE = 1e-11
"""Wastes closer than this may be in another order when they are computed exactly."""

_HALVINGS = 80
_ALL = 1.0 - 1e-15
"""Largest waste that is told from wasting everything."""

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
        passes = max(math.exp(-rate * length), _LEAST_PASS)
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
    """Return the plan of least expected waste, the best of :func:`promising_plans`."""
    return min(promising_plans(problem), key=lambda entry: entry[1])[0]


def promising_plans(problem: CheckpointProblem) -> Iterator[tuple[CheckpointPlan, float]]:
    """Yield plans with their expected waste; those of least waste are among them.

    First come Young's plan and the relaxed one, then the best ones for each number of steps for
    which the relaxed waste is no more than the least so far. Copies of the last level may lie so
    far apart that the work which only they cover, lost at a failure, is no more than that: with x
    failures expected in the work between two copies, at least ``1 - x / (exp(x) - 1)`` of it is
    lost.
    """
    step = problem.step_seconds
    alone = CheckpointPlan(max(problem.least_steps, round(relaxed_interval(problem) / step)))
    known = [(plan, expected_waste(problem, plan)) for plan in (young_plan(problem), alone)]
    yield from known
    least = min(waste for _, waste in known)
    uncovered = 1.0 - problem.levels[0].covers if len(problem.levels) == 2 else 0.0
    low, high = _steps_below(problem, least + TIE)
    for steps in range(low, high + 1):
        if relaxed_waste(problem, steps * step) > least + TIE:
            continue
        most = 1
        if len(problem.levels) == 2:
            most = _most(problem.failure_rate * uncovered * steps * step, least + TIE)
        wastes = _wastes(problem, steps, np.arange(1, most + 1))
        least = min(least, float(wastes.min()))
        best = wastes <= max(least, float(wastes.min())) + TIE
        for place in np.flatnonzero(best).tolist():
            yield CheckpointPlan(steps, place + 1), float(wastes[place])


def relaxed_waste(problem: CheckpointProblem, seconds: float) -> float:
    """Return a share of time that is wasted at least with so much work between copies.

    Every failure is covered by the first level, recovery is the quickest there is, and copies of
    the last level take no time.

    Parameters
    ----------
    problem
        Rates and times.
    seconds
        Time of the steps between two copies of the first level.
    """
    rate = problem.failure_rate
    restart = min(level.restart_seconds for level in problem.levels)
    exponent = rate * (seconds + problem.levels[0].stall_seconds)
    if exponent > _LARGE:
        return 1.0
    return 1.0 - rate * seconds * math.exp(-rate * restart) / math.expm1(exponent)


def relaxed_interval(problem: CheckpointProblem) -> float:
    """Return the work between copies at which the relaxed waste is least.

    It falls to there and rises behind it: with x failures expected in the work and s in the stall,
    ``1 - x = exp(-x - s)``.
    """
    stall = problem.failure_rate * problem.levels[0].stall_seconds
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if 1.0 - middle > math.exp(-middle - stall):
            low = middle
        else:
            high = middle
    shortest = problem.least_steps * problem.step_seconds
    return max(shortest, (low + high) / 2 * problem.mean_seconds_between_failures)


def _steps_below(problem: CheckpointProblem, waste: float) -> tuple[int, int]:
    """Return the first and last number of steps whose relaxed waste may be so little."""

    def below(steps: int) -> bool:
        return relaxed_waste(problem, steps * problem.step_seconds) <= min(waste, _ALL)

    low, middle = problem.least_steps, problem.least_steps
    middle = max(middle, int(relaxed_interval(problem) / problem.step_seconds))
    first, last = low, middle
    while first < last:
        half = (first + last) // 2
        first, last = (first, half) if below(half) else (half + 1, last)
    over = middle + 1
    while below(over):
        over *= 2
    inside = middle
    while over - inside > 1:
        half = (inside + over) // 2
        inside, over = (half, over) if below(half) else (inside, half)
    return first, inside


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
