"""Flows over spines: hashing, even spraying, and the least congestion with few flows split.

Spines are filled one after the other so that what is left fits into the others: an even share of
every flow always does. A vertex of the program of one spine cuts at most as many flows as there are
leaves, counted as sources and as targets, so that all spines but the last times these leaves bounds
the splits.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from scheduling.errors import SolverError
from scheduling.models.network.spines import LeafSpine, Part, least_congestion
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

    Raises
    ------
    SolverError
        When the engine finds no way to fill a spine (a defect of the library).
    """
    rest = np.array([flow.size for flow in problem.flows])
    parts: list[Part] = []
    for spine in range(problem.spines - 1):
        taken = _fill(problem, rest, problem.spines - spine)
        parts += [Part(k, spine, float(taken[k])) for k in np.flatnonzero(taken).tolist()]
        rest = rest - taken
    last = np.flatnonzero(rest > 0).tolist()
    return parts + [Part(k, problem.spines - 1, float(rest[k])) for k in last]


def fewest_splits(problem: LeafSpine, seconds: float) -> tuple[list[Part] | None, int | None]:
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
    for ends in _leaves(problem):
        for inside in ends.values():
            row = np.tile(np.arange(spines), len(inside))
            value = np.repeat(size[inside] / limit, spines)
            model.add_rows("link", spines, row, share[inside].ravel(), value, upper=1.0 + _DUST)
    result = find_engine().solve(model, Limits(seconds=seconds, gap=1.0 - _DUST))
    bound = None if result.bound is None else int(np.ceil(result.bound - 1e-6))
    if result.values is None:
        return None, bound
    found = result.values[share] * size[:, None] * (result.values[uses] > _HALF)
    kept = np.where(found > _DUST * size[:, None], found, 0.0)
    kept *= (size / kept.sum(axis=1))[:, None]
    places = np.argwhere(kept > 0).tolist()
    return [Part(k, spine, float(kept[k, spine])) for k, spine in places], bound


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
    for ends in _leaves(problem):
        groups = list(ends.values())
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


def _leaves(
    problem: LeafSpine,
) -> tuple[dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]], ...]:
    """Return the flows of each leaf, as source and as target."""
    groups: tuple[dict[str, list[int]], dict[str, list[int]]] = (
        defaultdict(list),
        defaultdict(list),
    )
    for number, flow in enumerate(problem.flows):
        groups[0][flow.source].append(number)
        groups[1][flow.target].append(number)
    return tuple({leaf: np.array(inside) for leaf, inside in ends.items()} for ends in groups)
