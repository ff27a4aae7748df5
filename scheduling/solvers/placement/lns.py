"""Solver ``lns``: some nodes at a time are emptied and filled again by CP-SAT."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.goals import most_of
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.cpsat.solver import CpSat
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.greedy import BestFit, offer
from scheduling.solvers.placement.neighbourhoods import Neighbourhoods
from scheduling.solvers.registry import Availability

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel

    from scheduling.solvers.cpsat_engine import Result

_FIRST, _FIRST_OF_MANY, _MANY = 4, 2, 64
"""Nodes of the first part, in clusters of some and of many nodes."""

_STEPS_PER_SIZE = 16
_ITEMS_PER_POST = 500
"""With so many items every improvement is worth the cost of a check."""

_STEP_SECONDS = 1.0
_STEP_WORK = 0.02
_SETTINGS = (("linearization_level", 2),)
"""With more cuts the parts close in half the time."""

_LARGEST_WEIGHT = 2**45


class Lns:
    """Large neighbourhood search over nodes (Shaw, 1998).

    Each step frees the items of a few nodes (see
    :class:`~scheduling.solvers.placement.neighbourhoods.Neighbourhoods`), with all items that stand
    nowhere, and lets CP-SAT place them again so that the present tier and those behind it get
    better in their order. Tiers of unplaced items come first on their own; only where one got
    better a second run keeps evictions and moves low. Parts grow where they bring nothing, and
    shrink when CP-SAT does not settle them. One work unit is one unit of CP-SAT's deterministic
    time.
    """

    name = "lns"
    summary = "large neighbourhood search: some nodes at a time filled again by CP-SAT"

    def availability(self) -> Availability:
        """Tell whether CP-SAT is installed."""
        return CpSat().availability()

    def refusal(self, data: CompiledPlacement) -> str | None:  # noqa: ARG002
        """Refuse nothing."""
        return None

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,
    ) -> None:
        """Improve the board's best placement."""
        if board.best is None:
            BestFit().search(data, board, budget, hint)
        if board.best is not None:
            _Search(data, board, budget, self.name).run()


class _Search:
    def __init__(
        self, data: CompiledPlacement, board: Board[Ints], budget: Budget, name: str
    ) -> None:
        from scheduling.solvers.cpsat_engine import StopSwitch

        self._data, self._board, self._budget, self._name = data, board, budget, name
        arrays = data.arrays
        self._rng = np.random.default_rng(budget.seed)
        self._draws = Neighbourhoods(arrays, self._rng)
        self._size = min(_FIRST_OF_MANY if arrays.n_nodes > _MANY else _FIRST, arrays.n_nodes)
        self._idle = 0
        self._spent = 0.0
        self._switch = StopSwitch(board)
        self._known = board.best
        self._place = arrays.now if board.best is None else board.best
        self._counts = arrays.counts(self._place)
        self._better = 0
        self._posting_seconds = 0.0

    def run(self) -> None:
        """Step until the board stops, the budget is spent, or a step has freed every node."""
        while not self._over():
            if self._board.best is not self._known:
                self._post()
            if not self._step():
                break
        if self._better:
            self._post()

    def _over(self) -> bool:
        work, left = self._budget.work, self._budget.remaining()
        spent = work is not None and self._spent >= work
        return spent or self._board.stopped or (left is not None and left <= self._posting_seconds)

    def _step(self) -> bool:
        """Solve one part again; False when it was the whole problem, and settled."""
        arrays = self._data.arrays
        nodes = self._draws.draw(self._counts, self._board.tier, self._size)
        found, closed = self._solve(nodes)
        if found is not None:
            self._place, self._counts = found, arrays.counts(found)
            self._better += 1
            if self._better * _ITEMS_PER_POST > arrays.n_items:
                self._post()
        elif closed:
            self._idle += 1
        if closed and len(nodes) == arrays.n_nodes:
            return False
        if not closed:
            self._size = max(2, self._size - 1)
        elif self._idle * _STEPS_PER_SIZE * self._size >= arrays.n_nodes:
            self._size, self._idle = min(self._size + 1, arrays.n_nodes), 0
        return True

    def _post(self) -> None:
        """Offer what was found, and go on from the board's best."""
        began = time.monotonic()
        if self._better:
            offer(self._data, self._board, self._place, self._name)
        self._known, self._better = self._board.best, 0
        if self._known is not None:
            self._place, self._counts = self._known, self._data.arrays.counts(self._known)
        self._posting_seconds = max(self._posting_seconds, time.monotonic() - began)

    def _solve(self, nodes: Ints) -> tuple[Ints | None, bool]:
        """Return a placement with a better part, if one is found, and whether it was settled."""
        from scheduling.solvers.cpsat_engine import Outcome, set_hint
        from scheduling.solvers.placement.cpsat.model import Formulation

        arrays, tier = self._data.arrays, self._board.tier
        part = Formulation(arrays, self._board.caps, nodes.tolist(), self._place)
        part.hint(self._place)
        spans = _spans(arrays, self._counts, nodes)
        # The tiers of unplaced items by themselves: with goals behind them a step takes ten times
        # as long, and most steps find nothing anyway.
        first = max(arrays.n_priorities, tier + 1) if tier < arrays.n_priorities else len(spans)
        part.model.minimize(_weighted(part.tiers[tier:first], spans[tier:first]))
        result = self._run(part.model)
        closed = result.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE)
        if result.values is None:
            return None, closed
        found = part.places(result.values)
        if not self._better_from(tier, found):
            return None, closed
        if first < len(spans):
            for expression, most in zip(part.tiers, unplaced(arrays, found), strict=False):
                part.model.add(expression <= most)
            part.model.minimize(_weighted(part.tiers[first:], spans[first:]))
            set_hint(part.model, result.values)
            calmer = self._run(part.model).values
            found = found if calmer is None else part.places(calmer)
        return found, closed

    def _run(self, model: CpModel) -> Result:
        from scheduling.solvers.cpsat_engine import Settings, run, sat_parameters

        limits = replace(
            self._budget,
            deadline=_sooner(self._budget.deadline),
            work=_STEP_WORK,
            seed=int(self._rng.integers(2**31)),
        )
        result = run(
            model,
            sat_parameters(limits, Settings(workers=1, parameters=_SETTINGS)),
            switch=self._switch,
        )
        self._spent += result.work
        return result

    def _better_from(self, tier: int, found: Ints) -> bool:
        """Tell whether a placement is better than the present one from a tier on."""
        arrays = self._data.arrays
        if tier < arrays.n_priorities:
            return unplaced(arrays, found)[tier:] < unplaced(arrays, self._place)[tier:]
        return arrays.values(found)[tier:] < arrays.values(self._place)[tier:]


def unplaced(arrays: PlacementArrays, place: Ints) -> list[int]:
    """Items of each priority's tier that stand nowhere."""
    tiers = arrays.tier[arrays.of_class[place < 0]]
    found: list[int] = np.bincount(tiers, minlength=arrays.n_priorities).tolist()
    return found


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


def _sooner(deadline: float | None) -> float | None:
    """End of a step; without a time limit no clock may decide."""
    return None if deadline is None else min(deadline, time.monotonic() + _STEP_SECONDS)
