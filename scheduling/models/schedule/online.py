"""Schedules that are found while time passes: what is true, and what is known beforehand."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scheduling.errors import Fault, InputError
from scheduling.models.base import Many, Name, Problem
from scheduling.models.schedule.problem import ScheduleProblem, Time


class OnlineSchedule(Problem):
    """A scheduling problem whose jobs, durations and machine stops are revealed in time.

    ``truth`` is what happens: actual durations, releases as arrivals, and the breaks of the
    machines' calendars as stops. A policy decides at every moment with what is known by then; its
    schedule is a solution of ``truth``, the offline problem, whose optimum is that of a scheduler
    who knows everything from the start.

    A task's actual duration shows when it ends. A stop shows when it begins: the task on the
    machine pauses and goes on when the stop ends.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["online-schedule"] = "online-schedule"
    truth: ScheduleProblem = Field(description="The offline problem: what happens.")
    expected: dict[Name, Many[Time]] = Field(
        default_factory=dict,
        description="Durations known beforehand, by task: one a mode. Others are as they turn out.",
    )
    arrivals: Literal["release", "start"] = Field(
        default="release",
        description="When jobs become known: each at its release, or all at the start.",
    )
    repairs: Literal["begin", "end"] = Field(
        default="begin",
        description="When the end of a stop becomes known: at its begin, or not before its end.",
    )

    def _faults(self) -> list[Fault]:
        modes = {task.id: len(task.modes) for task in self.truth.tasks}
        faults = []
        for name, durations in self.expected.items():
            place = f"expected.{name}"
            if name not in modes:
                faults.append(Fault(place, repr(name), "the id of a task"))
            elif len(durations) != modes[name]:
                found = f"{len(durations)} durations"
                faults.append(Fault(place, found, f"one for each of {modes[name]} modes"))
        return faults


def as_online(problem: Problem) -> OnlineSchedule:
    """Return a problem as one that is revealed in time.

    A scheduling problem has its durations known beforehand; its jobs come at their releases, and
    the end of a stop is known when it begins.

    Raises
    ------
    InputError
        When it is no problem about schedules.
    """
    if isinstance(problem, OnlineSchedule):
        return problem
    if not isinstance(problem, ScheduleProblem):
        expected = "a problem of kind 'online-schedule' or 'schedule'"
        raise InputError.single("kind", repr(problem.kind), expected)
    return OnlineSchedule(name=problem.name, truth=problem)
