"""The disjunctive formulation: start times, an order of every pair on a machine, chosen modes.

``start[j] >= start[i] + d_i`` when ``order[i, j]`` is 1 and both run on the machine, by rows with
the least constants that the windows allow (Manne, 1960). A break of a machine is a task that never
moves. Renewable resources are not stated here: the time-indexed formulation has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from scheduling.models.schedule.arrays import (
    END_END,
    END_START,
    MACHINE,
    NEVER,
    START_END,
    Ints,
    ScheduleArrays,
)
from scheduling.models.schedule.bounds.pruning import with_modes
from scheduling.models.schedule.windows import Edges, difference_edges, longest_paths
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.linear.rows import RowList, Term
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.mip.completions import Completions
from scheduling.solvers.schedule.mip.frame import (
    Expression,
    Frame,
    add_consumables,
    add_objective,
    needed_measures,
)


@dataclass(frozen=True)
class _User:
    """A task on one machine: its modes there, with durations."""

    task: int
    modes: list[tuple[int, int]]
    always: bool

    @property
    def longest(self) -> int:
        return max(length for _, length in self.modes)


@dataclass
class _Choices:
    """Binary columns: the order of two tasks; for task, machine and end of a break: after it."""

    orders: dict[tuple[int, int], int] = field(default_factory=dict)
    sides: dict[tuple[int, int, int], int] = field(default_factory=dict)


class Disjunctive:
    """The formulation of one tier.

    Parameters
    ----------
    frame
        Windows of the modes; no mode may use a renewable resource.
    tier
        Tier that is minimised.
    caps
        Values that the tiers before it must not exceed.
    """

    def __init__(self, frame: Frame, tier: int, caps: tuple[int, ...]) -> None:
        self.frame = frame
        self.model = LinearModel("disjunctive")
        count = frame.arrays.n_tasks
        latest = np.zeros(count, np.int64)
        np.maximum.at(latest, frame.owner[frame.modes], frame.last[frame.modes])
        self._latest = latest.tolist()
        self._first = frame.first.tolist()
        self._start = self.model.add_columns("start", count, lower=frame.first, upper=latest)
        self._usable: list[list[int]] = [[] for _ in range(count)]
        for mode in frame.modes.tolist():
            self._usable[frame.owner[mode]].append(mode)
        self._mode = np.full(len(frame.owner), -1)
        self._choices = _Choices()
        self._rows = RowList()
        self._add_modes()
        self._add_links()
        for machine in np.flatnonzero(frame.arrays.resource_type == MACHINE).tolist():
            self._add_machine(machine)
        add_consumables(self.model, frame, self._chosen)
        self._completions = Completions(self.model, frame, self._end, self._rows)
        needed = needed_measures(frame.arrays, tier)
        measures = {name: self._completions.measure(name) for name in needed}
        self._rows.add_to(self.model, "row")
        add_objective(self.model, frame.arrays, measures, tier, caps)

    def _add_modes(self) -> None:
        """Add a choice for every task, even of a single mode, and windows by mode."""
        frame, modes = self.frame, self.frame.modes
        self._mode[modes] = self.model.add_columns("mode", len(modes), upper=1, integer=True)
        task = frame.owner[modes]
        self.model.add_rows(
            "one mode", frame.arrays.n_tasks, task, self._mode[modes], 1, lower=1, upper=1
        )
        several = np.flatnonzero(np.bincount(task, minlength=frame.arrays.n_tasks) > 1)
        for index in several.tolist():
            limits = [(int(self._mode[m]), float(frame.last[m])) for m in self._usable[index]]
            self._rows.at_least([(int(self._start[index]), -1.0), *limits], 0)

    def _chosen(self, modes: Ints) -> Expression:
        return Expression(self._mode[modes], np.ones(len(modes)))

    def _length(self, task: int, sign: float) -> list[Term]:
        duration = self.frame.arrays.duration
        return [(int(self._mode[m]), sign * int(duration[m])) for m in self._usable[task]]

    def _end(self, task: int) -> list[Term]:
        """Terms of the end of a task."""
        return [(int(self._start[task]), 1.0), *self._length(task, 1.0)]

    def _add_links(self) -> None:
        arrays = self.frame.arrays
        for index, kind in enumerate(arrays.link_kind.tolist()):
            before, after = int(arrays.link_before[index]), int(arrays.link_after[index])
            terms = [(int(self._start[after]), 1.0), (int(self._start[before]), -1.0)]
            if kind in (END_START, END_END):
                terms += self._length(before, -1.0)
            if kind in (END_END, START_END):
                terms += self._length(after, 1.0)
            low, high = int(arrays.link_min[index]), int(arrays.link_max[index])
            if low > -NEVER:
                self._rows.at_least(terms, low)
            if high < NEVER:
                self._rows.at_least([(column, -value) for column, value in terms], -high)

    def _users(self, machine: int) -> list[_User]:
        arrays = self.frame.arrays
        users = []
        for task, modes in enumerate(self._usable):
            here = [
                (mode, int(arrays.duration[mode]))
                for mode in modes
                if arrays.machine[mode] == machine and arrays.duration[mode] > 0
            ]
            if here:
                users.append(_User(task, here, len(here) == len(modes)))
        return users

    def _add_machine(self, machine: int) -> None:
        users = self._users(machine)
        for first, second in combinations(users, 2):
            order = self._order(first.task, second.task)
            self._add_after(first, second, order, 1)
            self._add_after(second, first, order, 0)
        steps = self.frame.arrays.steps(machine)
        for position, (begin, level) in enumerate(steps):
            if level == 0:
                end = steps[position + 1][0] if position + 1 < len(steps) else None
                for user in users:
                    self._add_break(user, machine, begin, end)

    def _order(self, i: int, j: int) -> int:
        """Column that is 1 when i comes before j, fixed where the windows leave one way.

        Where they leave none, the rows keep the two off one machine whatever the column says.
        """
        if (i, j) not in self._choices.orders:
            low = self.frame.completion[0]
            before, after = low[j] > self._latest[i], low[i] > self._latest[j]
            column = self.model.add_columns(
                "order", 1, lower=float(before), upper=float(before or not after), integer=True
            )
            self._choices.orders[i, j] = int(column[0])
        return self._choices.orders[i, j]

    def _add_after(self, first: _User, second: _User, order: int, value: int) -> None:
        """Let ``second`` start after ``first`` ends when ``order == value`` and both are here."""
        reach = self._latest[first.task] + first.longest - self._first[second.task]
        if reach <= 0:
            return
        terms = [(int(self._start[second.task]), 1.0), (int(self._start[first.task]), -1.0)]
        terms += [(int(self._mode[mode]), -float(length)) for mode, length in first.modes]
        terms.append((order, -float(reach) if value else float(reach)))
        away, slack = self._away([first, second], reach)
        self._rows.at_least(terms + away, -float(reach if value else 0) - slack)

    def _away(self, users: list[_User], reach: float) -> tuple[list[Term], float]:
        """Terms that relax a row by ``reach`` for each of the users that is elsewhere."""
        terms: list[Term] = []
        slack = 0.0
        for user in users:
            if not user.always:
                terms += [(int(self._mode[mode]), -float(reach)) for mode, _ in user.modes]
                slack += reach
        return terms, slack

    def _add_break(self, user: _User, machine: int, begin: int, end: int | None) -> None:
        """Let a task of the machine end by ``begin`` or start from ``end`` on."""
        start = int(self._start[user.task])
        first, latest = self._first[user.task], self._latest[user.task]
        reach = latest + user.longest - begin
        if reach <= 0 or (end is not None and first >= end):
            return
        terms = [(start, -1.0), *((int(self._mode[m]), -float(length)) for m, length in user.modes)]
        away, slack = self._away([user], reach)
        if end is None:
            self._rows.at_least(terms + away, -begin - slack)
            return
        side = int(self.model.add_columns("side", 1, upper=1, integer=True)[0])
        self._choices.sides[user.task, machine, end] = side
        self._rows.at_least([*terms, (side, float(reach)), *away], -begin - slack)
        away, slack = self._away([user], end - first)
        self._rows.at_least([(start, 1.0), (side, float(first - end)), *away], first - slack)

    def decode(self, values: Floats) -> Candidate | None:
        """Take modes, orders and sides, and start everything as early as they allow.

        Returns
        -------
        Candidate or None
            ``None`` when the choices, rounded, contradict each other.
        """
        frame = self.frame
        keep = np.zeros(len(frame.owner), np.bool_)
        keep[frame.modes] = values[self._mode[frame.modes]] > 0.5
        if np.any(np.bincount(frame.owner[keep], minlength=frame.arrays.n_tasks) != 1):
            return None
        mode = np.flatnonzero(keep)
        chosen = with_modes(frame.arrays, keep)
        source = frame.first.copy()
        for (task, machine, end), column in self._choices.sides.items():
            if values[column] > 0.5 and chosen.machine[task] == machine and chosen.duration[task]:
                source[task] = max(source[task], end)
        edges = self._ordered(chosen, values)
        start = longest_paths(chosen.n_tasks, edges, source)
        if start is None or np.any(start > frame.last[mode]):
            return None
        return Candidate(start, mode)

    def _ordered(self, chosen: ScheduleArrays, values: Floats) -> Edges:
        edges = difference_edges(chosen)
        machine, duration = chosen.machine.tolist(), chosen.duration.tolist()
        before, after = [], []
        for (i, j), column in self._choices.orders.items():
            if machine[i] == machine[j] >= 0 and duration[i] > 0 and duration[j] > 0:
                first, second = (i, j) if values[column] > 0.5 else (j, i)
                before.append(first)
                after.append(second)
        weight = chosen.duration[np.array(before, np.int64)]
        return Edges(
            np.concatenate([edges.before, np.array(before, np.int64)]),
            np.concatenate([edges.after, np.array(after, np.int64)]),
            np.concatenate([edges.weight, weight]),
        )

    def encode(self, candidate: Candidate) -> Floats:
        """Return the values of all variables in a candidate."""
        placed = self.frame.clipped(candidate)
        values = np.zeros(self.model.n_columns)
        values[self._start] = placed.start
        values[self._mode[placed.mode]] = 1
        end = placed.start + self.frame.arrays.duration[placed.mode]
        for (i, j), column in self._choices.orders.items():
            values[column] = float(end[i] <= placed.start[j])
        for (task, _, opening), column in self._choices.sides.items():
            values[column] = float(placed.start[task] >= opening)
        # An order fixed by the windows may not be that of two tasks on different machines.
        orders = list(self._choices.orders.values())
        lower, upper = self.model.bounds()
        values[orders] = np.clip(values[orders], lower[orders], upper[orders])
        self._completions.fill(values, end)
        return values
