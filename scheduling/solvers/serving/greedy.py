"""Solver ``greedy``: demand by demand at the least amount a request, then local search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scheduling.models.serving.arrays import FleetPlan, Ints, ServingArrays
from scheduling.models.serving.problem import GOODPUT_SCALE
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.serving.family import CompiledServing
from scheduling.solvers.serving.filling import Filling, wanted_rates
from scheduling.solvers.serving.plans import offer
from scheduling.solvers.serving.routing import Roads

_HALVINGS = 20
_SPREAD = 0.25
"""Standard deviation of the logarithm of the noise on amounts in local search."""


_FIRST_ROUNDS = 10
"""Rounds of the greedy start that other solvers make."""


class Greedy(NeedsNothing, TakesAll):
    """Constructive heuristic in the manner of GH of arXiv 2604.07472, then ruin and rebuild.

    Demands are served in turn, the largest first, each from free capacity and then by the units
    that spend least for each request: whole replicas, sites, or prefill with decode. After that,
    rounds remove a part of one model's units and serve its demands anew with amounts in noise.
    Running replicas stay at first where moves count. One unit of work is one round.
    """

    name = "greedy"
    summary = "demand by demand at the least cost a request, then local search"

    def search(
        self,
        data: CompiledServing,
        board: Board[FleetPlan],
        budget: Budget,
        hint: FleetPlan | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Construct a fleet and improve it until the board stops."""
        search = _Search(data.arrays, board, budget.seed)
        search.construct()
        rounds, count = budget.work, 0
        if not data.arrays.n_units:
            return
        while board.best is not None and not board.stopped and budget.remaining() != 0:
            if rounds is not None and count >= rounds:
                return
            search.rebuild(board.best)
            count += 1


def start(data: CompiledServing, board: Board[FleetPlan], budget: Budget) -> None:
    """Post a fleet of a few rounds, for solvers that need one to begin with."""
    Greedy().search(data, board, replace(budget.part(0.1), work=_FIRST_ROUNDS), None)


class _Search:
    """Construction and rounds of one tier."""

    def __init__(self, arrays: ServingArrays, board: Board[FleetPlan], seed: int) -> None:
        self.arrays, self.board = arrays, board
        self.roads = Roads(arrays)
        self.rng = np.random.default_rng(seed)
        by_goal = {
            "cost": arrays.unit_cost,
            "gpus": arrays.unit_gpus,
            "watts": arrays.unit_watts,
        }
        named = [by_goal[goal] for goal in arrays.goals if goal in by_goal]
        self.amounts: Ints = named[0] if named else arrays.unit_gpus
        self.scale = 1.0
        self.ones = np.ones(arrays.n_units)

    def _wanted(self) -> Ints:
        asked = wanted_rates(self.arrays)
        if "goodput" in self.arrays.goals:
            scaled: Ints = np.maximum(np.ceil(asked * self.scale), 1).astype(np.int64)
            return scaled
        return asked

    def _running(self) -> Ints:
        """Units that run now, where moves count."""
        arrays = self.arrays
        units = np.zeros(arrays.n_units, np.int64)
        if "moves" in arrays.goals or "moves" in arrays.limits:
            single = ~arrays.paired[arrays.slot_unit]
            units[arrays.slot_unit[single]] = arrays.running[arrays.slot_template[single]]
        return np.minimum(units, arrays.unit_limit)

    def construct(self) -> None:
        """Offer a fleet; with goodput the largest scale that halving finds."""
        start = self._running()
        if "goodput" not in self.arrays.goals:
            self._offer(self._filled(start, self._wanted(), self.ones))
            return
        low, high = 0.0, self._largest_scale()
        for _ in range(_HALVINGS):
            if self.board.stopped:
                return
            self.scale = (low + high) / 2
            filling = self._filled(start, self._wanted(), self.ones)
            self._offer(filling)
            reached = self.arrays.goodput(self.arrays.served(filling.flows)) / GOODPUT_SCALE
            low, high = max(low, reached), (self.scale if reached < self.scale else high)
        self.scale = max(low, 1e-6)

    def _largest_scale(self) -> float:
        bound = self.board.bound
        at = self.arrays.goals.index("goodput")
        return -bound / GOODPUT_SCALE if bound is not None and at == self.board.tier else 16.0

    def _filled(self, units: Ints, wanted: Ints, noise: np.ndarray) -> Filling:
        filling = Filling(self.roads, units, self.amounts, wanted, noise)
        order = np.argsort(-self._weights(wanted), kind="stable").tolist()
        for demand in order:
            filling.pour(demand)
        for demand in order:
            filling.serve(demand)
        return filling

    def _weights(self, wanted: Ints) -> np.ndarray:
        """About how much a demand needs: its rate by its slowest replica."""
        arrays = self.arrays
        slowest = np.zeros(wanted.shape[1])
        for arc, slot in enumerate(arrays.arc_slot.tolist()):
            k = int(arrays.slot_template[slot])
            fast = max(1, int(arrays.capacity[k].max()))
            need = float(arrays.gpus[k]) * float(arrays.arc_time[arc]) / fast
            demand = int(arrays.arc_demand[arc])
            slowest[demand] = max(slowest[demand], need)
        found: np.ndarray = wanted.max(axis=0) * slowest
        return found

    def _offer(self, filling: Filling) -> bool:
        units, flows = filling.units, filling.flows
        return offer(self.arrays, self.board, units, flows, Greedy.name)

    def rebuild(self, plan: FleetPlan) -> bool:
        """Remove a part of one or two models' units and serve everything anew."""
        arrays, rng = self.arrays, self.rng
        of_unit = np.zeros(arrays.n_units, np.int64)
        of_unit[arrays.slot_unit] = arrays.model[arrays.slot_template]
        count = int(arrays.model.max()) + 1
        chosen = rng.choice(count, min(count, int(rng.integers(1, 3))), replace=False)
        units = plan.units.copy()
        share = rng.choice([0.0, 0.5, 0.9])
        for unit in np.flatnonzero(np.isin(of_unit, chosen) & (units > 0)).tolist():
            if rng.random() < 0.7:
                units[unit] = int(units[unit] * share)
        if "goodput" in arrays.goals:
            self.scale *= float(rng.choice([1.0, 1.001, 1.01]))
        noise = rng.lognormal(0.0, _SPREAD, arrays.n_units)
        better = self._offer(self._filled(units, self._wanted(), noise))
        if "goodput" in arrays.goals and self.board.best is not None:
            served = arrays.served(self.board.best.flows)
            self.scale = max(arrays.goodput(served) / GOODPUT_SCALE, 1e-6)
        return better
