"""Random loops in layers, with accumulators, on a few units and warps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scheduling.models.loop.problem import (
    Dependence,
    LoopProblem,
    Memory,
    Operation,
    Reader,
    Unit,
    Use,
    Value,
)

_SHARED = 256


def kernel_loop(
    *,
    operations: int = 20,
    units: int = 4,
    warps: int = 3,
    longest: int = 8,
    accumulators: int = 2,
    seed: int = 0,
) -> LoopProblem:
    """Generate a loop in which each operation reads one or two earlier ones.

    Parameters
    ----------
    operations, units, warps
        Sizes; each operation reserves one unit for a part of its latency. 0 warps: none.
    longest
        Latencies are uniform from 1 to this.
    accumulators
        Operations that also wait for themselves in the iteration before.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    latency = [int(cycles) for cycles in rng.integers(1, longest + 1, operations)]
    body = []
    for number, cycles in enumerate(latency):
        use = Use(unit=f"unit-{rng.integers(units)}", cycles=int(rng.integers(1, cycles + 1)))
        body.append(Operation(id=_name(number), latency=cycles, uses=(use,)))
    reads = [
        [int(k) for k in np.unique(rng.integers(max(0, number - 4), number, 2))] if number else []
        for number in range(operations)
    ]
    chosen = rng.choice(operations, min(accumulators, operations), replace=False)
    return LoopProblem(
        name=f"loop-{operations}x{units}-s{seed}",
        operations=tuple(body),
        units=tuple(Unit(id=f"unit-{number}") for number in range(units)),
        memories=(Memory(id="shared", capacity=_SHARED),),
        values=tuple(_value(number, reads, rng) for number in range(operations)),
        dependences=tuple(
            Dependence(before=_name(number), after=_name(number), distance=1)
            for number in sorted(int(k) for k in chosen)
        ),
        warps=tuple(f"warp-{number}" for number in range(warps)),
        sync=1,
    )


def _name(number: int) -> str:
    return f"op-{number:03d}"


def _value(number: int, reads: Sequence[Sequence[int]], rng: np.random.Generator) -> Value:
    """Return what an operation writes for those that read it."""
    readers = [Reader(operation=_name(k)) for k, sources in enumerate(reads) if number in sources]
    return Value(
        id=f"value-{number:03d}",
        producer=_name(number),
        memory="shared",
        size=int(rng.integers(1, 5)),
        readers=tuple(readers),
    )
