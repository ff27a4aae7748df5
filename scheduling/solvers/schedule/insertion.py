"""Solver ``insertion``: tasks and jobs put into a growing schedule, in orders that are improved."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

from scheduling.models.base import Status
from scheduling.models.schedule.arrays import END_START, NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.check import check_schedule
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.closing import close_pauses
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import EVERYTHING, NO_SWAP, feature_refusal
from scheduling.solvers.schedule.placing import Placing
from scheduling.solvers.schedule.placing_shop import Shop
from scheduling.solvers.schedule.plans import Plan, Plans
from scheduling.solvers.schedule.rules import dense_ranks, task_features
from scheduling.solvers.schedule.sgs import out_of_time, rules_for
from scheduling.solvers.schedule.simultaneous import move_ranks

WORK_UNIT = 100
"""Schedules that make one unit of work."""

_LARGEST_NEH = 60
"""Up to so many jobs, the first order is built by trying every place of every job."""

_RULES = 4

_REPLANNED = 0.5
"""Share of moves that change the plan, where there is anything to plan."""

Key = tuple[bool, tuple[int, ...]]


class Insertion(NeedsNothing):
    """Serial generation for problems with any rule of the family.

    Jobs without waiting, blocking jobs, jobs with a common mode and jobs that keep a common order
    are put in as wholes, other tasks one by one, each at the earliest moment that fits what is
    there. Jobs enter in the order of Nawaz, Enscore and Ham ("A heuristic algorithm for the
    m-machine, n-job flow-shop sequencing problem", 1983) where they are few and independent, else
    by priority rules. From the best order on, random moves of one job or task, and other routes,
    optional tasks and modes where those count, are kept when the schedule gets no worse. A unit of
    work is 100 schedules.
    """

    name = "insertion"
    summary = "insertion of jobs and tasks: quick schedules under every rule of the family"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Refuse maximal lags other than those of jobs without waiting."""
        arrays = data.arrays
        reason = feature_refusal(arrays, EVERYTHING)
        if reason is not None:
            return reason
        limited = arrays.link_max < NEVER
        tight = arrays.chained & (arrays.link_kind == END_START) & (arrays.link_max == 0)
        if np.any(limited & ~tight):
            return "takes no maximal lags other than no-wait; use cp-sat, lns or sgs"
        return None

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,  # noqa: ARG002 - insertion starts from nothing
    ) -> None:
        """Post a first schedule, then better ones from changed orders."""
        units = _Units(data.arrays)
        if units.followers is not None:
            _Search(data, board, budget, units, self.name).run()


