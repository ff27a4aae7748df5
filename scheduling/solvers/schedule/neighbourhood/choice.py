"""Which tasks to free next: several kinds of neighbourhood, chosen by what they brought so far.

Adaptive large neighbourhood search (Ropke and Pisinger, 2006): a kind's weight follows its recent
success, its size follows whether CP-SAT could settle it within its limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.schedule.arrays import NEVER, RENEWABLE, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.features import SAME_ORDER, WORKING_TIMES

Shares = NDArray[np.float64]

VISIBLE = 1200
"""Most tasks of a part: up to here CP-SAT presolves a part in a fraction of a second."""

_FIRST_SIZE = 70
_SMALLEST, _LARGEST = 6, 400
_MEMORY = 0.85
_LEAST_WEIGHT = 0.05

KINDS = ("window", "resources", "jobs", "scattered", "costly")


@dataclass
class _Kind:
    weight: float = 1.0
    size: float = _FIRST_SIZE


@dataclass(frozen=True, eq=False)
class Choice:
    """A neighbourhood: tasks that may move, and those of them that are free."""

    kind: str
    visible: Ints
    free: Ints


class Chooser:
    """Draws neighbourhoods and learns from their results.

    Parameters
    ----------
    arrays
        The problem.
    tier
        The tier that is minimised.
    rng
        Source of every random choice.
    """

    def __init__(self, arrays: ScheduleArrays, tier: int, rng: np.random.Generator) -> None:
        self._arrays = arrays
        self._weights = arrays.weights[tier]
        self._rng = rng
        self._kinds = {name: _Kind() for name in KINDS}
        self._groups = _mode_groups(arrays)
        self._visible = arrays.n_tasks if arrays.features - WORKING_TIMES else VISIBLE
        tight = arrays.chained & (arrays.link_max == 0)
        self._whole_jobs = bool(np.any(tight)) or SAME_ORDER in arrays.features
        self._critical = np.zeros(arrays.n_tasks, bool)

    def choose(self, whole: Candidate, tails: Ints) -> Choice:
        """Draw a neighbourhood around a schedule, given how long it goes on after each task."""
        reach = self._arrays.ends(whole.start, whole.mode) + tails
        self._critical = reach == reach.max()
        weights = np.array([kind.weight for kind in self._kinds.values()])
        name = KINDS[int(self._rng.choice(len(KINDS), p=weights / weights.sum()))]
        order = np.argsort(whole.start, kind="stable")
        visible = self._slice(order)
        size = min(round(self._kinds[name].size), len(visible))
        free = getattr(self, f"_{name}")(whole, visible, size)
        if self._whole_jobs and len(visible) == self._arrays.n_tasks:
            free = self._with_their_jobs(free, size)
        return Choice(name, np.sort(visible), np.sort(free))

    def learn(self, kind: str, *, gained: bool, settled: bool) -> None:
        """Adjust a kind by whether it brought a better schedule and whether it was settled."""
        entry = self._kinds[kind]
        entry.weight = max(_LEAST_WEIGHT, _MEMORY * entry.weight + (1 - _MEMORY) * gained)
        if settled and not gained:
            entry.size = min(_LARGEST, entry.size * 1.08 + 0.5)
        elif not settled:
            entry.size = max(_SMALLEST, entry.size * 0.93)

    def _slice(self, order: Ints) -> Ints:
        """Visible tasks, by start: all, or in large plain problems those of a stretch of time."""
        spare = len(order) - self._visible
        if spare <= 0:
            return order
        first = int(self._rng.integers(0, spare + 1))
        return order[first : first + self._visible]

    def _with_their_jobs(self, free: Ints, size: int) -> Ints:
        """Return the whole jobs of some tasks, about as many tasks: only wholes can move far."""
        jobs = self._rng.permutation(np.unique(self._arrays.job[free]))
        counts = np.diff(self._arrays.job_ptr)[jobs]
        chosen = jobs[: max(2, 1 + int(np.searchsorted(np.cumsum(counts), size)))]
        return np.flatnonzero(np.isin(self._arrays.job, chosen))

    def _window(self, whole: Candidate, visible: Ints, size: int) -> Ints:  # noqa: ARG002
        """Return tasks that start one after the other."""
        first = int(self._rng.integers(0, len(visible) - size + 1))
        return visible[first : first + size]

    def _resources(self, whole: Candidate, visible: Ints, size: int) -> Ints:
        """Return the tasks of some resources, in a stretch of time when these have too many."""
        groups = self._groups[whole.mode[visible]]
        names = self._rng.permutation(np.unique(groups))
        chosen: list[Ints] = []
        count = 0
        for name in names[: max(2, len(names) // 3)].tolist():
            members = visible[groups == name]
            chosen.append(members)
            count += len(members)
            if count >= size:
                break
        inside = np.isin(visible, np.concatenate(chosen))
        return self._window(whole, visible[inside], min(size, int(inside.sum())))

    def _jobs(self, whole: Candidate, visible: Ints, size: int) -> Ints:
        """Return the tasks of some jobs."""
        jobs = self._arrays.job[visible]
        names = self._rng.permutation(np.unique(jobs))
        sizes = np.bincount(jobs, minlength=self._arrays.n_jobs)[names]
        count = 1 + int(np.searchsorted(np.cumsum(sizes), size))
        members = visible[np.isin(jobs, names[:count])]
        return self._window(whole, members, min(2 * size, len(members)))

    def _scattered(self, whole: Candidate, visible: Ints, size: int) -> Ints:  # noqa: ARG002
        """Return tasks drawn one by one."""
        return self._rng.choice(visible, size, replace=False)

    def _costly(self, whole: Candidate, visible: Ints, size: int) -> Ints:
        """Return tasks around one that the objective pays for: near in time, on its resources."""
        seed = visible[self._rng.choice(len(visible), p=self._costs(whole, visible))]
        middle = (whole.start + self._arrays.ends(whole.start, whole.mode)) / 2
        distance = np.abs(middle[visible] - middle[seed])
        shared = self._groups[whole.mode[visible]] == self._groups[whole.mode[seed]]
        related = shared | (self._arrays.job[visible] == self._arrays.job[seed])
        distance *= np.where(related, 0.3, 1.0) * np.where(self._critical[visible], 0.5, 1.0)
        return visible[np.argsort(distance, kind="stable")[:size]]

    def _costs(self, whole: Candidate, visible: Ints) -> Shares:
        """Chance of each visible task to be drawn: what its job costs, spread over its tasks."""
        arrays = self._arrays
        end = arrays.ends(whole.start, whole.mode)
        completion = np.maximum.reduceat(end, arrays.job_ptr[:-1])
        late = np.where(arrays.job_due < NEVER, np.maximum(completion - arrays.job_due, 0), 0)
        weight = dict(zip(MEASURES, self._weights.tolist(), strict=True))
        cost = np.zeros(arrays.n_jobs)
        if weight["total_tardiness"] or weight["late_jobs"]:
            cost += late * arrays.job_weight
        if weight["max_tardiness"] or weight["max_lateness"]:
            cost += late == late.max()
        if weight["total_completion"] or weight["total_flow"]:
            # A job without a task that runs completes at 0, before it is there.
            cost += np.maximum(completion - arrays.job_release, 0) * arrays.job_weight
        if weight["makespan"]:
            cost += completion == completion.max()
        chance = cost[arrays.job[visible]] + 1e-3 * (1.0 + cost.mean())
        if weight["makespan"]:
            chance += self._critical[visible] * chance.mean() * 10
        chosen: Shares = chance / chance.sum()
        return chosen


def _mode_groups(arrays: ScheduleArrays) -> Ints:
    """Name a resource for each mode: its machine, else the one it demands most of."""
    groups = arrays.machine.copy()
    for mode in np.flatnonzero(groups < 0).tolist():
        needs = [
            (amount / max(1, int(arrays.capacity[resource])), resource)
            for resource, amount in arrays.demands(mode)
            if arrays.resource_type[resource] == RENEWABLE
        ]
        groups[mode] = max(needs)[1] if needs else -1
    return groups
