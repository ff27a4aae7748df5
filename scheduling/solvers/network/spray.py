"""Flows over spines: hashing, even spraying, and the least congestion with few flows split.

Equal flows are a bipartite graph of sources and targets, which falls apart into as many matchings
as the busiest leaf has flows (Koenig 1916). Laid end to end over the spines, each of which takes an
equal part of them (McNaughton's wrap-around rule, 1959), few matchings are cut, and every leaf has
at most one flow in each.

With sizes that differ, spines are filled one after the other so that what is left fits into the
others: an even share of every flow always does. A vertex of the program of one spine cuts at most
as many flows as there are leaves, counted as sources and as targets, so that all spines but the
last times these leaves bounds the splits.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from scheduling.errors import SolverError
from scheduling.models.network.spines import LeafSpine, Part, least_congestion, leaves, splits_bound
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits

_DUST = 1e-9
_HALF = 0.5


def hashed(problem: LeafSpine, seed: int = 0) -> list[Part]:
    """Put every flow on one spine at random (ECMP).

    Parameters
    ----------
    problem
        The flows.
    seed
        Seed of the hash.
    """
    rng = np.random.default_rng(seed)
    spines = rng.integers(problem.spines, size=len(problem.flows)).tolist()
    return [
        Part(number, spine, flow.size)
        for (number, flow), spine in zip(enumerate(problem.flows), spines, strict=True)
    ]


def sprayed(problem: LeafSpine) -> list[Part]:
    """Put an equal part of every flow on every spine."""
    return [
        Part(number, spine, flow.size / problem.spines)
        for number, flow in enumerate(problem.flows)
        for spine in range(problem.spines)
    ]


def few_splits(problem: LeafSpine) -> list[Part]:
    """Return parts with the least congestion that split few flows.

    Where all flows are equal, no leaf splits more than ``m - gcd(d, m)`` of its flows, with m
    spines and d flows of the busiest leaf: the fewest of all where all leaves are as busy.

    Raises
    ------
    SolverError
        When the engine finds no way to fill a spine (a defect of the library).
    """
    if len({flow.size for flow in problem.flows}) == 1:
        return _wrapped(problem, matchings(problem))
    rest = np.array([flow.size for flow in problem.flows])
    parts: list[Part] = []
    for spine in range(problem.spines - 1):
        taken = _fill(problem, rest, problem.spines - spine)
        parts += [Part(k, spine, float(taken[k])) for k in np.flatnonzero(taken).tolist()]
        rest = rest - taken
    last = np.flatnonzero(rest > 0).tolist()
    return parts + [Part(k, problem.spines - 1, float(rest[k])) for k in last]


def matchings(problem: LeafSpine) -> list[list[int]]:
    """Take flows apart into as many matchings as the busiest leaf has flows, whatever their sizes.

    In each every leaf is the source of at most one flow and the target of at most one.
    """
    sources, targets = leaves(problem)
    size = max(len(sources), len(targets))
    degree = max(len(inside) for ends in (sources, targets) for inside in ends.values())
    source = {leaf: place for place, leaf in enumerate(sources)}
    target = {leaf: size + place for place, leaf in enumerate(targets)}
    between: dict[tuple[int, int], list[int | None]] = defaultdict(list)
    for number, flow in enumerate(problem.flows):
        between[source[flow.source], target[flow.target]].append(number)
    for link in _fillers(between, size, degree):
        # Taken last, so that some matchings hold few flows.
        between[link].insert(0, None)
    graph: Any = nx.Graph(list(between))
    found = []
    for _ in range(degree):
        matched = nx.bipartite.hopcroft_karp_matching(graph, range(size))
        taken = []
        for link in ((up, matched[up]) for up in range(size)):
            taken.append(between[link].pop())
            if not between[link]:
                graph.remove_edge(*link)
        found.append([flow for flow in taken if flow is not None])
    return found


def _fillers(
    between: dict[tuple[int, int], list[int | None]], size: int, degree: int
) -> list[tuple[int, int]]:
    """Return links that give every source and every target as many flows as the busiest has."""
    missing = [degree] * (2 * size)
    for (up, down), flows in between.items():
        missing[up] -= len(flows)
        missing[down] -= len(flows)
    sides = range(size), range(size, 2 * size)
    ends = [[end for end in side for _ in range(missing[end])] for side in sides]
    return list(zip(*ends, strict=True))


def _wrapped(problem: LeafSpine, found: list[list[int]]) -> list[Part]:
    """Lay matchings of equal flows end to end over the spines.

    In parts of which a matching has one for each spine, a spine takes one for each matching. The
    smallest matchings lie where most spines meet.
    """
    spines, size, count = problem.spines, problem.flows[0].size, len(found)

    def touched(place: int) -> range:
        return range(place * spines // count, -(-(place + 1) * spines // count))

    places = sorted(range(count), key=lambda place: len(touched(place)))
    parts: list[Part] = []
    for place, matching in zip(places, sorted(found, key=len, reverse=True), strict=True):
        for spine in touched(place):
            first = max(place * spines, spine * count)
            last = min((place + 1) * spines, (spine + 1) * count)
            parts += [Part(flow, spine, size * ((last - first) / spines)) for flow in matching]
    return parts


def fewest_splits(problem: LeafSpine, seconds: float) -> tuple[list[Part] | None, int]:
    """Return parts with the least congestion and the fewest splits, and a bound of the splits.

    A program with a binary for each flow and spine.

    Parameters
    ----------
    problem
        The flows.
    seconds
        What the program may take.
    """
    from scheduling.solvers.linear.engines import find_engine

    count, spines = len(problem.flows), problem.spines
    size = np.array([flow.size for flow in problem.flows])
    model = LinearModel("spines", offset=-float(count))
    share = model.add_columns("share", (count, spines), upper=1.0)
    uses = model.add_columns("uses", (count, spines), upper=1, cost=1.0, integer=True)
    flows = np.repeat(np.arange(count), spines)
    model.add_rows("whole", count, flows, share.ravel(), 1.0, lower=1.0, upper=1.0)
    cells = np.arange(count * spines)
    model.add_rows(
        "only where used",
        len(cells),
        np.concatenate((cells, cells)),
        np.concatenate((share.ravel(), uses.ravel())),
        np.concatenate((np.ones(len(cells)), -np.ones(len(cells)))),
        upper=0.0,
    )
    limit = least_congestion(problem)
    for ends in leaves(problem):
        for inside in ends.values():
            row = np.tile(np.arange(spines), len(inside))
            value = np.repeat(size[inside] / limit, spines)
            model.add_rows("link", spines, row, share[inside].ravel(), value, upper=1.0 + _DUST)
    result = find_engine().solve(model, Limits(seconds=seconds, gap=1.0 - _DUST))
    bound = splits_bound(problem)
    if result.bound is not None:
        bound = max(bound, int(np.ceil(result.bound - 1e-6)))
    if result.values is None:
        return None, bound
    return _spread(problem, result.values[uses] > _HALF), bound


def _spread(problem: LeafSpine, used: NDArray[np.bool_]) -> list[Part]:
    """Return parts on the given spines of each flow with the least congestion there.

    A program of integers keeps its rows within 1e-6 only, so that its shares load links too much.
    """
    from scheduling.solvers.linear.highs import relax

    size = np.array([flow.size for flow in problem.flows])
    limit = least_congestion(problem)
    flows, spines = np.nonzero(used)
    model = LinearModel("shares")
    share = model.add_columns("share", len(flows))
    busiest = model.add_columns("congestion", 1, cost=1.0)
    model.add_rows("whole", len(size), flows, share, 1.0, lower=1.0, upper=1.0)
    for ends in leaves(problem):
        leaf = np.empty(len(size), np.int64)
        for number, inside in enumerate(ends.values()):
            leaf[inside] = number
        links = np.arange(len(ends) * problem.spines)
        model.add_rows(
            "link",
            len(links),
            np.concatenate((leaf[flows] * problem.spines + spines, links)),
            np.concatenate((share, np.repeat(busiest, len(links)))),
            np.concatenate((size[flows] / limit, -np.ones(len(links)))),
            upper=0.0,
        )
    result = relax(model, Limits())
    if result.values is None:
        raise SolverError(f"flows cannot be spread over their spines: {result.detail}")
    found = np.zeros(used.shape)
    found[flows, spines] = np.where(result.values[share] > _DUST, result.values[share], 0.0)
    found *= (size / found.sum(axis=1))[:, None]
    return [Part(k, spine, float(found[k, spine])) for k, spine in np.argwhere(found > 0).tolist()]


def _fill(
    problem: LeafSpine, rest: np.ndarray[tuple[int], np.dtype[np.float64]], left: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return what of each flow goes over one of the spines that are left."""
    from scheduling.solvers.linear.highs import relax

    scale = rest.max()
    limit = least_congestion(problem) / scale
    model = LinearModel("spine")
    # The longest flows first: costs that fall with the size keep small flows whole.
    taken = model.add_columns("taken", len(rest), upper=rest / scale, cost=-rest / scale)
    for ends in leaves(problem):
        groups = [np.array(inside) for inside in ends.values()]
        row = np.concatenate([np.full(len(inside), k) for k, inside in enumerate(groups)])
        column = taken[np.concatenate(groups)]
        load = np.array([rest[inside].sum() for inside in groups]) / scale
        least = np.maximum(load - (left - 1) * limit, 0.0)
        model.add_rows("leaf", len(groups), row, column, 1.0, lower=least, upper=limit)
    result = relax(model, Limits())
    if result.values is None:
        raise SolverError(f"a spine cannot be filled: {result.detail}")
    found = result.values * scale
    found[found < _DUST * scale] = 0.0
    whole = rest - found < _DUST * scale
    found[whole] = rest[whole]
    return np.asarray(found, np.float64)
