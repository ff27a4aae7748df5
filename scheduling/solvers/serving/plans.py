"""Fleets with their flows as candidates: whether they keep every rule."""

from __future__ import annotations

import numpy as np

from scheduling.models.serving.arrays import DECODE, OPEN, PREFILL, FleetPlan, Ints, ServingArrays
from scheduling.models.serving.placing import fits
from scheduling.models.serving.problem import TIME_SCALE
from scheduling.solvers.board import Board


def offer(
    arrays: ServingArrays,
    board: Board[FleetPlan],
    units: Ints,
    flows: Ints,
    solver: str,
    patterns: tuple[Ints, ...] | None = None,
) -> bool:
    """Post a fleet if it keeps every rule; True when it is the new best."""
    packed = patterns is not None and any(len(counts) for counts in patterns)
    plan = FleetPlan(units, patterns if patterns is not None and packed else (), flows)
    if not allowed(arrays, units, packed=packed) or not flows_hold(arrays, units, flows):
        return False
    return board.offer(plan, arrays.values(plan), solver)


def totals(arrays: ServingArrays, units: Ints) -> dict[str, int]:
    """GPUs, cost, watts and moves of a fleet."""
    return {
        "gpus": int(units @ arrays.unit_gpus),
        "cost": int(units @ arrays.unit_cost),
        "watts": int(units @ arrays.unit_watts),
        "moves": arrays.moves(units),
    }


def allowed(arrays: ServingArrays, units: Ints, *, packed: bool = False) -> bool:
    """Tell whether a fleet keeps limits and fits into its pools.

    ``packed`` says that patterns show that it fits where rows do not.
    """
    found = totals(arrays, units)
    if any(found[name] > limit for name, limit in arrays.limits.items()):
        return False
    if arrays.types is not None and not _few_types(arrays, units):
        return False
    return packed or fits(arrays, units)


def _few_types(arrays: ServingArrays, units: Ints) -> bool:
    used = arrays.replicas(units) > 0
    keys = arrays.model[used] * 3 + arrays.role[used]
    return not len(keys) or int(np.bincount(keys).max()) <= (arrays.types or 0)


def room(arrays: ServingArrays, units: Ints) -> Ints:
    """Busy time that each slot has, (S, slots), in the unit of flow times ``arc_time``."""
    slots = range(len(arrays.slot_unit))
    columns = [arrays.brought(slot, int(units[arrays.slot_unit[slot]])) for slot in slots]
    empty = np.zeros((arrays.n_scenarios, 0), np.int64)
    return np.stack(columns, axis=1) * TIME_SCALE if columns else empty


def load(arrays: ServingArrays, flows: Ints) -> Ints:
    """Busy time that flows take of each slot, (S, slots)."""
    found = np.zeros((arrays.n_scenarios, len(arrays.slot_unit)), np.int64)
    np.add.at(found.T, arrays.arc_slot, (flows * arrays.arc_time).T)
    return found


def flows_hold(arrays: ServingArrays, units: Ints, flows: Ints) -> bool:
    """Tell whether a fleet serves flows that keep every rule of routing."""
    if (flows < 0).any() or (load(arrays, flows) > room(arrays, units)).any():
        return False
    served = arrays.served(flows)
    if "goodput" not in arrays.goals and (served > arrays.demand)[arrays.demand != OPEN].any():
        return False
    if arrays.met and arrays.unserved(served) > 0:
        return False
    matched = all(
        int(flows[s, first].sum()) == int(flows[s, second].sum())
        for s in range(arrays.n_scenarios)
        for first, second in pairings(arrays)
    )
    return matched and all(
        int(flows[s, arcs] @ arrays.kv[arrays.arc_demand[arcs]]) <= limit
        for s in range(arrays.n_scenarios)
        for arcs, limit in kv_rows(arrays)
    )


def pairings(arrays: ServingArrays) -> list[tuple[Ints, Ints]]:
    """Arcs of prefill and arcs of decode whose flows must be equal in sum."""
    role = arrays.arc_role
    unit = np.where(arrays.paired[arrays.arc_unit], arrays.arc_unit, -1)
    chosen = np.flatnonzero((role == PREFILL) | (role == DECODE))
    keys = sorted({(int(arrays.arc_demand[a]), int(unit[a])) for a in chosen})
    found = []
    for demand, number in keys:
        here = (arrays.arc_demand == demand) & (unit == number)
        pair = (np.flatnonzero(here & (role == PREFILL)), np.flatnonzero(here & (role == DECODE)))
        found.append(pair)
    return found


def kv_rows(arrays: ServingArrays) -> list[tuple[Ints, int]]:
    """Arcs whose KV caches share a pool's bandwidth, and that bandwidth."""
    role, found = arrays.arc_role, []
    apart = ~arrays.paired[arrays.arc_unit]
    pool = arrays.unit_pool[arrays.arc_unit]
    for index, limit in enumerate(arrays.bandwidth):
        if limit is not None:
            for kind in (PREFILL, DECODE):
                arcs = np.flatnonzero((pool == index) & (role == kind) & apart)
                if len(arcs):
                    found.append((arcs, limit))
    return found
