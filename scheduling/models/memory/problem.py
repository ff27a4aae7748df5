"""Typed problems of static memory allocation: at which offset each buffer lies.

Times are integers in the program's own unit, such as the number of an operation; sizes, alignments
and offsets are bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem

if TYPE_CHECKING:
    from scheduling.models.memory.solution import MemorySolution

MOST_BYTES = 2**50
MOST_TOTAL = 2**55
"""Most bytes of all buffers together."""

Time = Annotated[int, Field(ge=0, le=2**40)]
Bytes = Annotated[int, Field(ge=1, le=MOST_BYTES)]
Offset = Annotated[int, Field(ge=0, le=MOST_BYTES)]


class Gap(Frozen):
    """A time ``start <= t < end`` inside a lifetime in which a buffer needs no space."""

    start: Time
    end: Time


class Buffer(Frozen):
    """A buffer that is live at the times ``start <= t < end``, its gaps apart."""

    id: Name
    start: Time
    end: Time
    size: Bytes
    alignment: Bytes = Field(default=1, description="Its offset is a multiple of so many bytes.")
    offset: Offset | None = Field(
        default=None, description="Byte at which it has to begin; default: where there is room."
    )
    alias: Name | None = Field(
        default=None, description="Buffer whose offset it has; the two may overlap."
    )
    gaps: Many[Gap] = ()


class MemoryProblem(Problem):
    """A problem of static memory allocation: the least memory that holds all buffers.

    With ``x_b`` the offset of buffer b, two buffers that are live at one time keep apart,
    ``x_a + size_a <= x_b`` or ``x_b + size_b <= x_a``, unless one is an alias of the other. The
    objective is the height, ``max_b x_b + size_b``; it stays within ``capacity``.

    Source of the problem: dynamic storage allocation, problem SR2 of Garey and Johnson (1979);
    Moffitt, "MiniMalloc", ASPLOS 2023.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["memory"] = "memory"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> MemorySolution: ...

    buffers: Annotated[Many[Buffer], Field(min_length=1)]
    capacity: Bytes | None = Field(default=None, description="Bytes that there are.")

    def _faults(self) -> list[Fault]:
        from scheduling.models.memory.validation import find_faults

        return find_faults(self)


def origin(buffers: dict[str, Buffer], buffer: Buffer) -> Buffer:
    """Follow aliases to the buffer that has none."""
    while buffer.alias is not None:
        buffer = buffers[buffer.alias]
    return buffer


def pieces(buffer: Buffer) -> list[tuple[int, int]]:
    """Return the times ``(start, end)`` at which a buffer is live, ascending, gaps left out."""
    found, start = [], buffer.start
    for gap in sorted(buffer.gaps, key=lambda gap: gap.start):
        if gap.start > start:
            found.append((start, gap.start))
        start = gap.end
    return [*found, (start, buffer.end)] if start < buffer.end else found
