"""One step of large neighbourhood search: a few nodes of a placement filled again by CP-SAT."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.goals import most_of
from scheduling.solvers.board import Budget

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel

    from scheduling.solvers.cpsat.running import Result
    from scheduling.solvers.cpsat.stopping import StopSwitch
    from scheduling.solvers.placement.cpsat.model import Formulation

_SECONDS = 1.0
_WORK = 0.02
_SETTINGS = (("linearization_level", 2),)
"""With more cuts the parts close in half the time."""

_LARGEST_WEIGHT = 2**45

_LIGHT_GOALS = frozenset({"evictions", "moves", "nodes", "cost", "preferences"})


def is_light(arrays: PlacementArrays) -> bool:
    """Tell whether numbers of items on nodes say all that a step needs to know of a placement."""
    return arrays.plain and _LIGHT_GOALS.issuperset(arrays.goals)


@dataclass(frozen=True, eq=False)
class Standing:
    """A placement between steps.

    Attributes
    ----------
    arrays
        The problem.
    counts
        Items of each class on each node, (K, m).
    place
        Place of each item; ``None`` while only the numbers are known.
    """

    arrays: PlacementArrays
    counts: Ints
    place: Ints | None = None

    @classmethod
    def of(cls, arrays: PlacementArrays, place: Ints) -> Standing:
        """Take a placement by the place of each item."""
        return cls(arrays, arrays.counts(place), place)

    def places(self) -> Ints:
        """Place of each item."""
        return self.arrays.assign(self.counts) if self.place is None else self.place

    def unplaced(self) -> list[int]:
        """Items of each priority's tier that stand nowhere."""
        missing = self.arrays.size() - self.counts.sum(axis=1)
        found = np.zeros(self.arrays.n_priorities, np.int64)
        np.add.at(found, self.arrays.tier, missing)
        values: list[int] = found.tolist()
        return values

    def merged(self, nodes: Ints, counts: Ints) -> Standing | None:
        """Take over some nodes of other numbers; ``None`` where items would stand twice."""
        merged = self.counts.copy()
        merged[:, nodes] = counts[:, nodes]
        if np.any(merged.sum(axis=1) > self.arrays.size()):
            return None
        return Standing(self.arrays, merged)


@dataclass(frozen=True)
class Step:
    """What came of a part: its nodes, a better placement or none, whether CP-SAT settled it."""

    nodes: Ints
    found: Standing | None
    closed: bool
    work: float


class PartSolver:
    """Solves parts of a placement again.

    The tiers of unplaced items come first by themselves: with goals behind them a step takes ten
    times as long, and most steps find nothing anyway. Where one got better a second run keeps
    evictions, moves and the other goals low.

    Parameters
    ----------
    arrays
        The problem.
    tier
        Tier to improve first.
    caps
        Values that the tiers before may not exceed.
    budget
        Deadline of the search.
    """

    def __init__(
        self, arrays: PlacementArrays, tier: int, caps: tuple[int, ...], budget: Budget
    ) -> None:
        self._arrays, self._tier, self._caps, self._budget = arrays, tier, caps, budget
        self._light = is_light(arrays)

    def solve(self, standing: Standing, nodes: Ints, seed: int, switch: StopSwitch) -> Step:
        """Fill the nodes of a part again.

        Parameters
        ----------
        standing
            The placement.
        nodes
            Nodes of the part.
        seed
            Seed of CP-SAT.
        switch
            Ends the run in progress.
        """
        from scheduling.solvers.cpsat.running import Outcome, set_hint

        arrays, tier = self._arrays, self._tier
        part = self._formulation(standing, nodes)
        spans = _spans(arrays, standing.counts, nodes)
        first = arrays.n_priorities if tier < arrays.n_priorities else len(spans)
        part.model.minimize(_weighted(part.tiers[tier:first], spans[tier:first]))
        result = self._run(part.model, seed, switch)
        closed = result.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE)
        if result.values is None:
            return Step(nodes, None, closed, result.work)
        found = self._standing(part, result.values)
        if not self._better(found, standing):
            return Step(nodes, None, closed, result.work)
        work = result.work
        if first < len(spans):
            for expression, most in zip(part.tiers, found.unplaced(), strict=False):
                part.model.add(expression <= most)
            part.model.minimize(_weighted(part.tiers[first:], spans[first:]))
            set_hint(part.model, result.values)
            calmer = self._run(part.model, seed, switch)
            work += calmer.work
            if calmer.values is not None:
                found = self._standing(part, calmer.values)
        return Step(nodes, found, closed, work)

    def _formulation(self, standing: Standing, nodes: Ints) -> Formulation:
        from scheduling.solvers.placement.cpsat.model import Formulation

        arrays, chosen = self._arrays, nodes.tolist()
        if self._light:
            part = Formulation(arrays, self._caps, chosen, counts=standing.counts)
            part.hint_counts(standing.counts, np.minimum(standing.counts, arrays.running))
        else:
            place = standing.places()
            part = Formulation(arrays, self._caps, chosen, place)
            part.hint(place)
        return part

    def _standing(self, part: Formulation, values: list[int]) -> Standing:
        if self._light:
            return Standing(self._arrays, part.counts(values))
        return Standing.of(self._arrays, part.places(values))

    def _run(self, model: CpModel, seed: int, switch: StopSwitch) -> Result:
        from scheduling.solvers.cpsat.running import run
        from scheduling.solvers.cpsat.settings import Settings, sat_parameters

        # Without a time limit no clock may decide.
        deadline = self._budget.deadline
        if deadline is not None:
            deadline = min(deadline, time.monotonic() + _SECONDS)
        limits = replace(self._budget, deadline=deadline, work=_WORK, seed=seed)
        parameters = sat_parameters(limits, Settings(workers=1, parameters=_SETTINGS))
        return run(model, parameters, switch=switch)

    def _better(self, found: Standing, before: Standing) -> bool:
        arrays, tier = self._arrays, self._tier
        if tier < arrays.n_priorities:
            return found.unplaced()[tier:] < before.unplaced()[tier:]
        return arrays.values(found.places())[tier:] < arrays.values(before.places())[tier:]


def _spans(arrays: PlacementArrays, counts: Ints, nodes: Ints) -> list[int]:
    """Return what the tiers can sum up to in a part."""
    inside = counts[:, nodes].sum(axis=1) + arrays.size() - counts.sum(axis=1)
    ran = np.minimum(inside, arrays.running.sum(axis=1))
    missing = np.zeros(arrays.n_priorities, np.int64)
    np.add.at(missing, arrays.tier, inside)
    known = {
        "evictions": int(arrays.eviction_cost @ ran),
        "moves": int(arrays.move_cost @ ran),
        "nodes": len(nodes),
        "cost": int(arrays.node_cost[nodes].sum()),
    }
    most = [known[goal] if goal in known else most_of(arrays, goal) for goal in arrays.goals]
    return [*missing.tolist(), *most]


def _weighted(tiers: list[Any], spans: list[int]) -> Any:
    """Sum up tiers so that they count in their order.

    A tier's weight is above all that the tiers behind it can sum up to. Tiers that 45 bits do not
    reach weigh nothing.
    """
    product, count = 1, 0
    for span in spans:
        if count and product * (span + 1) > _LARGEST_WEIGHT:
            break
        product *= span + 1
        count += 1
    total: Any = 0
    weight = 1
    for tier, span in reversed(list(zip(tiers[:count], spans[:count], strict=True))):
        total += weight * tier
        weight *= span + 1
    return total
