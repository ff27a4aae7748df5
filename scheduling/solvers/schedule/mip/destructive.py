"""Destructive improvement: a value is a bound minus one as soon as it is shown to be impossible.

For a trial value of a makespan, lateness or tardiness, windows follow from heads and tails;
precedences and energetic reasoning tighten them until they contradict each other or nothing
changes (Klein and Scholl, 1999). Sets of tasks that exclude each other pairwise, by demands or
precedences, are resources of their own (Brucker and Knust, 2000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.arrays import CONSUMABLE, MACHINE, NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.bounds.pruning import least_demand, open_starts, usable_modes
from scheduling.models.schedule.bounds.tails import Tails
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.schedule.windows import Edges, difference_edges
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.mip.kernels.energetic import (
    CHANGED,
    FAILED,
    SAME,
    propagate_energy,
    propagate_links,
)

MAX_TASKS = 300
"""Largest problem, in tasks: a pass takes time of the cube of that."""

LARGEST = 2**31
"""Times and demands must stay below this, so that work fits 64 bits."""

_MAXIMA = ("makespan", "max_lateness", "max_tardiness")
_NO_SOURCE = -(2**40)
_NAME = "destructive bound"


def destructive_bound(data: CompiledSchedule, board: Board[Candidate], budget: Budget) -> None:
    """Raise the bound of a makespan, a largest lateness or a largest tardiness.

    Does nothing for tiers of other measures or several, and above ``MAX_TASKS`` tasks. Starts from
    the board's bound, doubles the step while trial values are impossible, then bisects, until the
    board stops, time is up or no trial fails; first by propagation alone, then with shaving. The
    work limit counts trials.
    """
    trials = _Trials.of(data.arrays, board.tier)
    if trials is not None and board.bound is not None:
        search = _Search(trials, board, budget)
        for shaving in (False, True):
            search.run(shaving=shaving)


class _Search:
    """Searches the least value that is not shown to be impossible."""

    def __init__(self, trials: _Trials, board: Board[Candidate], budget: Budget) -> None:
        self._trials, self._board, self._budget = trials, board, budget
        self._left = None if budget.work is None else max(1, int(budget.work))

    def run(self, *, shaving: bool) -> None:
        board, factor = self._board, self._trials.factor
        if board.bound is None:
            return
        low, step, high = -(-board.bound // factor), 1, None
        while not self._over():
            trial = low + step - 1 if high is None else (low + high) // 2
            if board.objective is not None:
                trial = min(trial, board.objective // factor - 1)
            if trial < low or (high is not None and low >= high):
                return
            possible = self._possible(trial, shaving=shaving)
            if possible is None:
                return
            if possible:
                high = trial
            else:
                low, step = trial + 1, 2 * step
                board.raise_bound(low * factor, _NAME)

    def _over(self) -> bool:
        return self._board.stopped or self._budget.remaining() == 0 or self._left == 0

    def _possible(self, value: int, *, shaving: bool) -> bool | None:
        """Tell whether a value survives; ``None`` when there was no time to tell."""
        if self._left is not None:
            self._left -= 1
        trials = self._trials
        windows = Windows(trials.heads.copy(), value - trials.tails + trials.length)
        try:
            alive = trials.tighten(windows, self._check)
            return trials.shave(windows, self._check) if alive and shaving else alive
        except _OutOfTimeError:
            return None

    def _check(self) -> None:
        if self._board.stopped or self._budget.remaining() == 0:
            raise _OutOfTimeError


class _OutOfTimeError(Exception):
    """Time is up in the middle of a trial."""


class Windows(NamedTuple):
    """Earliest start and latest end of each task."""

    first: Ints
    last: Ints

    def copy(self) -> Windows:
        """Return windows of their own."""
        return Windows(self.first.copy(), self.last.copy())

    def take(self, other: Windows) -> None:
        """Take over the values of other windows."""
        self.first[:], self.last[:] = other


@dataclass(frozen=True, eq=False)
class _Resource:
    tasks: Ints
    use: Ints
    capacity: int


@dataclass(frozen=True, eq=False)
class _Trials:
    """What trials of one problem share."""

    factor: int
    edges: Edges
    length: Ints
    heads: Ints
    tails: Ints
    resources: list[_Resource]
    pairs: list[tuple[int, int]]

    @classmethod
    def of(cls, arrays: ScheduleArrays, tier: int) -> _Trials | None:
        row = arrays.weights[tier]
        names = [name for name in _MAXIMA if row[MEASURES.index(name)] == row.sum()]
        usable = usable_modes(arrays)
        if not names or usable is None or not _small(usable):
            return None
        edges = difference_edges(usable)
        heads = open_starts(usable, edges)
        if heads is None:
            return None
        length = usable.min_duration()
        source = length
        if names[0] != "makespan":
            due = usable.job_due[usable.job]
            source = np.where(due < NEVER, length - due, _NO_SOURCE)
        tails = Tails.of(usable, edges, source).start
        order = np.argsort(heads[edges.before], kind="stable")
        sorted_edges = Edges(edges.before[order], edges.after[order], edges.weight[order])
        resources = _resources(usable, length)
        by_use, ordered = _exclusive(resources, length), _ordered(sorted_edges, length)
        resources += _cliques(by_use, ordered, length)
        open_pairs = np.argwhere(np.triu(by_use & ~(ordered | ordered.T), 1))
        pairs = [(int(i), int(j)) for i, j in open_pairs]
        return cls(int(row.sum()), sorted_edges, length, heads, tails, resources, pairs)

    def tighten(self, windows: Windows, check: Callable[[], None]) -> bool:
        """Propagate until nothing changes; False on a contradiction."""
        first, last = windows
        if np.any(first + self.length > last):
            return False
        links = (self.edges.before, self.edges.after, self.edges.weight)
        result = CHANGED
        while result == CHANGED:
            if propagate_links(first, last, self.length, *links) == FAILED:
                return False
            result = SAME
            for resource in self.resources:
                check()
                demand = (resource.tasks, resource.use, resource.capacity)
                found = propagate_energy(first, last, self.length, *demand)
                if found == FAILED:
                    return False
                result = max(result, found)
        return True

    def shave(self, windows: Windows, check: Callable[[], None]) -> bool:
        """Cut off halves of windows, and orders of exclusive pairs, that fail on their own."""
        cut = True
        while cut:
            cut = False
            for task in np.argsort(windows.last - windows.first - self.length).tolist():
                for early in (True, False):
                    outcome = self._cut_half(windows, task, check, early=early)
                    if outcome is None:
                        return False
                    cut = cut or outcome
            for i, j in self.pairs:
                outcome = self._cut_order(windows, i, j, check)
                if outcome is None:
                    return False
                cut = cut or outcome
        return True

    def _cut_half(
        self, windows: Windows, task: int, check: Callable[[], None], *, early: bool
    ) -> bool | None:
        """Try one half of the starts of a task; when it fails keep the other half.

        Returns
        -------
        bool or None
            Whether the windows shrank; ``None`` on a contradiction.
        """
        length = int(self.length[task])
        low, high = int(windows.first[task]), int(windows.last[task]) - length
        if low >= high:
            return False
        middle = (low + high) // 2
        trial = windows.copy()
        if early:
            trial.last[task] = middle + length
        else:
            trial.first[task] = middle + 1
        if self.tighten(trial, check):
            return False
        if early:
            windows.first[task] = middle + 1
        else:
            windows.last[task] = middle + length
        return True if self.tighten(windows, check) else None

    def _cut_order(
        self, windows: Windows, i: int, j: int, check: Callable[[], None]
    ) -> bool | None:
        """Try i before j and j before i; when one fails take the windows of the other."""
        if not (self._may_precede(windows, i, j) and self._may_precede(windows, j, i)):
            return False
        for before, after in ((i, j), (j, i)):
            trial = windows.copy()
            self._order(trial, before, after)
            if not self.tighten(trial, check):
                old = windows.copy()
                self._order(windows, after, before)
                if not self.tighten(windows, check):
                    return None
                return not all(np.array_equal(a, b) for a, b in zip(old, windows, strict=True))
        return False

    def _may_precede(self, windows: Windows, i: int, j: int) -> bool:
        ends, starts = windows.first + self.length, windows.last - self.length
        return bool(ends[i] <= starts[j])

    def _order(self, windows: Windows, i: int, j: int) -> None:
        first, last = windows
        first[j] = max(first[j], first[i] + self.length[i])
        last[i] = min(last[i], last[j] - self.length[j])


def _small(arrays: ScheduleArrays) -> bool:
    largest = max(
        int(arrays.duration.sum() + arrays.release.max()),
        int(arrays.demand_amount.max(initial=0)),
        int(arrays.step_start.max(initial=0)),
    )
    return arrays.n_tasks <= MAX_TASKS and largest < LARGEST


def _resources(arrays: ScheduleArrays, length: Ints) -> list[_Resource]:
    """Return machines and renewables at their largest capacity, with the least use of each task."""
    least, most = (
        f.reduceat(arrays.machine, arrays.mode_ptr[:-1]) for f in (np.minimum, np.maximum)
    )
    found = []
    for resource in range(arrays.n_resources):
        if arrays.resource_type[resource] == CONSUMABLE:
            continue
        if arrays.resource_type[resource] == MACHINE:
            use = ((least == resource) & (most == resource)).astype(np.int64)
        else:
            use = least_demand(arrays, resource)
        tasks = np.flatnonzero((use > 0) & (length > 0))
        if len(tasks) > 1:
            capacity = max(level for _, level in arrays.steps(resource))
            found.append(_Resource(tasks, use[tasks], capacity))
    return found


def _exclusive(resources: list[_Resource], length: Ints) -> NDArray[np.bool_]:
    """Pairs whose demands do not fit side by side."""
    exclusive = np.zeros((len(length), len(length)), np.bool_)
    for resource in resources:
        over = resource.use[:, None] + resource.use[None, :] > resource.capacity
        exclusive[np.ix_(resource.tasks, resource.tasks)] |= over
    np.fill_diagonal(exclusive, val=False)
    return exclusive


def _cliques(
    by_use: NDArray[np.bool_], ordered: NDArray[np.bool_], length: Ints
) -> list[_Resource]:
    """Grow sets of tasks of which no two run together, from each task, long ones first."""
    exclusive = by_use | ordered | ordered.T
    rank = np.argsort(-length, kind="stable")
    known: set[tuple[int, ...]] = set()
    for seed in rank[length[rank] > 0].tolist():
        members = [seed]
        open_: NDArray[np.bool_] = np.logical_and(exclusive[seed], length > 0)
        while open_.any():
            shared = np.logical_or.reduce(by_use[members], axis=0)
            choices = rank[open_[rank]]
            pick = int(choices[np.argmax(shared[choices])])
            members.append(pick)
            open_ &= exclusive[pick]
        if len(members) > 2 and by_use[np.ix_(members, members)].any():
            known.add(tuple(sorted(members)))
    return [_Resource(np.array(c), np.ones(len(c), np.int64), 1) for c in sorted(known)]


def _ordered(edges: Edges, length: Ints) -> NDArray[np.bool_]:
    """Pairs of which the first must end before the second starts, by paths of such edges."""
    reach: NDArray[np.bool_] = np.zeros((len(length), len(length)), np.bool_)
    direct = edges.weight >= length[edges.before]
    reach[edges.before[direct], edges.after[direct]] = True
    while True:
        steps = reach.astype(np.float32)
        longer = np.asarray(steps + steps @ steps, np.float32) > 0
        if np.count_nonzero(longer) == np.count_nonzero(reach):
            return reach
        reach = np.asarray(longer, np.bool_)
