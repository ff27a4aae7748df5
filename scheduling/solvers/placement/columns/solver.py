"""Solver ``columns``: what stands on each node is one pattern, priced by dynamic programming."""

from __future__ import annotations

from collections import Counter

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.models.placement.problem import Item
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.columns.aims import GOALS
from scheduling.solvers.placement.columns.hosts import Hosts, TooLargeError
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.warmup import Kernels, ready

MAX_CELLS = 100_000
"""Most values of what is taken of a node."""

_KNOWN = frozenset(
    {
        *("id", "demands", "priority", "node", "pinned", "namespace", "labels", "owner"),
        *("tolerations", "node_selector", "node_affinity", "volumes", "ports"),
        *("preferences", "item_preferences", "move_cost", "eviction_cost"),
        *("shares", "together", "parts"),
    }
)
"""Fields of items that patterns keep to, or that do not matter to their goals."""


class Columns(NeedsCpSat):
    """Column generation over patterns of nodes: few moves for fewer fragments, nodes or cost.

    Takes problems in which all items run and stay placed. A pattern says how many items of each
    class stand on a node (and on which parts); equal nodes in equal state share theirs. A linear
    program chooses a pattern for each node, so that all items are somewhere and at most the moves
    allowed are made; patterns that improve it come from a dynamic program over what is taken of a
    node. Its value is the bound, rounded up to the values that are possible: where all that is free
    stays the same in sum, fragments differ by whole units. A descent by moves of up to three items
    answers first. Whole numbers are then found among the patterns by HiGHS and CP-SAT, while more
    patterns are drawn around the duals, and by CP-SAT on the whole problem beside.

    One work unit is one unit of CP-SAT's deterministic time.
    """

    name = "columns"
    summary = "pattern columns per node: few moves for fewer fragments, nodes or cost, with proof"

    def __init__(self) -> None:
        self._data: CompiledPlacement | None = None
        self._hosts: Hosts | None = None

    def kernels(self, data: CompiledPlacement, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name those of its prices."""
        return (PATTERNS,)

    def refusal(self, data: CompiledPlacement) -> str | None:
        """Name what patterns do not know, or why they are too many."""
        arrays = data.arrays
        if np.any(arrays.now < 0):
            return "items that wait for a place; use auto, cp-sat or lns"
        unknown = [goal for goal in arrays.goals if goal not in GOALS]
        if unknown:
            return f"the goal {unknown[0]!r}; it knows {', '.join(GOALS)}"
        if arrays.drained.any():
            return "nodes on which more runs than fits; use auto, cp-sat or lns"
        fields = sorted(_foreign(data.problem.items))
        if fields:
            return f"items with {fields[0]!r}; use auto, cp-sat or lns"
        try:
            self._compiled(data)
        except TooLargeError as error:
            return f"{error}; use auto, cp-sat or lns"
        return None

    def _compiled(self, data: CompiledPlacement) -> Hosts:
        if self._data is not data or self._hosts is None:
            items = data.problem.items
            names = {name for item in items for name, need in item.demands.items() if need}
            ports = {port for item in items for port in item.ports}
            self._hosts = Hosts(data.arrays, len(names) + len(ports), MAX_CELLS)
            self._data = data
        return self._hosts

    def search(
        self,
        data: CompiledPlacement,
        board: Board[Ints],
        budget: Budget,
        hint: Ints | None,  # noqa: ARG002
    ) -> None:
        """Settle the tier of ``board``."""
        arrays = data.arrays
        # Before the engines are loaded, which may take longer than a short limit.
        board.offer(arrays.now, data.values(arrays.now), self.name)
        goal = None
        if board.tier >= arrays.n_priorities and arrays.goals:
            goal = arrays.goals[board.tier - arrays.n_priorities]
        if goal in (None, "evictions"):
            # What runs stays placed, and that is best.
            board.raise_bound(0, self.name)
            return
        if board.stopped or not ready((PATTERNS,), board, budget):
            return
        from scheduling.solvers.placement.columns.search import Search

        Search(data, self._compiled(data), goal, board, budget, self.name).run()


def _foreign(items: tuple[Item, ...]) -> Counter[str]:
    """Count items with something in a field that patterns do not know."""
    fields = [name for name in Item.model_fields if name not in _KNOWN]
    blank = Item(id="blank")
    return Counter(
        name for item in items for name in fields if getattr(item, name) != getattr(blank, name)
    )


def _price_one() -> None:
    from scheduling.solvers.placement.columns.pricing import call_kernels

    call_kernels()


PATTERNS = Kernels("patterns", _price_one)
