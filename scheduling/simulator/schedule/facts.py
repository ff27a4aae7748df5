"""What is known of each job as soon as it is known at all, in dense form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from scheduling.models.schedule.arrays import NEVER, ScheduleArrays
from scheduling.models.schedule.online import OnlineSchedule


class Link(NamedTuple):
    """A task that must end before another starts.

    ``lag`` is the least time between them, ``transfer`` what is added on different machines.
    ``chained`` links also pay the transport between their machines.
    """

    before: int
    lag: int
    transfer: int
    chained: bool


class Facts:
    """Structure and expectations, by task.

    Attributes
    ----------
    arrays : the offline problem.
    expected : expected duration of each mode.
    before, after : links to each task, and the tasks that each task leads to.
    remaining : expected work on the longest way from a task's start to the end of its job, in the
        fastest modes.
    following : number of tasks on the longest way after it in its job.
    rank : upward rank within the job: mean expected duration plus the longest way after it with
        full communication (Topcuoglu, Hariri, Wu, 2002).
    mean_setup : mean time of a machine's setups between two different states.
    position : a number that is smaller for each task than for those that it leads to.
    """

    def __init__(self, problem: OnlineSchedule, arrays: ScheduleArrays) -> None:
        self.arrays = arrays
        self.pointer: list[int] = arrays.mode_ptr.tolist()
        self.machine: list[int] = arrays.machine.tolist()
        self.actual: list[int] = arrays.duration.tolist()
        self.demands = [arrays.demands(mode) for mode in range(len(self.actual))]
        self.job: list[int] = arrays.job.tolist()
        self.release: list[int] = arrays.release.tolist()
        self.job_release: list[int] = arrays.job_release.tolist()
        self.weight: list[int] = arrays.job_weight.tolist()
        self.due = [None if due == NEVER else due for due in arrays.job_due.tolist()]
        self.expected = self._expected(problem)
        self.mean_setup = {number: _mean(table) for number, table in arrays.setups.items()}
        self.before: list[list[Link]] = [[] for _ in self.job]
        self.after: list[list[int]] = [[] for _ in self.job]
        columns = (
            arrays.link_before,
            arrays.link_after,
            arrays.link_min,
            arrays.link_transfer,
            arrays.chained,
        )
        for u, v, lag, transfer, chained in zip(*(c.tolist() for c in columns), strict=True):
            self.before[v].append(Link(u, lag, transfer, chained))
            self.after[u].append(v)
        self.remaining, self.following, self.rank = self._ways()

    def modes(self, task: int) -> range:
        """Global indices of a task's modes."""
        return range(self.pointer[task], self.pointer[task + 1])

    def _expected(self, problem: OnlineSchedule) -> list[int]:
        expected = list(self.actual)
        index = {name: task for task, name in enumerate(self.arrays.task_ids)}
        for name, durations in problem.expected.items():
            for mode, duration in zip(self.modes(index[name]), durations, strict=True):
                expected[mode] = duration
        return expected

    def _ways(self) -> tuple[list[int], list[int], list[float]]:
        """Longest ways to the end of the job, against the order of the precedences."""
        least = [min(self.expected[mode] for mode in self.modes(i)) for i in range(len(self.job))]
        remaining, following = list(least), [0] * len(least)
        rank = [0.0] * len(least)
        waiting = [len(row) for row in self.after]
        order = [task for task, count in enumerate(waiting) if count == 0]
        for task in order:
            modes = self.modes(task)
            rank[task] += sum(self.expected[mode] for mode in modes) / len(modes)
            for link in self.before[task]:
                before = link.before
                if self.job[before] == self.job[task]:
                    way = least[before] + link.lag + remaining[task]
                    remaining[before] = max(remaining[before], way)
                    following[before] = max(following[before], following[task] + 1)
                    rank[before] = max(rank[before], link.lag + link.transfer + rank[task])
                waiting[before] -= 1
                if waiting[before] == 0:
                    order.append(before)
        self.position = [0] * len(order)
        for place, task in enumerate(reversed(order)):
            self.position[task] = place
        return remaining, following, rank


def _mean(setups: Mapping[tuple[int, int], int]) -> float:
    states = {after for _, after in setups} | {before for before, _ in setups if before >= 0}
    times = [time for (before, after), time in setups.items() if 0 <= before != after]
    return sum(times) / max(1, len(states) * (len(states) - 1))
