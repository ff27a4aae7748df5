"""Faults of caching problems that fields alone do not show."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.errors import Fault
from scheduling.models.caching.problem import MOST_ACCESSES, CachedObject, CachingProblem
from scheduling.models.faults import repeated


def find_faults(problem: CachingProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    known = {entry.id: entry for entry in problem.objects}
    faults = [
        *repeated("objects", (entry.id for entry in problem.objects)),
        *_continued(problem, known),
        *_requests(problem, known),
        *repeated("held", problem.held),
        *(
            Fault(f"held[{index}]", repr(name), "the id of an object")
            for index, name in enumerate(problem.held)
            if name not in known
        ),
    ]
    return faults or list(_room(problem, known))


def _continued(problem: CachingProblem, known: dict[str, CachedObject]) -> Iterator[Fault]:
    for index, entry in enumerate(problem.objects):
        if entry.after is None:
            continue
        place = f"objects[{index}].after"
        if entry.after not in known:
            yield Fault(place, repr(entry.after), "the id of an object")
        elif entry.pinned and not known[entry.after].pinned:
            yield Fault(place, f"{entry.after!r}, not pinned", "pinned, as what continues it is")


def _requests(problem: CachingProblem, known: dict[str, CachedObject]) -> Iterator[Fault]:
    total = sum(map(len, problem.requests))
    if total > MOST_ACCESSES:
        yield Fault("requests", f"{total} uses of objects", f"at most {MOST_ACCESSES}")
    for index, names in enumerate(problem.requests):
        seen: set[str] = set()
        for position, name in enumerate(names):
            place = f"requests[{index}][{position}]"
            if name not in known:
                yield Fault(place, repr(name), "the id of an object")
                continue
            if name in seen:
                yield Fault(place, repr(name), "each object once")
            before = known[name].after
            if before is not None and before not in seen:
                yield Fault(place, repr(name), f"{before!r} before it, which it continues")
            seen.add(name)


def _room(problem: CachingProblem, known: dict[str, CachedObject]) -> Iterator[Fault]:
    held = sum(known[name].size for name in problem.held)
    if held > problem.capacity:
        yield Fault("held", f"objects of size {held}", f"at most {problem.capacity}, the capacity")
    used = {name for names in problem.requests for name in names} | set(problem.held)
    pinned = sum(entry.size for entry in problem.objects if entry.pinned and entry.id in used)
    if pinned > problem.capacity:
        found = f"pinned objects of size {pinned}"
        yield Fault("objects", found, f"at most {problem.capacity}, the capacity")
