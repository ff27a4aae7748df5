"""Solver ``auto``: EPLB's rule, local search, then CP-SAT on the whole or on parts."""

from __future__ import annotations

from scheduling.models.experts.arrays import Ints
from scheduling.models.experts.bounds import bytes_bound
from scheduling.solvers.bases import NeedsCpSat, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.experts.cpsat import CpSat
from scheduling.solvers.experts.eplb import Eplb
from scheduling.solvers.experts.family import CompiledExperts
from scheduling.solvers.experts.groups import settle_groups
from scheduling.solvers.experts.keep import Keep
from scheduling.solvers.experts.lns import Lns
from scheduling.solvers.experts.swaps import Swaps
from scheduling.solvers.sideways import Sideways


class Auto(NeedsCpSat, TakesAll):
    """Portfolio of the family's solvers on one board.

    EPLB's rule answers first, so that no answer is worse than its. Exchanges improve it; then
    CP-SAT proves small problems, while large ones go on with CP-SAT on some devices at a time. With
    a work limit one runs after the other.
    """

    name = "auto"
    summary = "portfolio: EPLB's rule, exchanges, CP-SAT on the whole or on parts"

    def search(
        self,
        data: CompiledExperts,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,
    ) -> None:
        """Improve value and bound side by side."""
        arrays = data.arrays
        if board.best is None:
            Eplb().search(data, board, budget, hint)
        if arrays.goals[board.tier] == "bytes":
            caps = dict(zip(arrays.goals, board.caps, strict=False))
            limits = [most for most in (arrays.limit, caps.get("load")) if most is not None]
            board.raise_bound(bytes_bound(arrays, min(limits, default=None)), "formula")
            if Keep().refusal(data) is None:
                Keep().search(data, board, budget, hint)
        elif arrays.n_nodes > 1:
            settle_groups(data, board, budget.part(0.2))
        exact = CpSat().refusal(data) is None
        if board.stopped:
            return
        if budget.work is not None:
            Swaps().search(data, board, budget.part(0.3), hint)
            if not board.stopped:
                last = CpSat() if exact else Lns()
                last.search(data, board, budget.part(0.7), hint)
            return
        with Sideways() as side:
            if exact:
                side.start("cp-sat", lambda: CpSat().search(data, board, budget, hint))
            Swaps().search(data, board, budget.part(0.3), hint)
            if not board.stopped:
                Lns().search(data, board, budget, hint)
