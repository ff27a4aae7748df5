"""How many items of a class each pool of equal nodes is to hold: a linear program for all tiers."""

from __future__ import annotations

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits, Outcome
from scheduling.solvers.placement.pools import LARGEST_CELLS, Pools
from scheduling.solvers.placement.relaxation import (
    add_capacities,
    add_disturbances,
    add_quotas,
    add_stays,
)

_ROUNDING = 1e-6
_TOLERANCE = 1e-4


def find_targets(pools: Pools, share: float, limits: Limits) -> Ints | None:
    """Return how many items of each class go to each pool, (K, T), rounded down.

    Tier by tier as many items as possible are placed, then as few as possible leave their pool.

    Parameters
    ----------
    pools
        The problem with its pools of equal nodes.
    share
        Share of a pool's capacity to fill: what single nodes cannot use is lost.
    limits
        Time limit of each linear program.

    Returns
    -------
    Ints or None
        ``None`` when the pools are too many, or the programs found no answer.
    """
    from scheduling.solvers.linear.highs import relax

    arrays = pools.arrays
    k, pool = np.nonzero(pools.usable)
    if len(k) > LARGEST_CELLS:
        return None
    placed: list[float] = []
    values = None
    for tier in range(arrays.n_priorities + 1):
        model = _model(pools, k, pool, share, placed)
        result = relax(model, limits)
        if result.outcome is not Outcome.OPTIMAL or result.values is None:
            return None
        values = result.values[: len(k)]
        placed.append(float(values[arrays.tier[k] == tier].sum()))
    found = np.zeros(pools.usable.shape, np.int64)
    if values is not None:
        found[k, pool] = np.floor(values + _ROUNDING).astype(np.int64)
    return found


def _model(pools: Pools, k: Ints, pool: Ints, share: float, placed: list[float]) -> LinearModel:
    """Build the program of the tier after those whose values are known."""
    arrays = pools.arrays
    last = len(placed) == arrays.n_priorities
    held = np.minimum(pools.held[k, pool], pools.running[k, pool])
    gain = np.where(arrays.tier[k] == len(placed), 1.0, 0.0)
    model = LinearModel("targets")
    upper = np.maximum(pools.most(k, pool), held)
    x = model.add_columns("x", len(k), lower=held, upper=upper, cost=-gain)
    model.add_rows("class", arrays.n_classes, k, x, 1.0, upper=arrays.size())
    add_capacities(model, pools, k, pool, x, share)
    add_quotas(model, arrays, k, x)
    if last or arrays.max_moves is not None or arrays.budgets:
        stay = add_stays(model, pools, k, pool, x, gain=float(last))
        add_disturbances(model, pools, k, stay)
    for tier, best in enumerate(placed):
        rows = np.flatnonzero(arrays.tier[k] == tier)
        least = max(0.0, best - _TOLERANCE)
        model.add_rows(f"tier {tier}", 1, np.zeros(len(rows), int), x[rows], 1.0, lower=least)
    return model
