"""Solver ``lns``: some nodes at a time are emptied and filled again by CP-SAT."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.models.placement.goals import most_of
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.cpsat.solver import CpSat
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.greedy import BestFit, offer
from scheduling.solvers.registry import Availability

Floats = NDArray[np.float64]

_FIRST = 4
_STEP_SECONDS = 1.0
_STEP_WORK = 0.05
_LARGEST_WEIGHT = 2**45


class Lns:
    """Large neighbourhood search over nodes (Shaw, 1998).

    Each step frees the items of a few nodes, with all items that stand nowhere, and lets CP-SAT
    place them again so that the tiers from the present one on get better in their order. The nodes
    are drawn at random, half of the time around one where an unplaced item lacks least. Parts grow
    while steps close quickly and shrink when they do not. One work unit is one unit of CP-SAT's
    deterministic time.
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
        self._rng = np.random.default_rng(budget.seed)
        self._size = min(_FIRST, data.arrays.n_nodes)
        self._spent = 0.0
        self._switch = StopSwitch(board)

    def run(self) -> None:
        """Step until the board stops, the budget is spent, or a step has freed every node."""
        while not self._over():
            closed = self._step()
            whole = self._size >= self._data.arrays.n_nodes
            if closed and whole:
                return
            grown = self._size + 1 if closed else max(2, self._size - 1)
            self._size = min(grown, self._data.arrays.n_nodes)

    def _over(self) -> bool:
        work = self._budget.work
        spent = work is not None and self._spent >= work
        return spent or self._board.stopped or self._budget.remaining() == 0

    def _step(self) -> bool:
        """Solve one part again; True when CP-SAT settled it."""
        from scheduling.solvers.cpsat_engine import Outcome, Settings, run, sat_parameters
        from scheduling.solvers.placement.cpsat.model import Formulation

        best = self._board.best
        if best is None:
            return True
        arrays, tier = self._data.arrays, self._board.tier
        nodes = self._nodes(best)
        part = Formulation(arrays, self._board.caps, nodes, best)
        part.hint(best)
        weights = _weights(arrays, best, nodes, tier)
        part.model.minimize(
            sum(w * value for w, value in zip(weights, part.tiers[tier:], strict=True))
        )
        limits = replace(
            self._budget,
            deadline=_sooner(self._budget.deadline),
            work=_STEP_WORK,
            seed=int(self._rng.integers(2**31)),
        )
        parameters = sat_parameters(limits, Settings(workers=1))
        result = run(part.model, parameters, switch=self._switch)
        self._spent += result.work
        if result.values is not None:
            offer(self._data, self._board, part.places(result.values), self._name)
        return result.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE)

    def _nodes(self, best: Ints) -> list[int]:
        """Draw the nodes of a part."""
        arrays = self._data.arrays
        missing = np.flatnonzero(best < 0)
        weight: Floats = np.ones(arrays.n_nodes)
        if missing.size and self._rng.random() < 0.5:
            weight = _promising(arrays, best, int(self._rng.choice(missing)))
        size = min(self._size, int(np.count_nonzero(weight)))
        share = weight / weight.sum()
        drawn = self._rng.choice(arrays.n_nodes, size=max(1, size), replace=False, p=share)
        return [int(node) for node in drawn]


def _promising(arrays: PlacementArrays, best: Ints, item: int) -> Floats:
    """Weight nodes by how little an item lacks there."""
    k = int(arrays.of_class[item])
    used = arrays.demand[k] > 0
    free = arrays.capacity - arrays.counts(best).T @ arrays.demand
    need = np.maximum(arrays.demand[k, used], 1)
    lacking = np.maximum(need - free[:, used], 0) / need
    weight: Floats = np.where(arrays.eligible[k], 1.0 / (0.1 + lacking.sum(axis=1)), 0.0)
    return weight if weight.any() else np.ones(arrays.n_nodes)


def _weights(arrays: PlacementArrays, place: Ints, nodes: list[int], tier: int) -> list[int]:
    """Weights that put the tiers from one on in their order within a part.

    A tier's weight is above all that the tiers behind it can sum up to in the part. Tiers that 45
    bits do not reach weigh nothing.
    """
    inside = np.isin(arrays.places.nodes(place), nodes) | (place < 0)
    k = arrays.of_class[inside]
    ran = arrays.now[inside] >= 0
    known = {
        "evictions": int(arrays.eviction_cost[k][ran].sum()),
        "moves": int(arrays.move_cost[k][ran].sum()),
        "nodes": len(nodes),
        "cost": int(arrays.node_cost[nodes].sum()),
    }
    most = [known[goal] if goal in known else most_of(arrays, goal) for goal in arrays.goals]
    unplaced = np.bincount(arrays.tier[k], minlength=arrays.n_priorities).tolist()
    spans = [*unplaced[: arrays.n_priorities], *most][tier:]
    count, product = 0, 1
    for span in spans:
        if product * (span + 1) > _LARGEST_WEIGHT:
            break
        product *= span + 1
        count += 1
    weights = [0] * len(spans)
    weight = 1
    for index in range(count - 1, -1, -1):
        weights[index] = weight
        weight *= spans[index] + 1
    return weights if count else [1, *weights[1:]]


def _sooner(deadline: float | None) -> float | None:
    """End of a step; without a time limit no clock may decide."""
    return None if deadline is None else min(deadline, time.monotonic() + _STEP_SECONDS)
