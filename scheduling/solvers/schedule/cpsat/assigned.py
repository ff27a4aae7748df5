"""Exact search in which some tasks keep to given machines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scheduling.models.schedule.arrays import Ints
from scheduling.models.schedule.bounds.pruning import with_modes
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat.posting import BoardRun
from scheduling.solvers.cpsat.running import Outcome, run
from scheduling.solvers.cpsat.settings import Settings, sat_parameters
from scheduling.solvers.cpsat.stopping import StopSwitch
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule

_WORK = 1.0
"""Deterministic time for one assignment."""


class AssignedSearch:
    """Schedules assignments of tasks to machines, one after the other, on one board."""

    def __init__(
        self, data: CompiledSchedule, board: Board[Candidate], budget: Budget, name: str
    ) -> None:
        self._data, self._board, self._budget, self._name = data, board, budget, name
        self._switch = StopSwitch(board)

    def settle(self, tasks: Ints, machines: Ints) -> bool:
        """Look for a better schedule in which these tasks run on these machines.

        Returns
        -------
        bool
            Whether nothing better than the board's best is left with this assignment.
        """
        arrays, objective = self._data.arrays, self._board.objective
        wanted = np.full(arrays.n_tasks, -1, np.int64)
        wanted[tasks] = machines
        owner = np.repeat(wanted, np.diff(arrays.mode_ptr))
        keep = (owner < 0) | (owner == arrays.machine)
        ceiling = None if objective is None else objective - 1
        kept = with_modes(arrays, keep)
        formulation = Formulation(kept, self._board.tier, self._board.caps, ceiling)
        if formulation.infeasible:
            return True
        modes = np.flatnonzero(keep)

        def decode(values: list[int]) -> Candidate:
            candidate = formulation.decode(values)
            return Candidate(candidate.start, modes[candidate.mode])

        poster = BoardRun(self._board, self._name, decode, self._data.values)
        budget = replace(self._budget, work=_WORK, workers=1)
        result = run(
            formulation.model,
            sat_parameters(budget, Settings(workers=1)),
            switch=self._switch,
            on_solution=poster.post,
        )
        return result.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE)
