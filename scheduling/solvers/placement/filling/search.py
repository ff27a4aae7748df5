"""One tier of unplaced items by fillings of nodes."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.construction import offer
from scheduling.solvers.placement.displacing import displace
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.filling.diving import dive
from scheduling.solvers.placement.filling.groups import Groups, Kinds
from scheduling.solvers.placement.filling.homes import settle
from scheduling.solvers.placement.filling.master import Master, Prices
from scheduling.solvers.placement.filling.pricing import Pricing
from scheduling.solvers.placement.filling.stakes import Stakes
from scheduling.solvers.placement.packing import pack
from scheduling.solvers.placement.state import State

_FLAT, _CALM = 0.3, 0.5
"""Shares of what is left of the time for a program, after which fillings are chosen from it."""

_PATIENCE = 2.0
"""The program that knows what runs takes so many times as long as the one that does not."""

_ROUNDS = 40
"""Rounds of a program where work is limited instead of time."""

_DIVES = 4
_EVERY = 2
"""Rounds between those that look at every kind of node with what runs there."""

_STILL = 4
_GAIN = 5e-6
"""After so many rounds without a gain of so many items, times all of them, a program is done."""

_NEAR = 0.5
"""Loss up to which fillings of one program are of use to the other."""

Over = Callable[[], bool]


class Search:
    """The fillings of a problem, kept from tier to tier.

    Two programs, one after the other: the first leaves out what runs and so soon knows how many
    items can be placed; the second begins with its fillings, and makes few items leave their nodes.

    Parameters
    ----------
    data, groups
        The problem and its nodes.
    budget, tier, name
        For the seed and the workers; the first tier; the name to post under.
    """

    def __init__(
        self, data: CompiledPlacement, groups: Groups, budget: Budget, tier: int, name: str
    ) -> None:
        self._data, self._groups, self._name = data, groups, name
        self._stakes = Stakes.of_tier(data.arrays, tier)
        rng = np.random.default_rng(budget.seed)
        self._pricing = Pricing(groups, self._stakes, rng, budget.workers)
        self._flat = self._program(Kinds.none(groups))
        self._calm: Master | None = None
        self._learn(self._flat, data.arrays.running)

    def _program(self, kinds: Kinds) -> Master:
        groups = self._groups
        return Master(groups, self._stakes, kinds, groups.count, groups.size)

    def _learn(self, master: Master, counts: Ints) -> None:
        """Take in the fillings of a placement, (K, m)."""
        free = np.ascontiguousarray((counts - self._groups.fixed).T)
        master.add(master.anywhere(free, self._groups.of))
        if len(master.kinds.count):
            master.add(master.at_kinds(free, master.kinds.of))

    def run(self, board: Board[Ints], budget: Budget) -> None:
        """Post placements until the board stops or the budget is spent."""

        def over() -> bool:
            return board.stopped or budget.remaining() == 0

        arrays = self._data.arrays
        self._stakes = Stakes.of_tier(arrays, min(board.tier, arrays.n_priorities - 1))
        if board.best is not None:
            self._learn(self._flat, arrays.counts(board.best))
        if not self._in_a_hurry(board, budget, over):
            for _ in range(_DIVES):
                calm = self._calmer(board)
                settled = self._generate(calm, budget.part(_CALM), over)
                self._choose(calm, board, budget, over)
                if settled or over():
                    return

    def _in_a_hurry(self, board: Board[Ints], budget: Budget, over: Over) -> bool:
        """Solve the first program; where there is no time for the second choose from it."""
        if self._calm is not None:
            return False
        self._flat.weigh(self._stakes)
        began = time.monotonic()
        self._generate(self._flat, budget.part(_FLAT), over)
        left, spent = budget.remaining(), time.monotonic() - began
        hurried = left is not None and left < _PATIENCE * spent
        if hurried or not self._stakes.leaving.any():
            self._choose(self._flat, board, budget, over)
            return True
        return False

    def _calmer(self, board: Board[Ints]) -> Master:
        """Return the program that knows what runs."""
        first = self._calm is None
        calm = self._calm or self._program(self._groups.kinds)
        self._calm = calm
        calm.weigh(self._stakes)
        if first:
            self._learn(calm, self._data.arrays.running)
        near = self._flat.near(_NEAR)
        calm.add(calm.anywhere(near.items.astype(np.int64), near.group))
        if board.best is not None:
            self._learn(calm, self._data.arrays.counts(board.best))
        return calm

    def _generate(self, master: Master, budget: Budget, over: Over) -> bool:
        """Generate fillings; True when more would bring next to nothing."""
        best, still = np.inf, 0
        least = _GAIN * self._data.arrays.n_items
        for number in range(_ROUNDS if budget.work is not None else 10**9):
            prices = None if over() else master.solve(budget.remaining())
            if prices is None or budget.remaining() == 0:
                return False
            self._draw(master, prices, number)
            still = 0 if master.value < best - least else still + 1
            best = min(best, master.value)
            if still > _STILL:
                if not self._pricing.deepen():
                    return True
                still = 0
        return False

    def _draw(self, master: Master, prices: Prices, number: int) -> None:
        """Take in fillings that improve a program."""
        groups = np.arange(len(self._groups.count))
        items, group = self._pricing.of_groups(prices, groups, self._groups.size)
        master.add(master.anywhere(items, group), prices)
        if len(master.kinds.count) and number % _EVERY == 0:
            master.add(master.at_kinds(*self._pricing.of_kinds(prices)), prices)

    def _choose(self, master: Master, board: Board[Ints], budget: Budget, over: Over) -> None:
        """Choose fillings and post the placement."""
        if over() or master.solve(budget.remaining()) is None:
            return
        choice = dive(master, self._pricing, budget.remaining, over)
        counts = settle(self._groups, choice, 1.0 + self._stakes.leaving)
        arrays = self._data.arrays
        state = State(arrays, arrays.assign(pack(arrays, counts, small_first=True)))
        displace(state, over)
        offer(self._data, board, state.place, self._name)
