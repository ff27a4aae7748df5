"""Charts of caches: what misses cost as requests come, and what is kept when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.caching.arrays import CachingArrays, compile_caching
from scheduling.models.caching.problem import CachingProblem
from scheduling.models.caching.solution import CachingSolution
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_POINTS = 2000
"""Requests that curves have values of; of a longer trace they have as many, equally far apart."""

MOST_ROWS = 100
"""Objects of which is shown when they are kept: those that save most."""


@dataclass(frozen=True, eq=False)
class Course:
    """Values of requests along a trace.

    Attributes
    ----------
    request
        Numbers of the requests, from 0.
    missed
        Cost of the misses up to each.
    without
        The same without a cache.
    held
        Room in use when it comes; between two values of a long trace the largest.
    """

    request: Ints
    missed: Ints
    without: Ints
    held: Ints


class Kept(NamedTuple):
    """An object in the cache from one request to another without a break.

    It is used ``uses`` times behind the first request, the last time at its end. All these uses are
    hits, which save ``saves`` together, or none is.
    """

    since: int
    until: int
    uses: int
    hits: bool
    saves: int


def sentence(problem: CachingProblem, solution: CachingSolution) -> str:
    """Say what the misses cost, with and without a cache, and what is proven."""
    name = problem.name or "cache"
    if solution.objective is None:
        return f"{name}: nothing is said of what is kept ({solution.status})"
    cost = {entry.id: entry.cost for entry in problem.objects}
    total = sum(cost[name] for names in problem.requests for name in names)
    reached = f"{name}: misses cost {solution.objective:,} of {total:,}"
    return proven(reached, solution)


def course(problem: CachingProblem, solution: CachingSolution) -> Course:
    """Return what misses cost and what is held along the trace."""
    arrays = compile_caching(problem)
    kept, count = _flags(problem, solution, arrays), arrays.n_requests
    useful = arrays.useful(kept)
    request = np.repeat(np.arange(count), np.diff(arrays.starts))
    without = np.bincount(request, arrays.costs[arrays.access], count).astype(np.int64)
    saved = np.bincount(arrays.end[useful] - 1, arrays.gain[useful], count).astype(np.int64)
    held = arrays.capacity - arrays.room + arrays.load(kept)
    begin = np.unique(np.linspace(0, count, min(count, MOST_POINTS), endpoint=False).astype(int))
    last = np.append(begin[1:], count) - 1
    return Course(
        last,
        np.cumsum(without - saved)[last],
        np.cumsum(without)[last],
        np.maximum.reduceat(held, begin),
    )


def stays(problem: CachingProblem, solution: CachingSolution) -> dict[str, list[Kept]]:
    """Return when each object is kept, for the objects that save most, the first of them first.

    At most ``MOST_ROWS`` objects.
    """
    arrays = compile_caching(problem)
    kept = _flags(problem, solution, arrays)
    useful = arrays.useful(kept)
    saved = np.bincount(arrays.item[useful], arrays.gain[useful], len(arrays.sizes))
    held = np.unique(arrays.item[kept])
    rows = held[np.argsort(-saved[held], kind="stable")][:MOST_ROWS].tolist()
    found: dict[int, list[Kept]] = {item: [] for item in rows}
    for gap in np.flatnonzero(kept & np.isin(arrays.item, rows)).tolist():
        since, until = int(arrays.first[gap]) - 1, int(arrays.end[gap]) - 1
        hits = bool(useful[gap])
        saves = int(arrays.gain[gap]) if hits else 0
        of_one = found[int(arrays.item[gap])]
        if of_one and (of_one[-1].until, of_one[-1].hits) == (since, hits):
            before = of_one.pop()
            uses, saves = before.uses + 1, before.saves + saves
            of_one.append(before._replace(until=until, uses=uses, saves=saves))
        else:
            of_one.append(Kept(since, until, 1, hits, saves))
    return {problem.objects[item].id: of_one for item, of_one in found.items()}


def _flags(problem: CachingProblem, solution: CachingSolution, arrays: CachingArrays) -> Flags:
    """Return which gaps are kept; an object has at most one that ends at a request."""
    number = {entry.id: index for index, entry in enumerate(problem.objects)}
    listed = {(number[stay.object], stay.until + 1) for stay in solution.stays}
    ends = zip(arrays.item.tolist(), arrays.end.tolist(), strict=True)
    return np.fromiter((gap in listed for gap in ends), np.bool_, arrays.n_gaps)


def draw(problem: CachingProblem, solution: CachingSolution, figure: Figure) -> None:
    """Draw a solution, which may keep nothing.

    Above what misses cost up to each request, beside all of them being misses; below the room that
    is in use, and the capacity as a dashed line.
    """
    figure.set_size_inches(9.0, 5.0)
    figure.suptitle(sentence(problem, solution), color=INK)
    top, low = figure.subplots(2, 1, sharex=True)
    found = course(problem, solution)
    top.plot(found.request, found.without, color=INK, linewidth=1.0, label="without a cache")
    if solution.objective is not None:
        top.plot(found.request, found.missed, color=series_colour(0), label="this answer")
        low.step(found.request, found.held, where="post", color=series_colour(2))
    top.set_ylabel("cost of misses so far")
    top.set_ylim(bottom=0)
    top.legend(frameon=False, loc="upper left")
    low.axhline(problem.capacity, color=LATE, linewidth=1.0, linestyle="--")
    low.set_ylabel("room in use")
    low.set_ylim(bottom=0)
    low.set_xlabel("request")
