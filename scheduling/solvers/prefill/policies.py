"""Policies of prompts that give way between operators; they see a prompt when it comes."""

from __future__ import annotations

from abc import abstractmethod

from scheduling.models.prefill.arrays import Pieces, PrefillArrays, by_priority
from scheduling.solvers.bases import OnePass
from scheduling.solvers.board import Board
from scheduling.solvers.prefill.family import CompiledPrefill, offer


class Policy(OnePass):
    """A rule that decides at arrivals and ends which prompt runs."""

    name: str
    summary: str

    @abstractmethod
    def key(self, arrays: PrefillArrays, row: int, now: int, left: int) -> tuple[float, ...]:
        """Return the place of a prompt in the queue; the least runs."""

    def post(self, data: CompiledPrefill, board: Board[Pieces]) -> None:
        """Post the one schedule that the rule gives."""
        arrays = data.arrays
        pieces = by_priority(arrays, lambda row, now, left: self.key(arrays, row, now, left))
        offer(data, board, pieces, self.name)


class SlackDeadline(Policy):
    """S-EDF of FlowPrefill: earliest due time of those that can still keep theirs.

    Of those that are too late anyway, which come after all others, the latest due time is first.
    """

    name = "s-edf"
    summary = "FlowPrefill's S-EDF: earliest due time of those that can still keep it"

    def key(self, arrays: PrefillArrays, row: int, now: int, left: int) -> tuple[float, ...]:
        """Order by whether there is slack, then by due time."""
        due = int(arrays.due[row])
        late = due - now - left < 0
        return late, -due if late else due


class EarliestDeadline(Policy):
    """EDF: earliest due time, late or not."""

    name = "edf"
    summary = "earliest due time first"

    def key(self, arrays: PrefillArrays, row: int, now: int, left: int) -> tuple[float, ...]:
        """Order by due time."""
        del now, left
        return (int(arrays.due[row]),)


class ShortestRemaining(Policy):
    """SRPT: least work left."""

    name = "srpt"
    summary = "shortest remaining work first"

    def key(self, arrays: PrefillArrays, row: int, now: int, left: int) -> tuple[float, ...]:
        """Order by work that is left."""
        del arrays, row, now
        return (left,)


class FirstCome(Policy):
    """First come, first served."""

    name = "fcfs"
    summary = "first come, first served"

    def key(self, arrays: PrefillArrays, row: int, now: int, left: int) -> tuple[float, ...]:
        """Order by release."""
        del now, left
        return (int(arrays.release[row]),)


POLICIES: tuple[Policy, ...] = (
    SlackDeadline(),
    EarliestDeadline(),
    ShortestRemaining(),
    FirstCome(),
)
