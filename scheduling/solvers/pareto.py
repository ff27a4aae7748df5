"""Pareto fronts by epsilon-constraint: one criterion is minimised, the others are capped.

Every search minimises the criteria one after the other, beginning with one of them, within caps on
all: what it proves best possible is a point that no solution dominates (Mavrotas, "Effective
implementation of the epsilon-constraint method", 2009, for two and more criteria). The caps come
from the boxes in which further points may lie, see :mod:`~scheduling.solvers.boxes`, the largest
first, so the front is exact for any number of criteria once no box is left, and bounded before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from scheduling.errors import CheckError, InputError, UnsupportedError
from scheduling.machine import usable_cores
from scheduling.models.base import (
    Problem,
    Status,
    TierValue,
    certificate_fields,
    relative_gap,
    require_problem,
)
from scheduling.models.checking import check
from scheduling.models.front import ParetoFront
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.serving.problem import ServingProblem
from scheduling.solvers import warmup
from scheduling.solvers.board import Board, Budget, Progress
from scheduling.solvers.boxes import OPEN, Box, Space, Vector, hypervolume
from scheduling.solvers.driver import DEFAULT_TIME_LIMIT, check_limits
from scheduling.solvers.registry import (
    Solver,
    family_of,
    tier_values,
)
from scheduling.solvers.watching import run_watched

_SHARE = 0.1
"""Share of the time left that the first search of a box may take."""

_LEAST_SECONDS = 0.5

_FINE = 0.05
"""Boxes wider than this share of a criterion's range are searched from their middle."""

_ANSWER_COST = 4.0
"""Building and checking a solution takes about so many times as long as compiling the problem."""


def pareto(
    problem: Problem,
    solver: str = "auto",
    *,
    time_limit: float | None = None,
    work_limit: float | None = None,
    workers: int | None = None,
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
) -> ParetoFront:
    """Find the solutions that no other one beats in every tier of the objective.

    Parameters
    ----------
    problem
        A scheduling problem whose objective has two or more tiers, or a serving problem with two or
        more goals; each is a criterion here, and their order means nothing.
    solver
        Name of a solver of the family that minimises single criteria. One that proves nothing gives
        a front without a certificate.
    time_limit
        Wall-clock seconds for the whole front. Default: 60 when no ``work_limit`` is given.
    work_limit
        Deterministic work units of each search instead of seconds: with ``workers=1`` the same call
        gives the same front. Every box is searched once.
    workers
        Threads; default: the processors that the process may use.
    seed
        Seed of every random choice.
    on_progress
        Called with every better value or bound of the search that runs; ``tier`` is the criterion.

    Returns
    -------
    ParetoFront
        With what is known when the time is up or after a keyboard interrupt.

    Raises
    ------
    InputError
        When the objective has one tier only, or for limits that make no sense.
    UnsupportedError
        When the family has no criteria, or the solver cannot take the problem.
    CheckError
        When a point or the front fails the independent check (a defect of the library).
    """
    require_problem(problem)
    check_limits(time_limit, work_limit, workers, seed)
    if not isinstance(problem, (ScheduleProblem, ServingProblem)):
        raise UnsupportedError(f"problems of kind {problem.kind!r} have no Pareto fronts")
    if isinstance(problem, ServingProblem) and len(problem.goals) < 2:
        raise InputError.single("goals", "1 goal", "two or more goals, one for each criterion")
    if isinstance(problem, ScheduleProblem) and len(problem.objective.tiers) < 2:
        raise InputError.single("objective", "1 tier", "two or more tiers, one for each criterion")
    if time_limit is None and work_limit is None:
        time_limit = DEFAULT_TIME_LIMIT
    started = time.monotonic()
    budget = Budget(
        deadline=None if time_limit is None else started + time_limit,
        work=work_limit,
        workers=workers or usable_cores(),
        seed=seed,
    )
    return _Search(problem, solver, budget, started, on_progress).front()


