"""Independent check of offloading: servers that share their speed, from event to event."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)
from scheduling.models.exact import exact
from scheduling.models.offload.problem import MILLION, Offer, OffloadProblem, OffloadTask
from scheduling.models.offload.solution import OffloadSolution

_Chosen = list[tuple[OffloadTask, Offer]]


def check_offload(problem: OffloadProblem, solution: OffloadSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "sends tasks" if solution.sent else None
        free = problem.max_delay_seconds is None and problem.max_joules is None
        why = "no sum has a limit" if free else None
        return list(claims_without_answer(solution, does, "an assignment", why))
    violations = list(_sent(problem, solution))
    if violations:
        return violations
    server = {entry.task: entry.server for entry in solution.sent}
    chosen = [
        (task, next(offer for offer in task.offers if offer.server == server[task.id]))
        for task in problem.tasks
    ]
    delay, energy = _delay(chosen), _energy(chosen)
    limits = (("max_delay_seconds", delay, "seconds"), ("max_joules", energy, "joules"))
    for name, value, unit in limits:
        most = getattr(problem, name)
        if most is not None and value > exact(most):
            violations.append(Violation(name, "the sum", float(value - exact(most)), unit))
    values = {"delay": float(delay), "energy": float(energy)}
    stated = [values[goal] for goal in problem.goals]
    return [*violations, *certificate_violations(problem.goals, stated, solution)]


def _sent(problem: OffloadProblem, solution: OffloadSolution) -> Iterator[Violation]:
    listed = [entry.task for entry in solution.sent]
    known = {task.id: task for task in problem.tasks}
    yield from listing_violations("task", listed, known, "is sent", "is not sent")
    for entry in solution.sent:
        task = known.get(entry.task)
        if task is not None and entry.server not in {offer.server for offer in task.offers}:
            yield Violation("server", f"task {task.id!r} has no offer of {entry.server!r}")


def _energy(chosen: _Chosen) -> Fraction:
    return sum(
        (Fraction(ceil(exact(offer.joules) * MILLION), MILLION) for _, offer in chosen), Fraction(0)
    )


def _delay(chosen: _Chosen) -> Fraction:
    total = Fraction(0)
    of_server: dict[str, _Chosen] = defaultdict(list)
    for task, offer in chosen:
        of_server[offer.server].append((task, offer))
    for there in of_server.values():
        begins = [exact(task.arrival_seconds) for task, _ in there]
        comes = [
            begin + exact(offer.upload_seconds)
            for begin, (_, offer) in zip(begins, there, strict=True)
        ]
        ends = _ends(comes, [exact(offer.work_seconds) for _, offer in there])
        spent = sum((end - begin for end, begin in zip(ends, begins, strict=True)), Fraction(0))
        total += Fraction(ceil(spent * MILLION), MILLION)
    return total


def _ends(comes: list[Fraction], works: list[Fraction]) -> list[Fraction]:
    """Serve all tasks present equally, from one arrival to the next.

    ``served`` is what a task that is there all the time has got; one that comes later is done when
    that has risen by its work.
    """
    ends = list(comes)
    present: list[tuple[Fraction, int]] = []
    now = served = Fraction(0)
    for k in sorted(range(len(comes)), key=comes.__getitem__):
        now, served = _serve(present, now, served, comes[k], ends)
        insort(present, (served + works[k], k))
    _serve(present, now, served, None, ends)
    return ends


def _serve(
    present: list[tuple[Fraction, int]],
    now: Fraction,
    served: Fraction,
    until: Fraction | None,
    ends: list[Fraction],
) -> tuple[Fraction, Fraction]:
    """Complete tasks in order until a moment, or all; return the moment and what was served."""
    while present:
        done, k = present[0]
        end = now + (done - served) * len(present)
        if until is not None and end > until:
            return until, served + (until - now) / len(present)
        now, served, ends[k] = end, done, end
        present.pop(0)
    return (now if until is None else until), served
