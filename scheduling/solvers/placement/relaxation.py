"""A bound on the unplaced items by a linear program over pools of equal nodes."""

from __future__ import annotations

import math

import numpy as np

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits, Outcome
from scheduling.solvers.placement.pools import LARGEST_CELLS, Pools

_TOLERANCE = 1e-6
"""For each item: engines keep reduced costs to about a tenth of it."""


def raise_linear_bound(pools: Pools, board: Board[Ints], budget: Budget, name: str) -> None:
    """Raise a board's bound on the unplaced items of a priority by the linear relaxation.

    Of each class a pool holds at most what its nodes hold of that class alone; quotas and limits on
    disturbed items hold in sum; rules between items are left out. Items of higher priority are
    placed as far as the earlier tiers demand.

    Parameters
    ----------
    pools
        The problem with its pools of equal nodes.
    board
        A board of one of the tiers of unplaced items.
    budget
        Time limit.
    name
        Name to post under.
    """
    from scheduling.solvers.linear.highs import relax

    model = _model(pools, board.tier, board.caps)
    if model is None or board.stopped:
        return
    result = relax(model, Limits(seconds=budget.remaining(), seed=budget.seed))
    if result.outcome is Outcome.OPTIMAL and result.objective is not None:
        slack = _TOLERANCE * max(1, pools.arrays.n_items)
        board.raise_bound(max(0, math.ceil(result.objective - slack)), name)


def _model(pools: Pools, tier: int, caps: tuple[int, ...]) -> LinearModel | None:
    """Build the linear program; ``None`` when the pools are too many."""
    arrays = pools.arrays
    concerned = arrays.tier <= tier
    k, pool = np.nonzero(pools.usable & concerned[:, None])
    if len(k) > LARGEST_CELLS:
        return None
    size = arrays.size()
    mine = arrays.tier[k] == tier
    total = int(size[arrays.tier == tier].sum())
    model = LinearModel("placement", offset=float(total))
    cost = np.where(mine, -1.0, 0.0)
    x = model.add_columns("x", len(k), upper=pools.most(k, pool), cost=cost)
    model.add_rows("class", arrays.n_classes, k, x, 1.0, upper=size)
    add_capacities(model, pools, k, pool, x)
    add_quotas(model, arrays, k, x)
    if arrays.max_moves is not None or arrays.budgets:
        add_disturbances(model, pools, k, add_stays(model, pools, k, pool, x))
    for earlier, cap in enumerate(caps[:tier]):
        rows = np.flatnonzero(arrays.tier[k] == earlier)
        least = int(size[arrays.tier == earlier].sum()) - cap
        model.add_rows(f"tier {earlier}", 1, np.zeros(len(rows), int), x[rows], 1.0, lower=least)
    return model


def add_capacities(
    model: LinearModel, pools: Pools, k: Ints, pool: Ints, x: Ints, share: float = 1.0
) -> None:
    """Add a row for each resource: items ``x`` of classes ``k`` fill a share of their pools.

    In shares of a pool's capacity, so that bytes and cores have coefficients alike.
    """
    demand = pools.arrays.demand
    for column in range(demand.shape[1]):
        scale = np.maximum(pools.room[:, column] * pools.count, 1).astype(float)
        value = demand[k, column] / scale[pool]
        model.add_rows(f"resource {column}", len(scale), pool, x, value, upper=share)


def add_quotas(model: LinearModel, arrays: PlacementArrays, k: Ints, x: Ints) -> None:
    """Add the quotas, in shares of their limits."""
    for need, limit in arrays.quotas:
        value = need[k] / max(limit, 1)
        model.add_rows("quota", 1, np.zeros(len(k), int), x, value, upper=limit / max(limit, 1))


def add_stays(
    model: LinearModel, pools: Pools, k: Ints, pool: Ints, x: Ints, gain: float = 0.0
) -> Ints:
    """Add the numbers of items that stay in their pools, each worth ``gain``."""
    run = pools.running[k, pool]
    stay = model.add_columns("stay", len(k), upper=run, cost=-gain)
    rows = np.arange(len(k))
    value = np.repeat([1.0, -1.0], len(k))
    model.add_rows("stay", len(k), np.tile(rows, 2), np.concatenate([stay, x]), value, upper=0.0)
    return stay


def add_disturbances(model: LinearModel, pools: Pools, k: Ints, stay: Ints) -> None:
    """Limit the items that leave their pools, by all moves and by each disruption budget.

    Only the classes among ``k`` count; those that are left out are free to leave.
    """
    arrays = pools.arrays
    present = arrays.running.sum(axis=1)
    known = np.unique(k)
    limits = [(tuple(known.tolist()), arrays.max_moves)] if arrays.max_moves is not None else []
    for classes, allowed in (*limits, *arrays.budgets):
        chosen = np.intersect1d(known, np.array(classes, np.int64))
        cells = np.flatnonzero(np.isin(k, chosen))
        least = int(present[chosen].sum()) - allowed
        model.add_rows("disturbed", 1, np.zeros(len(cells), int), stay[cells], 1.0, lower=least)