class _Units:
    """What is inserted at once: tasks, or jobs as wholes.

    Attributes
    ----------
    tasks : list of lists
        Tasks of each unit.
    followers : list of lists, or None
        Units that come after each unit; ``None`` when they run in a circle.
    """

    def __init__(self, arrays: ScheduleArrays) -> None:
        self._arrays = arrays
        tied = np.zeros(arrays.n_jobs, bool)
        limited = arrays.chained & (arrays.link_max == 0)
        tied[arrays.job[arrays.link_before[limited]]] = True
        self._tied = tied
        whole = tied | arrays.blocking | arrays.same_mode
        grouped = [machine for group in arrays.same_order for machine in group]
        owner = np.repeat(np.arange(arrays.n_tasks), np.diff(arrays.mode_ptr))
        whole[arrays.job[owner[np.isin(arrays.machine, grouped)]]] = True
        self.tasks: list[list[int]] = []
        pointer = arrays.job_ptr.tolist()
        for job, (first, stop) in enumerate(pairwise(pointer)):
            members = list(range(first, stop))
            self.tasks += [members] if whole[job] else [[task] for task in members]
        self.job = [int(arrays.job[tasks[0]]) for tasks in self.tasks]
        self.whole = [bool(whole[job]) for job in self.job]
        self.followers = self._followers()

    def _followers(self) -> list[list[int]] | None:
        arrays = self._arrays
        unit = np.zeros(arrays.n_tasks, np.int64)
        for number, tasks in enumerate(self.tasks):
            unit[tasks] = number
        kept = arrays.link_min > -NEVER
        pairs = set(
            zip(
                unit[arrays.link_before[kept]].tolist(),
                unit[arrays.link_after[kept]].tolist(),
                strict=True,
            )
        )
        found: list[list[int]] = [[] for _ in self.tasks]
        for before, after in sorted(pairs):
            if before != after:
                found[before].append(after)
        waiting = _waiting(found)
        order = [number for number, count in enumerate(waiting) if count == 0]
        for number in order:
            for follower in found[number]:
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    order.append(follower)
        return found if len(order) == len(found) else None

    def place(self, placing: Placing, number: int) -> bool:
        """Put one unit into a schedule."""
        arrays, tasks, job = self._arrays, self.tasks[number], self.job[number]
        if not self.whole[number]:
            return placing.place_task(tasks[0])
        if self._tied[job]:
            put = placing.place_block
        elif arrays.blocking[job]:
            put = placing.place_blocking
        else:
            put = placing.place_in_turn
        if not arrays.same_mode[job]:
            return put(tasks)
        count = int(np.diff(arrays.mode_ptr)[tasks[0]] - arrays.optional[tasks[0]])
        length = [
            sum(int(arrays.duration[arrays.mode_ptr[task] + local]) for task in tasks)
            for local in range(count)
        ]
        ranked = sorted(range(count), key=lambda local: (length[local], local))
        return any(not placing.broken and put(tasks, local) for local in ranked)


def _waiting(followers: list[list[int]]) -> list[int]:
    waiting = [0] * len(followers)
    for row in followers:
        for follower in row:
            waiting[follower] += 1
    return waiting


