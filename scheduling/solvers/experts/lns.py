"""Solver ``lns``: the slots of a few devices of one node at a time are filled anew by CP-SAT."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scheduling.models.experts.arrays import Ints
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.experts.eplb import eplb, offer
from scheduling.solvers.experts.family import CompiledExperts

_LEAST, _MOST = 2, 6
_STEP_SECONDS = 1.0
_STEP_WORK, _LEAST_WORK = 0.2, 0.01
"""Most work of a step, and least that it counts: to state a part and to simplify it takes as long
as so much work, and CP-SAT does not count it.
"""


class Lns(NeedsCpSat, TakesAll):
    """Large neighbourhood search over devices (Shaw, 1998).

    For the loads, each part has the busiest device and some others of its node; for the bytes, some
    devices that fetch something. Parts grow by a device when several steps bring nothing. One work
    unit is one unit of CP-SAT's deterministic time.
    """

    name = "lns"
    summary = "large neighbourhood search: some devices at a time filled again by CP-SAT"

    def search(
        self,
        data: CompiledExperts,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - one that is valid is on the board
    ) -> None:
        """Improve the board's best placement."""
        if board.best is None:
            start = eplb(data.arrays)
            if start is not None:
                offer(data, board, start, self.name)
        if board.best is None:
            return
        rng = np.random.default_rng(budget.seed)
        work, size, calm = budget.work, _LEAST, 0
        while not board.stopped and budget.remaining() != 0 and (work is None or work > 0):
            devices = self._part(data, board, board.best, size, rng)
            left = replace(budget, work=_STEP_WORK if work is None else min(work, _STEP_WORK))
            better, spent = self._step(data, board, left, devices, board.best)
            work = None if work is None else work - max(spent, _LEAST_WORK)
            calm = 0 if better else calm + 1
            if calm > len(data.arrays.slots):
                size, calm = min(size + 1, _MOST), 0

    def _part(
        self,
        data: CompiledExperts,
        board: Board[Ints],
        counts: Ints,
        size: int,
        rng: np.random.Generator,
    ) -> list[int]:
        arrays = data.arrays
        if arrays.goals[board.tier] == "load":
            first = int(np.argmax(counts @ (arrays.load / counts.sum(axis=0))))
        else:
            fetches = ((counts > 0) & ~arrays.held).any(axis=1)
            first = int(rng.choice(np.flatnonzero(fetches))) if fetches.any() else 0
        near = np.flatnonzero(arrays.node == arrays.node[first])
        others = near[near != first]
        chosen = rng.choice(others, min(size - 1, len(others)), replace=False)
        return [first, *sorted(chosen.tolist())]

    def _step(
        self,
        data: CompiledExperts,
        board: Board[Ints],
        budget: Budget,
        devices: list[int],
        start: Ints,
    ) -> tuple[bool, float]:
        """Fill some devices anew; True when the board's best got better, and the work spent."""
        from scheduling.solvers.cpsat.running import run
        from scheduling.solvers.cpsat.settings import sat_parameters
        from scheduling.solvers.cpsat.stopping import StopSwitch
        from scheduling.solvers.experts.formulation import Formulation

        arrays = data.arrays
        formulation = Formulation(arrays, devices, start)
        model, goal = formulation.model, arrays.goals[board.tier]
        caps = dict(zip(arrays.goals, board.caps, strict=False))
        for cap in (caps.get("load"), arrays.limit):
            if cap is not None:
                model.add(formulation.load <= cap)
        if goal == "load" and "bytes" in caps:
            outside = start.copy()
            outside[devices] = 0
            model.add(formulation.bytes <= caps["bytes"] - arrays.copied(outside))
        model.minimize(formulation.load if goal == "load" else formulation.bytes)
        formulation.hint(start)
        left = budget.remaining()
        step = budget.part(1.0 if not left else min(1.0, _STEP_SECONDS / left))
        step = replace(step, work=budget.work)
        result = run(model, sat_parameters(step), switch=StopSwitch(board))
        if result.values is None:
            return False, result.work
        return offer(data, board, formulation.counts(result.values), self.name), result.work
