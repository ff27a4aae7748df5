"""Random small memory problems, and their best heights by trying every offset."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.memory.problem import MemoryProblem


@st.composite
def memory_problems(draw: st.DrawFn, *, plain: bool = False) -> MemoryProblem:
    """Draw problems of at most five buffers of at most four units.

    Parameters
    ----------
    plain
        Lifetimes and sizes alone.
    """
    buffers: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, 5))
        end = start + draw(st.integers(1, 5))
        buffer: dict[str, Any] = {"id": f"b{number}", "start": start, "end": end}
        buffer["size"] = draw(st.integers(1, 4))
        if not plain:
            buffer |= draw(_extras(number, start, end))
        buffers.append(buffer)
    document: dict[str, Any] = {"kind": "memory", "buffers": buffers}
    if draw(st.booleans()):
        document["capacity"] = draw(st.integers(3, 12))
    try:
        return MemoryProblem.model_validate(document)
    except InputError:
        for buffer in buffers:
            buffer.pop("offset", None)
        document.pop("capacity", None)
        return MemoryProblem.model_validate(document)


@st.composite
def _extras(draw: st.DrawFn, number: int, start: int, end: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["none", "none", "alignment", "offset", "alias", "gap"]))
    if kind == "alignment":
        return {"alignment": draw(st.sampled_from([2, 3, 4]))}
    if kind == "offset":
        return {"offset": draw(st.integers(0, 4))}
    if kind == "alias" and number:
        return {"alias": f"b{draw(st.integers(0, number - 1))}"}
    if kind == "gap" and end - start > 2:
        return {"gaps": [{"start": start + 1, "end": end - 1}]}
    return {}


def best_height(problem: MemoryProblem) -> int | None:
    """Return the least height within the capacity, by trying all offsets; ``None``: none fits."""
    most = sum(buffer.size + buffer.alignment for buffer in problem.buffers)
    most += max(buffer.offset or 0 for buffer in problem.buffers)
    if problem.capacity is not None:
        most = min(most, problem.capacity)
    return next((top for top in range(1, most + 1) if _fits(problem, {}, top)), None)


def _fits(problem: MemoryProblem, offsets: dict[str, int], top: int) -> bool:
    if len(offsets) == len(problem.buffers):
        return True
    buffer = problem.buffers[len(offsets)]
    for offset in range(top - buffer.size + 1):
        wanted = buffer.offset in (None, offset) and offset % buffer.alignment == 0
        allowed = wanted and _allowed(problem, offsets, offset)
        if allowed and _fits(problem, offsets | {buffer.id: offset}, top):
            return True
    return False


def _allowed(problem: MemoryProblem, offsets: dict[str, int], offset: int) -> bool:
    """Tell whether the next buffer may lie at an offset beside those before it."""
    buffer = problem.buffers[len(offsets)]
    if buffer.alias is not None and offsets[buffer.alias] != offset:
        return False
    family = {b.id: b for b in problem.buffers}

    def root(name: str) -> str:
        found = family[name].alias
        return name if found is None else root(found)

    def live(name: str) -> set[int]:
        b = family[name]
        gone = {t for gap in b.gaps for t in range(gap.start, gap.end)}
        return set(range(b.start, b.end)) - gone

    taken = set(range(offset, offset + buffer.size))
    return not any(
        root(name) != root(buffer.id)
        and live(name) & live(buffer.id)
        and taken & set(range(at, at + family[name].size))
        for name, at in offsets.items()
    )
