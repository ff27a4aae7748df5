"""The driver: runs a solver within its limits, tier by tier, and checks what comes out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from scheduling.errors import CheckError, InputError, UnsupportedError
from scheduling.models.base import Problem, Solution, Status, TierValue, relative_gap
from scheduling.solvers.board import Board, Budget, Progress
from scheduling.solvers.registry import Family, Solver, certificate_fields, family_of

DEFAULT_TIME_LIMIT = 60.0
OnProgress = Callable[[Progress], None]


def solve(
    problem: Problem,
    solver: str = "auto",
    *,
    time_limit: float | None = None,
    work_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    hint: Solution | None = None,
    on_progress: OnProgress | None = None,
) -> Any:
    """Solve a problem and return its checked solution with a bound.

    Parameters
    ----------
    problem
        Any typed problem of the library.
    solver
        Name of a solver of the problem's family; ``"auto"`` is a portfolio of them.
    time_limit
        Wall-clock seconds for everything, model building included; kept within 10 % + 0.2 s.
        Default: 60 when no ``work_limit`` is given, otherwise none.
    work_limit
        Deterministic work units instead of seconds: with ``workers=1`` the same call gives the
        same answer, timings apart.
    workers
        Threads; default: the number of processors.
    seed
        Seed of every random choice.
    hint
        A known solution to start from; one that fails the check still guides CP-SAT.
    on_progress
        Called in the calling thread with every new best value or bound.

    Returns
    -------
    Solution
        The family's solution. A keyboard interrupt ends the search early and returns the best
        solution so far.

    Raises
    ------
    InputError
        For limits that make no sense or a hint of another family.
    UnsupportedError
        When the solver is unknown, unavailable here, or cannot take this problem.
    CheckError
        When a solver's answer fails the independent check (a defect of the library).
    """
    run = _Run(problem, solver, time_limit, work_limit, workers, seed, on_progress)
    return run.answer(hint)


class _Run:
    def __init__(
        self,
        problem: Problem,
        solver: str,
        time_limit: float | None,
        work_limit: float | None,
        workers: int | None,
        seed: int,
        on_progress: OnProgress | None,
    ) -> None:
        _check_limits(time_limit, work_limit, workers)
        if time_limit is None and work_limit is None:
            time_limit = DEFAULT_TIME_LIMIT
        self.started = time.monotonic()
        self.problem = problem
        self.family: Family[Any] = family_of(problem)
        self.solver: Solver[Any, Any] = self.family.solver(solver)
        self.budget = Budget(
            deadline=None if time_limit is None else self.started + time_limit,
            work=work_limit,
            workers=workers or os.cpu_count() or 1,
            seed=seed,
        )
        self.on_progress = on_progress
        self.interrupted = False
        self.history: list[tuple[float, int | None, int | None]] = []

    def answer(self, hint: Solution | None) -> Solution:
        ready = self.solver.availability()
        if not ready:
            raise UnsupportedError(f"solver {self.solver.name!r} is not available: {ready.detail}")
        data = self.family.compile(self.problem)
        refusal = self.solver.refusal(data)
        if refusal is not None:
            raise UnsupportedError(f"solver {self.solver.name!r}: {refusal}")
        start = self._read_hint(data, hint)
        floors = data.bounds()
        if floors is None:
            return self._finish(data, None, [], "formula")
        return self._tiers(data, floors, start)

    def _read_hint(self, data: Any, hint: Solution | None) -> tuple[Any, bool]:
        if hint is None:
            return None, False
        if hint.kind != self.problem.kind:
            raise InputError.single("hint", f"a solution of {hint.kind}", self.problem.kind)
        candidate = data.candidate(hint)
        if candidate is None:
            return None, False
        blank = {"status": Status.FEASIBLE, "solver": "hint"}
        tiers = _tier_values(data.tiers, data.values(candidate), [None] * len(data.tiers))
        stated = data.answer(candidate, {**blank, **certificate_fields(tiers)})
        valid = not self.family.check(self.problem, stated)
        return candidate, valid

    def _tiers(self, data: Any, floors: list[int | None], start: tuple[Any, bool]) -> Solution:
        hint, valid = start
        best, values, solver = (hint, data.values(hint), "hint") if valid else (None, (), None)
        bounds = list(floors)
        for tier in range(len(data.tiers)):
            board: Board[Any] = Board(tier, tuple(values[:tier]), self.started)
            floor = floors[tier]
            if floor is not None:
                board.raise_bound(floor, "formula")
            if best is not None:
                board.offer(best, tuple(values), solver or self.solver.name)
            self._search(data, board, len(data.tiers) - tier, hint if best is None else best)
            if not all(point[1] == point[2] for point in self.history[-1:]) or tier == 0:
                self.history += board.history
            if board.infeasible or board.best is None:
                verdict = board.solver if board.infeasible else None
                return self._finish(data, None, bounds, verdict, board.bound)
            best, values, solver = board.best, board.values or (), board.solver
            bounds[tier] = board.bound
        return self._finish_best(data, best, tuple(values), bounds, solver or self.solver.name)

    def _search(self, data: Any, board: Board[Any], tiers_left: int, hint: Any) -> None:
        if board.stopped or self.interrupted:
            return
        share = 1.0 if tiers_left == 1 else max(0.5, 1.0 / tiers_left)
        budget = self.budget.part(share)
        failure: list[BaseException] = []

        def work() -> None:
            try:
                self.solver.search(data, board, budget, hint)
            except BaseException as error:  # noqa: BLE001 - handed to the calling thread
                failure.append(error)
            finally:
                board.stop()

        thread = threading.Thread(target=work, name="scheduling-search", daemon=True)
        thread.start()
        self._watch(board, thread, budget)
        if failure:
            raise failure[0]

    def _watch(self, board: Board[Any], thread: threading.Thread, budget: Budget) -> None:
        """Report progress until the search ends; stop it at the deadline or on Ctrl-C."""
        while thread.is_alive():
            try:
                left = budget.remaining()
                if left is not None and left <= 0:
                    board.stop()
                board.wait(0.2 if left is None else min(left, 0.2))
                self._report(board)
                if board.stopped:
                    thread.join(0.05)
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self.interrupted = True
                board.stop()
        self._report(board)

    def _report(self, board: Board[Any]) -> None:
        for report in board.take_reports():
            if self.on_progress is not None:
                self.on_progress(report)

    def _finish_best(
        self, data: Any, best: Any, values: tuple[int, ...], bounds: list[int | None], solver: str
    ) -> Solution:
        tiers = _tier_values(data.tiers, values, bounds)
        closed = all(tier.closed for tier in tiers)
        certificate = {
            "status": Status.OPTIMAL if closed else Status.FEASIBLE,
            **certificate_fields(tiers),
            **self._trail(solver),
        }
        solution: Solution = data.answer(best, certificate)
        violations = self.family.check(self.problem, solution)
        if violations:
            text = "; ".join(str(violation) for violation in violations[:5])
            raise CheckError(f"the answer of {solver} failed the check: {text}")
        return solution

    def _finish(
        self,
        data: Any,
        best: Any,
        bounds: list[int | None],
        verdict: str | None,
        bound: int | None = None,
    ) -> Solution:
        status = Status.UNKNOWN if verdict is None else Status.INFEASIBLE
        certificate = {"status": status, **self._trail(verdict or self.solver.name)}
        if status is Status.UNKNOWN:
            certificate["bound"] = bound
        solution: Solution = data.answer(best, certificate)
        return solution

    def _trail(self, solver: str) -> dict[str, Any]:
        name = self.solver.name
        return {
            "solver": name if solver == name else f"{name} ({solver})",
            "seconds": time.monotonic() - self.started,
            "history": tuple(self.history),
        }


def _tier_values(
    names: tuple[str, ...], values: tuple[int, ...], bounds: list[int | None]
) -> list[TierValue]:
    rows = zip(names, values, bounds, strict=True)
    return [
        TierValue(name=name, objective=value, bound=bound, gap=relative_gap(value, bound))
        for name, value, bound in rows
    ]


def _check_limits(time_limit: float | None, work_limit: float | None, workers: int | None) -> None:
    for name, limit in (("time_limit", time_limit), ("work_limit", work_limit)):
        if limit is not None and not 0 < limit < float("inf"):
            raise InputError.single(name, str(limit), "a positive finite number")
    if workers is not None and workers < 1:
        raise InputError.single("workers", str(workers), "at least 1")
