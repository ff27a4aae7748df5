"""Schedule generation by priority rules: serial and parallel passes, justified, then sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from scheduling.errors import UnsupportedError
from scheduling.models.schedule.arrays import Ints, ScheduleArrays
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import feature_refusal
from scheduling.solvers.schedule.greedy import greedy_schedule, respects_limits
from scheduling.solvers.schedule.lagged import has_maximal_lags, lagged_schedule
from scheduling.solvers.schedule.rules import (
    DUE_RULES,
    RULES,
    Rule,
    TaskFeatures,
    dated,
    dense_ranks,
    task_features,
)
from scheduling.solvers.schedule.warming import PROJECT
from scheduling.solvers.warmup import Kernels, ready

if TYPE_CHECKING:
    from scheduling.solvers.schedule.kernels.project import Project

WORK_UNIT = 1000
"""Schedules that make one unit of work."""

_JUSTIFICATIONS = 20
_JUSTIFIED_TASKS = 200_000


class GeneratesSchedules(NeedsNothing):
    """Base of solvers that generate schedules from lists of activities."""

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Refuse what goes beyond modes, resources, calendars, windows and lags."""
        return feature_refusal(data.arrays)

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name those of schedule generation."""
        return (PROJECT,)


class ScheduleGeneration(GeneratesSchedules):
    """Serial and parallel schedule generation (Kolisch, 1996) with justification.

    Takes modes, calendars, consumables, all lags and all objectives. Every rule is run through
    both schemes and each schedule shifted right and left while that helps; then rules are drawn at
    random and their priorities blurred until the budget is spent. A unit of work is 1,000
    generated schedules.

    Parameters
    ----------
    rule
        Name of a rule (``sgs:LFT`` on the command line), or your own: a function from
        :class:`~scheduling.solvers.schedule.rules.TaskFeatures` to one number per task, lowest
        first. Default: all named rules.

    Raises
    ------
    UnsupportedError
        For a name that is no rule.

    Examples
    --------
    A rule of one's own, tried on a task with much work behind it first:

    >>> from scheduling.solvers.schedule.sgs import ScheduleGeneration
    >>> solver = ScheduleGeneration(lambda tasks: -(tasks.tail + tasks.load))
    """

    name = "sgs"
    summary = "schedule generation with priority rules (LFT, MINSLK, … or your own), justified"

    def __init__(self, rule: str | Rule | None = None) -> None:
        self._rules: dict[str, Rule] | None = None
        known = {**RULES, **DUE_RULES}
        if callable(rule):
            self._rules = {"own rule": rule}
        elif rule is not None:
            if rule not in known:
                raise UnsupportedError.unknown("priority rule", rule, known)
            self._rules = {rule: known[rule]}

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,  # noqa: ARG002 - generation starts from nothing
    ) -> None:
        """Post a first schedule at once, then the best of every rule, then samples."""
        features = task_features(data.arrays)
        if features is None:
            board.prove_infeasible(self.name)
            return
        rules = self._rules or rules_for(data.arrays, board.tier)
        ranks = {name: dense_ranks(rule(features)) for name, rule in rules.items()}
        stop = partial(out_of_time, board, budget)
        post_greedy(data, board, features, next(iter(ranks.values())), self.name, stop)
        if out_of_time(board, budget) or not ready((PROJECT,), board, budget):
            return
        from scheduling.solvers.schedule.kernels.project import make_project

        project = make_project(data.arrays)
        if project is None:
            board.prove_infeasible(self.name)
            return
        _Passes(data, board, budget, project, ranks).run(self.name)


def rules_for(arrays: ScheduleArrays, tier: int) -> dict[str, Rule]:
    """Return all named rules, those that suit the tier first."""
    return {**DUE_RULES, **RULES} if dated(arrays, tier) else {**RULES, **DUE_RULES}


def blurred(ranks: list[Ints], rng: np.random.Generator) -> Ints:
    """Draw one of several priorities, and blur it."""
    rank = ranks[int(rng.integers(len(ranks)))]
    blur = rng.random(len(rank)) * rng.random() * (int(rank.max()) + 2)
    return dense_ranks(rank + blur)


def out_of_time(board: Board[Candidate], budget: Budget) -> bool:
    """Whether a search should end."""
    left = budget.remaining()
    return board.stopped or (left is not None and left <= 0)


def post_greedy(
    data: CompiledSchedule,
    board: Board[Candidate],
    features: TaskFeatures,
    priority: Ints,
    name: str,
    stop: Callable[[], bool],
) -> None:
    """Post the schedule of one plain pass if it is valid; long ones may be stopped."""
    if has_maximal_lags(features.arrays):
        candidate = lagged_schedule(features.arrays, priority, stop)
    else:
        candidate = greedy_schedule(features.arrays, priority)
    if candidate is not None and respects_limits(features.arrays, candidate):
        board.offer(candidate, data.values(candidate), name)


def first_modes(project: Project) -> Ints:
    """Choose the shortest mode of each task, then swap the cheapest modes until stocks suffice.

    A swap is the one that saves most missing units per time unit it costs. Stocks may still be
    short at the end.
    """
    from scheduling.solvers.schedule.kernels.project import FIRST_STOCK, LENGTH, MODES, STOCKS, USES

    table, pointer = project.mode, project.task[MODES]
    length = table[LENGTH, :-1]
    owner = np.repeat(np.arange(len(pointer) - 1), np.diff(pointer))
    order = np.lexsort((np.arange(len(length)), length, owner))
    modes: Ints = order[pointer[:-1]].astype(np.int64)
    n_stocks = int(project.facts[STOCKS])
    if n_stocks == 0:
        return modes
    use = np.zeros((len(length), n_stocks), np.int64)
    for mode in range(len(length)):
        for row in range(table[USES, mode], table[USES, mode + 1]):
            use[mode, project.pair[row, 0]] += project.pair[row, 1]
    left = project.facts[FIRST_STOCK : FIRST_STOCK + n_stocks] - use[modes].sum(axis=0)
    for _ in range(4 * len(modes)):
        short = int(np.maximum(-left, 0).sum())
        if short == 0:
            break
        after = left + use[modes][owner] - use
        saved = short - np.maximum(-after, 0).sum(axis=1)
        cost = np.maximum(length - length[modes][owner], 0) + 1
        swap = int(np.argmax(saved / cost))
        if saved[swap] <= 0:
            break
        left = after[swap]
        modes[owner[swap]] = swap
    return modes


class _Passes:
    """The compiled passes of one search."""

    def __init__(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        project: Project,
        ranks: dict[str, Ints],
    ) -> None:
        from scheduling.solvers.schedule.kernels.project import LAGGED, MODES, mirror_project
        from scheduling.solvers.schedule.kernels.project_lists import SCORE, make_space
        from scheduling.solvers.schedule.kernels.project_passes import PARALLEL_LIMIT
        from scheduling.solvers.schedule.kernels.project_profile import make_profile

        self.data, self.board, self.budget = data, board, budget
        self.ranks = list(ranks.values())
        self.project, self.mirror = project, mirror_project(project)
        self.profile, self.space = make_profile(project), make_space(project)
        n = data.arrays.n_tasks
        self.modes = first_modes(project)
        self.several = (np.diff(project.task[MODES]) > 1).astype(np.int64)
        self.caps = np.array(board.caps, np.int64)
        self.mode, self.start = self.modes.copy(), np.zeros(n, np.int64)
        self.score = np.zeros(SCORE, np.int64)
        self.schemes = 1 if project.facts[LAGGED] or n > PARALLEL_LIMIT else 2
        self.rounds = max(1, min(_JUSTIFICATIONS, _JUSTIFIED_TASKS // n))
        self.made = 0

    def run(self, name: str) -> None:
        from scheduling.solvers.schedule.kernels.project import ORIGIN
        from scheduling.solvers.schedule.kernels.project_passes import generate

        for key, scheme in self._keys():
            self.mode[:] = self.modes
            self.made += generate(
                self.project,
                self.mirror,
                self.profile,
                self.space,
                key,
                self.mode,
                self.several,
                scheme,
                self.rounds,
                self.caps,
                self.start,
                self.score,
            )
            if self.score[0] == 0:
                mode = self.project.mode[ORIGIN, self.mode]
                candidate = Candidate(self.start.copy(), mode)
                self.board.offer(candidate, self.data.values(candidate), name)
            if out_of_time(self.board, self.budget) or self._out_of_work():
                return

    def _keys(self) -> Iterator[tuple[Ints, int]]:
        """Every rule through every scheme, then endless samples."""
        for key in self.ranks:
            for scheme in range(self.schemes):
                yield key, scheme
        rng = np.random.default_rng(self.budget.seed)
        while True:
            rank = blurred(self.ranks, rng)
            yield rank, int(rng.integers(self.schemes))

    def _out_of_work(self) -> bool:
        return self.budget.work is not None and self.made >= WORK_UNIT * self.budget.work
