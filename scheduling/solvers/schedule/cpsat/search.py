"""One exact CP-SAT search on a board."""

from __future__ import annotations

from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat.posting import BoardRun
from scheduling.solvers.cpsat.running import set_hint
from scheduling.solvers.cpsat.settings import Settings, sat_parameters
from scheduling.solvers.schedule.cpsat.model import Formulation, OutOfTimeError
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule


def search_exactly(
    name: str,
    data: CompiledSchedule,
    board: Board[Candidate],
    budget: Budget,
    hint: Candidate | None,
    settings: Settings | None,
) -> None:
    """Build the model of the board's tier, hand over the best candidate, and run CP-SAT.

    The board's best value and bound limit the objective, so that CP-SAT starts where others are.
    """

    def pulse() -> None:
        if board.stopped or budget.remaining() == 0:
            raise OutOfTimeError

    best, ceiling = board.best, board.objective
    try:
        formulation = Formulation(data.arrays, board.tier, board.caps, ceiling, board.bound, pulse)
        pulse()
    except OutOfTimeError:
        return
    if formulation.infeasible:
        board.prove_infeasible(name)
        return
    start = best or hint
    if start is not None:
        set_hint(formulation.model, formulation.encode(start))
    run = BoardRun(board, name, formulation.decode, data.values)
    run.exact(formulation.model, sat_parameters(budget, settings))
