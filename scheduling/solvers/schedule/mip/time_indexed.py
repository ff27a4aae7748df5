"""The time-indexed formulation in step variables, disaggregated.

For each usable mode m and time t of its window, ``begun[m, t]`` is 1 when the task runs in mode m
and has started by t; it never falls with t, and at the end of the windows one mode of each task
has begun. A task in mode m runs at t when ``begun[m, t] - begun[m, t - d_m]`` is 1, which gives
the capacity rows of machines and renewables. ``y(after) >= x(before) + lag`` holds when for every
t, y having come by t implies that x has come by ``t - lag``: one row per t (Christofides,
Alvarez-Valdes and Tamarit, 1987; in step variables Bianco and Caramia, 2013).

For each job, and for all tasks together, ``done[t]`` is at most 1 and at most «the task has ended
by t» for each of its last tasks, so that ``C = first + sum(1 - done[t])`` counts the times from
the earliest possible completion on. Every measure is linear in ``done``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_END,
    END_START,
    NEVER,
    START_END,
    Ints,
)
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.mip.frame import (
    Expression,
    Frame,
    add_consumables,
    add_objective,
    combine,
    needed_measures,
)

_ALL = -1


@dataclass(frozen=True, eq=False)
class Done:
    """Completion of a group of tasks: ``columns[k]`` is 1 when it is complete by ``first + k``."""

    first: int
    columns: Ints

    def after(self, moment: int) -> Expression:
        """Return ``max(0, C - moment)``."""
        columns = self.columns[max(moment - self.first, 0) :]
        constant = max(self.first - moment, 0) + len(columns)
        return Expression(columns, np.full(len(columns), -1.0), float(constant))

    def late(self, due: int) -> Expression:
        """Return 1 when ``C > due``, else 0."""
        if due < self.first:
            return Expression(np.zeros(0, np.int64), np.zeros(0), 1.0)
        columns = self.columns[due - self.first : due - self.first + 1]
        return Expression(columns, np.full(len(columns), -1.0), float(len(columns)))


class TimeIndexed:
    """The formulation of one tier.

    Parameters
    ----------
    frame
        Windows of the modes.
    tier
        Tier that is minimised.
    caps
        Values that the tiers before it must not exceed.
    """

    def __init__(self, frame: Frame, tier: int, caps: tuple[int, ...]) -> None:
        self.frame = frame
        self.model = LinearModel("time-indexed")
        modes = frame.modes
        lengths = frame.last[modes] - frame.first[frame.owner[modes]] + 1
        self._begin = np.full(len(frame.owner), -1)
        self._begin[modes] = np.cumsum(lengths) - lengths
        self.model.add_columns("begun", int(lengths.sum()), upper=1, integer=True)
        self._groups: dict[int, Done] = {}
        self._maxima: dict[str, int] = {}
        self._add_steps()
        self._add_links()
        self._add_capacities()
        add_consumables(self.model, frame, self._chosen)
        measures = {name: self._measure(name) for name in needed_measures(frame.arrays, tier)}
        add_objective(self.model, frame.arrays, measures, tier, caps)

    def decode(self, values: Floats) -> Candidate:
        """Read starts and modes from the values of the variables."""
        frame, modes = self.frame, self.frame.modes
        chosen = np.full(frame.arrays.n_tasks, -1)
        final = values[self._final(modes)] > 0.5
        chosen[frame.owner[modes[final]]] = modes[final]
        begin, final_column = self._begin[chosen].tolist(), self._final(chosen).tolist()
        waits = [
            int(np.argmax(values[a : b + 1] > 0.5))
            for a, b in zip(begin, final_column, strict=True)
        ]
        return Candidate(frame.first + np.array(waits, np.int64), chosen)

    def encode(self, candidate: Candidate) -> Floats:
        """Return the values of all variables in a candidate."""
        placed = self.frame.clipped(candidate)
        values = np.zeros(self.model.n_columns)
        begin = self._begin[placed.mode] + placed.start - self.frame.first
        final_column = self._final(placed.mode)
        for a, b in zip(begin.tolist(), final_column.tolist(), strict=True):
            values[a : b + 1] = 1
        arrays = self.frame.arrays
        end = placed.start + arrays.duration[placed.mode]
        completion = np.maximum.reduceat(end, arrays.job_ptr[:-1])
        for group, done in self._groups.items():
            moment = int(end.max() if group == _ALL else completion[group])
            values[done.columns[max(moment - done.first, 0) :]] = 1
        late = (completion - arrays.job_due)[arrays.job_due < NEVER]
        for name, column in self._maxima.items():
            values[column] = late.max(initial=0) if name == "max_tardiness" else late.max()
        return values

    def _final(self, modes: Ints) -> Ints:
        """Column of each mode at the end of its window: 1 when the mode is chosen."""
        frame = self.frame
        found: Ints = self._begin[modes] + frame.last[modes] - frame.first[frame.owner[modes]]
        return found

    def _chosen(self, modes: Ints) -> Expression:
        return Expression(self._final(modes), np.ones(len(modes)))

    def _modes(self, task: int) -> list[int]:
        pointer = self.frame.arrays.mode_ptr
        span = range(pointer[task], pointer[task + 1])
        return [mode for mode in span if self._begin[mode] >= 0]

    def _by(self, mode: int, times: Ints) -> tuple[Ints, Ints]:
        """Places in ``times`` and columns of «has begun in this mode by then», where not 0."""
        head, last = self.frame.first[self.frame.owner[mode]], self.frame.last[mode]
        places = np.flatnonzero(times >= head)
        return places, self._begin[mode] + np.minimum(times[places], last) - head

    def _task_by(self, task: int, times: Ints, offset: Ints) -> tuple[Ints, Ints]:
        """Places and columns of «start + offset of the mode <= time», summed over modes."""
        parts = [self._by(mode, times - offset[mode]) for mode in self._modes(task)]
        return np.concatenate([p for p, _ in parts]), np.concatenate([c for _, c in parts])

    def _add_steps(self) -> None:
        frame, model, modes = self.frame, self.model, self.frame.modes
        places = np.arange(model.n_columns)
        inner = np.setdiff1d(places, self._final(modes))
        rows = np.arange(len(inner))
        model.add_rows(
            "once begun",
            len(inner),
            np.concatenate([rows, rows]),
            np.concatenate([inner, inner + 1]),
            np.repeat([-1.0, 1.0], len(inner)),
            lower=0,
        )
        count = frame.arrays.n_tasks
        model.add_rows(
            "one mode", count, frame.owner[modes], self._final(modes), 1, lower=1, upper=1
        )

    def _add_links(self) -> None:
        arrays = self.frame.arrays
        none, duration = np.zeros(len(arrays.duration), np.int64), arrays.duration
        rows = zip(
            arrays.link_before.tolist(),
            arrays.link_after.tolist(),
            arrays.link_kind.tolist(),
            arrays.link_min.tolist(),
            arrays.link_max.tolist(),
            strict=True,
        )
        for before, after, kind, low, high in rows:
            x = duration if kind in (END_START, END_END) else none
            y = duration if kind in (END_END, START_END) else none
            if low > -NEVER:
                self._add_distance((before, x), (after, y), low)
            if high < NEVER:
                self._add_distance((after, y), (before, x), -high)

    def _add_distance(self, earlier: tuple[int, Ints], later: tuple[int, Ints], lag: int) -> None:
        """Add ``later >= earlier + lag``; both are starts plus an offset of the mode."""
        modes, offset = self._modes(later[0]), later[1]
        begin = self.frame.first[later[0]] + min(int(offset[mode]) for mode in modes)
        end = max(int(self.frame.last[mode] + offset[mode]) for mode in modes)
        times = np.arange(begin, end + 1)
        row, column = self._task_by(later[0], times, offset)
        other_row, other_column = self._task_by(earlier[0], times - lag, earlier[1])
        self.model.add_rows(
            "precedence",
            len(times),
            np.concatenate([row, other_row]),
            np.concatenate([column, other_column]),
            np.concatenate([np.ones(len(row)), -np.ones(len(other_row))]),
            upper=0,
        )

    def _add_capacities(self) -> None:
        arrays = self.frame.arrays
        users: list[list[tuple[int, int]]] = [[] for _ in range(arrays.n_resources)]
        for mode in self.frame.modes[arrays.duration[self.frame.modes] > 0].tolist():
            if arrays.machine[mode] >= 0:
                users[arrays.machine[mode]].append((mode, 1))
            for resource, amount in arrays.demands(mode):
                users[resource].append((mode, amount))
        for resource, mine in enumerate(users):
            if mine and arrays.resource_type[resource] != CONSUMABLE:
                self._add_capacity(resource, mine)

    def _add_capacity(self, resource: int, users: list[tuple[int, int]]) -> None:
        """Limit the use at every time at which it could rise above the limit.

        Between the moments at which a mode may begin or end and those at which the capacity
        changes, the rows of all times are the same.
        """
        frame, arrays = self.frame, self.frame.arrays
        spans = [
            (int(frame.first[frame.owner[mode]]), int(frame.last[mode]), int(arrays.duration[mode]))
            for mode, _ in users
        ]
        starts, levels = (np.array(part) for part in zip(*arrays.steps(resource), strict=True))
        windows = [np.arange(head, last + 1) for head, last, _ in spans]
        ends = [window + length for window, (_, _, length) in zip(windows, spans, strict=True)]
        times = np.unique(np.concatenate([starts, *windows, *ends]))
        capacity = levels[np.searchsorted(starts, times, side="right") - 1]
        reach = np.zeros(len(times), np.int64)
        rows, columns, values = [], [], []
        for (mode, amount), (head, last, length) in zip(users, spans, strict=True):
            begin, end = np.searchsorted(times, (head, last + length)).tolist()
            reach[begin] += amount
            reach[end] -= amount
            for shift, sign in ((0, amount), (length, -amount)):
                place, column = self._by(mode, times[begin:end] - shift)
                rows.append(place + begin)
                columns.append(column)
                values.append(np.full(len(place), float(sign)))
        tight = np.cumsum(reach) > capacity
        number = np.cumsum(tight) - 1
        row, column, value = (np.concatenate(part) for part in (rows, columns, values))
        keep = tight[row]
        self.model.add_rows(
            f"capacity {resource}",
            int(tight.sum()),
            number[row[keep]],
            column[keep],
            value[keep],
            upper=capacity[tight],
        )

    def _done(self, group: int) -> Done:
        """Completion of a job, or of everything."""
        if group not in self._groups:
            arrays, (low, high) = self.frame.arrays, self.frame.completion
            mine = slice(None) if group == _ALL else slice(*arrays.job_ptr[group : group + 2])
            first, last = int(low[mine].max()), int(high[mine].max())
            columns = self.model.add_columns("done", last - first, upper=1)
            self._groups[group] = Done(first, columns)
            ends = self.frame.ends(jobs=group != _ALL)[mine]
            times = np.arange(first, last)
            for task in np.arange(arrays.n_tasks)[mine][ends].tolist():
                row, column = self._task_by(task, times, arrays.duration)
                self.model.add_rows(
                    "end",
                    len(times),
                    np.concatenate([np.arange(len(times)), row]),
                    np.concatenate([columns, column]),
                    np.concatenate([np.ones(len(times)), -np.ones(len(row))]),
                    upper=0,
                )
        return self._groups[group]

    def _measure(self, name: str) -> Expression:
        arrays = self.frame.arrays
        if name == "makespan":
            return self._done(_ALL).after(0)
        weights, dues = arrays.job_weight.tolist(), arrays.job_due.tolist()
        if name in ("total_completion", "total_flow"):
            begin = [0] * len(dues) if name == "total_completion" else arrays.job_release.tolist()
            origin = zip(weights, begin, strict=True)
            parts = [(w, self._done(job).after(t)) for job, (w, t) in enumerate(origin)]
            return combine(parts)
        jobs = [job for job, due in enumerate(dues) if due < NEVER]
        if name == "total_tardiness":
            return combine([(weights[job], self._done(job).after(dues[job])) for job in jobs])
        if name == "late_jobs":
            return combine([(weights[job], self._done(job).late(dues[job])) for job in jobs])
        return self._largest(name, jobs)

    def _largest(self, name: str, jobs: list[int]) -> Expression:
        """Add the maximum of lateness, or of tardiness, over jobs."""
        lower = 0.0 if name == "max_tardiness" else -np.inf
        column = self.model.add_columns(name, 1, lower=lower)
        self._maxima[name] = int(column[0])
        for job in jobs:
            done = self._done(job)
            value = done.after(done.first)
            self.model.add_rows(
                name,
                1,
                0,
                np.append(value.columns, column),
                np.append(value.values, -1.0),
                upper=int(self.frame.arrays.job_due[job]) - done.first - value.constant,
            )
        return Expression(column, np.ones(1))
