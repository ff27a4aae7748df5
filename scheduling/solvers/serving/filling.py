"""Fleets grown demand by demand: each takes what serves it at the least amount a request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.serving.arrays import DECODE, OPEN, PREFILL, Ints, ServingArrays
from scheduling.models.serving.problem import TIME_SCALE
from scheduling.solvers.serving.plans import allowed, room
from scheduling.solvers.serving.routing import Roads, Router

_LEAST = 50
"""Less than half a unit of the tiers of rates is not worth a replica."""


@dataclass(frozen=True)
class Option:
    """Units to add for a demand, what they cost, and how much of it they serve."""

    units: tuple[tuple[int, int], ...]
    amount: float
    served: int


class Filling:
    """A fleet under construction.

    Parameters
    ----------
    roads
        What routing knows of the problem.
    units
        Units to begin with.
    amounts
        What is spent on one unit of each kind, such as its cost.
    wanted
        Rates to serve, (S, C).
    noise
        For each unit a factor on its amount when options are compared.
    """

    def __init__(
        self, roads: Roads, units: Ints, amounts: Ints, wanted: Ints, noise: np.ndarray
    ) -> None:
        self.roads, self.arrays = roads, roads.arrays
        self.units, self.wanted = units.copy(), wanted
        self.prices = amounts * noise
        self.flows = np.zeros((self.arrays.n_scenarios, len(self.arrays.arc_slot)), np.int64)
        free = room(self.arrays, self.units)
        rows = range(self.arrays.n_scenarios)
        self.routers = [Router(roads, self.flows[s], free[s]) for s in rows]

    def missing(self, demand: int) -> Ints:
        """Return what each scenario lacks of a demand."""
        found = [
            max(0, int(self.wanted[s, demand]) - router.served(demand))
            for s, router in enumerate(self.routers)
        ]
        return np.array(found, np.int64)

    def pour(self, demand: int) -> None:
        """Serve a demand with what there is."""
        for router, missing in zip(self.routers, self.missing(demand).tolist(), strict=True):
            if missing:
                router.pour(demand, missing)

    def serve(self, demand: int) -> None:
        """Serve a demand, adding units while that helps."""
        self.pour(demand)
        while True:
            missing = self.missing(demand)
            if int(missing.max()) < _LEAST:
                return
            options = sorted(self._options(demand, missing), key=lambda o: o.amount / o.served)
            if not any(self._take(option) for option in options):
                return
            self.pour(demand)
            if int(self.missing(demand).sum()) >= int(missing.sum()):
                return

    def _options(self, demand: int, missing: Ints) -> list[Option]:
        """Ways to serve more: whole replicas, sites, or prefill with decode."""
        arrays = self.arrays
        best: dict[int, list[Option]] = {PREFILL: [], DECODE: []}
        found: list[Option] = []
        arcs = np.flatnonzero(arrays.arc_demand == demand).tolist()
        sites: dict[int, list[int]] = {}
        for arc in arcs:
            unit, role = int(arrays.arc_unit[arc]), int(arrays.arc_role[arc])
            if arrays.paired[unit]:
                sites.setdefault(unit, []).append(arc)
                continue
            option = self._replicas(arc, unit, missing)
            if option is not None:
                best.get(role, found).append(option)
        if best[PREFILL] and best[DECODE]:
            first, second = (
                min(best[role], key=lambda o: o.amount / o.served) for role in (PREFILL, DECODE)
            )
            amount, served = first.amount + second.amount, min(first.served, second.served)
            found.append(Option(first.units + second.units, amount, served))
        found += [self._site(unit, mine, missing) for unit, mine in sites.items()]
        return [option for option in found if option.served > 0]

    def _replicas(self, arc: int, unit: int, missing: Ints) -> Option | None:
        """Enough replicas for what is missing beside what their slot has left."""
        arrays = self.arrays
        slot, time = int(arrays.arc_slot[arc]), int(arrays.arc_time[arc])
        spare = np.array([max(0, int(router.slack[slot])) // time for router in self.routers])
        lacks = int((missing - spare).max())
        if lacks <= 0:
            return Option((), 0.0, int(missing.max()))
        now, most = int(self.units[unit]), int(arrays.unit_limit[unit])
        if now >= most:
            return None
        table = arrays.capacity[int(arrays.slot_template[slot])]
        each = int(table[:, min(table.shape[1], most) - 1].min()) * TIME_SCALE // time
        if each <= 0:
            return None
        count = max(1, min(-(-lacks // each), most - now))
        brought = arrays.brought(slot, now + count) - arrays.brought(slot, now)
        gain = int(brought.min()) * TIME_SCALE // time
        if gain < lacks and now + count < most:
            count += 1
            brought = arrays.brought(slot, now + count) - arrays.brought(slot, now)
            gain = int(brought.min()) * TIME_SCALE // time
        served = min(gain + int(spare.min()), int(missing.max()))
        return Option(((unit, count),), float(self.prices[unit]) * count, served)

    def _site(self, unit: int, arcs: list[int], missing: Ints) -> Option:
        arrays = self.arrays
        sums = {PREFILL: 0, DECODE: 0}
        for arc in arcs:
            slot = int(arrays.arc_slot[arc])
            gain = int(arrays.brought(slot, 1).min()) * TIME_SCALE // int(arrays.arc_time[arc])
            sums[int(arrays.arc_role[arc])] += gain
        each, most = min(sums.values()), int(arrays.unit_limit[unit] - self.units[unit])
        count = min(most, -(-int(missing.max()) // each)) if each else 0
        served = min(each * count, int(missing.max()))
        return Option(((unit, count),), float(self.prices[unit]) * count, served)

    def _take(self, option: Option) -> bool:
        """Add an option's units, or as large a part of them as fits."""
        part = option.units
        while part and any(count for _, count in part):
            after = self.units.copy()
            for unit, count in part:
                after[unit] += count
            if bool((after <= self.arrays.unit_limit).all()) and allowed(self.arrays, after):
                self._grow(after)
                return True
            if all(count <= 1 for _, count in part):
                return False
            part = tuple((unit, -(-count // 2) if count > 1 else count) for unit, count in part)
        return False

    def _grow(self, after: Ints) -> None:
        arrays = self.arrays
        changed = set(np.flatnonzero(after != self.units).tolist())
        for slot, unit in enumerate(arrays.slot_unit.tolist()):
            if unit in changed:
                more = arrays.brought(slot, int(after[unit]))
                more = more - arrays.brought(slot, int(self.units[unit]))
                for router, amount in zip(self.routers, more.tolist(), strict=True):
                    router.slack[slot] += amount * TIME_SCALE
        self.units = after


def wanted_rates(arrays: ServingArrays) -> Ints:
    """Rates to serve; of demands that are open, as much as all pools could."""
    found = arrays.demand.copy()
    for c in np.flatnonzero((found == OPEN).any(axis=0)).tolist():
        arcs = np.flatnonzero((arrays.arc_demand == c) & (arrays.arc_role != DECODE)).tolist()
        total = np.zeros(arrays.n_scenarios, np.int64)
        for arc in arcs:
            slot = int(arrays.arc_slot[arc])
            most = int(arrays.unit_limit[arrays.slot_unit[slot]])
            total += arrays.brought(slot, most) * TIME_SCALE // int(arrays.arc_time[arc])
        found[:, c] = total
    return found
