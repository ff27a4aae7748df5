"""Engines that a user brings along, through Pyomo: Gurobi, CPLEX, SCIP, CBC, GLPK and others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.errors import ApplicationError
from pyomo.core.expr.numeric_expr import LinearExpression
from pyomo.opt import TerminationCondition

from scheduling.errors import SolverError, UnsupportedError
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.linear.result import Limits, LinearResult, Listener, Outcome
from scheduling.solvers.registry import READY, Availability

_Condition = TerminationCondition

_OUTCOMES: dict[TerminationCondition, Outcome] = {
    _Condition.optimal: Outcome.OPTIMAL,
    _Condition.globallyOptimal: Outcome.OPTIMAL,
    _Condition.infeasible: Outcome.INFEASIBLE,
    _Condition.unbounded: Outcome.UNBOUNDED,
    _Condition.infeasibleOrUnbounded: Outcome.UNDECIDED,
    _Condition.maxTimeLimit: Outcome.STOPPED,
    _Condition.maxIterations: Outcome.STOPPED,
    _Condition.maxEvaluations: Outcome.STOPPED,
    _Condition.minFunctionValue: Outcome.STOPPED,
    _Condition.feasible: Outcome.STOPPED,
    _Condition.userInterrupt: Outcome.STOPPED,
    _Condition.resourceInterrupt: Outcome.STOPPED,
    _Condition.intermediateNonInteger: Outcome.STOPPED,
    _Condition.noSolution: Outcome.STOPPED,
}


@dataclass(frozen=True)
class _Options:
    """What an engine calls the options that every solve sets."""

    gap: str
    relative_gap: str
    workers: str | None
    seed: str


_OPTIONS = {
    "gurobi": _Options("MIPGapAbs", "MIPGap", "Threads", "Seed"),
    "cplex": _Options("mip_tolerances_absmipgap", "mip_tolerances_mipgap", "threads", "randomseed"),
    "scip": _Options("limits/absgap", "limits/gap", None, "randomization/randomseedshift"),
    "cbc": _Options("allowableGap", "ratioGap", "threads", "randomCbcSeed"),
    "highs": _Options("mip_abs_gap", "mip_rel_gap", "threads", "random_seed"),
}


class External:
    """An engine by its name in Pyomo.

    It reports no solutions or bounds while it runs, and ends at its time limit at the earliest
    when it is told to stop.

    Parameters
    ----------
    name
        Such as ``gurobi``, ``cplex``, ``scip``, ``cbc``, ``glpk`` or ``appsi_highs``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def availability(self) -> Availability:
        """Ask Pyomo whether the engine, and its licence, are there."""
        known = sorted(entry for entry in pyo.SolverFactory if not entry.startswith("_"))
        if self.name not in known:
            return Availability(False, f"Pyomo knows no engine {self.name!r}; see its manual")
        try:
            found = self._engine().available(exception_flag=False)
        except (ApplicationError, ImportError, OSError, RuntimeError, ValueError) as error:
            return Availability(False, f"{self.name}: {error}")
        if not found:
            detail = getattr(found, "name", "not found on this machine")
            hint = "install it, with its licence, so that Pyomo finds it"
            return Availability(False, f"{self.name}: {detail}; {hint}, or use mip:highs")
        return READY

    def _engine(self) -> Any:
        return pyo.SolverFactory(self.name)

    def solve(
        self,
        model: LinearModel,
        limits: Limits,
        listener: Listener | None = None,
        start: Floats | None = None,
    ) -> LinearResult:
        """Solve a model; see :class:`~scheduling.solvers.linear.result.Engine`."""
        if limits.work is not None:
            raise UnsupportedError(
                f"engine {self.name!r} has no deterministic work limit; give a time limit instead"
            )
        concrete = to_pyomo(model, start)
        engine = self._engine()
        settings = self._settings(engine, limits, warm=start is not None)
        try:
            answer = engine.solve(concrete, load_solutions=False, **settings)
        except (ApplicationError, OSError, RuntimeError, ValueError) as error:
            raise SolverError(f"engine {self.name!r} failed: {error}") from error
        result = self._read(engine, concrete, answer, limits)
        if listener is not None:
            if result.values is not None:
                listener.solution(result.values)
            if result.bound is not None:
                listener.bound(result.bound)
        return result

    def _settings(self, engine: Any, limits: Limits, *, warm: bool) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        if limits.seconds is not None:
            settings["timelimit"] = max(limits.seconds, 0.001)
        names = self._names()
        if names is not None:
            options = {
                names.gap: limits.gap,
                names.relative_gap: 0.0,
                names.seed: limits.seed % 2**31,
            }
            if names.workers is not None:
                options[names.workers] = limits.workers
            settings["options"] = options
        capable = getattr(engine, "warm_start_capable", None)
        if warm and capable is not None and capable():
            settings["warmstart"] = True
        return settings

    def _names(self) -> _Options | None:
        return next((names for key, names in _OPTIONS.items() if key in self.name), None)

    def _read(self, engine: Any, concrete: Any, answer: Any, limits: Limits) -> LinearResult:
        condition = answer.solver.termination_condition
        outcome = _OUTCOMES.get(condition, Outcome.FAILED)
        values = None
        if outcome in (Outcome.OPTIMAL, Outcome.STOPPED):
            values = _values(engine, concrete, answer)
        objective = None if values is None else float(pyo.value(concrete.objective))
        bound = _finite(answer.problem.lower_bound)
        exact = outcome is Outcome.OPTIMAL and objective is not None and self._names() is not None
        if bound is None and exact and objective is not None:
            bound = objective - limits.gap
        return LinearResult(outcome, str(condition), values, objective, bound)


