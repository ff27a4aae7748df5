"""One run of CP-SAT: hints, callbacks, the status and what was found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ortools.sat.python import cp_model

from scheduling.errors import SolverError
from scheduling.solvers.cpsat.stopping import StopSwitch

_EXACT = 2.0**52
"""Below this, a float holds every integer."""

_NOISE = 2.0**-48
"""Part of the largest objective by which a bound that is reported as a float may be off."""

_LARGE = 2**30
"""From such a sum of coefficients on, CP-SAT 9.15 may prove what is wrong, see :func:`run`."""


class Outcome(StrEnum):
    """What a run of CP-SAT has shown of its model."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


STATUSES: dict[str, Outcome | None] = {
    "OPTIMAL": Outcome.OPTIMAL,
    "FEASIBLE": Outcome.FEASIBLE,
    "INFEASIBLE": Outcome.INFEASIBLE,
    "UNKNOWN": Outcome.UNKNOWN,
    "MODEL_INVALID": None,
}
"""Every native status; ``None`` marks a defect of the formulation, which is an error."""


def set_hint(model: cp_model.CpModel, values: Sequence[int]) -> None:
    """Give every variable of ``model`` a hint, in the order of the variables."""
    model.proto.clear_solution_hint()
    hint = model.proto.solution_hint
    hint.vars.extend(list(range(len(values))))
    hint.values.extend([int(value) for value in values])


@dataclass(frozen=True)
class Result:
    """What one run of CP-SAT brought.

    Attributes
    ----------
    outcome
        What was shown.
    bound
        Lower bound of the objective, in the objective's own units; ``None`` without one.
    values
        Value of every variable in the best solution; ``None`` without one.
    work
        Deterministic time used.
    seconds
        Wall time of the run.
    core
        Indices of assumption literals that cannot hold together, when that was shown.
    """

    outcome: Outcome
    bound: int | None
    values: list[int] | None
    work: float
    seconds: float
    core: tuple[int, ...] = ()


@dataclass
class _Callback(cp_model.CpSolverSolutionCallback):
    """Passes solutions and bounds on, and keeps what goes wrong out of the engine's threads."""

    solution: Callable[[list[int]], None] | None = None
    bound: Callable[[int], None] | None = None
    slack: float = 1e-6
    stop: Callable[[], None] = field(default=lambda: None)
    failure: Exception | None = None

    def __post_init__(self) -> None:
        cp_model.CpSolverSolutionCallback.__init__(self)

    def on_solution_callback(self) -> None:
        """Take one solution from the engine."""
        if self.solution is not None:
            values = list(self.response_proto.solution)
            self._guarded(self.solution, values)

    def on_bound(self, value: float) -> None:
        """Take one bound from the engine."""
        if self.bound is not None and abs(value) < _EXACT:
            self._guarded(self.bound, math.ceil(value - self.slack))

    def _guarded(self, action: Callable[[Any], None], value: Any) -> None:
        try:
            action(value)
        except Exception as error:  # noqa: BLE001 - an exception must not cross into the engine
            self.failure = self.failure or error
            self.stop()


def run(
    model: cp_model.CpModel,
    parameters: Any,
    *,
    switch: StopSwitch | None = None,
    on_solution: Callable[[list[int]], None] | None = None,
    on_bound: Callable[[int], None] | None = None,
) -> Result:
    """Run CP-SAT once.

    A step of the presolve of CP-SAT 9.15 takes literals of which at most one holds out of linear
    constraints, and loses solutions where coefficients sum to 2^31 or more: models with such
    constraints do without it.

    Parameters
    ----------
    model
        The model.
    parameters
        From :func:`~scheduling.solvers.cpsat.settings.sat_parameters`.
    switch
        Ends the run when it is pressed.
    on_solution
        Called with the values of all variables at every improvement, in a thread of the engine.
    on_bound
        Called with every better lower bound, in a thread of the engine.

    Raises
    ------
    SolverError
        When CP-SAT rejects the model, fails inside, or returns a status that is not known.
    """
    solver = cp_model.CpSolver()
    solver.parameters.copy_from(parameters)
    if _has_large_sums(model):
        solver.parameters.presolve_inclusion_work_limit = 0
    slack = 0.0 if on_bound is None else _slack(model)
    callback = _Callback(on_solution, on_bound, slack, solver.stop_search)
    if on_bound is not None:
        solver.best_bound_callback = callback.on_bound
    if switch is not None:
        switch.attach(solver)
    try:
        status = _solve(solver, model, callback if on_solution is not None else None)
    finally:
        if switch is not None:
            switch.detach()
    if callback.failure is not None:
        raise callback.failure
    return _result(model, solver, outcome_of(status.name, model))


def _slack(model: cp_model.CpModel) -> float:
    """Return by how much a bound may be above the true one.

    The presolve scales and shifts the objective, and CP-SAT turns bounds back with floats: they are
    off by some units in the last place of the largest number on the way.
    """
    proto, objective = model.proto, model.proto.objective
    reach = abs(objective.offset)
    for variable, factor in zip(objective.vars, objective.coeffs, strict=True):
        domain = proto.variables[variable if variable >= 0 else -variable - 1].domain
        reach += abs(factor) * max(map(abs, domain))
    return max(1e-6, _NOISE * reach)


def _has_large_sums(model: cp_model.CpModel) -> bool:
    return any(
        constraint.has_linear() and sum(map(abs, constraint.linear.coeffs)) >= _LARGE
        for constraint in model.proto.constraints
    )


def _solve(solver: cp_model.CpSolver, model: cp_model.CpModel, callback: Any) -> Any:
    """Solve, a second time without symmetry detection where CP-SAT fails inside.

    CP-SAT 9.15 throws an index error while it presolves some small models with symmetries.
    """
    try:
        return solver.solve(model, callback)
    except Exception:  # noqa: BLE001 - whatever crosses over from C++
        solver.parameters.symmetry_level = 0
    try:
        return solver.solve(model, callback)
    except Exception as error:
        raise SolverError(f"CP-SAT failed inside: {error}") from error


def outcome_of(status: str, model: cp_model.CpModel | None = None) -> Outcome:
    """Translate a native status by :data:`STATUSES`.

    Raises
    ------
    SolverError
        For ``MODEL_INVALID``, with CP-SAT's own reason, and for a status not in the table.
    """
    if status not in STATUSES:
        raise SolverError(f"CP-SAT returned the unknown status {status}")
    outcome = STATUSES[status]
    if outcome is None:
        reason = model.validate().strip() if model is not None else ""
        raise SolverError(f"CP-SAT rejects the model ({status}): {reason or 'no reason given'}")
    return outcome


def _result(model: cp_model.CpModel, solver: cp_model.CpSolver, outcome: Outcome) -> Result:
    response = solver.response_proto
    found = outcome in (Outcome.OPTIMAL, Outcome.FEASIBLE)
    bound = None
    # Stopped before it knows any bound, CP-SAT leaves the field at 0, which is none where values
    # may be negative.
    unset = outcome is not Outcome.OPTIMAL and response.inner_objective_lower_bound == 0
    if model.has_objective() and outcome is not Outcome.INFEASIBLE and not unset:
        objective = model.proto.objective
        bound = int(response.inner_objective_lower_bound) + int(objective.offset)
    return Result(
        outcome=outcome,
        bound=bound,
        values=list(response.solution) if found else None,
        work=response.deterministic_time,
        seconds=response.wall_time,
        core=tuple(response.sufficient_assumptions_for_infeasibility),
    )
