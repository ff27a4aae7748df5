"""Exact flows on a fleet: pouring demands into free capacity, and settling near given flows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from scheduling.models.serving.arrays import DECODE, OPEN, PREFILL, Ints, ServingArrays
from scheduling.models.serving.problem import RATE_SCALE
from scheduling.solvers.linear.model import Floats
from scheduling.solvers.serving.plans import kv_rows, pairings, room


@dataclass(frozen=True, eq=False)
class Roads:
    """What routing needs to know of a problem beside a fleet.

    Attributes
    ----------
    pairs
        For each demand the arcs of prefill and decode that must be equal in sum.
    bands
        Arcs that share a bandwidth, and that bandwidth.
    first
        For each demand the arcs that serve it whole, and those that prefill it.
    """

    arrays: ServingArrays
    pairs: dict[int, list[tuple[Ints, Ints]]] = field(init=False)
    bands: list[tuple[Ints, int]] = field(init=False)
    first: list[tuple[Ints, Ints]] = field(init=False)

    def __post_init__(self) -> None:
        arrays = self.arrays
        pairs: dict[int, list[tuple[Ints, Ints]]] = {}
        for prefill, decode in pairings(arrays):
            arc = prefill[0] if len(prefill) else decode[0]
            pairs.setdefault(int(arrays.arc_demand[arc]), []).append((prefill, decode))
        role = arrays.arc_role
        count = arrays.demand.shape[1]
        mine = [arrays.arc_demand == demand for demand in range(count)]
        whole = (role != PREFILL) & (role != DECODE)
        object.__setattr__(self, "pairs", pairs)
        object.__setattr__(self, "bands", kv_rows(arrays))
        object.__setattr__(
            self,
            "first",
            [(np.flatnonzero(m & whole), np.flatnonzero(m & (role == PREFILL))) for m in mine],
        )


class Router:
    """Flows of one scenario and the capacity that they leave.

    Parameters
    ----------
    roads
        What is known of the problem.
    flow
        Flow of each arc; changed in place.
    free
        Busy time that the slots have for all flows.
    """

    def __init__(self, roads: Roads, flow: Ints, free: Ints) -> None:
        arrays = roads.arrays
        self.arrays, self.roads, self.flow = arrays, roads, flow
        self.slack = free.copy()
        np.subtract.at(self.slack, arrays.arc_slot, flow * arrays.arc_time)
        self.left = [
            limit - int(flow[arcs] @ arrays.kv[arrays.arc_demand[arcs]])
            for arcs, limit in roads.bands
        ]

    def served(self, demand: int) -> int:
        """Flow of a demand that is served."""
        return sum(int(self.flow[arcs].sum()) for arcs in self.roads.first[demand])

    def pour(self, demand: int, missing: int) -> int:
        """Serve more of a demand where there is room; return what is still missing."""
        for arc in self.roads.first[demand][0].tolist():
            if missing <= 0:
                return missing
            amount = min(missing, self._spare(arc))
            self._change(arc, amount)
            missing -= amount
        for prefill, decode in self.roads.pairs.get(demand, ()):
            missing -= self._pour_pair(prefill.tolist(), decode.tolist(), missing)
        return missing

    def _pour_pair(self, prefill: Iterable[int], decode: list[int], missing: int) -> int:
        added = 0
        for arc in prefill:
            spare = self._spare(arc)
            for other in decode if spare else ():
                amount = min(missing - added, spare, self._spare(other))
                if amount > 0:
                    self._change(arc, amount)
                    self._change(other, amount)
                    added += amount
                    spare -= amount
        return added

    def settle(self, wanted: Ints) -> None:
        """Take away what is too much of anything, then add what is missing of demands."""
        arrays = self.arrays
        for slot in np.flatnonzero(self.slack < 0).tolist():
            for arc in self._largest(np.flatnonzero(arrays.arc_slot == slot)):
                if self.slack[slot] < 0:
                    self._take(arc, -(int(self.slack[slot]) // int(arrays.arc_time[arc])))
        for number, (arcs, _) in enumerate(self.roads.bands):
            self._within(number, arcs)
        for demand, asked in enumerate(wanted.tolist()):
            arcs = np.concatenate(self.roads.first[demand])
            self._reduce(arcs, int(self.flow[arcs].sum()) - asked)
            for prefill, decode in self.roads.pairs.get(demand, ()):
                excess = int(self.flow[prefill].sum()) - int(self.flow[decode].sum())
                self._reduce(prefill, excess)
                self._reduce(decode, -excess)
        for demand, asked in enumerate(wanted.tolist()):
            self.pour(demand, asked - self.served(demand))

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
        size = int(arrays.kv[arrays.arc_demand[arc]])
        if size:
            for number, (arcs, _) in enumerate(self.roads.bands):
                if arc in arcs:
                    self.left[number] -= amount * size

    def _reduce(self, arcs: Ints, excess: int) -> None:
        for arc in self._largest(arcs) if excess > 0 else ():
            if excess <= 0:
                return
            excess -= self._take(arc, excess)

    def _within(self, number: int, arcs: Ints) -> None:
        for arc in self._largest(arcs) if self.left[number] < 0 else ():
            size = int(self.arrays.kv[self.arrays.arc_demand[arc]])
            if self.left[number] < 0 and size:
                self._take(arc, -(self.left[number] // size))

    def _spare(self, arc: int) -> int:
        arrays = self.arrays
        found = int(self.slack[arrays.arc_slot[arc]]) // int(arrays.arc_time[arc])
        size = int(arrays.kv[arrays.arc_demand[arc]])
        if size and found > 0:
            for number, (arcs, _) in enumerate(self.roads.bands):
                if arc in arcs:
                    found = min(found, self.left[number] // size)
        return max(found, 0)


def settle(arrays: ServingArrays, units: Ints, rates: Floats) -> Ints:
    """Return exact flows near given ones, (S, A) in requests a second, that keep every rule.

    Each flow is rounded; what exceeds a slot, a bandwidth or a demand is taken away, prefill and
    decode are made equal, and what a demand then lacks goes where there is room.
    """
    flows = np.maximum(np.rint(rates * RATE_SCALE), 0).astype(np.int64)
    free = room(arrays, units)
    reached = arrays.served(flows)
    wanted = np.where(arrays.demand == OPEN, reached, arrays.demand)
    if "goodput" in arrays.goals:
        wanted = reached
    roads = Roads(arrays)
    for s in range(arrays.n_scenarios):
        Router(roads, flows[s], free[s]).settle(wanted[s])
    return flows
