"""The time-indexed program of a batching problem: how many of equal requests start when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.batching.arrays import BatchingArrays, Ints, Plan
from scheduling.solvers.batching.timeline import Timeline

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats, LinearModel


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """A program over the starts of groups of equal requests in iterations 0 to ``until``.

    A request may also be left for later: then it takes no memory and costs what it would at least.
    So its value is a bound whatever ``until`` is.

    Parameters
    ----------
    model
        Its linear model.
    groups
        Rows of the requests of each group.
    owner, start
        Group and iteration of each column that is a start.
    """

    model: LinearModel
    groups: tuple[Ints, ...]
    owner: Ints
    start: Ints

    def order(self, arrays: BatchingArrays, values: Floats) -> list[int]:
        """Return the requests by the mean start that a relaxed solution gives their group."""
        chosen = np.maximum(values[: len(self.owner)], 0.0)
        count = np.bincount(self.owner, chosen, len(self.groups))
        sums = np.bincount(self.owner, chosen * self.start, len(self.groups))
        late = float(arrays.horizon)
        mean = np.where(count > 1e-9, sums / np.maximum(count, 1e-9), late)
        ranked = np.argsort(mean, kind="stable").tolist()
        return [request for group in ranked for request in self.groups[group].tolist()]

    def plan(self, arrays: BatchingArrays, values: Floats) -> Plan:
        """Return the plan of an integer solution; what is left for later starts when it fits."""
        counts = np.rint(values[: len(self.owner)]).astype(np.int64)
        timeline = Timeline(arrays)
        starts = np.full(arrays.n, -1, np.int64)
        left = [rows.tolist() for rows in self.groups]
        for column in np.flatnonzero(counts > 0).tolist():
            start = int(self.start[column])
            for _ in range(int(counts[column])):
                request = left[int(self.owner[column])].pop(0)
                starts[request] = start
                timeline.put(request, start)
        for request in (row for rows in left for row in rows):
            starts[request] = timeline.earliest(request, int(arrays.release[request]))
            timeline.put(request, int(starts[request]))
        return Plan(starts)

    def values(self, plan: Plan) -> Floats:
        """Return the values of all columns for a plan."""
        pairs = zip(self.owner.tolist(), self.start.tolist(), strict=True)
        place = {pair: column for column, pair in enumerate(pairs)}
        found = np.zeros(self.model.n_columns)
        for group, rows in enumerate(self.groups):
            for start in plan.starts[rows].tolist():
                found[place.get((group, start), len(self.owner) + group)] += 1
        return found


def program(arrays: BatchingArrays, until: int) -> Program:
    """State the program of ``flow`` or ``on-time``.

    Parameters
    ----------
    arrays
        The problem.
    until
        End of the iterations in which starts are told apart.
    """
    from scheduling.solvers.linear.model import LinearModel

    groups = _groups(arrays)
    first = np.array([rows[0] for rows in groups], dtype=np.int64)
    counts = np.array([len(rows) for rows in groups], dtype=np.float64)
    release, output = arrays.release[first], arrays.output[first]
    last = until - output
    if arrays.objective == "on-time":
        last = np.minimum(last, arrays.due[first] - output)
    spans = np.maximum(last - release + 1, 0)
    owner = np.repeat(np.arange(len(groups)), spans)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(spans) - spans, spans)
    start = release[owner] + offset
    weight = arrays.weight[first].astype(np.float64)
    if arrays.objective == "on-time":
        cost, later = -weight[owner], np.where(arrays.due[first] > until, -weight, 0.0)
    else:
        cost = weight[owner] * (start + output[owner] - release[owner])
        later = weight * (np.maximum(until + 1, release + output) - release)
    model = LinearModel("batching")
    columns = model.add_columns("start", len(owner), upper=counts[owner], cost=cost, integer=True)
    rest = model.add_columns("later", len(groups), upper=counts, cost=later, integer=True)
    model.add_rows(
        "each",
        len(groups),
        np.concatenate((owner, np.arange(len(groups)))),
        np.concatenate((columns, rest)),
        1.0,
        lower=counts,
        upper=counts,
    )
    _room(arrays, model, columns, first[owner], start, until)
    return Program(model, groups, owner, start)


def _groups(arrays: BatchingArrays) -> tuple[Ints, ...]:
    """Return the rows of equal requests together, by release."""
    keys = [arrays.release, arrays.prompt, arrays.output]
    if arrays.objective == "on-time":
        keys.append(arrays.due)
    keys.append(arrays.weight)
    found: dict[tuple[int, ...], list[int]] = {}
    for row, key in enumerate(zip(*(key.tolist() for key in keys), strict=True)):
        found.setdefault(key, []).append(row)
    return tuple(np.array(found[key], dtype=np.int64) for key in sorted(found))


def _room(
    arrays: BatchingArrays,
    model: LinearModel,
    columns: Ints,
    request: Ints,
    start: Ints,
    until: int,
) -> None:
    """Keep within memory and batch in every iteration."""
    slots = arrays.output[request]
    column = np.repeat(columns, slots)
    age = np.arange(len(column)) - np.repeat(np.cumsum(slots) - slots, slots)
    row = np.repeat(start, slots) + age
    tokens = np.repeat(arrays.prompt[request], slots) + age + 1
    model.add_rows("memory", until, row, column, tokens, upper=float(arrays.memory))
    if arrays.batch < arrays.n:
        model.add_rows("batch", until, row, column, 1.0, upper=float(arrays.batch))
