"""The bound of tasks for edge and cloud: the edge may interrupt what it runs.

Time is cut where tasks come and where deadlines are. Whether a set of tasks can run on one
interruptible machine is a flow from tasks to these pieces of time, so that the program with one
binary a task is its optimum. Every schedule without interruptions is one with them.
"""

from __future__ import annotations

import math

import numpy as np

from scheduling.models.edge.problem import EdgeCloud, Item
from scheduling.solvers.linear.engines import find_engine
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits

_TOLERANCE = 1e-6


def preemptive_bound(
    problem: EdgeCloud, *, seconds: float | None = None, work: int | None = None, seed: int = 0
) -> int | None:
    """Return a sum of utilities that no schedule exceeds.

    Parameters
    ----------
    problem
        The tasks.
    seconds, work
        What the program may spend, as of :class:`~scheduling.solvers.linear.result.Limits`; when
        it is spent the best bound so far counts.
    seed
        Of the engine.

    Returns
    -------
    int or None
        ``None`` when there was no time for any bound.
    """
    items = problem.items()
    base = [_without_edge(item) for item in items]
    gain = np.array([item.edge_gain - least for item, least in zip(items, base, strict=True)])
    able = [
        item.number
        for item in items
        if gain[item.number] > 0 and item.arrival + item.edge_ms <= item.deadline
    ]
    if not able:
        return sum(base)
    model = _model([items[k] for k in able], gain[able])
    result = find_engine().solve(model, Limits(seconds=seconds, work=work, seed=seed))
    if result.bound is None or not math.isfinite(result.bound):
        return None
    return sum(base) + math.floor(_TOLERANCE - result.bound)


def _without_edge(item: Item) -> int:
    """Return the largest utility of a task that does not run on the edge."""
    in_time = item.arrival + item.cloud_ms <= item.deadline
    return max(item.cloud_gain, 0) if in_time else 0


def _model(items: list[Item], gain: np.ndarray[tuple[int], np.dtype[np.int64]]) -> LinearModel:
    """State the program: what runs on the edge, and how long in which piece of time."""
    cuts = np.unique([moment for item in items for moment in (item.arrival, item.deadline)])
    lengths = np.diff(cuts).astype(np.float64)
    first = np.searchsorted(cuts, [item.arrival for item in items])
    last = np.searchsorted(cuts, [item.deadline for item in items])
    task = np.repeat(np.arange(len(items)), last - first)
    piece = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    need = np.array([item.edge_ms for item in items], dtype=np.float64)
    model = LinearModel("edge")
    runs = model.add_columns("runs", len(items), upper=1, cost=-gain.astype(float), integer=True)
    time = model.add_columns("time", len(task), upper=lengths[piece])
    tasks = np.arange(len(items))
    model.add_rows(
        "work",
        len(items),
        np.concatenate((task, tasks)),
        np.concatenate((time, runs)),
        np.concatenate((np.ones(len(task)), -need)),
        lower=0.0,
        upper=0.0,
    )
    model.add_rows("piece", len(lengths), piece, time, 1.0, upper=lengths)
    cells = np.arange(len(task))
    model.add_rows(
        "only if it runs",
        len(task),
        np.concatenate((cells, cells)),
        np.concatenate((time, runs[task])),
        np.concatenate((np.ones(len(task)), -np.minimum(lengths[piece], need[task]))),
        upper=0.0,
    )
    return model
