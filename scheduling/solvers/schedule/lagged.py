"""A first schedule under maximal lags without compiled code: circles of lags are placed as wholes.

Tasks that bound each other from both sides, such as those of a job without waiting, form strong
components of the graph of lags. Components are placed one after the other, so that a maximal lag
can only be missed within one: then what is too early there is delayed and placed again.

Source: Franck, Neumann, Schwindt, "Truncated branch-and-bound, schedule-construction, and
schedule-improvement procedures for resource-constrained project scheduling", OR Spektrum 2001
(contraction of cycle structures).
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np

from scheduling.models.schedule.arrays import NEVER, Ints, ScheduleArrays
from scheduling.models.schedule.windows import Edges
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.greedy import Builder, lag_sides
from scheduling.solvers.schedule.unscheduling import Unscheduling, longest_paths

_DELAYS = 400
"""Delays within a component, and half as many as it has members, until it is given up."""

_FREE = 20
"""Delays that are made whatever the time: small problems have an answer within any limit."""

_LARGEST_COMPONENT = 2_000
"""Most tasks of a component; distances between all of them are computed."""


def _go_on() -> bool:
    return False


def has_maximal_lags(arrays: ScheduleArrays) -> bool:
    """Whether some task may start or end only so long after another one."""
    return bool(np.any(arrays.link_max < NEVER))


def lagged_schedule(
    arrays: ScheduleArrays, priority: Ints, stop: Callable[[], bool] = _go_on
) -> Candidate | None:
    """Place a component whose predecessors are placed until all are.

    Where the members of components cannot move against each other, as in shops without waiting, the
    one that can begin first is next, else the one with the lowest ``priority``. Each task takes the
    mode that is short and whose machine has little to do yet. ``None`` when a component fits
    nowhere, is too large or stays broken; deadlines are not looked at.

    Parameters
    ----------
    arrays
        The problem.
    priority
        Which of several tasks or components comes first, the lowest number first.
    stop
        Asked now and then whether to give up; by default all is tried.
    """
    builder = Builder(arrays)
    mode = _modes(builder, arrays, priority)
    if mode is None:
        return None
    parts = _parts(arrays.n_tasks, _edges(arrays, arrays.duration[np.array(mode)]), stop)
    if parts is None:
        return None
    placing = _Placing(builder, mode, priority.tolist(), stop)
    if not _place_all(parts, placing):
        return None
    return Candidate(np.array(placing.start, np.int64), np.array(mode, np.int64))


def _place_all(parts: list[_Part], placing: _Placing) -> bool:
    """Place components in an order of their lags; starts only rise while others are placed."""
    eager = all(part.rigid for part in parts)
    waiting = [0] * len(parts)
    for part in parts:
        for follower in part.followers:
            waiting[follower] += 1
    ranks = [min(placing.rank[task] for task in part.tasks) for part in parts]
    ready = [(0, ranks[k], k) for k, count in enumerate(waiting) if count == 0]
    heapify(ready)
    while ready:
        known, rank, number = heappop(ready)
        part = parts[number]
        if eager:
            start = placing.first_start(part, known)
            if start is None:
                return False
            if ready and (start, rank) > ready[0][:2]:
                heappush(ready, (start, rank, number))
                continue
        if not placing.place(part):
            return False
        for follower in part.followers:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heappush(ready, (0, ranks[follower], follower))
    return True


def _modes(builder: Builder, arrays: ScheduleArrays, priority: Ints) -> list[int] | None:
    """Choose a mode of each task; ``None`` when the consumables do not suffice."""
    machine = arrays.machine.tolist()
    load: dict[int, int] = {}
    chosen = [0] * arrays.n_tasks
    for task in np.argsort(priority, kind="stable").tolist():
        modes = range(builder.mode_ptr[task], builder.mode_ptr[task + 1])
        ranked = [
            (builder.duration[mode] + load.get(machine[mode], 0), mode)
            for mode in modes
            if builder.affordable(task, mode)
        ]
        if not ranked:
            return None
        chosen[task] = min(ranked)[1]
        builder.spend(task, chosen[task])
        on = machine[chosen[task]]
        if on >= 0:
            load[on] = load.get(on, 0) + builder.duration[chosen[task]]
    return chosen


def _edges(arrays: ScheduleArrays, duration: Ints) -> Edges:
    """Relations between starts for the durations of the chosen modes."""
    before, after = arrays.link_before, arrays.link_after
    from_end, to_end = lag_sides(arrays)
    shift = from_end * duration[before] - to_end * duration[after]
    least, most = arrays.link_min > -NEVER, arrays.link_max < NEVER
    return Edges(
        np.concatenate([before[least], after[most]]),
        np.concatenate([after[least], before[most]]),
        np.concatenate([(arrays.link_min + shift)[least], -(arrays.link_max + shift)[most]]),
    )


class _Part(NamedTuple):
    """A component: tasks that lags bound from both sides.

    Attributes
    ----------
    tasks
        Its members.
    into
        Of each member, ``(before, weight)`` from tasks of other components.
    longest
        Longest paths between the members.
    rigid
        Whether the members cannot move against each other.
    followers
        Components that come later.
    """

    tasks: list[int]
    into: list[list[tuple[int, int]]]
    longest: Ints
    rigid: bool
    followers: set[int]


def _parts(n: int, edges: Edges, stop: Callable[[], bool]) -> list[_Part] | None:
    """Components; ``None`` when one is too large or contradicts itself, or time is over."""
    from networkx import DiGraph, strongly_connected_components

    rows = list(
        zip(edges.before.tolist(), edges.after.tolist(), edges.weight.tolist(), strict=True)
    )
    graph: DiGraph[int] = DiGraph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from((before, after) for before, after, _ in rows)
    members = sorted(sorted(tasks) for tasks in strongly_connected_components(graph))
    if max(map(len, members)) > _LARGEST_COMPONENT:
        return None
    place = {task: (k, i) for k, tasks in enumerate(members) for i, task in enumerate(tasks)}
    into: list[list[list[tuple[int, int]]]] = [[[] for _ in tasks] for tasks in members]
    within: list[list[tuple[int, int, int]]] = [[] for _ in members]
    followers: list[set[int]] = [set() for _ in members]
    for before, after, weight in rows:
        (first, i), (second, j) = place[before], place[after]
        if first == second:
            within[first].append((i, j, weight))
        else:
            into[second][j].append((before, weight))
            followers[first].add(second)
    found: list[_Part] = []
    for k, tasks in enumerate(members):
        longest = longest_paths(len(tasks), within[k], stop)
        if longest is None:
            return None
        rigid = not np.any(longest + longest.T)
        found.append(_Part(tasks, into[k], longest, rigid, followers[k]))
    return found


class _Placing:
    """The schedule in the making."""

    def __init__(
        self, builder: Builder, mode: list[int], rank: list[int], stop: Callable[[], bool]
    ) -> None:
        self.rank, self._stop = rank, stop
        self.start = builder.start
        self._builder, self._mode = builder, mode
        self._end = 0

    def place(self, part: _Part) -> bool:
        """Place a component at its floors or later; false when that fails."""
        if part.rigid:
            return self._shift(part)
        floor = self._floor(part)
        if self._repaired(part, floor):
            return True
        return bool(np.any(floor < self._end)) and self._repaired(
            part, np.maximum(floor, self._end)
        )

    def first_start(self, part: _Part, known: int) -> int | None:
        """First start, ``known`` or later, of the first member of a rigid component.

        ``None`` when a member fits nowhere.
        """
        ahead = part.longest[0].tolist()
        base = max(known, int((self._floor(part) - part.longest[0]).max()))
        k = 0
        while k < len(ahead):
            time = self._builder.fit(self._mode[part.tasks[k]], base + ahead[k])
            if time is None:
                return None
            if time == base + ahead[k]:
                k += 1
            else:
                base, k = time - ahead[k], 0
        return base

    def _floor(self, part: _Part) -> Ints:
        """Earliest starts of the members by releases and by what is placed."""
        release, start = self._builder.release, self.start
        rows = zip(part.tasks, part.into, strict=True)
        low = [max([release[v], *(start[u] + lag for u, lag in into)]) for v, into in rows]
        return np.array(low, np.int64)

    def _shift(self, part: _Part) -> bool:
        base = self.first_start(part, 0)
        if base is None:
            return False
        for task, ahead in zip(part.tasks, part.longest[0].tolist(), strict=True):
            mode, time = self._mode[task], base + ahead
            if self._builder.fit(mode, time) != time:
                return False
            self._builder.occupy(mode, time, 1)
            self._note(task, time)
        return True

    def _note(self, task: int, time: int) -> None:
        self.start[task] = time
        self._end = max(self._end, time + self._builder.duration[self._mode[task]])

    def _repaired(self, part: _Part, floor: Ints) -> bool:
        """Place the members; one that is too late for those before it delays them."""
        tasks = part.tasks
        mode = [self._mode[task] for task in tasks]
        length = sorted(self._builder.duration[m] for m in mode)
        rank = np.array([self.rank[task] for task in tasks])
        state = Unscheduling(part.longest, floor, rank, blur=length[len(tasks) // 2])
        for delays in range(1, 1 + _DELAYS + len(tasks) // 2):
            late = self._advance(state, mode)
            if late is None:
                for task, at in zip(tasks, state.placed.tolist(), strict=True):
                    self._note(task, at)
                return True
            k, time = late
            if time is None or (delays >= _FREE and self._stop()):
                break
            for other, at in state.delay(k, time):
                self._builder.occupy(mode[other], at, -1)
        for other, at in state.everything():
            self._builder.occupy(mode[other], at, -1)
        return False

    def _advance(self, state: Unscheduling, mode: list[int]) -> tuple[int, int | None] | None:
        """Place members until one is too late, which is returned with its time; ``None``: all are.

        The time is ``None`` where one fits nowhere.
        """
        while (k := state.chosen()) is not None:
            time = self._builder.fit(mode[k], state.early(k))
            if time is None or time > state.late[k]:
                return k, time
            self._builder.occupy(mode[k], time, 1)
            state.put(k, time)
        return None
