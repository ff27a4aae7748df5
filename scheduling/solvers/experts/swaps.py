"""Solver ``swaps``: the busiest device gives heavy copies for lighter ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.experts.arrays import ExpertArrays, Ints
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.experts.eplb import eplb, offer
from scheduling.solvers.experts.family import CompiledExperts
from scheduling.solvers.experts.relabel import relabelled

Floats = NDArray[np.float64]

_STEPS_PER_UNIT = 2000
_TOLERANCE = 1e-9
_KICKS = 3
_CHANGES = 0.3
"""Share of kicks that change numbers of copies, where they can."""

_PATIENCE = 60


class Swaps(NeedsNothing, TakesAll):
    """Iterated local search for the largest load, from the rule of EPLB.

    A step looks at the busiest device: it exchanges one of its copies with one elsewhere, or turns
    a copy of another expert into one more of its own experts, so that the larger of the loads that
    change falls most. Where no such step is left, a few random exchanges start again from the best.
    Whole devices are then told apart so that as few bytes as possible are copied. One work unit is
    2000 steps.
    """

    name = "swaps"
    summary = "iterated local search: exchanges and changes of copies at the busiest device"

    def search(
        self,
        data: CompiledExperts,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - one that is valid is on the board
    ) -> None:
        """Improve the largest load, or relabel devices for the bytes."""
        arrays = data.arrays
        start = eplb(arrays) if board.best is None else board.best
        if start is None:
            return
        offer(data, board, relabelled(arrays, start), self.name)
        if arrays.goals[board.tier] == "bytes":
            return
        walk = Walk(arrays, start, np.random.default_rng(budget.seed))
        steps = None if budget.work is None else int(budget.work * _STEPS_PER_UNIT)
        best, calm, count = walk.largest, 0, 0
        kept = walk.counts.copy()
        while not board.stopped and budget.remaining() != 0 and (steps is None or count < steps):
            count += 1
            if walk.improve():
                continue
            if walk.largest < best - _TOLERANCE:
                best, kept, calm = walk.largest, walk.counts.copy(), 0
                offer(data, board, relabelled(arrays, kept), self.name)
            calm += 1
            walk.restart(kept)
            for _ in range(_KICKS + calm // _PATIENCE):
                walk.kick()


class _Change(NamedTuple):
    """Expert ``gives`` on device ``here`` for expert ``takes`` on device ``there``."""

    worst: float
    here: int
    gives: int
    there: int
    takes: int


class Walk:
    """A placement that changes step by step; sums are refreshed with every step."""

    def __init__(self, arrays: ExpertArrays, counts: Ints, rng: np.random.Generator) -> None:
        self.arrays = arrays
        self.rng = rng
        self.restart(counts)

    def restart(self, counts: Ints) -> None:
        """Go on from another placement."""
        self.counts = counts.copy()
        self._refresh()

    def _refresh(self) -> None:
        self.copies = self.counts.sum(axis=0)
        self.share: Floats = self.arrays.load / self.copies
        self.loads: Floats = self.counts @ self.share

    @property
    def largest(self) -> float:
        """Largest load."""
        return float(self.loads.max())

    def improve(self) -> bool:
        """Take the best step at the busiest device; False when none lowers its load."""
        here = int(np.argmax(self.loads))
        swap, copy = self._best_swap(here), self._best_copy(here)
        limit = self.loads[here] - _TOLERANCE
        if swap is not None and swap.worst < limit and (copy is None or swap.worst <= copy[0]):
            self._exchange(swap)
        elif copy is not None and copy[0] < limit:
            _, device, gone, more = copy
            self.counts[device, gone] -= 1
            self.counts[device, more] += 1
        else:
            return False
        self._refresh()
        return True

    def kick(self) -> None:
        """Exchange two random copies of one node, or turn one copy into another's."""
        rng, arrays = self.rng, self.arrays
        here = int(rng.integers(len(self.loads)))
        there = int(rng.choice(np.flatnonzero(arrays.node == arrays.node[here])))
        gives = int(rng.choice(np.flatnonzero(self.counts[here])))
        takes = int(rng.choice(np.flatnonzero(self.counts[there])))
        if self.copies[gives] > 1 and rng.random() < _CHANGES:
            self.counts[here, gives] -= 1
            self.counts[here, takes] += 1
        else:
            self._exchange(_Change(0.0, here, gives, there, takes))
        self._refresh()

    def _exchange(self, change: _Change) -> None:
        self.counts[change.here, change.gives] -= 1
        self.counts[change.here, change.takes] += 1
        self.counts[change.there, change.takes] -= 1
        self.counts[change.there, change.gives] += 1

    def _best_swap(self, here: int) -> _Change | None:
        near = self.arrays.node == self.arrays.node[here]
        near[here] = False
        there, takes = np.nonzero(self.counts * near[:, None])
        gives = np.flatnonzero(self.counts[here])
        if not len(there):
            return None
        fall = self.share[gives][:, None] - self.share[takes][None, :]
        worst = np.maximum(self.loads[here] - fall, self.loads[there][None, :] + fall)
        row, column = np.unravel_index(int(np.argmin(worst)), worst.shape)
        return _Change(
            float(worst[row, column]),
            here,
            int(gives[row]),
            int(there[column]),
            int(takes[column]),
        )

    def _best_copy(self, here: int) -> tuple[float, int, int, int] | None:
        """Best way to turn a spare copy on some device into one of an expert of ``here``."""
        near = self.arrays.node == self.arrays.node[here]
        spare = self.copies > 1
        devices, gone = np.nonzero(self.counts * near[:, None] * spare[None, :])
        best: tuple[float, int, int, int] | None = None
        if not len(devices):
            return None
        rows = np.arange(len(devices))
        rise = self.arrays.load[gone] / np.maximum(self.copies[gone] - 1, 1) - self.share[gone]
        base = self.loads[:, None] + self.counts[:, gone] * rise
        base[devices, rows] -= self.share[gone] + rise
        for more in np.flatnonzero(self.counts[here]).tolist():
            new = self.arrays.load[more] / (self.copies[more] + 1)
            loads = base + (self.counts[:, more] * (new - self.share[more]))[:, None]
            loads[devices, rows] += new
            worst = np.where(gone == more, np.inf, loads.max(axis=0))
            pick = int(np.argmin(worst))
            if best is None or worst[pick] < best[0]:
                best = (float(worst[pick]), int(devices[pick]), int(gone[pick]), more)
        return best
