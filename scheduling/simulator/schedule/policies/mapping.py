"""Mapping: each task gets its machine as soon as its predecessors have ended, and queues there.

This is how run-time schedulers of heterogeneous systems work (Topcuoglu, Hariri, Wu, 2002, for
HEFT; Arda and others, "DS3: a system-level domain-specific system-on-chip simulation framework",
IEEE Transactions on Computers 69(8), 2020, for MET, ETF, EFT, STF and HEFT at run time).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scheduling.simulator.schedule.policy import Option
from scheduling.simulator.schedule.view import View

Order = Callable[[View, Sequence[Option], Sequence[int]], float]
"""Which task is mapped first: from its options and their expected ends to a number, least first."""

Choice = Callable[[View, Sequence[Option], Sequence[int]], int]
"""Which machine a task gets: from its options and their expected ends to an option's position."""


class Mapping:
    """Maps ready tasks to machines at once; machines serve their queues in that order.

    An option's expected end counts the work on its machine and in its queue.

    Parameters
    ----------
    name, summary
        Shown to people.
    order
        Order in which tasks that became ready together are mapped.
    choice
        How the machine of a task is chosen.
    """

    relaxation = "queues only delay starts: each is still one of a ready task on a free machine"

    def __init__(self, name: str, summary: str, order: Order, choice: Choice) -> None:
        self.name, self.summary = name, summary
        self._order, self._choice = order, choice
        self._queues: dict[int, list[Option]] = {}
        self._mapped: set[int] = set()

    def begin(self, view: View) -> None:  # noqa: ARG002 - nothing is known yet
        """Empty the queues."""
        self._queues, self._mapped = {}, set()

    def decide(self, view: View) -> list[Option]:
        """Map what became ready, then start what is first in a queue and can start."""
        waiting = view.open()
        fresh = [task for task in waiting if task not in self._mapped]
        while fresh:
            task = min(fresh, key=lambda task: (self._priority(view, waiting[task]), task))
            fresh.remove(task)
            options = waiting[task]
            option = options[self._choice(view, options, self._ends(view, options))]
            self._queues.setdefault(option.machine, []).append(option)
            self._mapped.add(task)
        for machine, queue in self._queues.items():
            queue[:] = [option for option in queue if view.placement(option.task) is None]
            heads = queue if machine < 0 else queue[:1]
            for option in heads:
                if view.can_start(option):
                    return [option]
        return []

    def _priority(self, view: View, options: list[Option]) -> float:
        return self._order(view, options, self._ends(view, options))

    def _ends(self, view: View, options: list[Option]) -> list[int]:
        return [self.expected_end(view, option) for option in options]

    def expected_end(self, view: View, option: Option) -> int:
        """When a task would end if it queued for this option now, set up for as things are."""
        moment = max(view.now, option.ready)
        if option.machine >= 0:
            queue = self._queues.get(option.machine, ())
            queued = sum(o.duration for o in queue if view.placement(o.task) is None)
            moment = max(moment, view.free_from(option.machine) + queued)
        return moment + view.setup(option) + option.duration


class Rotation:
    """Round robin: tasks get the machines in turn, whatever their queues."""

    def __init__(self) -> None:
        self._last = -1

    def __call__(self, view: View, options: Sequence[Option], ends: Sequence[int]) -> int:  # noqa: ARG002
        """Choose the option whose machine comes next after the one that was chosen last."""
        later = [o for o in options if o.machine > self._last]
        option = min(later or options, key=lambda o: o.machine)
        self._last = option.machine
        return options.index(option)


def earliest_end(view: View, options: Sequence[Option], ends: Sequence[int]) -> int:  # noqa: ARG001
    """Choose the option that ends first as expected."""
    return min(range(len(ends)), key=lambda k: (ends[k], options[k].duration, k))


def fastest(view: View, options: Sequence[Option], ends: Sequence[int]) -> int:  # noqa: ARG001
    """Choose the option of least expected duration."""
    return min(range(len(ends)), key=lambda k: (options[k].duration, ends[k], k))


def by_ready(view: View, options: Sequence[Option], ends: Sequence[int]) -> float:  # noqa: ARG001
    """First come, first served."""
    return min(option.ready for option in options)


def by_rank(view: View, options: Sequence[Option], ends: Sequence[int]) -> float:  # noqa: ARG001
    """Highest upward rank first."""
    return -view.rank(options[0].task)


def by_end(view: View, options: Sequence[Option], ends: Sequence[int]) -> float:  # noqa: ARG001
    """Earliest expected end first."""
    return min(ends)


def by_duration(view: View, options: Sequence[Option], ends: Sequence[int]) -> float:  # noqa: ARG001
    """Shortest expected duration first."""
    return min(option.duration for option in options)


def heft() -> Mapping:
    """HEFT at run time: ready tasks by upward rank, each to where it ends first."""
    summary = "ready tasks by upward rank, each to the machine where it ends first"
    return Mapping("heft", summary, by_rank, earliest_end)


def eft() -> Mapping:
    """Ready tasks first come first served, each to where it ends first."""
    summary = "ready tasks as they come, each to the machine where it ends first"
    return Mapping("eft", summary, by_ready, earliest_end)


def etf() -> Mapping:
    """Earliest task first: again and again the pair of task and machine that ends first."""
    summary = "the ready task and machine that end first, again and again"
    return Mapping("etf", summary, by_end, earliest_end)


def stf() -> Mapping:
    """Shortest task first, each to where it ends first."""
    summary = "ready tasks by least duration, each to the machine where it ends first"
    return Mapping("stf", summary, by_duration, earliest_end)


def met() -> Mapping:
    """Minimum execution time: ready tasks as they come, each to its fastest machine."""
    summary = "ready tasks as they come, each to its fastest machine"
    return Mapping("met", summary, by_ready, fastest)


class RoundRobin(Mapping):
    """Ready tasks as they come, to the machines in turn."""

    def __init__(self) -> None:
        super().__init__(
            "round-robin", "ready tasks as they come, to the machines in turn", by_ready, Rotation()
        )

    def begin(self, view: View) -> None:
        """Start the turn anew."""
        super().begin(view)
        self._choice = Rotation()
