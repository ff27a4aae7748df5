"""Independent check of batching: every iteration is written out, request by request."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from scheduling.models.base import Status, Violation
from scheduling.models.batching.problem import BatchingProblem
from scheduling.models.batching.solution import BatchingSolution
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)


def check_batching(problem: BatchingProblem, solution: BatchingSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "starts requests" if solution.starts or solution.evicted else None
        why = "the requests may run one after the other"
        return list(claims_without_answer(solution, does, "starts", why))
    listed = list(_listed(problem, solution))
    if listed:
        return listed
    violations = [*_times(problem, solution), *_room(problem, solution)]
    if not violations:
        senses = ("max" if problem.objective == "on-time" else "min",)
        value = _value(problem, solution)
        violations += certificate_violations((problem.objective,), (value,), solution, senses)
    return violations


def _listed(problem: BatchingProblem, solution: BatchingSolution) -> Iterator[Violation]:
    known = {request.id: request for request in problem.requests}
    listed = (entry.request for entry in solution.starts)
    done, missing = "runs to its end", "never runs to its end"
    yield from listing_violations("request", listed, known, done, missing)
    for entry in solution.evicted:
        if entry.request not in known:
            yield Violation("request", f"unknown request {entry.request!r}")


def _times(problem: BatchingProblem, solution: BatchingSolution) -> Iterator[Violation]:
    last = {entry.request: entry.start for entry in solution.starts}
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for entry in solution.evicted:
        spans[entry.request].append((entry.start, entry.start + entry.slots))
    for request in problem.requests:
        own = sorted([*spans[request.id], (last[request.id], last[request.id] + request.output)])
        if own[0][0] < request.release:
            by = request.release - own[0][0]
            yield Violation("release", repr(request.id), by, "iterations")
        for (_, end), (begin, _) in pairwise(own):
            if begin < end:
                yield Violation("overlap", f"{request.id!r} twice at {begin}", end - begin, "slots")
        if own[-1][0] != last[request.id]:
            yield Violation("overlap", f"{request.id!r} is evicted after its last start")
        for begin, end in spans[request.id]:
            if end - begin >= request.output:
                yield Violation("eviction", f"{request.id!r} had ended when it was evicted")


def _room(problem: BatchingProblem, solution: BatchingSolution) -> Iterator[Violation]:
    of = {request.id: request for request in problem.requests}
    held: Counter[int] = Counter()
    running: Counter[int] = Counter()
    runs = [(entry.request, entry.start, of[entry.request].output) for entry in solution.starts]
    runs += [(entry.request, entry.start, entry.slots) for entry in solution.evicted]
    for name, start, slots in runs:
        for slot in range(slots):
            held[start + slot] += of[name].prompt + slot + 1
            running[start + slot] += 1
    if held:
        slot, tokens = max(held.items(), key=lambda entry: entry[1])
        if tokens > problem.memory:
            yield Violation("memory", f"iteration {slot}", tokens - problem.memory, "tokens")
        slot, count = max(running.items(), key=lambda entry: entry[1])
        if problem.batch is not None and count > problem.batch:
            yield Violation("batch", f"iteration {slot}", count - problem.batch, "requests")


def _value(problem: BatchingProblem, solution: BatchingSolution) -> int:
    of = {request.id: request for request in problem.requests}
    ends = {entry.request: entry.start + of[entry.request].output for entry in solution.starts}
    if problem.objective == "makespan":
        return max(ends.values())
    if problem.objective == "on-time":
        return sum(
            request.weight
            for request in problem.requests
            if request.due is None or ends[request.id] <= request.due
        )
    return sum(r.weight * (ends[r.id] - r.release) for r in problem.requests)
