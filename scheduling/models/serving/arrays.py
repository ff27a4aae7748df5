"""Serving problems as arrays, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.serving.packing import Packing
from scheduling.models.serving.problem import (
    GOODPUT_SCALE,
    MAXIMISED,
    RATE_UNIT,
    ServingProblem,
)

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

OPEN = -1
"""Rate of a demand that takes whatever can be served."""

BOTH, PREFILL, DECODE = 0, 1, 2
ROLES = ("both", "prefill", "decode")


@dataclass(frozen=True, eq=False)
class FleetPlan:
    """A candidate.

    Attributes
    ----------
    units
        How many of each unit there are, (U,).
    patterns
        How many bins are filled by each pattern of each packing that has patterns; empty where
        first fit finds the places.
    flows
        Millionths of a request a second on each arc in each scenario, (S, A).
    """

    units: Ints
    patterns: tuple[Ints, ...]
    flows: Ints


@dataclass(frozen=True, eq=False)
class ServingArrays:
    """K templates in use, C demands, P pools, S scenarios (the given rates first).

    A unit is what is placed as a whole: one replica, or a site of several that exchange KV
    caches. A slot is a template in a unit; an arc is a demand that a slot serves.

    Attributes
    ----------
    templates
        Index in the problem of each template; dominated ones are left out.
    role, model, pool, gpus, cost, watts, running
        Of each template; cost and watts of one replica, 0 where unknown.
    capacity
        For each template, what one of n replicas brings in millionths of a request a second of
        its fastest demand, (S, entries of its ceilings).
    demand
        Millionths of a request a second, (S, C); ``OPEN`` where anything is welcome.
    kv
        Kilobytes of KV cache for each request, (C,).
    bandwidth
        Millionths of a kilobyte a second that each pool can send, and receive; ``None``: any.
    unit_pool, unit_size, unit_groups, unit_gpus, unit_cost, unit_watts, unit_limit
        Of each unit: pool, GPUs of a group, groups, and the most units that can be of use.
    slot_unit, slot_template, slot_count
        Of each slot; the count is the number of replicas in one unit.
    arc_slot, arc_demand, arc_time
        Of each arc; time is busy time for one request in hundred-thousandths of the shortest.
    paired
        Whether prefill and decode are matched in every unit instead of over all.
    packings
        Conditions for the groups of each pool to fit.
    goals
        Names of the tiers.
    limits
        Most ``gpus``, ``cost``, ``watts`` and ``moves``; those not limited are missing.
    types
        Most templates for each model and role; ``None``: any.
    met
        Whether all demands must be served in full.
    """

    templates: Ints
    role: Ints
    model: Ints
    pool: Ints
    gpus: Ints
    cost: Ints
    watts: Ints
    running: Ints
    capacity: tuple[Ints, ...]
    demand: Ints
    kv: Ints
    bandwidth: tuple[int | None, ...]
    unit_pool: Ints
    unit_size: Ints
    unit_groups: Ints
    unit_gpus: Ints
    unit_cost: Ints
    unit_watts: Ints
    unit_limit: Ints
    slot_unit: Ints
    slot_template: Ints
    slot_count: Ints
    arc_slot: Ints
    arc_demand: Ints
    arc_time: Ints
    paired: Flags
    packings: tuple[Packing, ...]
    goals: tuple[str, ...]
    limits: dict[str, int]
    types: int | None
    met: bool

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.unit_pool)

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios, the given rates among them."""
        return len(self.demand)

    @property
    def arc_role(self) -> Ints:
        """Role of each arc's template."""
        return self.role[self.slot_template[self.arc_slot]]

    @property
    def arc_unit(self) -> Ints:
        """Unit of each arc."""
        return self.slot_unit[self.arc_slot]

    @property
    def senses(self) -> tuple[str, ...]:
        """``max`` or ``min`` for each tier."""
        return tuple("max" if goal in MAXIMISED else "min" for goal in self.goals)

    def share(self, slot: int, units: int) -> Ints:
        """Return what one replica of a slot brings in each scenario, with so many units."""
        table = self.capacity[self.slot_template[slot]]
        together = int(self.slot_count[slot]) * (1 if self.paired[self.slot_unit[slot]] else units)
        found: Ints = table[:, min(max(together, 1), table.shape[1]) - 1]
        return found

    def brought(self, slot: int, units: int) -> Ints:
        """Return what the replicas of a slot bring in each scenario, with so many units."""
        return self.share(slot, units) * (int(self.slot_count[slot]) * units)

    def replicas(self, units: Ints) -> Ints:
        """Replicas of each template."""
        found = np.zeros(len(self.templates), np.int64)
        np.add.at(found, self.slot_template, self.slot_count * units[self.slot_unit])
        return found

    def served(self, flows: Ints) -> Ints:
        """Millionths of a request a second served of each demand, (S, C)."""
        found = np.zeros(self.demand.shape, np.int64)
        first = np.flatnonzero(self.arc_role != DECODE)
        np.add.at(found.T, self.arc_demand[first], flows.T[first])
        return found

    def values(self, plan: FleetPlan) -> tuple[int, ...]:
        """Value of each tier, those to maximise with the sign turned."""
        return tuple(self._value(goal, plan) for goal in self.goals)

    def _value(self, goal: str, plan: FleetPlan) -> int:
        if goal in ("unserved", "rate", "goodput"):
            served = self.served(plan.flows)
            if goal == "unserved":
                return self.unserved(served)
            return -(self.rate(served) if goal == "rate" else self.goodput(served))
        if goal == "moves":
            return self.moves(plan.units)
        return int(
            plan.units @ {"cost": self.unit_cost, "gpus": self.unit_gpus}.get(goal, self.unit_watts)
        )

    def moves(self, units: Ints) -> int:
        """Replicas started and stopped."""
        return int(np.abs(self.replicas(units) - self.running).sum())

    def unserved(self, served: Ints) -> int:
        """Tier ``unserved`` of what is served of each demand in each scenario."""
        missing = np.maximum(self.demand - served, 0).sum(axis=1)
        return nearest(int(missing.max()), RATE_UNIT)

    def rate(self, served: Ints) -> int:
        """Tier ``rate``."""
        return nearest(int(served.sum(axis=1).min()), RATE_UNIT)

    def goodput(self, served: Ints) -> int:
        """Tier ``goodput``."""
        pairs = zip(served.ravel().tolist(), self.demand.ravel().tolist(), strict=True)
        return min(nearest(GOODPUT_SCALE * rate, demand) for rate, demand in pairs)


def nearest(value: int, unit: int) -> int:
    """Nearest multiple of a unit, in units; halves go up."""
    return (2 * value + unit) // (2 * unit)


def compile_serving(problem: ServingProblem) -> ServingArrays:
    """Translate a problem into arrays.

    Raises
    ------
    UnsupportedError
        When there are too many ways to fill a site or a domain to write them down, or 64 bits
        do not hold the rates of all replicas.
    """
    from scheduling.models.serving.compiling import Compiler

    return Compiler(problem).arrays()
