"""A bound on the unplaced items by a linear program over pools of equal nodes."""

from __future__ import annotations

import math

import numpy as np

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits, Outcome

_LARGEST = 200_000
_TOLERANCE = 1e-6


def raise_linear_bound(
    arrays: PlacementArrays, board: Board[Ints], budget: Budget, name: str
) -> None:
    """Raise a board's bound on the unplaced items of a priority by the linear relaxation.

    Nodes of equal capacity that the same classes may use are one pool of their summed capacity. Of
    each class a pool holds at most what its nodes hold of that class alone; rules between items
    are left out. Items of higher priority are placed as far as the earlier tiers demand.

    Parameters
    ----------
    arrays
        The problem.
    board
        A board of one of the tiers of unplaced items.
    budget
        Time limit.
    name
        Name to post under.
    """
    from scheduling.solvers.linear.highs import relax

    model = _model(arrays, board.tier, board.caps)
    if model is None or board.stopped:
        return
    result = relax(model, Limits(seconds=budget.remaining(), seed=budget.seed))
    if result.outcome is Outcome.OPTIMAL and result.objective is not None:
        board.raise_bound(max(0, math.ceil(result.objective - _TOLERANCE)), name)


def _model(arrays: PlacementArrays, tier: int, caps: tuple[int, ...]) -> LinearModel | None:
    """Build the linear program; ``None`` when the pools are too many."""
    usable = arrays.eligible | (arrays.running > 0)
    keys = np.concatenate([arrays.capacity.T, usable.astype(np.int64)]).T
    pools, count = np.unique(keys, axis=0, return_counts=True)
    width = arrays.capacity.shape[1]
    room, open_to = pools[:, :width], pools[:, width:].astype(bool)
    concerned = arrays.tier <= tier
    k, t = np.nonzero(open_to.T & concerned[:, None])
    if len(k) > _LARGEST:
        return None
    size = arrays.size()
    fits = np.full(len(k), np.iinfo(np.int64).max // 2)
    for column in range(width):
        need = arrays.demand[k, column]
        fits = np.where(need > 0, np.minimum(fits, room[t, column] // np.maximum(need, 1)), fits)
    most = np.minimum(size[k], np.minimum(fits, size[k]) * count[t])
    mine = arrays.tier[k] == tier
    total = int(size[arrays.tier == tier].sum())
    model = LinearModel("placement", offset=float(total))
    x = model.add_columns("x", len(k), upper=most, cost=np.where(mine, -1.0, 0.0))
    model.add_rows("class", arrays.n_classes, k, x, 1.0, upper=size)
    for column in range(width):
        # In shares of the pool's capacity, so that bytes and cores have coefficients alike.
        scale = np.maximum(room[:, column] * count, 1).astype(float)
        value = arrays.demand[k, column] / scale[t]
        model.add_rows(f"resource {column}", len(pools), t, x, value, upper=1.0)
    for earlier, cap in enumerate(caps[:tier]):
        rows = np.flatnonzero(arrays.tier[k] == earlier)
        least = int(size[arrays.tier == earlier].sum()) - cap
        model.add_rows(f"tier {earlier}", 1, np.zeros(len(rows), int), x[rows], 1.0, lower=least)
    return model
