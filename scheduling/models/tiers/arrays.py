"""Problems of placement in tiers as arrays, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.tiers.problem import TieredProblem

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

AWAY = -1
"""Memory of a tensor in steps in which it is not live; home of those that have none."""

_ENOUGH = 2**60


@dataclass(frozen=True, eq=False)
class Load:
    """What a placement uses, by memory and step, and what it copies in each step."""

    used: Ints
    taken: Ints
    copied: Ints


@dataclass(frozen=True, eq=False)
class TieredArrays:
    """N tensors, M memories, T steps; a candidate is the memory of tensors by step, (N, T).

    Attributes
    ----------
    size, start, end, home
        Of each tensor; ``AWAY``: no home.
    bytes
        Bytes that each step uses of each tensor, (N, T).
    compute
        Ticks of work of each step.
    bandwidth, capacity
        Of each memory.
    link
        Bytes copied in a tick; 0: none.
    """

    size: Ints
    start: Ints
    end: Ints
    home: Ints
    bytes: Ints
    compute: Ints
    bandwidth: Ints
    capacity: Ints
    link: int

    @property
    def n_tensors(self) -> int:
        """Number of tensors."""
        return len(self.size)

    @property
    def n_memories(self) -> int:
        """Number of memories."""
        return len(self.bandwidth)

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(self.compute)

    @property
    def live(self) -> Flags:
        """Whether each tensor is live in each step."""
        steps = np.arange(self.n_steps)
        return np.asarray((self.start[:, None] <= steps) & (steps < self.end[:, None]))

    def row(self, tensor: int, memories: Ints) -> Load | None:
        """Return what one tensor uses when it is in these memories; ``None`` if it cannot be."""
        used = np.zeros((self.n_memories, self.n_steps), np.int64)
        taken, copied = np.zeros_like(used), np.zeros(self.n_steps, np.int64)
        size, home = int(self.size[tensor]), int(self.home[tensor])
        steps = np.arange(int(self.start[tensor]), int(self.end[tensor]))
        there = memories[steps]
        used[there, steps] = self.bytes[tensor, steps]
        taken[there, steps] = size
        if home != AWAY:
            taken[home] = size
        before = np.concatenate(([home if home != AWAY else there[0]], there[:-1]))
        moved = (there != before) & (there != home)
        if moved.any():
            if self.link == 0 or (moved[0] and steps[0] == 0):
                return None
            at = steps[moved] - 1
            taken[there[moved], at] += size
            copied[at] += size
        return Load(used, taken, copied)

    def load(self, memories: Ints) -> Load | None:
        """Return what all tensors use together; ``None`` when one cannot be where it is."""
        shape = (self.n_memories, self.n_steps)
        used, taken = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        copied = np.zeros(self.n_steps, np.int64)
        for tensor in range(self.n_tensors):
            part = self.row(tensor, memories[tensor])
            if part is None:
                return None
            used += part.used
            taken += part.taken
            copied += part.copied
        return Load(used, taken, copied)

    def times(self, used: Ints, copied: Ints) -> Ints:
        """Ticks of each step from what it uses and copies."""
        slowest = (-(-used // self.bandwidth[:, None])).max(axis=0)
        found: Ints = np.maximum(self.compute, slowest)
        return found if self.link == 0 else np.maximum(found, -(-copied // self.link))

    def fits(self, taken: Ints) -> bool:
        """Tell whether every memory has the room."""
        return bool((taken <= self.capacity[:, None]).all())

    def total(self, memories: Ints) -> int | None:
        """Ticks of the program; ``None`` when the placement is not valid."""
        load = self.load(memories)
        if load is None or not self.fits(load.taken):
            return None
        return int(self.times(load.used, load.copied).sum())


def compile_tiers(problem: TieredProblem) -> TieredArrays:
    """Translate a problem into arrays."""
    number = {memory.id: index for index, memory in enumerate(problem.memories)}
    steps = len(problem.compute)
    used = np.zeros((len(problem.tensors), steps), np.int64)
    for row, tensor in enumerate(problem.tensors):
        for use in tensor.uses:
            used[row, use.step] = use.bytes
    homes = [AWAY if t.home is None else number[t.home] for t in problem.tensors]
    return TieredArrays(
        size=np.array([tensor.size for tensor in problem.tensors], np.int64),
        start=np.array([tensor.start for tensor in problem.tensors], np.int64),
        end=np.array([steps if t.end is None else t.end for t in problem.tensors], np.int64),
        home=np.array(homes, np.int64),
        bytes=used,
        compute=np.array(problem.compute, np.int64),
        bandwidth=np.array([memory.bandwidth for memory in problem.memories], np.int64),
        capacity=np.array([memory.capacity or _ENOUGH for memory in problem.memories], np.int64),
        link=problem.link or 0,
    )
