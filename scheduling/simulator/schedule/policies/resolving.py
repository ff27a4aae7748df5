"""Re-solving: plan what is known with a solver, follow the plan's orders, and plan again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from scheduling.errors import InputError
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.simulator.schedule.policies.dispatching import Dispatching
from scheduling.simulator.schedule.policy import Option
from scheduling.simulator.schedule.rest import rest_problem
from scheduling.simulator.schedule.view import View
from scheduling.solvers.driver import check_limits, solve

WORK = 0.5
"""Default work of one plan, in units of the solver."""


class _Planned(NamedTuple):
    start: int
    end: int
    position: int
    task: int
    mode: int


class Resolving:
    """Solves the rest of the problem again and again and follows the plan.

    What has started stays; the rest is planned with expected durations. Between two plans, tasks
    start as soon as they can in the order that the plan has on each of their resources. A plan is
    made anew at every event that it did not foresee: a job comes, a machine stops or goes on, a
    task starts or ends at another moment than planned. With ``every`` it is made anew at the first
    event after so much time, and when nothing else is left to do.

    Parameters
    ----------
    every
        Time between plans; ``None``: at unforeseen events.
    solver
        Solver of the plans.
    work_limit
        Work of one plan, in the solver's units; with one worker, plans are reproducible.
    time_limit
        Seconds for all plans of a run together; ``None``: no limit. Where they are spent, no
        further plan is made: the last is followed, and MWKR chooses of the tasks that it lacks.
    seed
        Seed of the solver.

    Raises
    ------
    InputError
        When ``every`` or a limit is not positive.
    """

    relaxation = (
        "what has started is never undone, so the plans put together are one schedule of the "
        "offline problem"
    )

    def __init__(
        self,
        *,
        every: int | None = None,
        solver: str = "auto",
        work_limit: float = WORK,
        time_limit: float | None = None,
        seed: int = 0,
    ) -> None:
        if every is not None and every < 1:
            raise InputError.single("every", str(every), "at least 1")
        check_limits(time_limit, work_limit, None, seed)
        self.name = "resolve" if every is None else f"resolve:{every}"
        when = "at unforeseen events" if every is None else f"every {every} units of time"
        self.summary = f"plans anew by {solver} {when}"
        self._every, self._solver, self._work, self._seed = every, solver, work_limit, seed
        self._limit = time_limit
        self._spare = Dispatching("MWKR")
        self._forget()

    def begin(self, view: View) -> None:  # noqa: ARG002 - nothing is known yet
        """Drop the plan."""
        self._forget()

    def decide(self, view: View) -> list[Option]:
        """Plan if it is time, then start the next task of the plan that can start."""
        waiting = view.open()
        if not waiting:
            return []
        if self._due(view):
            self._plan(view)
        found = self._next(view, waiting)
        if not found and self._every is not None and not view.running() and self._made != view.now:
            self._plan(view)
            found = self._next(view, waiting)
        return found

    def _forget(self) -> None:
        self._sequence: list[_Planned] = []
        self._foreseen: dict[int, _Planned] = {}
        self._known = (-1, -1)
        self._made: int | None = None
        self._left = self._limit

    def _due(self, view: View) -> bool:
        if self._made is None:
            return True
        if self._every is not None:
            return view.now >= self._made + self._every
        return self._known != (len(view.jobs), view.changes) or self._surprised(view)

    def _surprised(self, view: View) -> bool:
        """Whether a task started or ended, or did not, against the plan."""
        for task, plan in self._foreseen.items():
            placed = view.placement(task)
            if placed is None:
                late = plan.start < view.now
            elif placed.end is None:
                late = placed.start != plan.start or plan.end <= view.now
            else:
                late = placed.start != plan.start or placed.end != plan.end
            if late:
                return True
        return False

    def _plan(self, view: View) -> None:
        if self._left is not None and self._left <= 0:
            return
        began = time.monotonic()
        solution = self._solve(rest_problem(view))
        if self._left is not None:
            self._left -= time.monotonic() - began
            if self._left <= 0 and not solution.tasks:
                return
        numbers = {view.name(task): task for job in view.jobs for task in view.tasks(job)}
        planned = [
            _Planned(
                entry.start,
                entry.end,
                view.position(numbers[entry.task]),
                numbers[entry.task],
                entry.mode,
            )
            for entry in solution.tasks
            if entry.task in numbers
        ]
        self._foreseen = {plan.task: plan for plan in planned if _open_ended(view, plan.task)}
        self._sequence = sorted(p for p in planned if view.placement(p.task) is None)
        self._known = (len(view.jobs), view.changes)
        self._made = view.now

    def _solve(self, problem: ScheduleProblem) -> ScheduleSolution:
        """Solve beside the calling thread, so that Ctrl-C ends the run and not only this plan."""
        task = partial(
            solve,
            problem,
            self._solver,
            time_limit=self._left,
            work_limit=self._work,
            workers=1,
            seed=self._seed,
        )
        with ThreadPoolExecutor(max_workers=1) as pool:
            answer: ScheduleSolution = pool.submit(task).result()
        return answer

    def _next(self, view: View, waiting: dict[int, list[Option]]) -> list[Option]:
        """Return the first task in the plan that can start and takes nothing from one before it.

        A mode that cannot be had step by step, such as one without duration that demands more than
        there is, gives way to the task's first.
        """
        if not self._sequence:
            return self._spare.decide(view)
        self._sequence = [p for p in self._sequence if view.placement(p.task) is None]
        taken: set[int] = set()
        for plan in self._sequence:
            options = waiting.get(plan.task, [])
            options = [o for o in options if o.mode == plan.mode] or options[:1]
            needs = view.needs(plan.task, options[0].mode if options else plan.mode)
            if options and taken.isdisjoint(needs) and view.can_start(options[0]):
                return options
            taken.update(needs)
        return []


def _open_ended(view: View, task: int) -> bool:
    placed = view.placement(task)
    return placed is None or placed.end is None
