"""Solvers ``neh`` and ``iterated-greedy``: orders of jobs on flow lines, built by insertion."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.solvers.bases import NeedsNumba
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.meter import SLICE, Meter
from scheduling.solvers.schedule.permutation.line import Line, line_refusal
from scheduling.solvers.schedule.warming import PERMUTATION as KERNELS
from scheduling.solvers.sideways import Sideways
from scheduling.solvers.warmup import Kernels, ready

if TYPE_CHECKING:
    from scheduling.solvers.schedule.permutation.walk import Walk


class Neh(NeedsNumba):
    """Insertion of all jobs, one after the other, each at its best position of all lines.

    Jobs enter by falling work, as Nawaz, Enscore and Ham found best for the makespan ("A heuristic
    algorithm for the m-machine, n-job flow-shop sequencing problem", 1983); for sums over jobs also
    by rising work per weight and by due date. With several factories a job goes where it does least
    harm (rule 2 of Naderi and Ruiz, "The distributed permutation flowshop scheduling problem",
    2010). A unit of work is :data:`~scheduling.solvers.schedule.meter.LOOKS_PER_UNIT` looks at a
    job on a machine.
    """

    name = "neh"
    summary = "flow shops, distributed too: insertion of the jobs one by one (NEH)"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is no flow line."""
        return line_refusal(data.arrays)

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the one group that serves all."""
        return (KERNELS,)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,  # noqa: ARG002 - a construction starts from nothing
    ) -> None:
        """Post the best of the constructions."""
        if not ready((KERNELS,), board, budget):
            return
        from scheduling.solvers.schedule.permutation.walk import Walk

        line = Line.of(data.arrays, board.tier)
        meter = Meter(board, budget)
        _construct(self.name, data, Walk(line, budget.seed), board, meter)


class IteratedGreedy(NeedsNumba):
    """Iterated greedy search over the orders of the jobs of flow lines.

    It takes permutation flow shops, flow shops without waiting, one machine, parallel machines that
    each can do every job, and distributed flow shops, all with setups and releases at will, and
    every measure; see :mod:`~scheduling.solvers.schedule.permutation.kernels.search` for the
    method. With several workers as many searches run side by side and take over each other's best
    orders. A unit of work is :data:`~scheduling.solvers.schedule.meter.LOOKS_PER_UNIT` looks at a
    job on a machine by every worker.
    """

    name = "iterated-greedy"
    summary = "flow shops, distributed and without waiting too: iterated greedy search"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is no flow line."""
        return line_refusal(data.arrays)

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the one group that serves all."""
        return (KERNELS,)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Construct, then improve the best orders of all until the budget is spent."""
        if board.caps or not ready((KERNELS,), board, budget):
            return
        from scheduling.solvers.schedule.permutation.walk import Walk

        line = Line.of(data.arrays, board.tier)
        meter = Meter(board, budget)
        walk = Walk(line, budget.seed)
        _construct(self.name, data, walk, board, meter)
        if hint is not None and not meter.over:
            walk.start_from(line.orders(hint))
            _post(self.name, data, walk, board)
        with Sideways() as side:
            for number in range(1, budget.workers):
                other = Walk(line, budget.seed + number)
                work = partial(_explore, self.name, data, other, board, Meter(board, budget))
                side.start(f"{self.name}-{number}", work)
            _explore(self.name, data, walk, board, meter)


def _construct(
    name: str, data: CompiledSchedule, walk: Walk, board: Board[Candidate], meter: Meter
) -> None:
    """Run the insertions; jobs that the budget leaves out follow in their order."""
    for order in _first_orders(data.arrays, walk.line):
        walk.begin(order)
        while not walk.built and not meter.over:
            meter.spend(walk.advance(SLICE, build_only=True))
        if not walk.built:
            if board.best is not None:
                return
            walk.append_rest()
        _post(name, data, walk, board)
        if meter.over:
            return


def _first_orders(arrays: ScheduleArrays, line: Line) -> list[Ints]:
    """Orders in which jobs are put in."""
    falling = np.argsort(-line.work, kind="stable")
    if not line.sums:
        return [falling]
    weight = np.maximum(arrays.job_weight, 1)
    orders = [falling, np.argsort(line.work / weight, kind="stable")]
    if np.any(line.tardy) or np.any(line.late):
        orders.append(np.argsort(line.due, kind="stable"))
    return orders


def _explore(
    name: str,
    data: CompiledSchedule,
    walk: Walk,
    board: Board[Candidate],
    meter: Meter,
) -> None:
    """Improve the best orders of all, in slices."""
    known: int | None = None
    while not meter.over:
        value = board.objective
        if board.best is not None and value is not None and (known is None or value < known):
            walk.start_from(walk.line.orders(board.best))
        meter.spend(walk.advance(SLICE))
        _post(name, data, walk, board)
        known = board.objective


def _post(name: str, data: CompiledSchedule, walk: Walk, board: Board[Candidate]) -> None:
    """Post the best orders unless that was done before."""
    orders = walk.take_best()
    if orders is not None:
        candidate = walk.line.candidate(orders)
        board.offer(candidate, data.values(candidate), name)
