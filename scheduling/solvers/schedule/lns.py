"""Solver ``lns``: improve a schedule by solving parts of it again with CP-SAT."""

from __future__ import annotations

from scheduling.errors import UnsupportedError
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.cpsat.solver import CpSat
from scheduling.solvers.schedule.family import FAMILY, Candidate, CompiledSchedule

_STARTERS = ("dispatch", "sgs", "insertion")


class Lns(NeedsCpSat):
    """Large neighbourhood search (Shaw, 1998) with a partial-order schedule outside the part.

    Each step frees some tasks (a stretch of time, some resources, some jobs, tasks drawn one by
    one, or tasks around what the objective pays for), keeps the order of the others but not their
    times, and lets CP-SAT look for a better schedule for a short while (Godard, Laborie and
    Nuijten, "Randomized large neighborhood search for cumulative scheduling", 2005). In large
    problems a step sees only a stretch of time, so that it stays small. Takes any problem of the
    family; one work unit is one unit of CP-SAT's deterministic time.
    """

    name = "lns"
    summary = "large neighbourhood search: parts of the best schedule solved again by CP-SAT"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Refuse what CP-SAT refuses."""
        return CpSat().refusal(data)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Improve the board's best schedule; without one, look for a first one."""
        if board.best is None:
            self._start(data, board, budget, hint)
        if board.best is not None and not board.stopped:
            # Its packages take long to load: a first schedule is there before they are.
            from scheduling.solvers.schedule.neighbourhood.improve import Improver

            Improver(data, board, budget, self.name).run()

    def _start(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Take the first schedule that a quick heuristic or else CP-SAT finds."""
        for name in _STARTERS:
            try:
                solver = FAMILY.solver(name)
            except UnsupportedError:
                continue
            if solver.refusal(data) is None:
                one = Budget(budget.deadline, 1.0, 1, budget.seed)
                solver.search(data, board, one, hint)
            if board.best is not None or board.stopped:
                return
        from scheduling.solvers.cpsat.settings import Settings

        first = Settings(parameters=(("stop_after_first_solution", True),))
        CpSat(first).search(data, board, budget, hint)
