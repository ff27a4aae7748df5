"""On-time jobs of one machine with preemption as a program over its intervals.

A set of jobs can all be on time exactly when, for every release a and every due time b, those that
are released at a or later and due at b or earlier take at most ``b - a`` together (Horn, 1974).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import LinearModel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TOLERANCE = 1e-9
_ROUNDS = 60


class Crowded(NamedTuple):
    """An interval in which chosen jobs take too long."""

    begin: float
    end: float
    inside: Flags


def crowded(release: Floats, work: Floats, due: Floats, chosen: Floats) -> list[Crowded]:
    """Return for every release the interval that chosen jobs overfill most, if one is.

    Parameters
    ----------
    release, work, due
        Of each job.
    chosen
        How much of each job is chosen, from 0 to 1.
    """
    order = np.argsort(due, kind="stable")
    starts = np.unique(release[chosen > 0])
    if not len(starts):
        return []
    taken = np.where(release[order] >= starts[:, None], (work * chosen)[order], 0.0)
    inside = np.cumsum(taken, axis=1)
    excess = np.where(inside > 0, inside - (due[order] - starts[:, None]), -np.inf)
    worst = np.argmax(excess, axis=1)
    scale = _TOLERANCE * max(1.0, float(np.abs(due).max()))
    found: dict[tuple[float, float], Crowded] = {}
    for row, place in enumerate(worst.tolist()):
        if excess[row, place] > scale:
            begin, end = float(starts[row]), float(due[order[place]])
            found[begin, end] = Crowded(begin, end, (release >= begin) & (due <= end))
    return list(found.values())


def stated(
    release: Floats, work: Floats, due: Floats, weight: Floats, rows: Sequence[Crowded]
) -> LinearModel:
    """State the program of the jobs that are on time, over some intervals.

    Parameters
    ----------
    release, work, due, weight
        Of each job.
    rows
        The intervals.
    """
    from scheduling.solvers.linear.model import LinearModel

    able = release + work <= due + _TOLERANCE * np.maximum(1.0, np.abs(due))
    model = LinearModel("on-time")
    columns = model.add_columns(
        "on_time", len(work), upper=able.astype(np.float64), cost=-weight, integer=True
    )
    places = [np.flatnonzero(one.inside) for one in rows]
    inside = np.concatenate(places) if places else np.zeros(0, np.int64)
    model.add_rows(
        "interval",
        len(rows),
        np.repeat(np.arange(len(rows)), [len(one) for one in places]),
        columns[inside],
        work[inside],
        upper=[one.end - one.begin for one in rows],
    )
    return model


def most_on_time(release: Floats, work: Floats, due: Floats, weight: Floats | None = None) -> float:
    """Return an upper bound of the weight of the jobs that can be on time.

    The linear relaxation over all crowded intervals, which are added as they show up; every one of
    its steps is a bound.

    Parameters
    ----------
    release, work, due
        Of each job.
    weight
        What a job that is on time counts; default: 1.
    """
    from scheduling.solvers.linear.highs import relax
    from scheduling.solvers.linear.result import Limits

    gain = np.ones(len(release)) if weight is None else weight
    able = release + work <= due + _TOLERANCE * np.maximum(1.0, np.abs(due))
    chosen = able.astype(np.float64)
    rows: list[Crowded] = []
    value = float(gain[able].sum())
    for _ in range(_ROUNDS):
        fresh = crowded(release, work, due, chosen)
        if not fresh:
            break
        rows += fresh
        result = relax(stated(release, work, due, gain, rows), Limits())
        if result.values is None or result.bound is None:
            break
        chosen, value = np.clip(result.values, 0.0, 1.0), -result.bound
    return value
