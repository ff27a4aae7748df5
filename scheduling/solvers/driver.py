"""The driver: runs a solver within its limits, tier by tier, and checks what comes out."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, TypeVar, cast

from scheduling.errors import CheckError, InputError, UnsupportedError
from scheduling.machine import usable_cores
from scheduling.models.base import (
    Problem,
    Solution,
    Solved,
    Status,
    certificate_fields,
    require_problem,
)
from scheduling.solvers import warmup
from scheduling.solvers.board import Board, Budget, Progress
from scheduling.solvers.registry import (
    Family,
    Solver,
    family_of,
    stated,
    tier_values,
)
from scheduling.solvers.watching import ends_the_whole, run_watched

_LOG = logging.getLogger(__name__)

DEFAULT_TIME_LIMIT = 60.0
MOST_WORKERS = 1024
"""Threads that may be asked for: about as many as the largest machines have cores."""

_LARGEST_FLOAT = sys.float_info.max
_SHARE_OF_A_TIER = 0.75
"""Share of what is left that a tier may take before those behind it, which matter less."""

OnProgress = Callable[[Progress], None]
S = TypeVar("S")


def solve(
    problem: Solved[S],
    solver: str | Solver[Any, Any] = "auto",
    *,
    time_limit: float | None = None,
    work_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    hint: Solution | None = None,
    on_progress: OnProgress | None = None,
) -> S:
    """Solve a problem and return its checked solution with a bound.

    Parameters
    ----------
    problem
        Any typed problem of the library.
    solver
        Name of a solver of the problem's family (``"auto"`` is a portfolio of them), or a solver
        object, such as ``Dispatch(my_rule)``.
    time_limit
        Wall-clock seconds for everything, model building included; kept within 10 % + 0.2 s.
        Default: 60 when no ``work_limit`` is given, otherwise none. Kernels that the machine has
        not compiled yet are compiled by another process meanwhile, which is logged; the search
        takes them up when they are there.
    work_limit
        Deterministic work units instead of seconds: with ``workers=1`` the same call gives the
        same answer, timings apart. Without a time limit, kernels are compiled before the search.
    workers
        Threads, at most 1024; default: the processors that the process may use.
    seed
        Seed of every random choice.
    hint
        A known solution to start from; one that fails the check still guides CP-SAT.
    on_progress
        Called in the calling thread with every new best value or bound.

    Returns
    -------
    Solution
        The family's solution; type checkers know its type where they know the problem's. A
        keyboard interrupt ends the search early and returns the best solution so far.

    Raises
    ------
    InputError
        For what is no problem, limits that make no sense or a hint of another family.
    UnsupportedError
        When the solver is unknown, unavailable here, or cannot take this problem.
    CheckError
        When a solver's answer fails the independent check (a defect of the library).
    """
    given = require_problem(problem)
    check_limits(time_limit, work_limit, workers, seed)
    if time_limit is None and work_limit is None:
        time_limit = DEFAULT_TIME_LIMIT
    budget = Budget(
        deadline=None if time_limit is None else time.monotonic() + time_limit,
        work=work_limit,
        workers=workers or usable_cores(),
        seed=seed,
    )
    _LOG.debug("solving", extra={"kind": given.kind, "problem": given.name})
    answer = _Run(given, solver, budget, on_progress).answer(hint)
    _LOG.info("solved", extra={"kind": given.kind, "problem": given.name, **_told(answer)})
    return cast("S", answer)


def _told(answer: Solution) -> dict[str, Any]:
    """Return the fields of a solution that its log names."""
    fields = ("status", "objective", "bound", "gap", "solver", "seconds")
    return {name: getattr(answer, name) for name in fields}


def _chosen(family: Family[Any], solver: str | Solver[Any, Any]) -> Solver[Any, Any]:
    """Return the solver of that name, or the solver itself."""
    if isinstance(solver, str):
        return family.solver(solver)
    if isinstance(solver, type) or not hasattr(solver, "search"):
        found = f"the class {solver.__name__}" if isinstance(solver, type) else repr(solver)
        raise InputError.single("solver", found, "a name, or a solver such as Dispatch(my_rule)")
    return solver


class _Run:
    """One call of :func:`solve`."""

    def __init__(
        self,
        problem: Problem,
        solver: str | Solver[Any, Any],
        budget: Budget,
        on_progress: OnProgress | None,
    ) -> None:
        self.started = time.monotonic()
        self.problem = problem
        self.family: Family[Any] = family_of(problem)
        self.solver = _chosen(self.family, solver)
        self.budget = budget
        self.on_progress = on_progress
        self.interrupted = False
        self.answered: float | None = None
        self.boards: list[Board[Any]] = []
        self.senses: tuple[str, ...] = ()
        self.units: tuple[Fraction, ...] = ()

    def answer(self, hint: Solution | None) -> Solution:
        """Solve tier after tier and return the checked solution."""
        ready = self.solver.availability()
        if not ready:
            raise UnsupportedError(f"solver {self.solver.name!r} is not available: {ready.detail}")
        data, seconds = self._compile()
        self.senses, self.units = data.senses, data.units
        refusal = self.solver.refusal(data)
        if refusal is not None:
            raise UnsupportedError(f"solver {self.solver.name!r}: {refusal}")
        self._prepare(data)
        candidate, valid = self._read_hint(data, hint)
        floors = data.bounds()
        if floors is None:
            return self._without_schedule(data, Status.INFEASIBLE, "formula", None)
        self._keep_time_for_the_answer(seconds)
        for tier, floor in enumerate(floors):
            board = self._open(data, tier, floor, candidate if valid else None)
            self._search(data, board, candidate)
            if board.best is None:
                status = Status.INFEASIBLE if board.infeasible else Status.UNKNOWN
                return self._without_schedule(data, status, board.solver, board.bound)
            candidate, valid = board.best, True
        return self._with_schedule(data)

    def _read_hint(self, data: Any, hint: Solution | None) -> tuple[Any, bool]:
        """Return the hint as a candidate and whether it is a valid schedule."""
        if hint is None:
            return None, False
        if not isinstance(hint, Solution):
            found = type(hint).__name__
            raise InputError.single("hint", found, "what solve or read_solution returns")
        if hint.kind != self.problem.kind:
            raise InputError.single("hint", f"a solution of {hint.kind}", self.problem.kind)
        candidate = data.candidate(hint)
        if candidate is None:
            return None, False
        unknown = [None] * len(data.tiers)
        tiers = tier_values(data.tiers, data.values(candidate), unknown, data.senses, data.units)
        fields = {"status": Status.FEASIBLE, **certificate_fields(tiers)}
        return candidate, not self.family.check(self.problem, data.answer(candidate, fields))

    def _prepare(self, data: Any) -> None:
        """Compile kernels where the search could not wait for them; the clock stands still."""
        groups = warmup.kernels_of(self.solver, data, self.budget)
        try:
            seconds = warmup.get_ready(groups, self.budget)
        except KeyboardInterrupt:
            if ends_the_whole():
                raise
            self.interrupted = True
            return
        self.started += seconds
        if self.budget.deadline is not None:
            self.budget = replace(self.budget, deadline=self.budget.deadline + seconds)

    def _compile(self) -> tuple[Any, float]:
        began = time.monotonic()
        return self.family.compile(self.problem), time.monotonic() - began

    def _keep_time_for_the_answer(self, seconds: float) -> None:
        """Move the deadline of the search forward by what the answer will cost.

        Translating the answer back and checking it takes a few times as long as compiling did. Half
        of what is left is for the search while it has found nothing, for then there is nothing to
        check.
        """
        left = self.budget.remaining()
        if left is not None and self.budget.deadline is not None:
            self.answered = self.budget.deadline - 3.0 * seconds
            kept = min(3.0 * seconds, 0.5 * left)
            self.budget = replace(self.budget, deadline=self.budget.deadline - kept)

    def _open(self, data: Any, tier: int, floor: int | None, start: Any) -> Board[Any]:
        """Open the board of a tier with the bound by formula and what is known so far."""
        values = data.values(start) if start is not None else ()
        board: Board[Any] = Board(tier, tuple(values[:tier]), self.started)
        if floor is not None:
            board.raise_bound(floor, "formula")
        if start is not None:
            board.offer(start, values, self.boards[-1].solver or "hint" if self.boards else "hint")
        self.boards.append(board)
        return board

    def _search(self, data: Any, board: Board[Any], hint: Any) -> None:
        if board.stopped or self.interrupted:
            self._report(board)
            return
        tiers_left = len(data.tiers) - board.tier
        budget = self.budget.part(1.0 if tiers_left == 1 else _SHARE_OF_A_TIER)
        self.interrupted = run_watched(
            lambda: self.solver.search(data, board, budget, hint),
            board,
            budget,
            self._grace(),
            lambda: self._report(board),
            self.answered,
        )

    def _grace(self) -> float:
        """Seconds that a search may take to end after it was told to."""
        limit = self.budget.deadline
        return 2.0 if limit is None else max(0.1, 0.05 * (limit - self.started))

    def _report(self, board: Board[Any]) -> None:
        for report in board.take_reports():
            if self.on_progress is not None:
                tier = report.tier
                self.on_progress(_stated(report, self.senses[tier], self.units[tier]))

    def _with_schedule(self, data: Any) -> Solution:
        last = self.boards[-1]
        bounds = [board.bound for board in self.boards]
        tiers = tier_values(data.tiers, last.values or (), bounds, data.senses, data.units)
        closed = all(tier.closed for tier in tiers)
        shown = next((k for k, tier in enumerate(tiers) if not tier.closed), 0)
        fields = {
            "status": Status.OPTIMAL if closed else Status.FEASIBLE,
            **certificate_fields(tiers),
            **self._trail(last.solver, self.boards[shown]),
        }
        solution: Solution = data.answer(last.best, fields)
        violations = self.family.check(self.problem, solution)
        if violations:
            text = "; ".join(str(violation) for violation in violations[:5])
            raise CheckError(f"the answer of {solution.solver} failed the check: {text}")
        return solution

    def _without_schedule(
        self, data: Any, status: Status, solver: str | None, bound: int | None
    ) -> Solution:
        fields: dict[str, Any] = {"status": status}
        fields |= self._trail(solver, self.boards[0] if self.boards else None)
        if status is Status.UNKNOWN:
            fields["bound"] = stated(bound, self.senses[0], self.units[0])
        solution: Solution = data.answer(None, fields)
        return solution

    def _trail(self, solver: str | None, shown: Board[Any] | None) -> dict[str, Any]:
        """Fields that say who answered, how long it took and how it went."""
        name = self.solver.name
        own = solver is None or solver.startswith(name)
        return {
            "solver": (solver or name) if own else f"{name} ({solver})",
            "seconds": time.monotonic() - self.started,
            "history": () if shown is None else self._history(shown),
        }

    def _history(self, board: Board[Any]) -> tuple[tuple[float, Any, Any], ...]:
        sense, unit = self.senses[board.tier], self.units[board.tier]
        return tuple(
            (seconds, stated(value, sense, unit), stated(bound, sense, unit))
            for seconds, value, bound in board.history
        )


def _stated(report: Progress, sense: str, unit: Fraction) -> Progress:
    """Give a report the signs and units that people know."""
    value, bound = stated(report.objective, sense, unit), stated(report.bound, sense, unit)
    return replace(report, objective=value, bound=bound)


def check_limits(
    time_limit: float | None, work_limit: float | None, workers: int | None, seed: int
) -> None:
    """Refuse limits and seeds that make no sense with an :class:`~scheduling.errors.InputError`."""
    for name, limit in (("time_limit", time_limit), ("work_limit", work_limit)):
        if limit is not None and not (isinstance(limit, Real) and 0 < limit <= _LARGEST_FLOAT):
            raise InputError.single(name, repr(limit), "a positive finite number")
    if workers is not None and not (isinstance(workers, Integral) and 1 <= workers <= MOST_WORKERS):
        expected = f"a whole number from 1 to {MOST_WORKERS}"
        raise InputError.single("workers", repr(workers), expected)
    if not (isinstance(seed, Integral) and seed >= 0):
        raise InputError.single("seed", repr(seed), "a whole number, at least 0")
