"""Solver ``filling``: pattern columns over groups of equal nodes, rounded by diving."""

from __future__ import annotations

from scheduling.models.placement.arrays import Ints, PlacementArrays
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.construction import offer
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.filling.groups import Groups
from scheduling.solvers.warmup import Kernels, ready

MAX_CLASSES, MAX_GROUPS = 1000, 500
"""Most classes of equal items and groups of equal nodes that the linear program takes."""


class Filling(NeedsNothing):
    """Column generation over fillings of nodes, for as many placed items as possible.

    A filling says how many items of each class stand on a node; nodes with equal room, beside what
    cannot move, share theirs. A linear program chooses fillings so that, in the order of the tiers,
    few items wait and, as a tie-break, few are evicted or leave their nodes. New fillings come from
    knapsacks at its prices, by branch and bound: of empty nodes, and of each node with a premium on
    what runs there. Whole numbers come from diving: what the program is sure of is fixed, and it is
    solved again for the rest (Sadykov et al., Primal heuristics for branch and price, 2019). An
    assignment tells which node gets which filling so that most items stay; best fit adds what still
    finds room.

    Its fractional value is not posted as a bound.
    """

    name = "filling"
    summary = "pattern columns over groups of equal nodes, rounded by diving: most items placed"

    def __init__(self) -> None:
        self._data: CompiledPlacement | None = None
        self._groups: Groups | None = None
        self._search: object = None

    def kernels(self, data: CompiledPlacement, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name those of its prices."""
        return (FILLINGS,)

    def refusal(self, data: CompiledPlacement) -> str | None:
        """Name what fillings do not know, or why they are too many."""
        arrays = data.arrays
        if not arrays.plain:
            return "rules between items, parts of nodes or limits on moves; use auto or lns"
        if arrays.drained.any():
            return "nodes on which more runs than fits; use auto or lns"
        groups = self._grouped(data)
        for number, most, what in (
            (arrays.n_classes, MAX_CLASSES, "classes of equal items"),
            (len(groups.count), MAX_GROUPS, "groups of equal nodes"),
        ):
            if number > most:
                return f"{number} {what}, more than {most}; use auto or lns"
        return None

    @staticmethod
    def knows(arrays: PlacementArrays, tier: int) -> bool:
        """Tell whether a tier is one that fillings improve."""
        goals = arrays.goals[: max(0, tier - arrays.n_priorities + 1)]
        return arrays.n_priorities > 0 and set(goals) <= {"evictions", "moves"}

    def _grouped(self, data: CompiledPlacement) -> Groups:
        if self._data is not data or self._groups is None:
            self._data, self._groups = data, Groups.of_nodes(data.arrays)
            self._search = None
        return self._groups

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002 - it starts from what runs and from the board
    ) -> None:
        """Improve the tier of ``board``: unplaced items, evictions or moves."""
        arrays = data.arrays
        offer(data, board, arrays.now, self.name)
        if board.stopped or not self.knows(arrays, board.tier):
            return
        if not ready((FILLINGS,), board, budget):
            return
        from scheduling.solvers.placement.filling.search import Search

        groups = self._grouped(data)
        if not isinstance(self._search, Search):
            self._search = Search(data, groups, budget, board.tier, self.name)
        self._search.run(board, budget)


def _fill_one() -> None:
    from scheduling.solvers.placement.filling.pricing import call_kernels

    call_kernels()


FILLINGS = Kernels("fillings", _fill_one)