class _Search:
    def __init__(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        units: _Units,
        name: str,
    ) -> None:
        self._data, self._board, self._budget = data, board, budget
        self._units, self._name = units, name
        self._shop = Shop(data.arrays)
        self._plans = Plans(data.arrays, board.tier)
        self._plan = self._plans.first()[0]
        self._rng = np.random.default_rng(budget.seed)
        self._tried = 0

    def run(self) -> None:
        best: tuple[Key, list[int], Plan] | None = None
        for plan in self._plans.first():
            self._plan = plan
            for order in self._first_orders():
                key = self._try(order)
                if best is None or key < best[0]:
                    best = key, order, plan
                if self._over():
                    return
        while best is not None and not self._over():
            order, self._plan = self._moved(best[1], best[2])
            key = self._try(order)
            if key <= best[0]:
                best = key, order, self._plan

    def _over(self) -> bool:
        work = self._budget.work
        spent = work is not None and self._tried >= work * WORK_UNIT
        return spent or out_of_time(self._board, self._budget)

    def _first_orders(self) -> Iterator[list[int]]:
        """Yield orders by priority rules, by lasting supply, and by trying every place."""
        arrays = self._data.arrays
        features = task_features(arrays)
        if features is None:
            return
        rules = list(rules_for(arrays, self._board.tier).values())[:_RULES]
        for rule in rules:
            ranks = dense_ranks(rule(features))
            yield self._by([float(ranks[tasks].mean()) for tasks in self._units.tasks])
        work = features.duration
        sums = [-float(work[tasks].sum()) for tasks in self._units.tasks]
        yield self._by(sums)
        if arrays.supply_amount.size:
            yield self._by(_net_use(arrays, self._units.tasks))
        alone = self._units.followers is not None and not any(self._units.followers)
        if alone and all(self._units.whole) and len(sums) <= _LARGEST_NEH:
            yield self._by_places(self._by(sums))

    def _by(self, ranks: list[float]) -> list[int]:
        return sorted(range(len(ranks)), key=lambda number: (ranks[number], number))

    def _by_places(self, units: list[int]) -> list[int]:
        """Order units one by one, each at its best place among those before."""
        order: list[int] = []
        for unit in units:
            trials = [[*order[:k], unit, *order[k:]] for k in range(len(order), -1, -1)]
            keys = []
            for trial in trials:
                keys.append(self._key(self._generate(trial)))
                if self._over():
                    return [*order, *units[len(order) :]]
            order = trials[keys.index(min(keys))]
        return order

    def _moved(self, order: list[int], plan: Plan) -> tuple[list[int], Plan]:
        """Move one unit to another place, or change one decision of the plan."""
        if self._plans.several and self._rng.random() < _REPLANNED:
            return order, self._plans.moved(plan, self._rng)
        moved = list(order)
        here, there = self._rng.integers(len(order), size=2).tolist()
        moved.insert(there, moved.pop(here))
        return moved, plan

    def _try(self, order: list[int]) -> Key:
        """Generate and evaluate the schedule of an order, and post it if it is better and valid."""
        candidate = self._generate(order)
        key = self._key(candidate)
        if candidate is not None and not key[0]:
            best = self._board.values
            values = self._data.values(candidate)
            tier = self._board.tier
            if (best is None or values[tier:] < best[tier:]) and self._valid(candidate):
                self._board.offer(candidate, values, self._name)
        return key

    def _valid(self, candidate: Candidate) -> bool:
        solution = self._data.answer(candidate, {"status": Status.FEASIBLE})
        found = check_schedule(self._data.problem, solution)
        return all(entry.constraint in ("objective", "status") for entry in found)

    def _key(self, candidate: Candidate | None) -> Key:
        """Value of a schedule, least first; those that break an earlier tier come last."""
        if candidate is None:
            return True, (NEVER,)
        values = self._data.values(candidate)
        over = any(v > cap for v, cap in zip(values, self._board.caps, strict=False))
        return over, values[self._board.tier :]

    def _generate(self, order: list[int]) -> Candidate | None:
        """Insert the units of an order, each as soon as those before it are in and it fits.

        A unit that does not fit yet waits for others: a reservoir may have to be filled first.
        """
        self._tried += 1
        units, followers = self._units, self._units.followers or []
        waiting = _waiting(followers)
        ranks = {unit: rank for rank, unit in enumerate(order)}
        ready = [ranks[unit] for unit in order if waiting[unit] == 0]
        heapify(ready)
        later: list[int] = []
        plan = self._plan
        placing = Placing(self._shop, self._plans.running(plan), plan.price.tolist())
        left = len(order)
        while ready:
            rank = heappop(ready)
            unit = order[rank]
            if not units.place(placing, unit):
                if placing.broken:
                    return None
                later.append(rank)
                continue
            left -= 1
            for follower in followers[unit]:
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    heappush(ready, ranks[follower])
            for rank in later:
                heappush(ready, rank)
            later = []
        return self._finished(placing) if left == 0 else None

    def _finished(self, placing: Placing) -> Candidate | None:
        """Return a complete schedule, without the pauses and swaps that are forbidden."""
        arrays, candidate = self._data.arrays, placing.candidate()
        if np.any(arrays.no_idle):
            closed = close_pauses(arrays, candidate)
            if closed is None:
                return None
            candidate = closed
        if NO_SWAP in arrays.features:
            start, mode = candidate.start.tolist(), candidate.mode.tolist()
            held = arrays.held(candidate.start, candidate.mode).tolist()
            if move_ranks(arrays, start, mode, held) is None:
                return None
        return candidate


def _net_use(arrays: ScheduleArrays, units: list[list[int]]) -> list[float]:
    """Return what each unit takes from reservoirs for good, in its first modes."""
    owner = np.arange(len(arrays.duration))
    taken: Ints = np.zeros(len(owner), np.int64)
    stocked = np.isin(arrays.demand_resource, np.unique(arrays.supply_resource))
    np.add.at(
        taken,
        np.repeat(owner, np.diff(arrays.demand_ptr))[stocked],
        arrays.demand_amount[stocked],
    )
    np.subtract.at(taken, np.repeat(owner, np.diff(arrays.supply_ptr)), arrays.supply_amount)
    first = taken[arrays.mode_ptr[:-1]]
    return [float(first[tasks].sum()) for tasks in units]
