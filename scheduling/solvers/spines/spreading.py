"""Solver ``few-splits``: the least congestion with few flows split.

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
from scheduling.models.spines.arrays import Part, Parts, SpineArrays
from scheduling.models.spines.bounds import splits_bound
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits
from scheduling.solvers.spines.family import CompiledSpines, offer

_DUST = 1e-9


class FewSplits(NeedsNothing, TakesAll):
    """Matchings of equal flows end to end, or spines one after the other: no search.

    Where all flows are equal, no leaf splits more than ``m - gcd(d, m)`` of its flows, with m
    spines and d flows of the busiest leaf: the fewest of all where all leaves are as busy.
    """

    name = "few-splits"
    summary = "matchings laid end to end, or spine by spine: few splits"

    def search(
        self,
        data: CompiledSpines,
        board: Board[Parts],
        budget: Budget,
        hint: Parts | None,  # noqa: ARG002
    ) -> None:
        """Post the one solution that it gives, if there is time for it, and a bound of splits."""
        if board.tier == 1 and board.caps[0] == data.arrays.least:
            board.raise_bound(splits_bound(data.arrays), "formula")
        parts = None if board.stopped else few_splits(data.arrays, budget)
        if parts is not None:
            offer(data, board, parts, self.name)


def few_splits(arrays: SpineArrays, budget: Budget) -> Parts | None:
    """Return parts with the least congestion that split few flows; ``None`` out of time.

    Raises
    ------
    SolverError
        When the engine finds no way to fill a spine (a defect of the library).
    """
    if len(set(arrays.size.tolist())) == 1:
        return tuple(_wrapped(arrays, matchings(arrays)))
    rest = arrays.size
    parts: list[Part] = []
    for spine in range(arrays.spines - 1):
        if budget.remaining() == 0:
            return None
        taken = _fill(arrays, rest, arrays.spines - spine)
        parts += [Part(k, spine, float(taken[k])) for k in np.flatnonzero(taken).tolist()]
        rest = rest - taken
    last = np.flatnonzero(rest > 0).tolist()
    return (*parts, *(Part(k, arrays.spines - 1, float(rest[k])) for k in last))


def matchings(arrays: SpineArrays) -> list[list[int]]:
    """Take flows apart into as many matchings as the busiest leaf has flows, whatever their sizes.

    In each every leaf is the source of at most one flow and the target of at most one.
    """
    size = max(map(len, arrays.leaves))
    degree = max(len(inside) for side in arrays.leaves for inside in side)
    between: dict[tuple[int, int], list[int | None]] = defaultdict(list)
    for number, (source, target) in enumerate(zip(*arrays.ends, strict=True)):
        between[source, size + target].append(number)
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


def _wrapped(arrays: SpineArrays, found: list[list[int]]) -> list[Part]:
    """Lay matchings of equal flows end to end over the spines.

    In parts of which a matching has one for each spine, a spine takes one for each matching. The
    smallest matchings lie where most spines meet.
    """
    spines, size, count = arrays.spines, float(arrays.size[0]), len(found)

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


def _fill(arrays: SpineArrays, rest: NDArray[np.float64], left: int) -> NDArray[np.float64]:
    """Return what of each flow goes over one of the spines that are left."""
    from scheduling.solvers.linear.highs import relax

    scale = rest.max()
    limit = arrays.limit / scale
    model = LinearModel("spine")
    # The longest flows first: costs that fall with the size keep small flows whole.
    taken = model.add_columns("taken", len(rest), upper=rest / scale, cost=-rest / scale)
    for side in arrays.leaves:
        groups = [np.array(inside) for inside in side]
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
