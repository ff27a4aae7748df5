"""Bounds of flow shops with setups: the shortest tour on each machine.

On machine k all jobs run one after the other with their setups, the first not before its head (what
it needs on the machines before) and the last followed by its tail. So

    makespan >= min over orders of (head of the first + durations + setups + tail of the last),

which is the length of a tour through the jobs. Any lower bound on that length will do.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.permutation.line import (
    Line,
    line_refusal,
    line_shape,
    on_machines,
)

_LARGEST = 300
"""Most jobs of a tour."""

_MAKESPAN = MEASURES.index("makespan")


def has_machine_tours(arrays: ScheduleArrays) -> bool:
    """Whether the problem is one flow line with setups, several machines and the makespan."""
    if not arrays.setups or line_refusal(arrays) is not None:
        return False
    stages, lines = line_shape(arrays)
    sums = np.any(np.delete(arrays.weights, _MAKESPAN, axis=1))
    single = lines == 1 and on_machines(arrays)
    return stages > 1 and single and not sums and 1 < arrays.n_jobs <= _LARGEST


def raise_by_tours(data: CompiledSchedule, board: Board[Candidate], budget: Budget) -> None:
    """Raise the bound of a problem with :func:`has_machine_tours`, machine by machine.

    The machine with the most work comes first; each gets an equal part of what is left.
    """
    from ortools.sat.python import cp_model

    from scheduling.solvers.cpsat.running import run
    from scheduling.solvers.cpsat.settings import Settings, sat_parameters
    from scheduling.solvers.cpsat.stopping import StopSwitch

    line = Line.of(data.arrays, board.tier)
    factor = int(data.arrays.weights[board.tier, _MAKESPAN])
    lengths = machine_lengths(line)
    before, after = np.nonzero(~np.eye(line.jobs + 1, dtype=bool))
    switch = StopSwitch(board)
    least = [int(length[:, :-1].min(axis=0).sum()) for length in lengths]
    ranked = sorted(range(line.stages), key=lambda stage: -least[stage])
    for done, stage in enumerate(ranked):
        if board.stopped or budget.remaining() == 0:
            return
        model = cp_model.CpModel()
        arcs = [model.new_bool_var("") for _ in range(len(before))]
        model.add_circuit(list(zip(before.tolist(), after.tolist(), arcs, strict=True)))
        prices = lengths[stage][before, after].tolist()
        model.minimize(cp_model.LinearExpr.weighted_sum(arcs, prices))
        settings = Settings(workers=1, parameters=(("linearization_level", 2),))
        share = budget.part(1 / (line.stages - done))
        result = run(model, sat_parameters(share, settings), switch=switch)
        if result.bound is not None:
            board.raise_bound(factor * result.bound, "machine tours")


def machine_lengths(line: Line) -> list[Ints]:
    """Length of each arc on each machine; node n stands before the first job and behind the last.

    Durations count where a job is entered.
    """
    duration, release, setup = line.duration[0], line.release[0], line.setup[0]
    n, stages = duration.shape
    head, heads = np.zeros(n, np.int64), []
    for stage in range(stages):
        head = np.maximum(head, release[:, stage])
        heads.append(head)
        head = head + duration[:, stage]
    tails = duration.sum(axis=1)[:, None] - np.cumsum(duration, axis=1)
    found = []
    for stage in range(stages):
        length = np.zeros((n + 1, n + 1), np.int64)
        length[:, :n] = setup[:, :, stage]
        length[n, :n] = np.maximum(length[n, :n], heads[stage])
        length[:, :n] += duration[:, stage]
        length[:n, n] = tails[:, stage]
        found.append(length)
    return found
