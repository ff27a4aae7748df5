"""The family's kernels, and what compiles them."""

from __future__ import annotations

import numpy as np

from scheduling.models.memory.arrays import compile_memory
from scheduling.models.memory.problem import Buffer, MemoryProblem
from scheduling.solvers.warmup import Kernels


def _pack() -> None:
    """Pack three buffers below a height that is too low, and below one that is enough."""
    from scheduling.solvers.memory.kernels.fitting import first_fit
    from scheduling.solvers.memory.kernels.packing import run
    from scheduling.solvers.memory.kernels.state import new_state
    from scheduling.solvers.memory.shape import shape_of

    times = {"a": (0, 2), "b": (1, 3), "c": (0, 3)}
    buffers = tuple(Buffer(id=k, start=a, end=b, size=1) for k, (a, b) in times.items())
    shape = shape_of(compile_memory(MemoryProblem(buffers=buffers)))
    order = np.arange(len(times))
    first_fit(shape, order, np.zeros_like(order))
    for height in (2, 3):
        run(shape, new_state(shape, order), height, 10)


PACKING = Kernels("packing", _pack)
