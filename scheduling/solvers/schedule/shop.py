"""Shops: problems whose tasks only compete for machines, and schedules dispatched on them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from heapq import heappop, heappush

import numpy as np

from scheduling.models.schedule.arrays import END_START, NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.windows import Edges, difference_edges, longest_paths, tails
from scheduling.solvers.schedule.dispatch_rules import Rule, Waiting
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.features import feature_refusal

_UNUSED = -1
"""State of a machine before its first task, as in :attr:`ScheduleArrays.setups`."""

_STATELESS = -2
"""State of a machine after a task without a state: no setup leads from it or to it."""


def shop_refusal(arrays: ScheduleArrays, handled: frozenset[str] = frozenset()) -> str | None:
    """Tell why a problem is no shop; ``None`` when it is one.

    A shop has machines alone, and end-start precedences with minimal lags of at least 0.

    Parameters
    ----------
    arrays
        The problem.
    handled
        Further constraints that the solver takes, as :func:`~.features.feature_refusal` has them.
    """
    reason = feature_refusal(arrays, handled)
    if reason is not None:
        return reason
    if len(arrays.demand_resource):
        return "takes machines only, no renewable or consumable resources; use sgs"
    ordered = (arrays.link_kind == END_START) & (arrays.link_min >= 0)
    if not np.all(ordered & (arrays.link_max == NEVER)):
        return "takes end-start precedences with minimal lags of at least 0 only; use sgs"
    return None


def chain_delays(arrays: ScheduleArrays) -> Ints | None:
    """Least lag behind each task when every job is one chain in order; ``None`` otherwise."""
    n = arrays.n_tasks
    last = np.zeros(n, bool)
    last[arrays.job_ptr[1:] - 1] = True
    inner = np.flatnonzero(~last)
    order = np.argsort(arrays.link_before, kind="stable")
    before, after = arrays.link_before[order], arrays.link_after[order]
    if not np.array_equal(before, inner) or not np.array_equal(after, inner + 1):
        return None
    delay = np.zeros(n, np.int64)
    delay[before] = arrays.link_min[order]
    return delay


class Shop:
    """Dispatcher for one shop; keeps what does not change between rules."""

    def __init__(self, arrays: ScheduleArrays) -> None:
        self.arrays = arrays
        n = arrays.n_tasks
        after = tails(arrays)
        self.remaining: list[int] = [] if after is None else after.tolist()
        self.following = _chain_lengths(arrays)
        self.mean = float(arrays.duration.mean())
        self.job = arrays.job.tolist()
        self.job_release = arrays.job_release.tolist()
        self.weight = arrays.job_weight.tolist()
        self.due = [None if due == NEVER else due for due in arrays.job_due.tolist()]
        pointer, machine = arrays.mode_ptr.tolist(), arrays.machine.tolist()
        duration = arrays.duration.tolist()
        self.modes = [
            [(machine[mode], duration[mode], mode) for mode in range(pointer[i], pointer[i + 1])]
            for i in range(n)
        ]
        self.state: list[int] = np.where(arrays.state < 0, _STATELESS, arrays.state).tolist()
        self.mean_setup = {machine: _mean_setup(arrays, machine) for machine in arrays.setups}
        self.tightness, self.spread = _due_dates(arrays, self.mean_setup)
        self.successors: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        self.predecessors = [0] * n
        links = zip(
            arrays.link_before.tolist(),
            arrays.link_after.tolist(),
            arrays.link_min.tolist(),
            strict=True,
        )
        for before, after_task, lag in links:
            self.successors[before].append((after_task, lag))
            self.predecessors[after_task] += 1
        self.closed = {
            resource: arrays.steps(resource)
            for resource in range(arrays.n_resources)
            if not arrays.constant(resource)
        }

    def schedule(self, rule: Rule, patience: float) -> Candidate | None:
        """Dispatch all tasks; ``None`` when a task fits nowhere or misses its deadline.

        Parameters
        ----------
        rule
            Priority of a waiting task, lowest first.
        patience
            How long a machine may wait for a better task, between 0 (non-delay) and 1 (active):
            the tasks that compete are there before ``s + patience (c - s)``, with s the first
            moment at which the machine is free and a task is there, and c the earliest completion.
            Setups ahead of a task are done before it is there where the machine is free for them.
        """
        return _Dispatching(self, rule, patience).run()

    def fit(self, machine: int, moment: int, duration: int) -> int | None:
        """Earliest start from ``moment`` on at which the machine stays open for the duration."""
        profile = self.closed.get(machine)
        if profile is None or duration == 0:
            return moment
        position = bisect_right(profile, (moment, NEVER)) - 1
        while position < len(profile):
            if profile[position][1] > 0:
                start = max(moment, profile[position][0])
                last = position + 1 == len(profile)
                if last or start + duration <= profile[position + 1][0]:
                    return start
            position += 1
        return None


def _mean_setup(arrays: ScheduleArrays, machine: int) -> float:
    """Mean setup time between two different tasks of a machine."""
    states = Counter(arrays.state[arrays.machine == machine].tolist())
    pairs = states.total() * (states.total() - 1)
    total = sum(
        time * states[before] * (states[after] - (before == after))
        for (before, after), time in arrays.setups[machine].items()
        if before >= 0
    )
    return total / pairs if pairs else 0.0


def _due_dates(arrays: ScheduleArrays, mean_setup: dict[int, float]) -> tuple[float, float]:
    """Tightness and spread of due dates, see :class:`~.dispatch_rules.Waiting`.

    The makespan is estimated as Lee and Pinedo (1997) do: n tasks of a machine with mean duration p
    and mean setup s take ``n (p + b s)`` with ``b = 0.4 + 10 / n^2 - s / (7 p)``, between 0 and 1.
    Tasks with several modes load each of them alike.
    """
    dues = arrays.job_due[arrays.job_due < NEVER]
    if not len(dues):
        return 1.0, 0.0
    counts = np.diff(arrays.mode_ptr)
    share = np.repeat(1.0 / counts, counts)
    on = arrays.machine >= 0
    machine, share = arrays.machine[on], share[on]
    tasks = np.bincount(machine, share)
    loads = np.bincount(machine, share * arrays.duration[on])
    makespan = 1.0
    for number in np.flatnonzero(loads).tolist():
        count, work, setup = tasks[number], loads[number], mean_setup.get(number, 0.0)
        part = 0.4 + 10.0 / count**2 - setup * count / (7.0 * work)
        makespan = max(makespan, work + min(1.0, max(0.0, part)) * count * setup)
    return 1.0 - float(dues.mean()) / makespan, float(dues.max() - dues.min()) / makespan


def _chain_lengths(arrays: ScheduleArrays) -> list[int]:
    edges = difference_edges(arrays)
    unit = Edges(edges.after, edges.before, np.ones_like(edges.weight))
    lengths = longest_paths(arrays.n_tasks, unit, np.zeros(arrays.n_tasks, np.int64))
    return [] if lengths is None else lengths.tolist()


class _Dispatching:
    """State of one pass: free times, queues and the decisions so far."""

    def __init__(self, shop: Shop, rule: Rule, patience: float) -> None:
        self.shop, self.rule, self.patience = shop, rule, patience
        arrays = shop.arrays
        self.start = np.full(arrays.n_tasks, -1, np.int64)
        self.mode = arrays.mode_ptr[:-1].copy()
        self.ready = arrays.release.tolist()
        self.waits_for = list(shop.predecessors)
        self.free = [0] * (arrays.n_resources + 1)
        self.state = [_UNUSED] * len(self.free)
        self.queues: list[dict[int, tuple[int, int]]] = [{} for _ in self.free]
        self.events: list[tuple[float, int, int]] = []
        self.stamps = [0] * len(self.free)
        self.blocked = False

    def run(self) -> Candidate | None:
        for task, count in enumerate(self.shop.predecessors):
            if count == 0 and self.start[task] < 0:
                self._arrive(task)
        while self.events and not self.blocked:
            _, machine, stamp = heappop(self.events)
            if stamp == self.stamps[machine] and self.queues[machine]:
                self._decide(machine)
        arrays = self.shop.arrays
        end = self.start + arrays.duration[self.mode]
        if self.blocked or np.any(self.start < 0) or np.any(end > arrays.deadline):
            return None
        return Candidate(self.start, self.mode)

    def _arrive(self, task: int) -> None:
        """Let a task join the queues of its machines, or place it if it needs none."""
        free_modes = [m for m in self.shop.modes[task] if m[0] < 0 or m[1] == 0]
        if free_modes:
            _, duration, mode = min(free_modes, key=lambda m: m[1])
            self._place(task, mode, self.ready[task], duration)
            return
        for machine, duration, mode in self.shop.modes[task]:
            known = self.queues[machine].get(task)
            if known is None or duration < known[0]:
                self.queues[machine][task] = (duration, mode)
            self._wake(machine)

    def _wake(self, machine: int) -> None:
        """Note when the machine decides next: at its earliest possible start or completion."""
        queue = self.queues[machine]
        if not queue:
            return
        moment = min(self._patience_ends(machine, task) for task in queue)
        self.stamps[machine] += 1
        heappush(self.events, (moment, machine, self.stamps[machine]))

    def _decide(self, machine: int) -> None:
        queue, free, ready = self.queues[machine], self.free[machine], self.ready
        there = {task: max(free, ready[task]) for task in queue}
        now = min(there.values())
        first = min(self._patience_ends(machine, task) for task in queue)
        rivals = [task for task in queue if there[task] < first or there[task] == now]
        chosen = min(rivals, key=lambda task: (self._priority(machine, task, now), task))
        self._assign(chosen)
        self._wake(machine)

    def _patience_ends(self, machine: int, task: int) -> float:
        """How long the machine waits for rivals of a task: see :meth:`Shop.schedule`."""
        free: int = self.free[machine]
        ready: int = self.ready[task]
        there = max(free, ready)
        if not self.patience:
            return there
        duration, mode = self.queues[machine][task]
        end = max(free + self._setup(machine, mode), ready) + duration
        return there + self.patience * (end - there)

    def _setup(self, machine: int, mode: int) -> int:
        """Time to set the machine up for a mode, from the state that it is in."""
        table = self.shop.arrays.setups.get(machine)
        return 0 if table is None else table.get((self.state[machine], self.shop.state[mode]), 0)

    def _priority(self, machine: int, task: int, now: int) -> float:
        shop, job = self.shop, self.shop.job[task]
        duration, mode = self.queues[machine][task]
        return self.rule(
            Waiting(
                task=task,
                job=job,
                ready=self.ready[task],
                now=now,
                duration=duration,
                remaining=shop.remaining[task],
                following=shop.following[task],
                release=shop.job_release[job],
                due=shop.due[job],
                weight=shop.weight[job],
                mean=shop.mean,
                setup=self._setup(machine, mode),
                mean_setup=shop.mean_setup.get(machine, 0.0),
                tightness=shop.tightness,
                spread=shop.spread,
            )
        )

    def _assign(self, task: int) -> None:
        """Place a task on the machine that completes it first."""
        options = []
        for machine, duration, mode in self.shop.modes[task]:
            earliest = max(self.free[machine] + self._setup(machine, mode), self.ready[task])
            start = self.shop.fit(machine, earliest, duration)
            if start is not None:
                options.append((start + duration, start, machine, duration, mode))
        if not options:
            self.blocked = True
            return
        end, start, chosen, duration, mode = min(options)
        self.free[chosen], self.state[chosen] = end, self.shop.state[mode]
        for machine, _, _ in self.shop.modes[task]:
            if self.queues[machine].pop(task, None) is not None:
                self._wake(machine)
        self._place(task, mode, start, duration)

    def _place(self, task: int, mode: int, start: int, duration: int) -> None:
        self.start[task], self.mode[task] = start, mode
        for successor, lag in self.shop.successors[task]:
            self.ready[successor] = max(self.ready[successor], start + duration + lag)
            self.waits_for[successor] -= 1
            if self.waits_for[successor] == 0:
                self._arrive(successor)