def to_pyomo(model: LinearModel, start: Floats | None = None) -> Any:
    """Translate a model for Pyomo: variables ``x``, rows ``rows``, objective ``objective``.

    Parameters
    ----------
    model
        The blocks.
    start
        Initial value of every variable.
    """
    concrete = pyo.ConcreteModel(model.name)
    lower, upper = model.bounds()
    integers = model.integers()
    concrete.x = pyo.Var(range(model.n_columns))
    for column, variable in concrete.x.items():
        variable.domain = pyo.Integers if integers[column] else pyo.Reals
        variable.lb, variable.ub = _finite(lower[column]), _finite(upper[column])
        if start is not None:
            variable.set_value(float(start[column]), skip_validation=True)
    # Some interfaces fail on a model without any variable in use.
    concrete.anchor = pyo.Var(bounds=(0, 0))
    costs = _linear(concrete.x, np.arange(model.n_columns), model.costs(), model.offset)
    concrete.objective = pyo.Objective(expr=costs + concrete.anchor)
    concrete.rows = pyo.ConstraintList()
    _add_rows(model, concrete)
    return concrete


def _add_rows(model: LinearModel, concrete: Any) -> None:
    matrix = model.matrix()
    column = np.repeat(np.arange(model.n_columns), np.diff(matrix.start))
    order = np.argsort(matrix.index, kind="stable")
    begins = np.searchsorted(matrix.index[order], np.arange(model.n_rows + 1))
    for row, (low, high) in enumerate(zip(*model.sides(), strict=True)):
        mine = order[begins[row] : begins[row + 1]]
        if not len(mine) and low <= 0 <= high:
            continue
        body = _linear(concrete.x, column[mine], matrix.value[mine], 0.0) + concrete.anchor
        if low == high:
            concrete.rows.add(body == float(low))
        elif math.isfinite(low) or math.isfinite(high):
            concrete.rows.add((_finite(low), body, _finite(high)))


def _linear(variables: Any, columns: Any, values: Floats, constant: float) -> Any:
    used = [(column, value) for column, value in zip(columns, values, strict=True) if value != 0]
    return LinearExpression(
        constant=float(constant),
        linear_coefs=[float(value) for _, value in used],
        linear_vars=[variables[int(column)] for column, _ in used],
    )


def _values(engine: Any, concrete: Any, answer: Any) -> Floats | None:
    """Load the best solution, if there is one."""
    if hasattr(engine, "load_vars"):
        if _finite(answer.problem.upper_bound) is None:
            return None
        engine.load_vars()
    else:
        if not len(answer.solution):
            return None
        concrete.solutions.load_from(answer)
    values = [0.0 if var.value is None else float(var.value) for var in concrete.x.values()]
    return np.array(values)


def _finite(value: Any) -> float | None:
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) and abs(number) < 1e30 else None
