"""Solver ``columns``: fleets of single models are priced, then put together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from math import inf

import numpy as np

from scheduling.models.serving.arrays import FleetPlan
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.linear.highs import Highs, relax
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.linear.program import QUESTIONS_PER_UNIT
from scheduling.solvers.linear.result import Limits, LinearResult, Listener, Outcome
from scheduling.solvers.serving.columns.blocks import split
from scheduling.solvers.serving.columns.master import Master
from scheduling.solvers.serving.columns.neighbours import Neighbours
from scheduling.solvers.serving.family import CompiledServing
from scheduling.solvers.serving.greedy import start
from scheduling.solvers.serving.mip.program import Program
from scheduling.solvers.serving.mip.solver import post_bound, run_program
from scheduling.solvers.serving.plans import offer
from scheduling.solvers.serving.routing import settle

_SHARE = 0.75
"""Share of the time for prices; the rest is for fleets from the columns found."""

_ROUND_SECONDS = 0.3
"""Share of what is left that one block may take in one round."""

_ROUNDS = 60

_HASTY = 3
"""First rounds at prices of the master, which has too few columns for good ones: each model's
search is cut short."""

_HASTY_SECONDS = 0.4

_GAPS = (4e-3, 4e-4)
"""Share of the value by which all blocks together may miss their best prices: at first, and at
least. It is halved when the bound of a round differs from the best by no more."""

_INERTIA = 0.4
"""Weight of the best prices so far against those of the master."""


class Columns(NeedsNothing, TakesAll):
    """Column generation by models (Dantzig and Wolfe, 1960).

    A column is a whole fleet of one model with its routing. Columns share pools, limits and the
    tiers that are worst cases over scenarios; the duals of these rows price the search for a better
    fleet of each model, a small integer program. Their sum bounds all fleets from below, and
    better than the relaxation of one program, as each model's fleet is whole. The columns found
    are put together as an integer program, and the best fleet is improved by planning few models at
    a time anew, at last all. One unit of work is ten questions of HiGHS whether to go on.
    """

    name = "columns"
    summary = "column generation over fleets of single models, with integer programs on HiGHS"

    def search(
        self,
        data: CompiledServing,
        board: Board[FleetPlan],
        budget: Budget,
        hint: FleetPlan | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Raise the bound by prices, then look for fleets made of the columns."""
        if board.best is None:
            start(data, board, budget)
            if board.closed:
                return
        _Search(data, board, budget).generate()
        if board.best is not None:
            Neighbours(data.arrays, board, budget, self.name).search()
        if board.stopped or budget.remaining() == 0:
            return
        program = Program(data.arrays, board.tier, board.caps)
        run_program(Highs(), program, board, budget, self.name)


class _Search:
    """Prices and columns of one tier."""

    def __init__(self, data: CompiledServing, board: Board[FleetPlan], budget: Budget) -> None:
        self.arrays, self.board = data.arrays, board
        self.budget = budget.part(_SHARE)
        self.program = Program(data.arrays, board.tier, board.caps)
        self.parts = split(self.program.model, self.program.owners())
        self.master = Master(self.program, self.parts)
        self.listener = Listener(lambda _: None, lambda _: None, lambda: board.stopped)
        self.best = -inf
        self.gap, self.hasty = _GAPS[0], False
        self.center = np.zeros(len(self.parts.rows))

    def generate(self) -> None:
        """Add columns until none is new, and offer the fleets that they make up."""
        relaxed = relax(self.program.model, Limits(self.budget.remaining()), self.listener)
        if relaxed.outcome is Outcome.INFEASIBLE and self.board.best is None:
            self.board.prove_infeasible(Columns.name)
        if relaxed.duals is None or relaxed.bound is None:
            return
        post_bound(self.program, self.board, relaxed.bound, Columns.name)
        new = self._round(self.parts.priced(relaxed.duals[self.parts.rows]))
        if any(not points for points in self.master.points):
            return
        for number in range(_ROUNDS):
            self.hasty = number < _HASTY
            if self.board.stopped or self.budget.remaining() == 0:
                break
            if number % 3 == 0:
                self._put_together()
            prices = self.master.prices(self.budget)
            if prices is None:
                break
            # Prices between the best ones so far and the master's settle sooner (Wentges, 1997).
            steady = _INERTIA if new else 0.0
            new = self._round(steady * self.center + (1 - steady) * prices.rows)
            if not new and not steady:
                break
        self._put_together()

    def _round(self, duals: Floats) -> bool:
        """Price every block and post the bound; True when some column is new."""
        new, total = False, self.parts.constant(self.program.model, duals)
        with ThreadPoolExecutor(self.budget.workers) as pool:
            numbers = range(len(self.parts.blocks))
            results = list(pool.map(partial(self._price, duals), numbers))
        for number, result in enumerate(results):
            if result.outcome is Outcome.INFEASIBLE and self.board.best is None:
                self.board.prove_infeasible(Columns.name)
                return False
            total += -inf if result.bound is None else result.bound
            if result.values is not None:
                new = self.master.add(number, result.values) or new
        if abs(total - self.best) <= self.gap * abs(total):
            self.gap = max(_GAPS[1], self.gap / 2)
        if total > self.best:
            self.best, self.center = total, duals
            post_bound(self.program, self.board, total, Columns.name)
        return new

    def _price(self, duals: Floats, number: int) -> LinearResult:
        """Find the best fleet of one model under some prices, from the best one known."""
        block = self.parts.blocks[number]
        model, cost = block.model, block.reduced(duals)
        known = self.master.points[number]
        start = min(known, key=lambda point: float(cost @ point)) if known else None
        priced = LinearModel("priced")
        priced.columns, priced.rows = model.columns, model.rows
        priced.n_columns, priced.n_rows = model.n_columns, model.n_rows
        priced.add_costs(np.arange(model.n_columns), cost)
        left = self.budget.remaining()
        seconds = None if left is None else max(0.2, _ROUND_SECONDS * left)
        if seconds is not None and self.hasty:
            seconds = min(seconds, _HASTY_SECONDS)
        work = None
        if self.budget.work is not None:
            work = max(1, int(self.budget.work * QUESTIONS_PER_UNIT / 10))
        value = abs(float(self.board.objective or 0)) / self.program.step
        gap = max(self.gap * value / len(self.parts.blocks), 1e-3)
        limits = Limits(seconds, 1, self.budget.seed, work, gap)
        return Highs().solve(priced, limits, self.listener, start)

    def _put_together(self) -> None:
        """Offer the best whole fleet made of the columns."""
        if self.board.stopped:
            return
        short = replace(self.budget, deadline=self._soon())
        values = self.master.whole(short, self.listener)
        if values is not None:
            units, rates, patterns = self.program.plan(values)
            flows = settle(self.arrays, units, rates)
            offer(self.arrays, self.board, units, flows, Columns.name, patterns)

    def _soon(self) -> float | None:
        left = self.budget.remaining()
        return None if left is None else time.monotonic() + 0.2 * left
