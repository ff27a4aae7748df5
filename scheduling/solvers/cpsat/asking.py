"""Questions to CP-SAT outside of a search, such as those of an explanation."""

from __future__ import annotations

from ortools.sat.python import cp_model

from scheduling.solvers.board import Budget
from scheduling.solvers.cpsat.running import Outcome, Result, run
from scheduling.solvers.cpsat.settings import sat_parameters
from scheduling.solvers.cpsat.stopping import StopSwitch
from scheduling.solvers.watching import answer_to


def ask(model: cp_model.CpModel, budget: Budget) -> Result:
    """Run a model within a budget and end with Ctrl-C; what is not settled then is unknown."""
    found = answer_to(
        lambda board: run(model, sat_parameters(budget), switch=StopSwitch(board)), budget
    )
    return found or Result(Outcome.UNKNOWN, None, None, 0.0, 0.0)
