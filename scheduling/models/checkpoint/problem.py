"""Checkpoints of a training run: what a copy costs, how often the run fails, what recovers it."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.exact import exact

if TYPE_CHECKING:
    from scheduling.models.checkpoint.solution import CheckpointSolution

Seconds = Annotated[float, Field(ge=0, le=10**7)]


BILLION = 10**9
"""The waste counts in billionths."""


class CheckpointLevel(Frozen):
    """A kind of copy, such as one in the memory of other nodes or one in shared storage.

    A copy stalls training for ``copy_seconds - hidden_seconds``, at least 0: while the state does
    not change, copying goes on beside computing. It counts from the end of the stall on.
    """

    id: Name
    copy_seconds: Annotated[float, Field(gt=0, le=10**7)] = Field(
        description="Time from the begin to the end of a copy; the next one begins after it."
    )
    hidden_seconds: Seconds = Field(
        default=0.0, description="Time in which the copy does not stall training."
    )
    restart_seconds: Seconds = Field(description="From a failure until training goes on.")
    covers: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="Share of the failures after which the copy is still there."
    )

    @property
    def stall_seconds(self) -> float:
        """Time that training stands still for a copy."""
        return max(0.0, self.copy_seconds - self.hidden_seconds)


class CheckpointProblem(Problem):
    """Choose how many steps lie between copies so that the least time is wasted.

    Failures come independently at a constant rate. One level, or two: frequent copies that cover
    some failures, and every so many of them one of the second level, which covers all. What counts
    is the expected share of time in which no step is made that stays, to the nearest billionth.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["checkpoint"] = "checkpoint"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> CheckpointSolution: ...

    step_seconds: Annotated[float, Field(gt=0, le=10**6)] = Field(
        description="Time of a training step; copies are taken between steps."
    )
    mean_seconds_between_failures: Annotated[float, Field(gt=0, le=10**10)]
    levels: Annotated[Many[CheckpointLevel], Field(min_length=1, max_length=2)]

    def _faults(self) -> list[Fault]:
        last = self.levels[-1]
        faults = []
        if last.covers != 1:
            place = f"levels[{len(self.levels) - 1}].covers"
            faults.append(Fault(place, str(last.covers), "1: the last level covers all failures"))
        most = _LONGEST * self.mean_seconds_between_failures
        for number, level in enumerate(self.levels):
            ahead = self.least_steps * self.step_seconds if number == 0 else 0.0
            expected = f"at most {_LONGEST:g} mean times between failures"
            if ahead + level.stall_seconds > most:
                place = f"levels[{number}].copy_seconds"
                faults.append(Fault(place, f"copies of {level.copy_seconds:g} s", expected))
            if level.restart_seconds > most:
                place = f"levels[{number}].restart_seconds"
                faults.append(Fault(place, f"{level.restart_seconds:g} s", expected))
        return faults

    @property
    def failure_rate(self) -> float:
        """Failures in a second."""
        return 1.0 / self.mean_seconds_between_failures

    @property
    def least_steps(self) -> int:
        """Fewest steps between two copies: what of the one before goes on beside them has ended."""
        first = self.levels[0]
        beside = exact(min(first.copy_seconds, first.hidden_seconds))
        return max(1, ceil(beside / exact(self.step_seconds)))


class CheckpointPlan(NamedTuple):
    """When copies are taken.

    Parameters
    ----------
    steps
        Steps between two copies of the first level.
    every
        Of how many copies one is of the second level; 1 with one level.
    """

    steps: int
    every: int = 1


_LONGEST = 20.0
"""Most mean times between failures that a stall or a restart may take: none would ever end."""
