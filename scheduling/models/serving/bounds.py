"""Bounds of serving fleets by formula."""

from __future__ import annotations

import numpy as np

from scheduling.models.serving.arrays import BOTH, DECODE, OPEN, PREFILL, ServingArrays, nearest
from scheduling.models.serving.problem import GOODPUT_SCALE, RATE_UNIT, TIME_SCALE


def formula_bounds(arrays: ServingArrays) -> list[int | None] | None:
    """Lower bound of each tier, those to maximise with the sign turned; ``None`` without one.

    ``None`` as a whole: a demand that must be met is served by no template.

    Where demands are met, each needs at least its cheapest share of replicas in the worst scenario:
    a request a second costs no less than the least of (cost / rate) over replicas that serve it
    whole, or the least over prefill plus the least over decode. A replica never brings more than
    at its highest ceiling, and what it spends on one demand it lacks for another, so shares of
    demands add up.
    """
    if arrays.met and any(_unserved(arrays, s) for s in range(arrays.n_scenarios)):
        return None
    sums = {"cost": arrays.cost, "gpus": arrays.gpus, "watts": arrays.watts}
    found: list[int | None] = []
    for goal in arrays.goals:
        if goal in sums:
            found.append(_least(arrays, sums[goal]) if arrays.met else 0)
        elif goal == "rate":
            found.append(_most_rate(arrays))
        elif goal == "goodput":
            found.append(most_goodput(arrays))
        else:
            found.append(0)
    return found


def _unserved(arrays: ServingArrays, scenario: int) -> bool:
    """Tell whether more is asked for of a demand without templates than may be missing."""
    alone = ~np.isfinite(_least_share(arrays, scenario, arrays.gpus))
    return int(np.maximum(arrays.demand[scenario], 0)[alone].sum()) * 2 >= RATE_UNIT


def _least(arrays: ServingArrays, amounts: np.ndarray) -> int:
    worst = 0.0
    for scenario in range(arrays.n_scenarios):
        share = _least_share(arrays, scenario, amounts)
        share[~np.isfinite(share)] = 0.0
        asked = np.maximum(arrays.demand[scenario], 0).astype(float)
        # Half a unit in sum may be missing.
        slack = RATE_UNIT / 2 * share.max(initial=0.0)
        worst = max(worst, float(share @ asked) - slack)
    return int(np.ceil(worst * (1 - 1e-9) - 1e-6))


def _least_share(arrays: ServingArrays, scenario: int, amounts: np.ndarray) -> np.ndarray:
    """Least amount for one millionth of a request a second of each demand; infinite if none."""
    best = np.full((3, arrays.demand.shape[1]), np.inf)
    for slot, demand, time in zip(
        arrays.arc_slot.tolist(), arrays.arc_demand.tolist(), arrays.arc_time.tolist(), strict=True
    ):
        k = int(arrays.slot_template[slot])
        most = float(arrays.capacity[k][scenario].max()) * TIME_SCALE
        role = int(arrays.role[k])
        if most > 0:
            best[role, demand] = min(best[role, demand], float(amounts[k]) * time / most)
    found: np.ndarray = np.minimum(best[BOTH], best[PREFILL] + best[DECODE])
    return found


def _most_rate(arrays: ServingArrays) -> int | None:
    """Least sum of the rates asked for, where all are limited."""
    if (arrays.demand == OPEN).any():
        return None
    return -nearest(int(arrays.demand.sum(axis=1).min()), RATE_UNIT)


def most_goodput(arrays: ServingArrays) -> int:
    """Negated goodput when every GPU served each demand as fast as any template can."""
    ratios = []
    for scenario in range(arrays.n_scenarios):
        served = np.zeros(arrays.demand.shape[1])
        for slot, demand, time in zip(
            arrays.arc_slot.tolist(),
            arrays.arc_demand.tolist(),
            arrays.arc_time.tolist(),
            strict=True,
        ):
            unit, k = int(arrays.slot_unit[slot]), int(arrays.slot_template[slot])
            if arrays.role[k] != DECODE:
                most = float(arrays.capacity[k][scenario].max()) * TIME_SCALE / time
                count = int(arrays.slot_count[slot] * arrays.unit_limit[unit])
                served[demand] += most * count
        ratios.append(float((served / arrays.demand[scenario]).min()))
    return -int(np.floor(min(ratios) * GOODPUT_SCALE * (1 + 1e-9) + 1))
