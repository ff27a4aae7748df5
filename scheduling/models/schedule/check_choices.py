"""The part of the checker that looks at alternative routes and at rules between modes."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.base import Violation
from scheduling.models.schedule.check_resources import Placed
from scheduling.models.schedule.problem import Alternative, ScheduleProblem


def choice_violations(problem: ScheduleProblem, placed: dict[str, Placed]) -> Iterator[Violation]:
    """Yield every alternative without exactly one route and every pair of modes ruled out."""
    for entry in problem.alternatives:
        yield from _routes(entry, placed)
    for rule in problem.mode_rules:
        one, other = placed.get(rule.task), placed.get(rule.other)
        if one is None or other is None or one.index != rule.mode:
            continue
        if other.index not in rule.modes:
            where = f"{rule.task!r} in mode {one.index}, {rule.other!r} in mode {other.index}"
            yield Violation("mode rule", where)


def _routes(entry: Alternative, placed: dict[str, Placed]) -> Iterator[Violation]:
    names = [f"route {number}" for number in range(len(entry.routes))]
    begun = [any(task in placed for task in route) for route in entry.routes]
    where = f"alternative of {', '.join(repr(task) for route in entry.routes for task in route)}"
    if entry.within is not None and entry.within not in placed:
        if any(begun):
            yield Violation("alternative", f"{where}: runs although {entry.within!r} is skipped")
        return
    taken = [name for name, started in zip(names, begun, strict=True) if started]
    if len(taken) > 1:
        yield Violation("alternative", f"{where}: {' and '.join(taken)} run")
    elif not taken and all(entry.routes):
        yield Violation("alternative", f"{where}: no route runs")
    for route, started in zip(entry.routes, begun, strict=True):
        for task in route:
            if started and task not in placed:
                yield Violation("alternative", f"{where}: {task!r} is missing")
