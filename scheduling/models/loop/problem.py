"""Typed problems of software pipelining: when each operation of a loop starts, on which warp.

Times are cycles; sizes of values are in the unit of the memory that holds them, such as registers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem

if TYPE_CHECKING:
    from scheduling.models.loop.solution import LoopSolution

LONGEST = 10**6
"""Most cycles of a latency or a reservation."""

Cycles = Annotated[int, Field(ge=0, le=LONGEST)]
Amount = Annotated[int, Field(ge=1, le=2**40)]
Distance = Annotated[int, Field(ge=0, le=1000)]


class Unit(Frozen):
    """A functional unit, such as a tensor core, or several equal ones."""

    id: Name
    capacity: Annotated[int, Field(ge=1, le=10**6)] = 1


class Memory(Frozen):
    """Registers or shared memory, for values of all iterations that are under way."""

    id: Name
    capacity: Amount
    per_warp: bool = Field(
        default=False,
        description="Each warp has as much of its own, for what its operations produce.",
    )


class Use(Frozen):
    """A reservation of ``cycles`` cycles on a unit, ``offset`` cycles after the start."""

    unit: Name
    cycles: Annotated[int, Field(ge=1, le=LONGEST)]
    amount: Annotated[int, Field(ge=1, le=10**6)] = 1
    offset: Cycles = 0


class Operation(Frozen):
    """An operation of the loop body."""

    id: Name
    latency: Cycles = Field(description="Cycles from its start until its result is there.")
    uses: Many[Use] = ()
    issue: Cycles = Field(default=1, description="Cycles that its warp does nothing else.")
    warps: Many[Name] = Field(default=(), description="Warps that may run it; empty: any.")
    variable: bool = Field(
        default=False,
        description="Of variable latency: on no warp that runs operations of fixed latency.",
    )


class Dependence(Frozen):
    """``after`` of iteration i waits for ``before`` of iteration ``i - distance``."""

    before: Name
    after: Name
    latency: Cycles | None = Field(default=None, description="Default: the latency of ``before``.")
    distance: Distance = 0


class Reader(Frozen):
    """An operation that reads the value of ``distance`` iterations before."""

    operation: Name
    distance: Distance = 0


class Value(Frozen):
    """What an operation writes into a memory.

    It takes its space from the start of its producer until the producer and the last reader end;
    readers start when the producer has ended.
    """

    id: Name
    producer: Name
    memory: Name
    size: Amount
    readers: Many[Reader] = ()


class LoopProblem(Problem):
    """A problem of software pipelining: iteration i starts operation v at ``start_v + i * I``.

    Minimised in tiers: the ``interval`` I, then the ``length`` of one iteration, the latest
    ``start_v + latency_v``. For a dependence, ``start_v >= start_u + latency - distance * I``. In
    every cycle, reservations of all iterations together stay within each unit's capacity, and sizes
    of live values within each memory's; with ``per_warp``, those of the values that operations of
    one warp produce.

    The interval is at most ``interval_limit``. With ``warps``, every operation runs on one warp and
    keeps it busy for ``issue`` cycles; a dependence between two warps takes ``sync`` cycles more.

    Sources: Rau, "Iterative modulo scheduling", MICRO 1994; Soi et al., "Optimal software
    pipelining and warp specialization for tensor core GPUs" (Twill), arXiv 2512.18134.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["loop"] = "loop"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> LoopSolution: ...

    operations: Annotated[Many[Operation], Field(min_length=1)]
    units: Many[Unit] = ()
    memories: Many[Memory] = ()
    dependences: Many[Dependence] = ()
    values: Many[Value] = ()
    warps: Many[Name] = ()
    sync: Cycles = Field(default=0, description="Cycles that a dependence between warps adds.")
    interval_limit: Annotated[int, Field(ge=1, le=2**40)] | None = Field(
        default=None, description="Most cycles from one iteration to the next."
    )

    def _faults(self) -> list[Fault]:
        from scheduling.models.loop.validation import find_faults

        return find_faults(self)
