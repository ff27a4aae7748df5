"""The expected waste of a plan to many digits, by a sum over the copies of a cycle."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

from scheduling.models.checkpoint.problem import BILLION, CheckpointPlan, CheckpointProblem

_DIGITS = 60


def waste_billionths(problem: CheckpointProblem, plan: CheckpointPlan) -> int:
    """Return the expected waste of a plan in billionths, to the nearest one.

    The same formula as :func:`~scheduling.models.checkpoint.waste.expected_waste`, whose floats
    may be off by more than the last digit.

    Parameters
    ----------
    problem
        Rates and times.
    plan
        When copies are taken.
    """
    with localcontext(Context(prec=_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        return int((_waste(problem, plan) * BILLION).to_integral_value())


def _waste(problem: CheckpointProblem, plan: CheckpointPlan) -> Decimal:
    one = Decimal(1)
    rate = one / _written(problem.mean_seconds_between_failures)
    first, last = problem.levels[0], problem.levels[-1]
    two = len(problem.levels) == 2
    work = plan.steps * _written(problem.step_seconds)
    stalls = [_stall(level.copy_seconds, level.hidden_seconds) for level in problem.levels]
    short = work + stalls[0]
    long = short + (stalls[1] if two else 0)
    covers = _written(first.covers) if two else one
    recovery = [((rate * _written(x.restart_seconds)).exp() - 1) / rate for x in (first, last)]
    back = covers * recovery[0] + (one - covers) * recovery[1]

    def segment(length: Decimal) -> tuple[Decimal, Decimal]:
        """Time, and weight of the next segment, in expectation."""
        passes = (-rate * length).exp()
        kept = passes + (one - passes) * (one - covers)
        return ((one - passes) / rate + (one - passes) * back) / kept, passes / kept

    time, onward = segment(short)
    time_last, through = segment(long)
    power = onward ** (plan.every - 1)
    total = Decimal(plan.every - 1) if onward == one else (one - power) / (one - onward)
    cycle = (time * total + power * time_last) / (power * through)
    return one - plan.every * work / cycle


def _stall(copy: float, hidden: float) -> Decimal:
    return max(Decimal(0), _written(copy) - _written(hidden))


def _written(value: float) -> Decimal:
    return Decimal(repr(float(value)))
