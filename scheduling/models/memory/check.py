"""Independent check of memory allocations.

Nothing here is shared with the formulations or the arrays that solvers use.
"""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import (
    certificate_violations,
    claims_without_answer,
    listing_violations,
)
from scheduling.models.memory.problem import Buffer, MemoryProblem
from scheduling.models.memory.solution import MemorySolution

Offsets = dict[str, int]


def check_memory(problem: MemoryProblem, solution: MemorySolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "places buffers" if solution.places else None
        why = "memory has no limit" if problem.capacity is None else None
        return list(claims_without_answer(solution, does, "places", why))
    names = [entry.buffer for entry in solution.places]
    known = [entry.id for entry in problem.buffers]
    listed = list(listing_violations("buffer", names, known, "placed", "is not placed"))
    if listed:
        return listed
    offsets = {place.buffer: place.offset for place in solution.places}
    violations = [*_each(problem, offsets), *_overlaps(problem, offsets)]
    if not violations:
        height = max(offsets[buffer.id] + buffer.size for buffer in problem.buffers)
        violations += certificate_violations(("height",), (height,), solution)
    return violations


def _each(problem: MemoryProblem, offsets: Offsets) -> Iterator[Violation]:
    for buffer in problem.buffers:
        offset = offsets[buffer.id]
        if offset % buffer.alignment:
            where = f"{buffer.id!r} at {offset}"
            yield Violation("alignment", where, offset % buffer.alignment, "bytes")
        if buffer.offset is not None and offset != buffer.offset:
            where = f"{buffer.id!r} at {offset} instead of {buffer.offset}"
            yield Violation("offset", where, abs(offset - buffer.offset), "bytes")
        if buffer.alias is not None and offset != offsets[buffer.alias]:
            amount = abs(offset - offsets[buffer.alias])
            yield Violation("alias", f"{buffer.id!r} and {buffer.alias!r}", amount, "bytes")
        excess = offset + buffer.size - (problem.capacity or offset + buffer.size)
        if excess > 0:
            yield Violation("capacity", f"{buffer.id!r} at {offset}", excess, "bytes")


def _overlaps(problem: MemoryProblem, offsets: Offsets) -> Iterator[Violation]:
    """Sweep over time; each new piece is held against those that are live."""
    owner = _owners(problem)
    events: list[tuple[int, int, Buffer]] = []
    for buffer in problem.buffers:
        edges = [buffer.start, *(t for gap in buffer.gaps for t in (gap.start, gap.end))]
        edges.append(buffer.end)
        events += [
            (start, end, buffer)
            for start, end in zip(edges[::2], edges[1::2], strict=True)
            if start < end
        ]
    live: list[tuple[int, Buffer]] = []
    found: set[tuple[str, str]] = set()
    for start, end, buffer in sorted(events, key=lambda event: event[:2]):
        live = [(until, other) for until, other in live if until > start]
        low, high = offsets[buffer.id], offsets[buffer.id] + buffer.size
        for _, other in live:
            shared = min(high, offsets[other.id] + other.size) - max(low, offsets[other.id])
            pair = (other.id, buffer.id)
            if shared > 0 and owner[other.id] != owner[buffer.id] and pair not in found:
                found.add(pair)
                where = f"{other.id!r} and {buffer.id!r} at time {start}"
                yield Violation("overlap", where, shared, "bytes")
        live.append((end, buffer))


def _owners(problem: MemoryProblem) -> dict[str, str]:
    """Name, for every buffer, the one at the end of its aliases."""
    alias = {buffer.id: buffer.alias for buffer in problem.buffers}
    owner = {}
    for name in alias:
        current = name
        while (following := alias[current]) is not None:
            current = following
        owner[name] = current
    return owner
