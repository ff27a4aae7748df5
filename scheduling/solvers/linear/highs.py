"""HiGHS through its array interface.

Facts about highspy this module guards against: a bad option or model is only reported by a status,
so every status is checked; worker threads belong to the thread that runs HiGHS, and asking for
another number of them there is an error, so each run gets a thread of its own; between two of its
questions whether to go on HiGHS may work for a while, so a run that was told to stop is left alone
after a moment (it ends at its next question). One whose work is spent is waited for, as what it
leaves must not depend on how fast the machine is. A thread that asks or comes back from HiGHS while
the interpreter ends is killed in the middle of C++, which aborts the process, so the end of the
process stops all runs and waits for them.
"""

from __future__ import annotations

import atexit
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highspy
import numpy as np

from scheduling.errors import InputError, SolverError
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.linear.result import Limits, LinearResult, Listener, Outcome
from scheduling.solvers.registry import READY, Availability

OUTCOMES: dict[str, Outcome] = {
    "kNotset": Outcome.FAILED,
    "kLoadError": Outcome.FAILED,
    "kModelError": Outcome.FAILED,
    "kPresolveError": Outcome.FAILED,
    "kSolveError": Outcome.FAILED,
    "kPostsolveError": Outcome.FAILED,
    "kModelEmpty": Outcome.OPTIMAL,
    "kOptimal": Outcome.OPTIMAL,
    "kInfeasible": Outcome.INFEASIBLE,
    "kUnboundedOrInfeasible": Outcome.UNDECIDED,
    "kUnbounded": Outcome.UNBOUNDED,
    "kObjectiveBound": Outcome.STOPPED,
    "kObjectiveTarget": Outcome.STOPPED,
    "kTimeLimit": Outcome.STOPPED,
    "kIterationLimit": Outcome.STOPPED,
    "kUnknown": Outcome.FAILED,
    "kSolutionLimit": Outcome.STOPPED,
    "kInterrupt": Outcome.STOPPED,
    "kMemoryLimit": Outcome.FAILED,
    "kHighsInterrupt": Outcome.STOPPED,
}
"""Meaning of every model status of HiGHS, by name: older releases lack some of them."""

_PATIENCE = 0.1
_POLL = 0.05
_LAST_PATIENCE = 60.0

_RUNNING: set[threading.Event] = set()
"""What stops each run that is inside HiGHS."""


@atexit.register
def _end_all() -> None:
    until = time.monotonic() + _LAST_PATIENCE
    while _RUNNING and time.monotonic() < until:
        for stop in tuple(_RUNNING):
            stop.set()
        time.sleep(_POLL)


def run(highs: highspy.Highs, stop: threading.Event) -> None:
    """Run HiGHS in this thread; its questions must heed ``stop``, which the process's end sets.

    Raises
    ------
    SolverError
        When HiGHS fails.
    """
    _RUNNING.add(stop)
    try:
        demand(highs.run(), "run")
    finally:
        _RUNNING.discard(stop)


class Highs:
    """The engine ``highs``."""

    name = "highs"

    def availability(self) -> Availability:
        """Tell that HiGHS is there: it comes with the library."""
        return READY

    def solve(
        self,
        model: LinearModel,
        limits: Limits,
        listener: Listener | None = None,
        start: Floats | None = None,
    ) -> LinearResult:
        """Solve a model; see :class:`~scheduling.solvers.linear.result.Engine`."""
        return _Run(model, limits, listener, start).result()

    def write_mps(self, model: LinearModel, path: str | Path) -> None:
        """Write a model in MPS format.

        Raises
        ------
        InputError
            When the file cannot be written or its name does not end in ``.mps``.
        """
        if Path(path).suffix != ".mps":
            raise InputError.single("path", repr(str(path)), "a name that ends in .mps")
        highs = _load(model)
        lp = highs.getLp()
        lp.col_names_, lp.row_names_ = _unspaced(model.column_names()), _unspaced(model.row_names())
        demand(highs.passModel(lp), "take the names")
        if highs.writeModel(str(path)) == highspy.HighsStatus.kError:
            raise InputError.single("path", repr(str(path)), "a file that can be written")


def _unspaced(names: list[str]) -> list[str]:
    """Return names that a file whose fields end at blanks can hold."""
    return [name.replace(" ", "_") for name in names]


def relax(model: LinearModel, limits: Limits, listener: Listener | None = None) -> LinearResult:
    """Solve the LP relaxation of a model: its bound, values and duals."""
    return _Run(model, limits, listener, None, integers=False).result()


def demand(status: highspy.HighsStatus, what: str) -> None:
    """Raise a :class:`~scheduling.errors.SolverError` when a call did not do what it should."""
    if status == highspy.HighsStatus.kError:
        raise SolverError(f"HiGHS could not {what}")


def _load(model: LinearModel, *, integers: bool = True) -> highspy.Highs:
    highs = highspy.Highs()
    demand(highs.setOptionValue("output_flag", False), "be made quiet")
    lower, upper = model.bounds()
    row_lower, row_upper = model.sides()
    matrix = model.matrix()
    kinds = model.integers() if integers else np.zeros(model.n_columns, np.bool_)
    status = highs.passModel(
        model.n_columns,
        model.n_rows,
        len(matrix.value),
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        model.offset,
        model.costs(),
        lower,
        upper,
        row_lower,
        row_upper,
        matrix.start.astype(np.int32),
        matrix.index.astype(np.int32),
        matrix.value,
        kinds.astype(np.int32),
    )
    demand(status, "take the model")
    return highs


