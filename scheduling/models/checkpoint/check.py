"""Independent check of checkpoints: the expected time of a cycle, from its last copy backwards."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.checkpoint.problem import BILLION, CheckpointLevel, CheckpointProblem
from scheduling.models.checkpoint.solution import CheckpointSolution

_PRECISE = Context(prec=80, Emax=MAX_EMAX, Emin=MIN_EMIN)
_NEVER = Decimal("1e-40")
"""A cycle that ends with a smaller probability than this before it begins anew never does."""


def check_checkpoint(problem: CheckpointProblem, solution: CheckpointSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = None if (solution.steps, solution.every) == (None, None) else "has a plan"
        why = "copies may be taken at any step"
        return list(claims_without_answer(solution, does, "a plan", why))
    if solution.steps is None or solution.every is None:
        return [Violation("plan", "no steps between copies")]
    violations = list(_plan(problem, solution.steps, solution.every))
    if not violations:
        with localcontext(_PRECISE):
            waste = _waste(problem, solution.steps, solution.every)
            value = float(int((waste * BILLION).to_integral_value()) / BILLION)
        violations += certificate_violations(("waste",), (value,), solution)
    return violations


def _plan(problem: CheckpointProblem, steps: int, every: int) -> Iterator[Violation]:
    first = problem.levels[0]
    beside = min(_decimal(first.copy_seconds), _decimal(first.hidden_seconds))
    short = beside - steps * _decimal(problem.step_seconds)
    if short > 0:
        where = f"a copy begins before the one of {first.id!r} before it has ended"
        yield Violation("steps", where, float(short), "seconds")
    if len(problem.levels) == 1 and every != 1:
        yield Violation("every", f"{every} although there is one level", every - 1, "copies")


def _waste(problem: CheckpointProblem, steps: int, every: int) -> Decimal:
    """Return the share of a cycle's expected time that its steps do not take.

    The expected time from the begin of segment i to the end of the cycle is written as
    ``alone + again * t`` with t that from the begin of the cycle; the last segment comes first.
    """
    mean = _decimal(problem.mean_seconds_between_failures)
    first, last = problem.levels[0], problem.levels[-1]
    covered = _decimal(first.covers) if len(problem.levels) == 2 else Decimal(1)
    recovery = covered * _recovery(first, mean) + (1 - covered) * _recovery(last, mean)
    work = steps * _decimal(problem.step_seconds)
    alone, again = Decimal(0), Decimal(0)
    for segment in range(every, 0, -1):
        length = work + _stall(first)
        if segment == every and len(problem.levels) == 2:
            length += _stall(last)
        passes = (-length / mean).exp()
        fails = 1 - passes
        stays = 1 - fails * covered
        alone = (fails * (mean + recovery) + passes * alone) / stays
        again = (passes * again + fails * (1 - covered)) / stays
    if 1 - again < _NEVER:
        return Decimal(1)
    return 1 - every * work * (1 - again) / alone


def _recovery(level: CheckpointLevel, mean: Decimal) -> Decimal:
    """Return the expected time of a restart that begins anew when it fails itself."""
    return mean * ((_decimal(level.restart_seconds) / mean).exp() - 1)


def _stall(level: CheckpointLevel) -> Decimal:
    return max(Decimal(0), _decimal(level.copy_seconds) - _decimal(level.hidden_seconds))


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))
