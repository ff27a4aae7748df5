"""Faults of memory problems that fields alone do not show."""

from __future__ import annotations

from collections.abc import Iterator
from math import lcm

from scheduling.errors import Fault
from scheduling.models.faults import repeated
from scheduling.models.memory.problem import MOST_TOTAL, Buffer, MemoryProblem, origin, pieces


def find_faults(problem: MemoryProblem) -> list[Fault]:
    """Return every fault of the problem, in the order of its fields."""
    faults = [
        *repeated("buffers", (buffer.id for buffer in problem.buffers)),
        *_each(problem),
        *_unknown_aliases(problem),
    ]
    if not faults:
        faults += _circular_aliases(problem)
    if not faults:
        faults += [*_alias_offsets(problem), *_total(problem)]
    return faults or list(_fixed_overlaps(problem))


def _total(problem: MemoryProblem) -> Iterator[Fault]:
    """Yield sizes and alignments that 64 bits do not hold, one buffer after the other."""
    known = {buffer.id: buffer for buffer in problem.buffers}
    alignment: dict[str, int] = {}
    for buffer in problem.buffers:
        first = origin(known, buffer).id
        alignment[first] = lcm(alignment.get(first, 1), buffer.alignment)
    total = sum(alignment.values()) + sum(buffer.size for buffer in problem.buffers)
    if total > MOST_TOTAL:
        yield Fault("buffers", f"{total} bytes with their alignments", f"at most {MOST_TOTAL}")


def _each(problem: MemoryProblem) -> Iterator[Fault]:
    for index, buffer in enumerate(problem.buffers):
        place = f"buffers[{index}]"
        if buffer.end <= buffer.start:
            found = f"{buffer.end} for a start at {buffer.start}"
            yield Fault(f"{place}.end", found, "a time after the start")
            continue
        yield from _gaps(buffer, place)
        if problem.capacity is not None and buffer.size > problem.capacity:
            found = f"{buffer.size} ({buffer.id!r})"
            yield Fault(f"{place}.size", found, f"at most the capacity, {problem.capacity}")
        if buffer.offset is not None:
            yield from _given(problem, buffer, buffer.offset, place)


def _given(problem: MemoryProblem, buffer: Buffer, offset: int, place: str) -> Iterator[Fault]:
    if offset % buffer.alignment:
        yield Fault(f"{place}.offset", str(offset), f"a multiple of {buffer.alignment}")
    if problem.capacity is not None and buffer.size <= problem.capacity < offset + buffer.size:
        found = f"{offset} for a size of {buffer.size}"
        yield Fault(f"{place}.offset", found, f"an end within the capacity, {problem.capacity}")


def _gaps(buffer: Buffer, place: str) -> Iterator[Fault]:
    last = buffer.start
    for index, gap in enumerate(buffer.gaps):
        if not last <= gap.start < gap.end <= buffer.end:
            found = f"{gap.start} to {gap.end}"
            expected = f"times in order within {last} to {buffer.end}"
            yield Fault(f"{place}.gaps[{index}]", found, expected)
            return
        last = gap.end
    if not pieces(buffer):
        yield Fault(f"{place}.gaps", "the whole lifetime", "a time at which it is live")


def _unknown_aliases(problem: MemoryProblem) -> Iterator[Fault]:
    known = {buffer.id for buffer in problem.buffers}
    for index, buffer in enumerate(problem.buffers):
        if buffer.alias is not None and buffer.alias not in known:
            place = f"buffers[{index}].alias"
            yield Fault(place, repr(buffer.alias), "the id of another buffer")


def _circular_aliases(problem: MemoryProblem) -> Iterator[Fault]:
    alias = {buffer.id: buffer.alias for buffer in problem.buffers}
    for index, buffer in enumerate(problem.buffers):
        seen, current = {buffer.id}, buffer.alias
        while current is not None and current not in seen:
            seen.add(current)
            current = alias[current]
        if current == buffer.id:
            place = f"buffers[{index}].alias"
            yield Fault(place, f"{buffer.alias!r}, a circle", "a buffer that leads elsewhere")


def _alias_offsets(problem: MemoryProblem) -> Iterator[Fault]:
    """Yield what is wrong with offsets that buffers have through their aliases."""
    given = _given_offsets(problem)
    known = {buffer.id: buffer for buffer in problem.buffers}
    for index, buffer in enumerate(problem.buffers):
        offset, first = given.get(origin(known, buffer).id, (None, ""))
        if offset is None or first == buffer.id:
            continue
        place = f"buffers[{index}]"
        if buffer.offset is None:
            yield from _given(problem, buffer, offset, place)
        elif buffer.offset != offset:
            expected = f"{offset}, as its alias {first!r} has"
            yield Fault(f"{place}.offset", str(buffer.offset), expected)


def _given_offsets(problem: MemoryProblem) -> dict[str, tuple[int, str]]:
    """Return for each buffer without an alias the offset given to its aliases, and to which."""
    known = {buffer.id: buffer for buffer in problem.buffers}
    given: dict[str, tuple[int, str]] = {}
    for buffer in problem.buffers:
        if buffer.offset is not None:
            given.setdefault(origin(known, buffer).id, (buffer.offset, buffer.id))
    return given


def _fixed_overlaps(problem: MemoryProblem) -> Iterator[Fault]:
    """Yield pairs of fixed buffers that take the same bytes at one time."""
    known = {buffer.id: buffer for buffer in problem.buffers}
    given = _given_offsets(problem)
    fixed = [
        (start, end, given[origin(known, buffer).id][0], index, buffer)
        for index, buffer in enumerate(problem.buffers)
        if origin(known, buffer).id in given
        for start, end in pieces(buffer)
    ]
    live: list[tuple[int, int, int, int, Buffer]] = []
    for start, end, offset, index, buffer in sorted(fixed, key=lambda entry: entry[:4]):
        live = [entry for entry in live if entry[1] > start]
        for _, _, other_offset, _, other in live:
            apart = offset + buffer.size <= other_offset or other_offset + other.size <= offset
            if not apart and origin(known, other).id != origin(known, buffer).id:
                found = f"{offset}, over {other.id!r} at {other_offset} to "
                found += str(other_offset + other.size)
                yield Fault(f"buffers[{index}].offset", found, "bytes that are free at its times")
        live.append((start, end, offset, index, buffer))
