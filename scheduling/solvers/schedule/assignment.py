"""Solver ``assignment``: the makespan of independent tasks on machines, by loads alone.

Tasks without relations may run on their machines in any order, so a schedule is a choice of modes
and its makespan the largest load of a machine. Without times the model is a small integer program:
``min C`` with one mode for each task and ``sum of durations on machine k <= C`` for each k.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.cpsat.solver import CpSat
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import SAME_MODE, SAME_ORDER, feature_refusal

_LARGEST = 2_000_000
"""Most modes of a model."""


class Assignment(NeedsCpSat):
    """CP-SAT with loads in place of intervals: exact, for unrelated and identical machines.

    A unit of work is one unit of CP-SAT's deterministic time.
    """

    name = "assignment"
    summary = "independent tasks on machines, makespan: exact, by the loads of the machines"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why loads do not decide the makespan."""
        return _refusal(data.arrays) or CpSat().refusal(data)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Choose the modes, from the board's best schedule on."""
        from ortools.sat.python import cp_model

        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.cpsat.running import set_hint
        from scheduling.solvers.cpsat.settings import sat_parameters

        arrays = data.arrays
        model = cp_model.CpModel()
        chosen = [model.new_bool_var("") for _ in arrays.duration.tolist()]
        for first, stop in zip(
            arrays.mode_ptr[:-1].tolist(), arrays.mode_ptr[1:].tolist(), strict=True
        ):
            model.add_exactly_one(chosen[first:stop])
        factor = int(arrays.weights[board.tier, MEASURES.index("makespan")])
        # A domain cut down to what is known made CP-SAT slower: 98 on a hundred jobs and ten
        # machines took it 3 CPU-seconds without, and was not found within 4 with it.
        peak = model.new_int_var(0, int(arrays.min_duration().sum()), "")
        for machine in np.unique(arrays.machine).tolist():
            modes = np.flatnonzero(arrays.machine == machine)
            literals = [chosen[mode] for mode in modes.tolist()]
            load = cp_model.LinearExpr.weighted_sum(literals, arrays.duration[modes].tolist())
            model.add(load <= peak)
        model.minimize(factor * peak)

        def decode(values: list[int]) -> Candidate:
            return one_after_another(arrays, np.flatnonzero(values[:-1]))

        start = board.best or hint
        if start is not None:
            flags = np.zeros(len(chosen), np.int64)
            flags[start.mode] = 1
            loads = np.bincount(arrays.machine[start.mode], arrays.duration[start.mode])
            set_hint(model, [*flags.tolist(), int(loads.max())])
        run = BoardRun(board, self.name, decode, data.values)
        run.exact(model, sat_parameters(budget))


def one_after_another(arrays: ScheduleArrays, mode: Ints) -> Candidate:
    """Schedule of independent tasks in these modes, without idle time."""
    order = np.argsort(arrays.machine[mode], kind="stable")
    length = arrays.duration[mode][order]
    end = np.cumsum(length)
    machine = arrays.machine[mode][order]
    first = np.searchsorted(machine, machine)
    start = np.empty(len(mode), np.int64)
    start[order] = end - length - (end - length)[first]
    return Candidate(start, mode)


def _refusal(arrays: ScheduleArrays) -> str | None:
    reason = feature_refusal(arrays, frozenset((SAME_MODE, SAME_ORDER)))
    if reason is not None:
        return reason
    if len(arrays.weights) > 1 or np.any(np.delete(arrays.weights[0], MEASURES.index("makespan"))):
        return "minimises the makespan alone; use lns or cp-sat"
    if len(arrays.demand_resource) or np.any(arrays.machine < 0):
        return "takes tasks on machines only; use lns or cp-sat"
    single = len(arrays.task_ids) == arrays.n_jobs
    if len(arrays.link_before) or (arrays.features and not single):
        return "takes tasks without relations to each other only; use lns or cp-sat"
    shut = np.any(arrays.deadline < NEVER) or len(arrays.step_start) > arrays.n_resources
    if shut or np.any(arrays.release):
        return "takes neither releases, deadlines nor breaks; use lns or cp-sat"
    if len(arrays.duration) > _LARGEST:
        return f"takes at most {_LARGEST:,} modes; use lns"
    return None
