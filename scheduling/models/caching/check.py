"""Independent check of caching solutions: the cache is run request by request.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from scheduling.models.base import Status, Violation
from scheduling.models.caching.problem import START, CachingProblem
from scheduling.models.caching.solution import CachingSolution, Stay
from scheduling.models.certificate import certificate_violations, claims_without_answer


def check_caching(problem: CachingProblem, solution: CachingSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does, why = "keeps objects" if solution.stays else None, "nothing has to be kept"
        return list(claims_without_answer(solution, does, "a solution", why))
    violations = list(_stays(problem, solution))
    if violations:
        return violations
    violations = [*_pins(problem, solution), *_capacity(problem, solution)]
    if not violations:
        value = cost_of(problem, solution)
        violations += certificate_violations(("cost",), (value,), solution)
    return violations


def cost_of(problem: CachingProblem, solution: CachingSolution) -> int:
    """Serve the requests one by one and sum the costs of the misses."""
    objects = {entry.id: entry for entry in problem.objects}
    kept = {(stay.object, stay.until) for stay in solution.stays}
    total = 0
    for index, names in enumerate(problem.requests):
        hits: set[str] = set()
        for name in names:
            before = objects[name].after
            if (name, index) in kept and (before is None or before in hits):
                hits.add(name)
            else:
                total += objects[name].cost
    return total


def _uses(problem: CachingProblem) -> dict[str, list[int]]:
    """List for each object the requests that use it, the start included where it is held."""
    uses: dict[str, list[int]] = defaultdict(list)
    for name in problem.held:
        uses[name].append(START)
    for index, names in enumerate(problem.requests):
        for name in names:
            uses[name].append(index)
    return uses


def _stays(problem: CachingProblem, solution: CachingSolution) -> Iterator[Violation]:
    """Each stay lies between two uses of its object that follow each other, and stands once."""
    known = {entry.id for entry in problem.objects}
    follows = {
        (name, since): until
        for name, numbers in _uses(problem).items()
        for since, until in pairwise(numbers)
    }
    seen: set[tuple[str, int]] = set()
    for stay in solution.stays:
        key = (stay.object, stay.since)
        if stay.object not in known:
            yield Violation("object", f"unknown object {stay.object!r}")
        elif follows.get(key) != stay.until:
            yield Violation("stay", f"{_shown(stay)} is not between two uses in a row")
        elif key in seen:
            yield Violation("stay", f"{_shown(stay)} listed twice")
        seen.add(key)


def _shown(stay: Stay) -> str:
    return f"{stay.object!r} from {stay.since} to {stay.until}"


def _pins(problem: CachingProblem, solution: CachingSolution) -> Iterator[Violation]:
    kept = {(stay.object, stay.since) for stay in solution.stays}
    uses = _uses(problem)
    for entry in problem.objects:
        if not entry.pinned:
            continue
        for since in uses[entry.id][:-1]:
            if (entry.id, since) not in kept:
                yield Violation("pinned", f"{entry.id!r} dropped after request {since}")


def _capacity(problem: CachingProblem, solution: CachingSolution) -> Iterator[Violation]:
    """Sum the sizes of what is kept behind each request."""
    size = {entry.id: entry.size for entry in problem.objects}
    change: dict[int, int] = defaultdict(int)
    for stay in solution.stays:
        change[stay.since] += size[stay.object]
        change[stay.until] -= size[stay.object]
    uses = _uses(problem)
    for entry in problem.objects:
        if entry.pinned and uses[entry.id]:
            change[uses[entry.id][-1]] += entry.size
    total = 0
    for index in range(START, len(problem.requests) - 1):
        total += change[index]
        if total > problem.capacity:
            where = f"after request {index}"
            yield Violation("capacity", where, total - problem.capacity, "units")