class _Run:
    """One run of HiGHS in a thread of its own, watched by the calling thread."""

    def __init__(
        self,
        model: LinearModel,
        limits: Limits,
        listener: Listener | None,
        start: Floats | None,
        *,
        integers: bool = True,
    ) -> None:
        self.deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
        self.model = model
        self.limits = limits
        self.listener = listener
        self.mixed = integers and bool(model.integers().any())
        self.highs = _load(model, integers=integers)
        self.questions = 0
        self.best: tuple[float, Floats] | None = None
        self.bound = -math.inf
        self.stop = threading.Event()
        self.left = threading.Event()
        self.failure: BaseException | None = None
        self._set_options()
        self._subscribe()
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = start.tolist()
            demand(self.highs.setSolution(solution), "take the starting solution")

    def _set_options(self) -> None:
        options: dict[str, Any] = {
            "threads": self.limits.workers,
            "parallel": "on" if self.limits.workers > 1 else "off",
            "random_seed": self.limits.seed % 2**31,
            "mip_rel_gap": 0.0,
            "mip_abs_gap": self.limits.gap,
        }
        if self.limits.seconds is not None:
            options["time_limit"] = max(self.limits.seconds, 0.001)
        for name, value in options.items():
            demand(self.highs.setOptionValue(name, value), f"set {name} to {value}")

    def _subscribe(self) -> None:
        self.highs.cbMipImprovingSolution.subscribe(self._guard(self._on_solution))
        for question in (
            self.highs.cbMipInterrupt,
            self.highs.cbSimplexInterrupt,
            self.highs.cbIpmInterrupt,
        ):
            question.subscribe(self._guard(self._on_question))

    def _guard(self, action: Callable[[Any], None]) -> Callable[[Any], None]:
        """Keep exceptions out of the engine: remember the first and stop."""

        def guarded(event: Any) -> None:
            try:
                if not self.left.is_set() and self.failure is None:
                    action(event)
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                self.failure = error
            if self.stop.is_set() or self.failure is not None:
                event.interrupt()

        return guarded

    def _on_solution(self, event: Any) -> None:
        values = np.array(event.data_out.mip_solution, dtype=np.float64)
        objective = float(event.data_out.objective_function_value)
        if self.best is None or objective < self.best[0]:
            self.best = (objective, values)
            if self.listener is not None:
                self.listener.solution(values)
        self._on_bound(event)

    def _on_question(self, event: Any) -> None:
        self.questions += 1
        if self.limits.work is not None and self.questions > self.limits.work:
            self.stop.set()
        if self.mixed:
            self._on_bound(event)

    def _on_bound(self, event: Any) -> None:
        bound = float(event.data_out.mip_dual_bound)
        if math.isfinite(bound) and bound > self.bound:
            self.bound = bound
            if self.listener is not None:
                self.listener.bound(bound)

    def result(self) -> LinearResult:
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return LinearResult(Outcome.STOPPED, "time limit before the start")
        thread = threading.Thread(target=self._run, name="highs", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_POLL)
            if self._should_stop():
                self.stop.set()
                thread.join(_PATIENCE)
                break
        self.left.set()
        if self.failure is not None:
            raise self.failure
        if thread.is_alive():
            return self._collect(Outcome.STOPPED, "left while it was busy")
        return self._read()

    def _run(self) -> None:
        try:
            run(self.highs, self.stop)
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            self.failure = self.failure or error

    def _should_stop(self) -> bool:
        late = self.deadline is not None and time.monotonic() >= self.deadline
        return late or (self.listener is not None and self.listener.stopped())

    def _read(self) -> LinearResult:
        native = self.highs.getModelStatus()
        outcome = OUTCOMES.get(native.name)
        if outcome is None:
            raise SolverError(f"HiGHS ended with the unknown status {native}")
        detail = self.highs.modelStatusToString(native)
        info = self.highs.getInfo()
        solved = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        if solved and (self.mixed or outcome is Outcome.OPTIMAL):
            values = np.array(self.highs.getSolution().col_value, dtype=np.float64)
            self.best = (float(info.objective_function_value), values)
        if self.mixed:
            if math.isfinite(info.mip_dual_bound):
                self.bound = max(self.bound, float(info.mip_dual_bound))
        elif outcome is Outcome.OPTIMAL and self.best is not None:
            self.bound = self.best[0]
        return self._collect(outcome, detail)

    def _collect(self, outcome: Outcome, detail: str) -> LinearResult:
        objective, values = (None, None) if self.best is None else self.best
        duals = None
        if not self.mixed and outcome is Outcome.OPTIMAL:
            duals = np.array(self.highs.getSolution().row_dual, dtype=np.float64)
        bound = self.bound if math.isfinite(self.bound) else None
        return LinearResult(outcome, detail, values, objective, bound, duals)
