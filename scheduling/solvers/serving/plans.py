"""Fleets with their flows as candidates: whether they hold, and exact flows near given ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from scheduling.models.serving.arrays import DECODE, OPEN, PREFILL, FleetPlan, Ints, ServingArrays
from scheduling.models.serving.placing import fits
from scheduling.models.serving.problem import RATE_SCALE, TIME_SCALE
from scheduling.solvers.board import Board
from scheduling.solvers.linear.model import Floats


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


def settle(arrays: ServingArrays, units: Ints, rates: Floats) -> Ints:
    """Return exact flows near given ones, (S, A) in requests a second, that keep every rule.

    Each flow is rounded; what exceeds a slot, a bandwidth or a demand is taken away, prefill and
    decode are made equal, and what a demand then lacks goes where there is room.
    """
    flows = np.maximum(np.rint(rates * RATE_SCALE), 0).astype(np.int64)
    rooms = room(arrays, units)
    goal = np.rint(_served(arrays, rates) * RATE_SCALE).astype(np.int64)
    wanted = np.where(arrays.demand == OPEN, goal, arrays.demand)
    if "goodput" in arrays.goals:
        wanted = np.maximum(goal, 0)
    for s in range(arrays.n_scenarios):
        _Settling(arrays, flows[s], rooms[s], wanted[s]).run()
    return flows


def _served(arrays: ServingArrays, rates: Floats) -> Floats:
    found = np.zeros(arrays.demand.shape)
    first = np.flatnonzero(arrays.arc_role != DECODE)
    np.add.at(found.T, arrays.arc_demand[first], rates.T[first])
    return found


@dataclass
class _Band:
    """Arcs that share a bandwidth and what is left of it."""

    arcs: Ints
    left: int


class _Settling:
    """Exact flows of one scenario."""

    def __init__(self, arrays: ServingArrays, flow: Ints, room_: Ints, wanted: Ints) -> None:
        self.arrays, self.flow, self.wanted = arrays, flow, wanted
        self.slack = room_.copy()
        np.subtract.at(self.slack, arrays.arc_slot, flow * arrays.arc_time)
        self.kv = [
            _Band(arcs, limit - int(flow[arcs] @ arrays.kv[arrays.arc_demand[arcs]]))
            for arcs, limit in kv_rows(arrays)
        ]
        self.pairs = pairings(arrays)
        self.first = arrays.arc_role != DECODE

    def run(self) -> None:
        """Take away what is too much, then add what is missing."""
        arrays = self.arrays
        for slot in np.flatnonzero(self.slack < 0).tolist():
            for arc in self._largest(np.flatnonzero(arrays.arc_slot == slot)):
                if self.slack[slot] < 0:
                    self._take(arc, -(int(self.slack[slot]) // int(arrays.arc_time[arc])))
        for band in self.kv:
            self._within(band)
        for demand in range(len(self.wanted)):
            mine = np.flatnonzero((arrays.arc_demand == demand) & self.first)
            self._reduce(mine, int(self.flow[mine].sum()) - int(self.wanted[demand]))
        for prefill, decode in self.pairs:
            excess = int(self.flow[prefill].sum()) - int(self.flow[decode].sum())
            self._reduce(prefill, excess)
            self._reduce(decode, -excess)
        for demand in range(len(self.wanted)):
            mine = np.flatnonzero((arrays.arc_demand == demand) & self.first)
            missing = int(self.wanted[demand]) - int(self.flow[mine].sum())
            if missing > 0:
                self._add(demand, mine, missing)

    def _largest(self, arcs: Ints) -> list[int]:
        order: list[int] = arcs[np.argsort(-self.flow[arcs], kind="stable")].tolist()
        return order

    def _take(self, arc: int, amount: int) -> int:
        taken = min(amount, int(self.flow[arc]))
        self._change(arc, -taken)
        return taken

    def _change(self, arc: int, amount: int) -> None:
        arrays = self.arrays
        self.flow[arc] += amount
        self.slack[arrays.arc_slot[arc]] -= amount * int(arrays.arc_time[arc])
        for band in self.kv:
            if arc in band.arcs:
                band.left -= amount * int(arrays.kv[arrays.arc_demand[arc]])

    def _reduce(self, arcs: Ints, excess: int) -> None:
        for arc in self._largest(arcs):
            if excess <= 0:
                return
            excess -= self._take(arc, excess)

    def _within(self, band: _Band) -> None:
        for arc in self._largest(band.arcs):
            size = int(self.arrays.kv[self.arrays.arc_demand[arc]])
            if band.left < 0 and size:
                self._take(arc, -(band.left // size))

    def _spare(self, arc: int) -> int:
        arrays = self.arrays
        found = int(self.slack[arrays.arc_slot[arc]]) // int(arrays.arc_time[arc])
        for band in self.kv:
            size = int(arrays.kv[arrays.arc_demand[arc]])
            if size and arc in band.arcs:
                found = min(found, band.left // size)
        return max(found, 0)

    def _add(self, demand: int, mine: Ints, missing: int) -> None:
        whole = mine[self.arrays.arc_role[mine] != PREFILL]
        for arc in whole.tolist():
            amount = min(missing, self._spare(arc))
            self._change(arc, amount)
            missing -= amount
        for prefill, decode in self.pairs:
            if len(prefill) and int(self.arrays.arc_demand[prefill[0]]) == demand:
                missing -= self._add_pair(prefill.tolist(), decode.tolist(), missing)

    def _add_pair(self, prefill: Iterable[int], decode: list[int], missing: int) -> int:
        added = 0
        for arc in prefill:
            for other in decode:
                amount = min(missing - added, self._spare(arc), self._spare(other))
                if amount > 0:
                    self._change(arc, amount)
                    self._change(other, amount)
                    added += amount
        return added
