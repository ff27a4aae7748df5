"""Completion, tardiness and lateness as variables of the disjunctive formulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.linear.rows import RowList, Term
from scheduling.solvers.schedule.mip.frame import Expression, Frame


class Completions:
    """Variables of the measures, added when a measure asks for them.

    Parameters
    ----------
    model
        Takes the variables.
    frame
        Windows of the tasks.
    end
        Terms of the end of a task.
    rows
        Takes the rows.
    """

    def __init__(
        self, model: LinearModel, frame: Frame, end: Callable[[int], list[Term]], rows: RowList
    ) -> None:
        self._model, self._frame, self._end, self._rows = model, frame, end, rows
        arrays = frame.arrays
        self._low, self._high = (
            np.maximum.reduceat(side, arrays.job_ptr[:-1]) for side in frame.completion
        )
        self._due_jobs = np.flatnonzero(arrays.job_due < NEVER)
        self._columns: dict[str, Ints] = {}

    def measure(self, name: str) -> Expression:
        """Return one measure; its value is at least the true one, and equal at the optimum."""
        arrays = self._frame.arrays
        weights = arrays.job_weight.astype(np.float64)
        match name:
            case "makespan":
                return Expression(self._makespan(), np.ones(1))
            case "total_completion":
                return Expression(self._completion(), weights)
            case "total_flow":
                released = float(weights @ arrays.job_release)
                return Expression(self._completion(), weights, -released)
            case "total_tardiness":
                return Expression(self._tardiness(), weights[self._due_jobs])
            case "late_jobs":
                return Expression(self._late(), weights[self._due_jobs])
        return Expression(self._largest(name), np.ones(1))

    def fill(self, values: Floats, end: Ints) -> None:
        """Set the values of the variables from the ends of the tasks."""
        arrays = self._frame.arrays
        completion = np.maximum.reduceat(end, arrays.job_ptr[:-1])
        late = (completion - arrays.job_due)[self._due_jobs]
        found = {
            "completion": completion,
            "makespan": completion.max(),
            "total_tardiness": np.maximum(late, 0),
            "late_jobs": late > 0,
            "max_tardiness": late.max(initial=0),
            "max_lateness": late.max() if late.size else 0,
        }
        for name, columns in self._columns.items():
            values[columns] = found[name]

    def _after_ends(self, tasks: list[int], columns: list[int]) -> None:
        for task, column in zip(tasks, columns, strict=True):
            end = [(place, -value) for place, value in self._end(task)]
            self._rows.at_least([(column, 1.0), *end], 0)

    def _makespan(self) -> Ints:
        low, high = self._frame.completion
        column = self._model.add_columns("makespan", 1, lower=int(low.max()), upper=int(high.max()))
        self._columns["makespan"] = column
        last = np.flatnonzero(self._frame.ends(jobs=False)).tolist()
        self._after_ends(last, [int(column[0])] * len(last))
        return column

    def _completion(self) -> Ints:
        if "completion" not in self._columns:
            columns = self._model.add_columns(
                "completion", len(self._low), lower=self._low, upper=self._high
            )
            self._columns["completion"] = columns
            last = np.flatnonzero(self._frame.ends(jobs=True))
            self._after_ends(last.tolist(), columns[self._frame.arrays.job[last]].tolist())
        return self._columns["completion"]

    def _due(self) -> list[tuple[int, int]]:
        """Completion column and due date of the jobs that have one."""
        columns = self._completion()[self._due_jobs].tolist()
        dues = self._frame.arrays.job_due[self._due_jobs].tolist()
        return list(zip(columns, dues, strict=True))

    def _tardiness(self) -> Ints:
        columns = self._model.add_columns("tardiness", len(self._due_jobs))
        self._columns["total_tardiness"] = columns
        for tardy, (completion, due) in zip(columns.tolist(), self._due(), strict=True):
            self._rows.at_least([(tardy, 1.0), (completion, -1.0)], -due)
        return columns

    def _late(self) -> Ints:
        low, high = self._low[self._due_jobs], self._high[self._due_jobs]
        due = self._frame.arrays.job_due[self._due_jobs]
        columns = self._model.add_columns(
            "late", len(due), lower=low > due, upper=high > due, integer=True
        )
        self._columns["late_jobs"] = columns
        reach = np.maximum(high - due, 0).tolist()
        for mark, span, (completion, limit) in zip(
            columns.tolist(), reach, self._due(), strict=True
        ):
            self._rows.at_least([(mark, float(span)), (completion, -1.0)], -limit)
        return columns

    def _largest(self, name: str) -> Ints:
        lower = 0.0 if name == "max_tardiness" else -np.inf
        column = self._model.add_columns(name, 1, lower=lower)
        self._columns[name] = column
        for completion, due in self._due():
            self._rows.at_least([(int(column[0]), 1.0), (completion, -1.0)], -due)
        return column
