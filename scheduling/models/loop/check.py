"""Independent check of modulo schedules: several iterations are written out, cycle by cycle.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution

Unrolled = dict[tuple[str, int], int]
"""Start of each operation in each iteration."""

Span = tuple[int, int, int]
"""Start, end and amount."""


def check_loop(problem: LoopProblem, solution: LoopSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "starts operations" if solution.starts or solution.interval is not None else None
        return list(claims_without_answer(solution, does, "starts"))
    names = [entry.operation for entry in solution.starts]
    known = [entry.id for entry in problem.operations]
    listed = list(listing_violations("operation", names, known, "started", "does not start"))
    if listed or solution.interval is None:
        return listed or [Violation("interval", "none stated")]
    times, iterations = _unrolled(problem, solution, solution.interval)
    violations = [
        *_limit(problem, solution.interval),
        *_warps(problem, solution),
        *_waits(problem, solution, times, iterations),
        *_units(problem, solution, times, iterations),
        *_memories(problem, solution, times, iterations),
    ]
    if not violations:
        latency = {operation.id: operation.latency for operation in problem.operations}
        length = max(entry.start + latency[entry.operation] for entry in solution.starts)
        stages = max(1, -(-length // solution.interval))
        if solution.stages != stages:
            where = f"stated {solution.stages}, recomputed {stages}"
            violations.append(Violation("stages", where))
        values = (solution.interval, length)
        violations += certificate_violations(("interval", "length"), values, solution)
    return violations


def _limit(problem: LoopProblem, interval: int) -> Iterator[Violation]:
    if problem.interval_limit is not None and interval > problem.interval_limit:
        yield Violation("interval", "above its limit", interval - problem.interval_limit, "cycles")


def _unrolled(problem: LoopProblem, solution: LoopSolution, interval: int) -> tuple[Unrolled, int]:
    """Write out as many iterations as it takes until the first has ended in every respect."""
    first = {entry.operation: entry.start for entry in solution.starts}
    ends = [0]
    for operation in problem.operations:
        ends += [first[operation.id] + operation.latency, first[operation.id] + operation.issue]
        ends += [first[operation.id] + use.offset + use.cycles for use in operation.uses]
    distances = [d.distance for d in problem.dependences]
    distances += [reader.distance for value in problem.values for reader in value.readers]
    iterations = -(-max(ends) // interval) + max(distances, default=0) + 2
    times = {
        (name, number): start + number * interval
        for name, start in first.items()
        for number in range(iterations)
    }
    return times, iterations


def _warps(problem: LoopProblem, solution: LoopSolution) -> Iterator[Violation]:
    allowed = {operation.id: operation.warps for operation in problem.operations}
    varying = {operation.id: operation.variable for operation in problem.operations}
    kinds: dict[str, set[bool]] = defaultdict(set)
    for entry in solution.starts:
        if not problem.warps:
            if entry.warp is not None:
                yield Violation("warp", f"{entry.operation!r} on {entry.warp!r}, of which is none")
        elif entry.warp not in (allowed[entry.operation] or problem.warps):
            yield Violation("warp", f"{entry.operation!r} on {entry.warp!r}")
        else:
            kinds[entry.warp or ""].add(varying[entry.operation])
    for name, found in kinds.items():
        if len(found) > 1:
            yield Violation("variable", f"{name!r} runs variable and fixed latencies")


def _waits(
    problem: LoopProblem, solution: LoopSolution, times: Unrolled, iterations: int
) -> Iterator[Violation]:
    latency = {operation.id: operation.latency for operation in problem.operations}
    warp = {entry.operation: entry.warp for entry in solution.starts}
    edges = [
        (d.before, d.after, latency[d.before] if d.latency is None else d.latency, d.distance)
        for d in problem.dependences
    ]
    edges += [
        (value.producer, reader.operation, latency[value.producer], reader.distance)
        for value in problem.values
        for reader in value.readers
    ]
    for before, after, latest, distance in edges:
        wait = latest + (problem.sync if warp[before] != warp[after] else 0)
        lacks = [
            times[before, number - distance] + wait - times[after, number]
            for number in range(distance, iterations)
        ]
        if max(lacks) > 0:
            where = f"{after!r} after {before!r} of {distance} iterations before"
            yield Violation("dependence", where, max(lacks), "cycles")


def _units(
    problem: LoopProblem, solution: LoopSolution, times: Unrolled, iterations: int
) -> Iterator[Violation]:
    spans: dict[str, list[Span]] = defaultdict(list)
    busy: dict[str, list[Span]] = defaultdict(list)
    warp = {entry.operation: entry.warp for entry in solution.starts}
    for operation in problem.operations:
        for number in range(iterations):
            start = times[operation.id, number]
            for use in operation.uses:
                begin = start + use.offset
                spans[use.unit].append((begin, begin + use.cycles, use.amount))
            on = warp[operation.id]
            if on is not None:
                busy[on].append((start, start + operation.issue, 1))
    for unit in problem.units:
        yield from _excess("capacity", unit.id, spans[unit.id], unit.capacity)
    for name, found in busy.items():
        yield from _excess("issue", name, found, 1)


def _memories(
    problem: LoopProblem, solution: LoopSolution, times: Unrolled, iterations: int
) -> Iterator[Violation]:
    latency = {operation.id: operation.latency for operation in problem.operations}
    warp = {entry.operation: entry.warp for entry in solution.starts}
    spans: dict[tuple[str, str | None], list[Span]] = defaultdict(list)
    own = {memory.id for memory in problem.memories if memory.per_warp}
    step = times[problem.operations[0].id, 1] - times[problem.operations[0].id, 0]
    for value in problem.values:
        for number in range(iterations):
            born = times[value.producer, number]
            ends = [born + latency[value.producer]]
            ends += [
                times[r.operation, 0] + (number + r.distance) * step + latency[r.operation]
                for r in value.readers
            ]
            place = value.memory, warp[value.producer] if value.memory in own else None
            spans[place].append((born, max(ends), value.size))
    capacity = {memory.id: memory.capacity for memory in problem.memories}
    for (name, on), found in spans.items():
        said = name if on is None else f"{name} of {on}"
        yield from _excess("memory", said, found, capacity[name])


def _excess(rule: str, name: str, spans: Iterable[Span], capacity: int) -> Iterator[Violation]:
    """Sweep over the cycles; the worst one is reported."""
    change: Counter[int] = Counter()
    for start, end, amount in spans:
        change[start] += amount
        change[end] -= amount
    level, worst, when = 0, 0, 0
    for cycle in sorted(change):
        level += change[cycle]
        if level > worst:
            worst, when = level, cycle
    if worst > capacity:
        yield Violation(rule, f"{name!r} in cycle {when}", worst - capacity, "units")
