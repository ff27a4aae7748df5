"""The loop of large neighbourhood search: free a part, solve it by CP-SAT, keep what is better."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from scheduling.models.schedule.arrays import END_START, NEVER, Ints, ScheduleArrays
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat.running import Outcome, Result, run, set_hint
from scheduling.solvers.cpsat.settings import Settings, sat_parameters
from scheduling.solvers.cpsat.stopping import StopSwitch
from scheduling.solvers.schedule.cpsat.model import Formulation, OutOfTimeError
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.neighbourhood.choice import Choice, Chooser
from scheduling.solvers.schedule.neighbourhood.compaction import Compactor, order_links
from scheduling.solvers.schedule.neighbourhood.part import Part, part_of

_PART_WORK = 0.05
"""Deterministic time for one part: a few tenths of a second."""

_STEP_WORK = 1e-3
"""Work charged for choosing and building a part, which CP-SAT does not count."""

_SETTINGS = tuple(
    Settings(workers=1, parameters=(("cp_model_probing_level", 0), ("linearization_level", level)))
    for level in (0, 1)
)
"""Drawn in turn: relaxations cost time on shops and pay for sums over jobs."""


@dataclass
class _State:
    """The schedule that all threads improve."""

    candidate: Candidate
    values: tuple[int, ...]
    tails: Ints


class Improver:
    """Large neighbourhood search on a board that has a schedule.

    Parameters
    ----------
    data
        The problem.
    board
        The board; its best schedule is taken up whenever it is better.
    budget
        Every worker is a thread with parts of its own; with one worker and a limit on work the
        search is deterministic.
    name
        The solver's name on the board.
    """

    def __init__(
        self, data: CompiledSchedule, board: Board[Candidate], budget: Budget, name: str
    ) -> None:
        self._data = data
        self._arrays = data.arrays
        self._board = board
        self._budget = budget
        self._name = name
        self._compactor = Compactor(data.arrays)
        self._lock = threading.Lock()
        self._spent = 0.0
        self._state: _State | None = None

    def run(self) -> None:
        """Improve until the board stops or the budget is spent."""
        with ThreadPoolExecutor(self._budget.workers) as pool:
            threads = [pool.submit(self._work, number) for number in range(self._budget.workers)]
            try:
                for thread in threads:
                    thread.result()
            except BaseException:
                self._board.stop()
                raise

    def _work(self, number: int) -> None:
        rng = np.random.default_rng([self._budget.seed, number])
        chooser = Chooser(self._arrays, self._board.tier, rng)
        switch = StopSwitch(self._board)
        while not self._over():
            state = self._newest()
            choice = chooser.choose(state.candidate, state.tails)
            part = part_of(self._arrays, state.candidate, choice.visible, choice.free, state.tails)
            result, found = self._solve(part, choice, switch, rng)
            gained = found is not None and self._take(part.merge(state.candidate, found))
            settled = result is not None and result.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE)
            chooser.learn(choice.kind, gained=gained, settled=settled)
            with self._lock:
                self._spent += _STEP_WORK + (0.0 if result is None else result.work)

    def _over(self) -> bool:
        work = self._budget.work
        spent = work is not None and self._spent >= work
        return self._board.stopped or spent or self._budget.remaining() == 0

    def _newest(self) -> _State:
        """Return the schedule to improve: the board's, if another solver has found a better one."""
        with self._lock:
            best, values = self._board.best, self._board.values
            if best is None or values is None:
                raise OutOfTimeError
            tier, state = self._board.tier, self._state
            if state is None or values[tier:] < state.values[tier:]:
                self._state = state = _State(best, values, tails_of(self._arrays, best))
            return state

    def _solve(
        self, part: Part, choice: Choice, switch: StopSwitch, rng: np.random.Generator
    ) -> tuple[Result | None, Candidate | None]:
        """Look for a strictly better schedule of the part."""
        tier = self._board.tier
        values = part.arrays.values(part.current.start, part.current.mode)
        whole = len(choice.visible) == self._arrays.n_tasks
        caps = self._board.caps if whole else values[:tier]
        floor = self._board.bound if whole else None
        ceiling = values[tier] - 1
        if floor is not None and ceiling < floor:
            return None, None
        try:
            formulation = Formulation(part.arrays, tier, caps, ceiling, floor, self._pulse)
        except OutOfTimeError:
            return None, None
        everything = len(choice.free) == self._arrays.n_tasks
        if formulation.infeasible:
            result = Result(Outcome.INFEASIBLE, None, None, 0.0, 0.0)
            self._conclude(result, ceiling, everything=everything)
            return result, None
        set_hint(formulation.model, formulation.encode(part.current))
        budget = replace(self._budget, work=self._part_work(), seed=int(rng.integers(2**31)))
        parameters = sat_parameters(budget, _SETTINGS[int(rng.integers(len(_SETTINGS)))])
        result = run(formulation.model, parameters, switch=switch)
        self._conclude(result, ceiling, everything=everything)
        found = None if result.values is None else formulation.decode(result.values)
        return result, found

    def _conclude(self, result: Result, ceiling: int, *, everything: bool) -> None:
        """Post what a part that is the whole problem has proven."""
        if everything and result.outcome is Outcome.INFEASIBLE:
            self._board.raise_bound(ceiling + 1, self._name)
        elif everything and result.bound is not None:
            self._board.raise_bound(min(result.bound, ceiling + 1), self._name)

    def _part_work(self) -> float:
        work = self._budget.work
        return _PART_WORK if work is None else max(1e-3, min(_PART_WORK, work - self._spent))

    def _pulse(self) -> None:
        if self._board.stopped or self._budget.remaining() == 0:
            raise OutOfTimeError

    def _take(self, found: Candidate) -> bool:
        """Compact a schedule, keep it when it is no worse, and post it when it is better."""
        candidate = self._compactor.compact(found)
        values = self._data.values(candidate)
        tier = self._board.tier
        caps = self._board.caps
        if any(value > cap for value, cap in zip(values, caps, strict=False)):
            return False
        with self._lock:
            state = self._state
            if state is not None and values[tier:] <= state.values[tier:]:
                self._state = _State(candidate, values, tails_of(self._arrays, candidate))
        return self._board.offer(candidate, values, self._name)


def tails_of(arrays: ScheduleArrays, candidate: Candidate) -> Ints:
    """How long the schedule goes on after each task's end because of it.

    The longest path behind a task along end-to-start links and the order on resources, when the
    order stays as it is.
    """
    end = arrays.ends(candidate.start, candidate.mode)
    after: list[list[tuple[int, int]]] = [[] for _ in range(arrays.n_tasks)]
    kept = (arrays.link_kind == END_START) & (arrays.link_min > -NEVER)
    for i, j, lag in zip(
        arrays.link_before[kept].tolist(),
        arrays.link_after[kept].tolist(),
        arrays.link_min[kept].tolist(),
        strict=True,
    ):
        after[i].append((j, lag))
    for i, j in order_links(arrays, candidate, np.arange(arrays.n_tasks)):
        after[i].append((j, 0))
    tails = [0] * arrays.n_tasks
    length = (end - candidate.start).tolist()
    order = np.lexsort((end, candidate.start))[::-1]
    for task in order.tolist():
        tails[task] = max((lag + length[j] + tails[j] for j, lag in after[task]), default=0)
    return np.array(tails, np.int64)
