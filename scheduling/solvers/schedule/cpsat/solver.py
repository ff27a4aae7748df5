"""Solver ``cp-sat``: the whole problem as one CP-SAT model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.schedule.arrays import ScheduleArrays
from scheduling.models.schedule.windows import horizon
from scheduling.models.schedule.worktime import MOST_PIECES
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import (
    BLOCKING,
    EVERYTHING,
    feature_refusal,
    largest_value,
)

if TYPE_CHECKING:
    from scheduling.solvers.cpsat.settings import Settings

_SMALL_BLOCKING = 75
"""Up to so many tasks, relaxations of the whole model pay in blocking job shops."""

LARGEST = 2**50
"""Times, objective values and energies must stay below this: CP-SAT counts in 64 bits and reports
objective values as floats."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact, any problem of the family.

    Parameters
    ----------
    settings
        How to search; default: CP-SAT's own choice for the budget's workers. One work unit is one
        unit of CP-SAT's deterministic time.
    """

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools): exact, proves optimality and infeasibility"

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Refuse only numbers that 64 bits cannot hold, and rules that it does not know."""
        reason = feature_refusal(data.arrays, EVERYTHING)
        if reason is not None:
            return reason
        if any(run is not None and run.crowd > MOST_PIECES for run in data.arrays.runs):
            return "takes no tasks of so many periods around one-off breaks; use insertion"
        size = _magnitude(data.arrays)
        if size >= LARGEST:
            return f"numbers reach {size:.1e}, above {LARGEST:.1e}; use a coarser unit of time"
        return None

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Solve the tier of ``board``, starting from its best candidate or from ``hint``."""
        from scheduling.solvers.schedule.cpsat.search import search_exactly

        search_exactly(self.name, data, board, budget, hint, self.settings)


def _magnitude(arrays: ScheduleArrays) -> int:
    """Largest absolute value of a time, an objective or an energy."""
    reach = horizon(arrays) + int(arrays.job_release.max(initial=0))
    energy = int(arrays.demand_amount.max(initial=1))
    moves = 1 if arrays.swap else int(arrays.blocking[arrays.job].sum()) + 1
    return max(largest_value(arrays), reach * energy, reach * moves)


def bounding(arrays: ScheduleArrays) -> Settings:
    """Choose the searches that raise the lower bound most per second of processor time.

    Measured on two cores beside a local search: on job shops three searches without relaxations
    reach 1435 on swv04 (eight default threads 1412) and close la39 in 8 CPU-seconds (11). On
    flexible shops eight default threads reach 918 on setb4xxx in 30 seconds (relaxations of the
    whole model alone 892), and on projects nothing beats them either. On small blocking job shops
    the eight prove la05 in 5 CPU-seconds, the three in 20; on la16 the three reach 1000 in 20
    CPU-seconds and the eight 906.
    """
    from scheduling.solvers.cpsat.settings import Settings

    small = arrays.n_tasks <= _SMALL_BLOCKING and BLOCKING in arrays.features
    alone = bool(arrays.demand_amount.size) and bool(np.any(arrays.machine < 0))
    if alone or not arrays.single_mode or small:
        return Settings(workers=8)
    names = ("quick_restart_no_lp", "objective_lb_search_no_lp", "objective_lb_search_max_lp")
    return Settings(workers=3, subsolvers=names)
