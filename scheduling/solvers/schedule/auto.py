"""Solver ``auto``: a portfolio that shares one board and one limit.

Constructions answer within milliseconds. Then local search improves the schedule while CP-SAT works
on the bound; after a sprint CP-SAT starts again from the schedule that local search has reached,
because a tight ceiling speeds up its proofs.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.registry import Solver
from scheduling.solvers.schedule.assignment import Assignment
from scheduling.solvers.schedule.balance import balance
from scheduling.solvers.schedule.blocking import Blocking
from scheduling.solvers.schedule.cpsat.solver import CpSat, bounding
from scheduling.solvers.schedule.crews import Crews
from scheduling.solvers.schedule.dispatch import Dispatch
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.genetic import Genetic
from scheduling.solvers.schedule.insertion import Insertion
from scheduling.solvers.schedule.lagged import has_maximal_lags
from scheduling.solvers.schedule.listing.solvers import Heft, Peft
from scheduling.solvers.schedule.lns import Lns
from scheduling.solvers.schedule.permutation.iterated_greedy import IteratedGreedy, Neh
from scheduling.solvers.schedule.permutation.tour import Tour
from scheduling.solvers.schedule.permutation.tour_bounds import (
    has_machine_tours,
    raise_by_tours,
)
from scheduling.solvers.schedule.rules import dense_ranks, task_features
from scheduling.solvers.schedule.sgs import blurred, out_of_time, post_greedy, rules_for
from scheduling.solvers.schedule.tabu import LARGEST_DISPATCHED, Tabu
from scheduling.solvers.schedule.tardiness.solver import Tardiness
from scheduling.solvers.schedule.warming import BOUNDS
from scheduling.solvers.sideways import Sideways
from scheduling.solvers.warmup import Kernels, at_once, begin, kernels_of, ready

if TYPE_CHECKING:
    from scheduling.solvers.cpsat.settings import Settings

Part = Solver[CompiledSchedule, Candidate]

_CONSTRUCTION_SHARE = 0.05
_CONSTRUCTION_SECONDS = 0.2
_LAGGED_SHARE = 0.25
_LAGGED_SECONDS = 1.0
_SPRINT_SHARE = 0.2
_SPRINTED = 200
_MANY_WORKERS = 8
_LARGEST_EXACT = 40_000

_BLURRED = 100
"""Priorities that are drawn for a first schedule under maximal lags when no rule has led to one."""


class Auto(NeedsNothing):
    """Portfolio of the family's solvers.

    With a time limit the parts run side by side. With a work limit they run one after the other,
    so that one worker gives the same answer each time: constructions, CP-SAT for a twentieth of the
    work where tasks are few, local search for four tenths, and CP-SAT again.
    """

    name = "auto"
    summary = "portfolio: constructions, local search and CP-SAT on one board"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Refuse what its exact part refuses."""
        return CpSat().refusal(data)

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:
        """Name those of the local search, then those of the relaxations that run beside it."""
        special = _specialist(data)
        improver = special or self._improver(data)
        found = [*kernels_of(improver, data, budget)]
        if special is None and budget.work is None and _is_relaxed(data, improver):
            found.append(BOUNDS)
        return tuple(found)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Improve value and bound side by side."""
        if board.best is None:
            self._construct(data, board, budget)
        special = _specialist(data)
        if board.stopped:
            return
        if special is not None:
            with Sideways() as side:
                if not at_once(kernels_of(special, data, budget), budget):
                    settings = _widest(budget.workers)
                    side.start("cp-sat", partial(CpSat(settings).search, data, board, budget, hint))
                special.search(data, board, budget, hint)
        elif budget.work is not None:
            self._in_turn(data, board, budget, hint)
        else:
            self._side_by_side(data, board, budget, hint)

    def _construct(self, data: CompiledSchedule, board: Board[Candidate], whole: Budget) -> None:
        """Post a first schedule before any compiled code is loaded.

        Large shops are left to the compiled constructions of tabu search.
        """
        arrays, budget = data.arrays, _brief(whole, _CONSTRUCTION_SHARE, _CONSTRUCTION_SECONDS)
        lines = _usable([Neh()], data)
        if lines and at_once(kernels_of(lines[0], data, budget), budget):
            lines[0].search(data, board, budget, None)
            return
        if arrays.features:
            for part in _usable([Heft(), Peft(), Dispatch(), Insertion()], data):
                part.search(data, board, budget, None)
            return
        if Dispatch().refusal(data) is None:
            groups = self.kernels(data, budget)
            if arrays.n_tasks <= LARGEST_DISPATCHED or not at_once(groups[:1], budget):
                Dispatch().search(data, board, budget, None)
            return
        features = task_features(arrays)
        if features is None:
            board.prove_infeasible(self.name)
            return
        patience = _brief(whole, _LAGGED_SHARE, _LAGGED_SECONDS)
        for rule in rules_for(arrays, board.tier).values():
            stop = partial(out_of_time, board, patience)
            post_greedy(data, board, features, dense_ranks(rule(features)), "sgs", stop)
            if out_of_time(board, budget):
                return
            patience = budget

    def _in_turn(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        exact = _exact(data)
        if exact is not None and data.arrays.n_tasks <= _SPRINTED:
            exact.search(data, board, budget.part(0.05), hint)
        if not board.stopped:
            self._improver(data).search(data, board, budget.part(0.4), hint)
        if not board.stopped and has_machine_tours(data.arrays):
            raise_by_tours(data, board, budget.part(0.1))
        if not board.stopped and exact is not None:
            exact.search(data, board, budget.part(0.45), hint)

    def _side_by_side(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        improver = self._improver(data)
        exact = _exact(data)
        if exact is not None and not isinstance(exact, CpSat):
            # A tour takes one thread; loads take all there are, and use them better.
            share = 1.0 if isinstance(exact, Tour) else _SPRINT_SHARE
            with Sideways() as side:
                side.start(exact.name, partial(exact.search, data, board, budget, hint))
                improver.search(data, board, budget.part(share, workers=1), hint)
            return
        sprint = budget.part(_SPRINT_SHARE if exact else 1.0)
        crewed = isinstance(improver, Crews)
        calm = budget.part(1.0, workers=budget.workers if crewed else max(1, budget.workers // 2))
        begin(kernels_of(improver, data, budget))
        with Sideways() as side:
            if board.best is None and _is_lagged(data):
                side.start("lags", partial(_place_lagged, data, board, budget))
            if exact:
                side.start(exact.name, partial(_prove, data, board, budget, hint, improver))
                if has_machine_tours(data.arrays):
                    side.start("tours", partial(raise_by_tours, data, board, sprint))
                elif _is_relaxed(data, improver):
                    side.start("relaxations", partial(_relax, data, board, sprint))
            improver.search(data, board, sprint, hint)
            if exact and not board.stopped:
                improver.search(data, board, calm, hint)

    def _improver(self, data: CompiledSchedule) -> Part:
        """Pick the local search that knows most about the problem's structure."""
        parts: list[Part] = [IteratedGreedy(), Tabu(), Blocking(), Crews(), Genetic(), Lns()]
        return next(iter(_usable(parts, data)))


