"""What a policy of online schedules is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from scheduling.simulator.schedule.view import View


class Option(NamedTuple):
    """One way to start a task whose predecessors have ended.

    Parameters
    ----------
    task
        Index in the order of the document.
    mode
        Index among the task's modes.
    machine
        Index among the problem's resources; -1 for none.
    duration
        As expected.
    ready
        Earliest start by releases, predecessors and the moves between machines.
    """

    task: int
    mode: int
    machine: int
    duration: int
    ready: int


class Policy(Protocol):
    """Decides what starts when, from what is known by then.

    Any object with these attributes and methods can be simulated.

    Attributes
    ----------
    name
        Name in tables.
    summary
        One line for people.
    relaxation
        Why the bound of the offline problem holds for this policy, in one line.
    """

    name: str
    summary: str
    relaxation: str

    def begin(self, view: View) -> None:
        """Forget earlier runs; called at the start of each."""
        ...

    def decide(self, view: View) -> Sequence[Option]:
        """Choose what starts now, one after the other; empty: wait until something changes.

        It is asked again after each answer that is not empty, and at every event: a job comes, a
        task ends or becomes ready, a machine stops or goes on.
        """
        ...
