"""Solver ``tour``: flow shops without waiting, and one machine with setups, as a tour of the jobs.

Without waiting, the makespan is the length of a tour through the jobs whose arcs are the least
differences of starts (Wismer, "Solution of the flowshop-scheduling problem with no intermediate
queues", 1972); with setups on one machine it is a tour with setups and durations as arcs. Nothing
but the tour has to be stated, and its linear relaxation is tight.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.permutation.line import (
    Line,
    line_refusal,
    line_shape,
    on_machines,
)

_LARGEST = 500
"""Most jobs: there is an arc for every pair of them."""

_SECONDS_PER_ARC = 1e-5
"""What building and loading a model takes at most; it is not begun with less left."""

_MANY_WORKERS = 8


class Tour(NeedsCpSat):
    """CP-SAT with a circuit through the jobs and nothing else: exact.

    Takes the makespan of flow shops without waiting and of one machine with setups, without
    releases. A unit of work is one unit of CP-SAT's deterministic time.
    """

    name = "tour"
    summary = "flow shops without waiting, one machine with setups: exact, as a tour of the jobs"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the makespan is not the length of a tour."""
        return _refusal(data.arrays)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Find the shortest tour, from the board's best schedule on."""
        from ortools.sat.python import cp_model

        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.cpsat.running import set_hint
        from scheduling.solvers.cpsat.settings import Settings, sat_parameters

        left = budget.remaining()
        if left is not None and left < _SECONDS_PER_ARC * data.arrays.n_jobs**2:
            return
        line = Line.of(data.arrays, board.tier)
        length = tour_lengths(line)
        n = line.jobs
        before, after = np.nonzero(~np.eye(n + 1, dtype=bool))
        model = cp_model.CpModel()
        arcs = [model.new_bool_var("") for _ in range(len(before))]
        model.add_circuit(list(zip(before.tolist(), after.tolist(), arcs, strict=True)))
        factor = int(data.arrays.weights[board.tier, MEASURES.index("makespan")])
        prices = (factor * length[before, after]).tolist()
        model.minimize(cp_model.LinearExpr.weighted_sum(arcs, prices))

        def decode(values: list[int]) -> Candidate:
            chosen = np.array(values, bool)
            follower = dict(zip(before[chosen].tolist(), after[chosen].tolist(), strict=True))
            order = [follower[n]]
            while follower[order[-1]] != n:
                order.append(follower[order[-1]])
            return line.candidate([order])

        start = board.best or hint
        if start is not None:
            order = line.orders(start)[0]
            place = np.full(n + 1, -1)
            place[[n, *order]] = [*order, n]
            set_hint(model, (place[before] == after).tolist())
        settings = Settings(
            workers=budget.workers if budget.workers >= _MANY_WORKERS else 1,
            parameters=(("linearization_level", 2),),
        )
        run = BoardRun(board, self.name, decode, data.values)
        run.exact(model, sat_parameters(budget, settings))


def tour_lengths(line: Line) -> Ints:
    """Length of each arc; node n stands before the first job and behind the last."""
    n = line.jobs
    length = np.zeros((n + 1, n + 1), np.int64)
    length[:, :n] = line.duration[0, :, 0]
    if line.setup.size:
        length[:, :n] += line.setup[0, :, :, 0]
    return length


def _refusal(arrays: ScheduleArrays) -> str | None:
    reason = line_refusal(arrays)
    if reason is not None:
        return reason
    if len(arrays.weights) > 1 or np.any(np.delete(arrays.weights[0], MEASURES.index("makespan"))):
        return "minimises the makespan alone; use iterated-greedy or cp-sat"
    if line_shape(arrays) != (1, 1) or not on_machines(arrays):
        return "takes one machine or one flow line without waiting; use iterated-greedy or cp-sat"
    if np.any(arrays.release) or np.any(arrays.duration == 0):
        return "takes neither releases nor tasks without duration; use iterated-greedy or cp-sat"
    if not 1 < arrays.n_jobs <= _LARGEST:
        return f"takes 2 to {_LARGEST} jobs; use iterated-greedy"
    return None
