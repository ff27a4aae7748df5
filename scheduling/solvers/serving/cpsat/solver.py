"""Solver ``cp-sat``: the whole fleet as one CP-SAT model."""

from __future__ import annotations

from scheduling.models.serving.arrays import FleetPlan
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.serving.family import CompiledServing

LARGEST_FLOWS = 200_000
"""Most flows that one model may have."""


_LINEAR = (("linearization_level", 2),)
"""Flows are large integers in linear rows: without their relaxation a search creeps upwards."""


class CpSat(NeedsCpSat):
    """CP-SAT of OR-Tools: exact.

    One work unit is one unit of CP-SAT's deterministic time.
    """

    name = "cp-sat"
    summary = "CP-SAT (OR-Tools) on whole numbers of replicas and flows: exact, proves optimality"

    def refusal(self, data: CompiledServing) -> str | None:
        """Refuse models that would not be solved in any time."""
        flows = data.arrays.n_scenarios * len(data.arrays.arc_slot)
        if flows > LARGEST_FLOWS:
            return f"{flows} flows, above {LARGEST_FLOWS}; use columns"
        return None

    def search(
        self,
        data: CompiledServing,
        board: Board[FleetPlan],
        budget: Budget,
        hint: FleetPlan | None,
    ) -> None:
        """Solve the tier of ``board``, starting from its best candidate or from ``hint``."""
        from scheduling.solvers.cpsat.posting import BoardRun
        from scheduling.solvers.cpsat.settings import Settings
        from scheduling.solvers.serving.cpsat.model import Model

        model = Model(data.arrays)
        for goal, cap in zip(data.arrays.goals, board.caps, strict=False):
            model.model.add(model.tiers[goal] <= cap)
        model.model.minimize(model.tiers[data.arrays.goals[board.tier]])
        run = BoardRun(board, self.name, model.plan, data.values)
        run.whole(model, budget, hint, Settings(parameters=_LINEAR))
