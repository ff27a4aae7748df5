"""Solver ``mip``: disjunctive or time-indexed mixed-integer programs on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.solvers.board import Board, Budget
from scheduling.solvers.registry import Availability
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import feature_refusal

if TYPE_CHECKING:
    from scheduling.solvers.linear.result import Engine


class Mip:
    """A mixed-integer program: exact, for small and medium problems.

    Parameters
    ----------
    engine
        ``highs``, or the name of an engine in Pyomo: ``gurobi``, ``cplex``, ``scip``, ….
    """

    name = "mip"
    summary = "Mixed-integer program on HiGHS (mip:gurobi, mip:cplex, mip:scip through Pyomo)"

    def __init__(self, engine: str = "highs") -> None:
        self.engine = engine
        if engine != "highs":
            self.name = f"mip:{engine}"

    def _engine(self) -> Engine:
        from scheduling.solvers.linear.engines import find_engine

        return find_engine(self.engine)

    def availability(self) -> Availability:
        """Tell whether the engine is there."""
        return self._engine().availability()

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Refuse problems that neither formulation can hold, and name the way out."""
        from scheduling.solvers.schedule.mip.choice import choose, too_large
        from scheduling.solvers.schedule.mip.frame import Frame

        reason = feature_refusal(data.arrays)
        if reason is not None:
            return reason
        frame = Frame.of(data.arrays)
        if frame is None or choose(frame, 0) is not None:
            return None
        return too_large(frame)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Solve the tier of ``board``, starting from its best candidate or from ``hint``.

        One unit of work is ten questions of HiGHS whether to go on: a fifth of a second or more.
        """
        from scheduling.solvers.schedule.mip.search import search_formulation

        search_formulation(self.name, self._engine(), data, board, budget, hint)