class _Search:
    """One call of :func:`pareto`."""

    def __init__(
        self,
        problem: ScheduleProblem | ServingProblem,
        solver: str,
        budget: Budget,
        started: float,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._problem, self._budget, self._started = problem, budget, started
        self._on_progress = on_progress
        family = family_of(problem)
        self._solver: Solver[Any, Any] = family.solver(solver)
        ready = self._solver.availability()
        if not ready:
            raise UnsupportedError(f"solver {solver!r} is not available: {ready.detail}")
        began = time.monotonic()
        self._data: Any = family.compile(problem)
        self._answer_seconds = _ANSWER_COST * (time.monotonic() - began)
        self._count = len(self._data.tiers)
        self._rotated = [family.compile(self._rotation(axis)) for axis in range(self._count)]
        for data in self._rotated:
            refusal = self._solver.refusal(data)
            if refusal is not None:
                raise UnsupportedError(f"solver {solver!r}: {refusal}")
        self._interrupted = False
        self._found: dict[Vector, tuple[Any, str, float]] = {}

    def _rotation(self, first: int) -> ScheduleProblem | ServingProblem:
        """Return the problem with all criteria as tiers to cap, and again in the order to minimise.

        The order begins with ``first``.
        """
        if isinstance(self._problem, ServingProblem):
            goals = self._problem.goals
            twice = (*goals, *goals[first:], *goals[:first])
            return self._problem.model_copy(update={"goals": twice})
        objective = self._problem.objective
        tiers = objective.tiers
        order = (*tiers, *tiers[first:], *tiers[:first])
        changed = objective.model_copy(update={"tiers": order})
        return self._problem.model_copy(update={"objective": changed})

    def _prepare(self) -> None:
        """Compile kernels where the search could not wait for them; the clock stands still."""
        for data in self._rotated:
            groups = warmup.kernels_of(self._solver, data, self._budget)
            seconds = warmup.get_ready(groups, self._budget)
            self._started += seconds
            if self._budget.deadline is not None:
                self._budget = replace(self._budget, deadline=self._budget.deadline + seconds)

    def front(self) -> ParetoFront:
        """Search until no box is left or the time is up, and return the checked front."""
        floors = self._data.bounds()
        if floors is None:
            return self._without_points(Status.INFEASIBLE)
        self._space = Space(tuple(-OPEN if floor is None else floor for floor in floors))
        try:
            self._prepare()
            self._fill()
        except KeyboardInterrupt:
            self._interrupted = True
        if not self._found:
            proven = not self._space.boxes
            return self._without_points(Status.INFEASIBLE if proven else Status.UNKNOWN)
        return self._with_points()

    def _fill(self) -> None:
        """Search the best of every criterion, then box after box."""
        for axis in range(self._count):
            if not self._over():
                self._search([OPEN] * self._count, axis, 0)
        while not self._over():
            box = self._largest()
            if box is None:
                return
            self._explore(box)

    def _over(self) -> bool:
        left = self._budget.remaining()
        needed = self._answer_seconds * (len(self._found) + 1)
        return self._interrupted or (left is not None and left <= needed)

    def _ranges(self) -> list[tuple[int, int]]:
        """Least and largest value of each criterion among corners and points."""
        points = self._space.points or [box.low for box in self._space.boxes]
        lows = [min(column) for column in zip(*self._space.lower(), strict=True)]
        highs = [max(column) + 1 for column in zip(*points, strict=True)]
        return list(zip(lows, highs, strict=True))

    def _largest(self) -> Box | None:
        """Choose the box with most room, that of earlier tries discounted."""
        ranges = self._ranges()
        once = self._budget.deadline is None

        def room(box: Box) -> tuple[float, Vector]:
            volume = 1.0
            for low, high, (least, most) in zip(box.low, box.high, ranges, strict=True):
                volume *= max(0, min(high, most) - low) / max(1, most - least)
            return -volume / 4**box.tries, box.low

        boxes = [box for box in self._space.boxes if not (once and box.tries)]
        return min(boxes, key=room, default=None)

    def _explore(self, box: Box) -> None:
        """Search a box, from its middle on the widest axis while it is wide."""
        ranges = self._ranges()
        widths = [
            (min(high, most) - low) / max(1, most - least)
            for low, high, (least, most) in zip(box.low, box.high, ranges, strict=True)
        ]
        axis = widths.index(max(widths))
        caps = [high - 1 for high in box.high]
        if widths[axis] > _FINE and box.low[axis] + 1 < box.high[axis] < OPEN:
            caps[axis] = (box.low[axis] + box.high[axis] - 1) // 2
            self._space.divide(box, axis, caps[axis])
        self._search(caps, (axis + 1) % self._count, box.tries)

    def _slice(self, tries: int) -> Budget:
        """Return the budget of one search: the more of what is left, the more often it failed."""
        left = self._budget.remaining()
        if left is None:
            return self._budget
        seconds = max(_LEAST_SECONDS, _SHARE * left) * 2**tries
        return replace(self._budget, deadline=time.monotonic() + min(left, seconds))

    def _search(self, caps: list[int], first: int, tries: int) -> None:
        """Minimise the criteria in turn within caps, and use what that shows."""
        space = self._space
        budget = self._slice(tries)
        within = list(caps)
        candidate: Any = None
        proven: list[tuple[int, int, int]] = []
        solver = self._solver.name
        for step in range(self._count):
            axis = (first + step) % self._count
            board = self._run(within, first, step, candidate, budget)
            if board is None or board.infeasible or _beyond(board.bound, within[axis]):
                space.close(within)
                return
            if board.best is None or board.values is None or board.bound is None:
                if board.bound is not None:
                    space.prove(within, axis, board.bound)
                space.tried(within)
                return
            candidate, solver = board.best, board.solver or solver
            value = board.values[axis]
            proven.append((axis, value, board.bound))
            within[axis] = value
        values: Vector = tuple(self._data.values(candidate))
        self._found[values] = candidate, solver, time.monotonic() - self._started
        space.insert(values)
        self._conclude(caps, proven)

    def _conclude(self, caps: list[int], proven: list[tuple[int, int, int]]) -> None:
        """Use the bound of each step: it holds within the caps and the values before it."""
        within = list(caps)
        for step, (axis, value, bound) in enumerate(proven):
            self._space.prove(within, axis, bound)
            if step == 1:
                # To be better than the bound here, a solution must be worse on the first axis.
                before, reached, _ = proven[0]
                better = list(caps)
                better[axis] = min(better[axis], bound - 1)
                self._space.prove(better, before, reached + 1)
            within[axis] = value

    def _run(
        self, within: list[int], first: int, step: int, candidate: Any, budget: Budget
    ) -> Board[Any] | None:
        """Minimise one criterion; ``None`` when known bounds leave nothing within the caps."""
        axis = (first + step) % self._count
        floor = self._space.least(within, axis)
        if floor is None:
            return None
        data = self._rotated[first]
        reached = [within[(first + earlier) % self._count] for earlier in range(step)]
        board: Board[Any] = Board(
            self._count + step, (*(min(cap, OPEN) for cap in within), *reached), self._started
        )
        board.raise_bound(floor, "front")
        if candidate is not None:
            board.offer(candidate, data.values(candidate), self._solver.name)
        if not board.stopped and not self._interrupted:
            last = step == self._count - 1
            part = budget if last or budget.deadline is None else budget.part(0.6)
            hint = candidate or self._nearest(within)
            search = partial(self._solver.search, data, board, part, hint)
            grace = max(0.1, 0.05 * (part.remaining() or 2.0))
            report = partial(self._report, board, axis)
            self._interrupted = run_watched(search, board, part, grace, report)
        return board

    def _nearest(self, caps: list[int]) -> Any:
        """Known solution that exceeds the caps least."""

        def excess(values: Vector) -> int:
            return sum(max(0, value - cap) for value, cap in zip(values, caps, strict=True))

        nearest = min(self._found, key=lambda values: (excess(values), values), default=None)
        return None if nearest is None else self._found[nearest][0]

    def _report(self, board: Board[Any], axis: int) -> None:
        for entry in board.take_reports():
            if self._on_progress is not None:
                self._on_progress(replace(entry, tier=axis))

    def _without_points(self, status: Status) -> ParetoFront:
        return ParetoFront(
            status=status,
            problem=self._problem.name,
            criteria=self._data.tiers,
            solver=self._solver.name,
            seconds=time.monotonic() - self._started,
        )

    def _with_points(self) -> ParetoFront:
        points = sorted(self._space.points)
        lower = self._space.lower()
        reference = tuple(max(column) + 1 for column in zip(*points, strict=True))
        volume, bound = hypervolume(points, reference), hypervolume(lower, reference)
        gap = relative_gap(volume, bound)
        name = "hypervolume"
        tier = TierValue(name=name, sense="max", objective=volume, bound=bound, gap=gap)
        front = ParetoFront(
            status=Status.OPTIMAL if lower == points else Status.FEASIBLE,
            problem=self._problem.name,
            criteria=self._data.tiers,
            points=tuple(self._point(values) for values in points),
            lower=tuple(lower),
            reference=reference,
            objective=volume,
            bound=bound,
            gap=gap,
            tiers=(tier,),
            solver=self._solver.name,
            seconds=time.monotonic() - self._started,
        )
        violations = check(self._problem, front)
        if violations:
            text = "; ".join(str(violation) for violation in violations[:5])
            raise CheckError(f"the front of {front.solver} failed the check: {text}")
        return front

    def _point(self, values: Vector) -> Any:
        """Return a point as an ordinary solution, with the bounds that the front proves."""
        candidate, solver, seconds = self._found[values]
        caps = [OPEN] * self._count
        bounds: list[int | None] = []
        for axis, value in enumerate(values):
            bounds.append(self._space.least(caps, axis))
            caps[axis] = value
        tiers = tier_values(self._data.tiers, values, bounds, self._data.senses, self._data.units)
        closed = all(tier.closed for tier in tiers)
        fields = {
            "status": Status.OPTIMAL if closed else Status.FEASIBLE,
            "solver": solver,
            "seconds": seconds,
            **certificate_fields(tiers),
        }
        return self._data.answer(candidate, fields)


def _beyond(bound: int | None, cap: int) -> bool:
    return bound is not None and bound > cap