def _is_lagged(data: CompiledSchedule) -> bool:
    """Tell whether a plain pass has to keep maximal lags, which may take long."""
    return not data.arrays.features and has_maximal_lags(data.arrays)


def _place_lagged(data: CompiledSchedule, board: Board[Candidate], budget: Budget) -> None:
    """Look for a first schedule under maximal lags while others search, until there is any."""
    features = task_features(data.arrays)
    if features is None:
        board.prove_infeasible("sgs")
        return

    def stop() -> bool:
        return board.best is not None or out_of_time(board, budget)

    ranks = [dense_ranks(rule(features)) for rule in rules_for(data.arrays, board.tier).values()]
    rng = np.random.default_rng(budget.seed)
    for priority in chain(ranks, (blurred(ranks, rng) for _ in range(_BLURRED))):
        if stop():
            return
        post_greedy(data, board, features, priority, "sgs", stop)


def _is_relaxed(data: CompiledSchedule, improver: Part) -> bool:
    """Tell whether relaxations raise the bound beside the local search and CP-SAT."""
    plain = not data.arrays.features and not has_machine_tours(data.arrays)
    return plain and not isinstance(improver, Crews) and isinstance(_exact(data), CpSat)


def _specialist(data: CompiledSchedule) -> Part | None:
    """Return the solver that settles this kind of problem better than the portfolio, if any."""
    return next(iter(_usable([Tardiness()], data)), None)


def _usable(parts: list[Part], data: CompiledSchedule) -> list[Part]:
    return [part for part in parts if part.availability() and part.refusal(data) is None]


def _brief(budget: Budget, share: float, seconds: float) -> Budget:
    """Return the budget of constructions, which is short because search does better."""
    part = budget.part(share)
    if part.deadline is None:
        return part
    return replace(part, deadline=min(part.deadline, time.monotonic() + seconds))


def _exact(data: CompiledSchedule) -> Part | None:
    """Pick the smallest exact model of the whole problem, if any is worth memory and time."""
    compact = _usable([Tour(), Assignment()], data)
    if compact:
        return compact[0]
    return CpSat() if len(data.arrays.duration) <= _LARGEST_EXACT else None


def _prove(
    data: CompiledSchedule,
    board: Board[Candidate],
    budget: Budget,
    hint: Candidate | None,
    improver: Part,
) -> None:
    """Run CP-SAT for the sprint, then again from the best schedule of all.

    Few tasks whose loads are all but balanced are settled by lists of assignments before.
    Beside a strong local search it only has to raise the bound; otherwise, where the kernels of the
    local search are not there yet, and where there are processors enough, it searches in all its
    ways.
    """
    balance(data, board, budget.part(_SPRINT_SHARE), "balance")
    strong = isinstance(improver, Tabu | Blocking | Crews) and budget.workers < _MANY_WORKERS
    groups = kernels_of(improver, data, budget)
    for part in (budget.part(_SPRINT_SHARE), budget):
        narrow = strong and at_once(groups, budget)
        if not board.stopped:
            settings = bounding(data.arrays) if narrow else _widest(budget.workers)
            CpSat(settings).search(data, board, part, hint)


def _widest(workers: int) -> Settings:
    """Return settings with threads enough for every kind of CP-SAT's searches."""
    from scheduling.solvers.cpsat.settings import Settings

    return Settings(workers=max(_MANY_WORKERS, workers))


def _relax(data: CompiledSchedule, board: Board[Candidate], budget: Budget) -> None:
    """Raise the bound by relaxations: destructive improvement, prices of capacity."""
    if not ready((BOUNDS,), board, budget):
        return
    from scheduling.solvers.schedule.mip.destructive import destructive_bound
    from scheduling.solvers.schedule.mip.relaxation import lp_bound

    destructive_bound(data, board, budget)
    lp_bound(data, board, budget)
