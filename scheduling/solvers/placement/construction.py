"""What solvers share that build placements one after another, each in a moment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from scheduling.models.base import Status
from scheduling.models.placement.arrays import Ints
from scheduling.models.placement.check import check_placement
from scheduling.solvers.bases import NeedsNothing, TakesAll
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.family import CompiledPlacement


class Construction(NeedsNothing, TakesAll, ABC):
    """A solver that takes every placement problem, starts from what runs and is always ready."""

    name: str
    summary: str

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - it starts from what runs
    ) -> None:
        """Post the placements that are valid and better than what is known."""
        for name, place in self.placements(data, board, budget):
            offer(data, board, place, name)

    @abstractmethod
    def placements(
        self, data: CompiledPlacement, board: Board[Ints], budget: Budget
    ) -> Iterator[tuple[str, Ints]]:
        """Yield placements with the name to post them under, until the budget is spent."""


def offer(
    data: CompiledPlacement, board: Board[Ints], place: Ints, name: str, *, exact: bool = True
) -> None:
    """Post a placement if it is better than the board's and valid.

    Where only capacities tie items to each other, whoever counts them right (``exact``) is right;
    with more rules greedies may break one, which the check tells before anybody builds on it.
    """
    values = data.values(place)
    best = board.values
    if best is not None and values[board.tier :] >= best[board.tier :]:
        return
    if not (exact and data.arrays.plain):
        found = check_placement(data.problem, data.answer(place, {"status": Status.FEASIBLE}))
        if any(entry.constraint not in ("objective", "status") for entry in found):
            return
    board.offer(place, values, name)
