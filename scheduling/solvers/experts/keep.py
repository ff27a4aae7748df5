"""Solver ``keep``: what devices hold stays, and only what the loads ask for is exchanged."""

from __future__ import annotations

import numpy as np

from scheduling.models.experts.arrays import ExpertArrays, Ints
from scheduling.models.experts.problem import LOAD_SCALE
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.experts.eplb import offer
from scheduling.solvers.experts.family import CompiledExperts
from scheduling.solvers.experts.swaps import Walk


class Keep(NeedsNothing):
    """Least change from what devices hold now until no load exceeds its limit.

    Slots go first to experts that the device holds, then to experts that stand nowhere, then to
    copies of the experts with the largest load each; exchanges at the busiest device follow until
    the loads are within the limit. Without a limit it stops where exchanges bring nothing.
    """

    name = "keep"
    summary = "keeps what devices hold and exchanges until the loads are within their limit"

    def refusal(self, data: CompiledExperts) -> str | None:
        """Refuse hierarchies, whose groups would have to move as a whole."""
        if data.arrays.n_nodes > 1:
            return "a hierarchy of groups and nodes; use auto, lns or cp-sat"
        return None

    def search(
        self,
        data: CompiledExperts,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002
    ) -> None:
        """Post the placement when it is within the limits."""
        arrays = data.arrays
        walk = Walk(arrays, kept(arrays), np.random.default_rng(budget.seed))
        caps = dict(zip(arrays.goals, board.caps, strict=False))
        limits = [most for most in (arrays.limit, caps.get("load")) if most is not None]
        most = min(limits, default=0)
        while not board.stopped and budget.remaining() != 0:
            if LOAD_SCALE * walk.largest <= most and offer(data, board, walk.counts, self.name):
                return
            if not walk.improve():
                break
        offer(data, board, walk.counts, self.name)


def kept(arrays: ExpertArrays) -> Ints:
    """Fill the slots of every device, first with what it holds."""
    counts = np.zeros(arrays.held.shape, np.int64)
    holders = arrays.held.sum(axis=0)
    for device, slots in enumerate(arrays.slots.tolist()):
        held = np.flatnonzero(arrays.held[device])
        # What few others hold stays here, so that it need not be copied elsewhere.
        order = held[np.lexsort((-arrays.load[held], holders[held]))]
        counts[device, order[:slots]] = 1
    for expert in np.flatnonzero(~counts.any(axis=0)).tolist():
        counts[_home(arrays, counts, expert), expert] += 1
    while (counts.sum(axis=1) < arrays.slots).any():
        expert = int(np.argmax(arrays.load / counts.sum(axis=0)))
        counts[_home(arrays, counts, expert), expert] += 1
    return counts


def _home(arrays: ExpertArrays, counts: Ints, expert: int) -> int:
    """Choose a device for one more copy: one with a free slot, else one with a spare copy.

    The lightest among those that hold the expert, else the lightest of all.
    """
    copies = counts.sum(axis=0)
    loads = counts @ (arrays.load / np.maximum(copies, 1))
    free = counts.sum(axis=1) < arrays.slots
    if not free.any():
        # An expert that stands nowhere takes the slot of one that has another copy.
        device, gone = np.argwhere((counts > 0) & (copies > 1)[None, :])[0].tolist()
        counts[device, gone] -= 1
        return int(device)
    held = free & arrays.held[:, expert]
    among = held if held.any() else free
    return int(np.argmin(np.where(among, loads, np.inf)))
