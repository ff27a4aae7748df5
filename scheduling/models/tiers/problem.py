"""Typed problems of memories of different speed: which tensor is where in each step.

Times are ticks of the program's own length, steps are numbered from 0, sizes are bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem

if TYPE_CHECKING:
    from scheduling.models.tiers.solution import TieredSolution

MOST_BYTES = 2**50
MOST_STEPS = 10**5

Bytes = Annotated[int, Field(ge=1, le=MOST_BYTES)]
Rate = Annotated[int, Field(ge=1, le=MOST_BYTES)]
Step = Annotated[int, Field(ge=0, le=MOST_STEPS)]


class TierMemory(Frozen):
    """A memory: GPU, host, CXL card, disk; or on-chip memory and the one behind it."""

    id: Name
    bandwidth: Rate = Field(description="Bytes that are read or written in one tick.")
    capacity: Bytes | None = Field(default=None, description="Bytes that there are; none: enough.")


class Use(Frozen):
    """Bytes of a tensor that a step reads and writes."""

    step: Step
    bytes: Bytes


class Tensor(Frozen):
    """Something that lies in one memory at a time, in the steps ``start <= t < end``.

    With a ``home`` it is constant and stays there all the time; in other memories there are copies,
    which may be dropped. Without a home it is made in its first step, in any memory.
    """

    id: Name
    size: Bytes
    start: Step = 0
    end: Step | None = Field(default=None, description="Step behind its last; default: all.")
    home: Name | None = None
    uses: Many[Use] = ()


class TieredProblem(Problem):
    """A problem of placement in tiers: where each tensor is in each step, for the fastest program.

    The steps run one after the other. Step t takes
    ``max(compute_t, max_m ceil(bytes_mt / bandwidth_m), ceil(copied_t / link))`` ticks, with
    ``bytes_mt`` the bytes that it uses of tensors in memory m, and ``copied_t`` those that are
    copied beside it. A tensor that is in another memory from step t on was copied in step t - 1 as
    a whole, and takes room in both memories then; going back to its home takes no copy. At no step
    do the tensors of a memory, with the copies that arrive, exceed its capacity. The sum of all
    steps is minimised.

    Sources of the problem: XLA's memory mapping as played by mallocMuZero (Wang and others,
    "Optimizing memory mapping using deep reinforcement learning", arXiv 2305.07440); training with
    tensors on CXL memory; data placement and migration in hybrid storage.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["tiers"] = "tiers"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> TieredSolution: ...

    memories: Annotated[Many[TierMemory], Field(min_length=1)]
    compute: Annotated[
        Many[Annotated[int, Field(ge=0, le=2**40)]], Field(min_length=1, max_length=MOST_STEPS)
    ] = Field(description="Ticks of work of each step.")
    tensors: Annotated[Many[Tensor], Field(min_length=1)]
    link: Rate | None = Field(
        default=None, description="Bytes copied in one tick; none: nothing can be copied."
    )

    def _faults(self) -> list[Fault]:
        from scheduling.models.tiers.validation import find_faults

        return find_faults(self)
