"""What must hold of solvers on any tiny problem, by the definitions that the brute force states."""

from __future__ import annotations

from hypothesis import assume

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Budget
from scheduling.solvers.cpsat.running import Outcome, run
from scheduling.solvers.cpsat.settings import sat_parameters
from scheduling.solvers.explain import explain
from scheduling.solvers.schedule.cpsat.model import Formulation
from scheduling.solvers.schedule.explain import ScheduleConflict
from scheduling.solvers.schedule.family import CompiledSchedule
from tests.brute_force import brute_force

LIMIT = 3_000
"""Partial schedules of the brute force before a property looks at another problem."""

LONG = Budget(None, 50.0, 1, 0)


def exact(problem: ScheduleProblem, solver: str, work: float, limit: int = LIMIT) -> None:
    """A solver finds and proves the optimum, or that there is no schedule."""
    best = brute_force(problem, limit)
    solution = sch.solve(problem, solver, work_limit=work, workers=1)
    if best is None:
        assert solution.status is Status.INFEASIBLE
    else:
        assert solution.status is Status.OPTIMAL
        assert tuple(tier.objective for tier in solution.tiers) == best
        assert check_schedule(problem, solution) == []


def bounded_by_formula(problem: ScheduleProblem, limit: int = LIMIT) -> None:
    """Bounds by formula exceed no optimum."""
    best = brute_force(problem, limit)
    bounds = CompiledSchedule(problem).bounds()
    if bounds is None:
        assert best is None
    elif best is not None and bounds[0] is not None:
        assert bounds[0] <= best[0]


def no_better_than_the_optimum(
    problem: ScheduleProblem, solver: str, work: float, limit: int = LIMIT
) -> None:
    """A heuristic finds only what is there."""
    best = brute_force(problem, limit)
    solution = sch.solve(problem, solver, work_limit=work, workers=1)
    if solution.tasks:
        assert best is not None
        assert tuple(tier.objective for tier in solution.tiers) >= best


def hinted_in_full(problem: ScheduleProblem) -> None:
    """A schedule gives every variable of CP-SAT's model a value, and the model admits them."""
    data = CompiledSchedule(problem)
    solution = sch.solve(problem, "cp-sat", work_limit=20.0, workers=1)
    assume(solution.tasks)
    candidate = data.candidate(solution)
    assert candidate is not None
    formulation = Formulation(data.arrays, 0)
    model = formulation.model
    values = formulation.encode(candidate)
    assert len(values) == len(model.proto.variables)
    for index, value in enumerate(values):
        model.add(model.get_int_var_from_proto_index(index) == value)
    assert run(model, sat_parameters(Budget(None, 10.0, 1, 0))).outcome is Outcome.OPTIMAL


def held_by_all_rules(problem: ScheduleProblem, limit: int = LIMIT) -> None:
    """All constraints that ``explain`` can name are together as strict as the problem."""
    conflict = ScheduleConflict(problem)
    holds = conflict.holds(range(len(conflict.labels)), LONG)
    assert holds == (brute_force(problem, limit) is not None)


def explained(problem: ScheduleProblem, limit: int = LIMIT) -> None:
    """``explain`` names a conflict of problems without schedules, none of whose parts is one."""
    found = explain(problem, 60.0, workers=1)
    if brute_force(problem, limit) is not None:
        assert found.status is Status.FEASIBLE
        return
    assert found.status is Status.INFEASIBLE
    assert found.is_minimal
    conflict = ScheduleConflict(problem)
    members = sorted({conflict.labels.index(label) for label in found.conflict})
    assert conflict.holds(members, LONG) is False
    for member in members:
        assert conflict.holds([index for index in members if index != member], LONG) is True
